/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/digest_make.h"

#include <stdlib.h>
#include <string.h>

/* Sets maker->no_memory when that is out. */
static const char *text_of(struct mlb_digest_maker *maker, const char *text)
{
    const char *kept = mlb_digest_text(maker->names, text);
    maker->no_memory |= !kept;
    return kept;
}

static struct mlb_digest_row digest_row(struct mlb_digest_maker *maker, const struct mlb_row *row)
{
    struct mlb_digest_row short_row = {
        .name = mlb_digest_case(maker->names, row),
        .variant = text_of(maker, row->variant),
        .library = text_of(maker, row->library),
        .formula = text_of(maker, row->formula),
        .status = row->status,
        .verified = mlb_row_verified(row),
        .work = row->work,
        .time = row->summary,
        .clock_hz = row->telemetry.clock_median_hz,
    };
    short_row.work.formula = short_row.formula;
    maker->no_memory |= !short_row.name;
    return short_row;
}

static bool grow(struct mlb_digest_maker *maker)
{
    size_t room = maker->row_room ? 2 * maker->row_room : 64;
    struct mlb_digest_row *rows = realloc(maker->rows, room * sizeof *rows);
    maker->no_memory |= !rows;
    if (!rows)
        return false;
    maker->rows = rows;
    maker->row_room = room;
    return true;
}

void mlb_digest_add_row(struct mlb_digest_maker *maker, const struct mlb_row *row)
{
    if (maker->row_count < maker->row_room || grow(maker))
        maker->rows[maker->row_count++] = digest_row(maker, row);
}

static void digest_facts(struct mlb_digest_maker *maker, const struct mlb_result *head,
                         struct mlb_digest *digest)
{
    const struct mlb_fact **facts = calloc(head->fact_count + 1, sizeof *facts);
    maker->no_memory |= !facts;
    for (size_t i = 0; facts && i < head->fact_count; i++) {
        facts[i] = mlb_digest_known_fact(maker->names, &head->facts[i]);
        maker->no_memory |= !facts[i];
    }
    digest->facts = facts;
    digest->fact_count = head->fact_count;
}

static void digest_head(struct mlb_digest_maker *maker, const char *path,
                        const struct mlb_result *head, struct mlb_digest *digest)
{
    *digest = (struct mlb_digest){
        .path = text_of(maker, path),
        .schema = head->schema,
        .run_id = text_of(maker, head->run_id),
        .version = text_of(maker, head->version),
        .git = text_of(maker, head->git),
        .started_utc = text_of(maker, head->started_utc),
        .complete = head->complete,
        .suite = text_of(maker, head->suite),
        .suite_hash = text_of(maker, head->suite_hash),
        .host_kind = text_of(maker, head->host_kind),
        .data = text_of(maker, head->data),
        .ranks = head->ranks,
        .nodes = head->nodes,
        .ranks_per_node = head->ranks_per_node,
        .solo = head->solo,
        .oversubscribed = head->oversubscribed,
        .device_kind = text_of(maker, head->device.kind),
        .device = text_of(maker, head->device.name),
        .device_count = head->device_count,
        .device_memory_bytes = (double)head->device.memory_bytes,
        .provider = head->provider,
        .price_per_hour = head->price_per_hour,
        .price_source = text_of(maker, head->price_source),
    };
    for (size_t i = 0; i < head->health_count; i++)
        digest->sick += head->health[i].level == MLB_HEALTH_SICK;
    digest_facts(maker, head, digest);
}

static int compare_ids(const void *a, const void *b)
{
    const struct mlb_digest_row *const *x = a, *const *y = b;
    return strcmp((*x)->name->id, (*y)->name->id);
}

/* The rows leave the maker, cut to their number, and are put into the order of their ids. */
static enum mlb_status take_rows(struct mlb_digest_maker *maker, const char *path,
                                 struct mlb_digest *digest, struct mlb_error *err)
{
    size_t count = maker->row_count;
    const struct mlb_digest_row **by_id = calloc(count + 1, sizeof *by_id);
    struct mlb_digest_row *rows = realloc(maker->rows, (count + 1) * sizeof *rows);
    digest->by_id = by_id;
    digest->rows = rows ? rows : maker->rows;
    digest->row_count = count;
    maker->rows = NULL;
    maker->row_count = maker->row_room = 0;
    maker->no_memory |= !rows || !by_id;
    if (maker->no_memory)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory for its rows", path);
    for (size_t i = 0; i < count; i++)
        by_id[i] = &rows[i];
    qsort(by_id, count, sizeof *by_id, compare_ids);
    for (size_t i = 1; i < count; i++)
        if (compare_ids(&by_id[i - 1], &by_id[i]) == 0)
            return mlb_fail(err, MLB_E_CONFIG, "%s: the row '%s' is there twice", path,
                            by_id[i]->name->id);
    return MLB_OK;
}

enum mlb_status mlb_digest_make_head(struct mlb_digest_maker *maker, const char *path,
                                     const struct mlb_result *head, struct mlb_digest *digest,
                                     struct mlb_error *err)
{
    digest_head(maker, path, head, digest);
    if (!maker->no_memory)
        return MLB_OK;
    mlb_digest_free(digest);
    return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory for its head", path);
}

enum mlb_status mlb_digest_make(struct mlb_digest_maker *maker, const char *path,
                                const struct mlb_result *head, struct mlb_digest *digest,
                                struct mlb_error *err)
{
    digest_head(maker, path, head, digest);
    enum mlb_status status = take_rows(maker, path, digest, err);
    if (status)
        mlb_digest_free(digest);
    return status;
}

void mlb_digest_free(struct mlb_digest *digest)
{
    free(digest->rows);
    free(digest->by_id);
    free((void *)digest->facts);
    *digest = (struct mlb_digest){0};
}
