/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/digest_store.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------- memory */

/* Blocks that grow and never move. */
struct block {
    struct block *before;
    size_t used, size;
    max_align_t bytes[];
};

struct arena {
    struct block *last;
};

static void *take(struct arena *arena, size_t size)
{
    enum { BLOCK = 64 << 10, ALIGN = sizeof(max_align_t) };
    struct block *block = arena->last;
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        block = malloc(sizeof *block + room);
        if (!block)
            return NULL;
        *block = (struct block){.before = arena->last, .size = room};
        arena->last = block;
    }
    block->used += size;
    return (char *)block->bytes + block->used - size;
}

static void free_arena(struct arena *arena)
{
    for (struct block *block = arena->last, *before; block; block = before) {
        before = block->before;
        free(block);
    }
}

/* -------------------------------------------------------------------------------------- tables */

/* Open addressing, at most half full, a power of two of slots. */
struct slot {
    uint64_t hash;
    const void *entry; /* NULL: free */
};

struct table {
    struct slot *slots;
    size_t count, room;
};

enum kind { TEXTS, FACTS, CASES, KINDS };

struct mlb_digest_store {
    pthread_mutex_t lock;
    struct arena arena;
    struct table tables[KINDS];
};

struct mlb_digest_names {
    struct mlb_digest_store *store;
    struct table tables[KINDS];
};

/* FNV-1a (Fowler, Noll, Vo), 64 bits; a zero ends each text. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    while (*text++);
    return hash;
}

static bool same_case(const struct mlb_case_name *name, const struct mlb_row *row)
{
    if (strcmp(name->id, row->id) != 0 || strcmp(name->workload, row->workload) != 0 ||
        strcmp(name->label, row->label) != 0 || strcmp(name->device, row->device) != 0 ||
        name->param_count != row->param_count)
        return false;
    for (size_t i = 0; i < row->param_count; i++) {
        if (strcmp(name->params[i].name, row->params[i].name) != 0 ||
            strcmp(name->params[i].value, row->params[i].value) != 0)
            return false;
    }
    return true;
}

static bool same(enum kind kind, const void *entry, const void *key)
{
    const struct mlb_fact *a = entry, *b = key;
    if (kind == TEXTS)
        return strcmp(entry, key) == 0;
    if (kind == FACTS)
        return strcmp(a->name, b->name) == 0 && strcmp(a->value, b->value) == 0;
    return same_case(entry, key);
}

/* The slot of what equals `key`, or the free one where it belongs. */
static struct slot *find(const struct table *table, enum kind kind, uint64_t hash, const void *key)
{
    size_t mask = table->room - 1, at = (size_t)hash & mask;
    while (table->slots[at].entry &&
           (table->slots[at].hash != hash || !same(kind, table->slots[at].entry, key)))
        at = (at + 1) & mask;
    return &table->slots[at];
}

/* Room for one more. */
static bool make_room(struct table *table)
{
    if (2 * (table->count + 1) <= table->room)
        return true;
    struct table larger = {.count = table->count, .room = table->room ? 2 * table->room : 256};
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < table->room; i++) {
        const struct slot *old = &table->slots[i];
        size_t at = (size_t)old->hash & (larger.room - 1);
        while (old->entry && larger.slots[at].entry)
            at = (at + 1) & (larger.room - 1);
        if (old->entry)
            larger.slots[at] = *old;
    }
    free(table->slots);
    *table = larger;
    return true;
}

static void put(struct table *table, struct slot *slot, uint64_t hash, const void *entry)
{
    *slot = (struct slot){hash, entry};
    table->count += entry != NULL;
}

/* --------------------------------------------------------------- making entries, lock in hand */

static const void *intern(struct mlb_digest_store *store, enum kind kind, uint64_t hash,
                          const void *key);

static const char *intern_text(struct mlb_digest_store *store, const char *text)
{
    return intern(store, TEXTS, hash_text(TEXTS, text), text);
}

static const void *copy(struct mlb_digest_store *store, const void *from, size_t size)
{
    void *to = take(&store->arena, size);
    return to ? memcpy(to, from, size) : NULL;
}

static const struct mlb_case_name *make_case(struct mlb_digest_store *store,
                                             const struct mlb_row *row)
{
    struct mlb_case_name name = {
        .id = intern_text(store, row->id),
        .workload = intern_text(store, row->workload),
        .label = intern_text(store, row->label),
        .device = intern_text(store, row->device),
        .params = copy(store, row->params, row->param_count * sizeof *row->params),
        .param_count = row->param_count,
    };
    if (!name.id || !name.workload || !name.label || !name.device || !name.params)
        return NULL;
    return copy(store, &name, sizeof name);
}

static const void *make(struct mlb_digest_store *store, enum kind kind, const void *key)
{
    if (kind == TEXTS)
        return copy(store, key, strlen(key) + 1);
    if (kind == FACTS)
        return copy(store, key, sizeof(struct mlb_fact));
    return make_case(store, key);
}

static const void *intern(struct mlb_digest_store *store, enum kind kind, uint64_t hash,
                          const void *key)
{
    struct table *table = &store->tables[kind];
    if (!make_room(table))
        return NULL;
    struct slot *slot = find(table, kind, hash, key);
    if (!slot->entry)
        put(table, slot, hash, make(store, kind, key));
    return slot->entry;
}

/* ----------------------------------------------------------------------------- of one thread */

static const void *look_up(struct mlb_digest_names *names, enum kind kind, uint64_t hash,
                           const void *key)
{
    struct table *own = &names->tables[kind];
    if (!make_room(own))
        return NULL;
    struct slot *slot = find(own, kind, hash, key);
    if (!slot->entry) {
        pthread_mutex_lock(&names->store->lock);
        put(own, slot, hash, intern(names->store, kind, hash, key));
        pthread_mutex_unlock(&names->store->lock);
    }
    return slot->entry;
}

const char *mlb_digest_text(struct mlb_digest_names *names, const char *text)
{
    return look_up(names, TEXTS, hash_text(TEXTS, text), text);
}

const struct mlb_fact *mlb_digest_known_fact(struct mlb_digest_names *names,
                                             const struct mlb_fact *fact)
{
    return look_up(names, FACTS, hash_text(hash_text(FACTS, fact->name), fact->value), fact);
}

const struct mlb_case_name *mlb_digest_case(struct mlb_digest_names *names,
                                            const struct mlb_row *row)
{
    return look_up(names, CASES, hash_text(CASES, row->id), row);
}

struct mlb_digest_names *mlb_digest_names_new(struct mlb_digest_store *store)
{
    struct mlb_digest_names *names = calloc(1, sizeof *names);
    if (names)
        names->store = store;
    return names;
}

void mlb_digest_names_free(struct mlb_digest_names *names)
{
    for (size_t kind = 0; names && kind < KINDS; kind++)
        free(names->tables[kind].slots);
    free(names);
}

struct mlb_digest_store *mlb_digest_store_new(void)
{
    struct mlb_digest_store *store = calloc(1, sizeof *store);
    if (store && pthread_mutex_init(&store->lock, NULL) != 0) {
        free(store);
        return NULL;
    }
    return store;
}

void mlb_digest_store_free(struct mlb_digest_store *store)
{
    if (!store)
        return;
    for (size_t kind = 0; kind < KINDS; kind++)
        free(store->tables[kind].slots);
    free_arena(&store->arena);
    pthread_mutex_destroy(&store->lock);
    free(store);
}
