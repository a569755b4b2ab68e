/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/digest.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/digest_make.h"
#include "harness/measure/digest_read.h"

enum { THREADS = 8 }; /* more wait for the memory that all share */

enum outcome { NOT_READ, READ, UNWANTED, PASSED_OVER, BAD };

struct attempt {
    enum outcome outcome;
    struct mlb_digest digest;
    struct mlb_error err;
};

/* Threads take the files in turn. After a bad one no more are taken, so that all before it are
 * read, and the first bad one is the same whichever thread is faster. */
struct reading {
    const struct mlb_digest_file *files;
    size_t count;
    const struct mlb_digest_choice *choice;
    struct attempt *attempts; /* of each file */
    atomic_size_t next;
};

struct worker {
    struct reading *reading;
    struct mlb_digest_reader *reader;
    pthread_t thread;
    bool started;
};

static void attempt(struct worker *worker, const struct mlb_digest_file *file,
                    struct attempt *attempt)
{
    bool wanted;
    enum mlb_status status =
        mlb_digest_read(worker->reader, file->path, &attempt->digest, &wanted, &attempt->err);
    bool foreign = status == MLB_E_CONFIG && mlb_digest_is_foreign(worker->reader, file->path);
    if (!status)
        attempt->outcome = wanted ? READ : UNWANTED;
    else if (foreign && file->from_folder)
        attempt->outcome = PASSED_OVER;
    else
        attempt->outcome = BAD;
    if (foreign)
        mlb_fail(&attempt->err, MLB_E_CONFIG, "%s: is JSON, but not a record of mlbench",
                 file->path);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct reading *reading = worker->reading;
    for (;;) {
        size_t at = atomic_fetch_add(&reading->next, 1);
        if (at >= reading->count)
            return NULL;
        attempt(worker, &reading->files[at], &reading->attempts[at]);
        if (reading->attempts[at].outcome == BAD)
            atomic_store(&reading->next, reading->count);
    }
}

static size_t count_threads(size_t files)
{
    cpu_set_t set;
    size_t cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    size_t most = cpus < THREADS ? cpus : THREADS;
    return files < most ? files : most;
}

/* False when there is no memory for a single reader. Where a thread cannot be had, the others do
 * its part. */
static bool read_all(struct reading *reading, struct mlb_digest_store *store)
{
    struct worker workers[THREADS] = {0};
    size_t count = count_threads(reading->count), made = 0;
    for (; made < count; made++) {
        struct worker *worker = &workers[made];
        *worker = (struct worker){reading, mlb_digest_reader_new(store, reading->choice), 0, false};
        if (!worker->reader)
            break;
    }
    for (size_t i = 1; i < made; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    if (made > 0)
        work(&workers[0]);
    for (size_t i = 0; i < made; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
        mlb_digest_reader_free(workers[i].reader);
    }
    return made > 0 || count == 0;
}

static enum mlb_status find_bad(const struct reading *reading, struct mlb_error *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        if (reading->attempts[i].outcome != BAD)
            continue;
        *err = reading->attempts[i].err;
        return err->status;
    }
    return MLB_OK;
}

/* All that was read moves over. */
static bool take_over(struct mlb_digests *digests, struct reading *reading,
                      struct mlb_digest_counts *counts)
{
    size_t most = digests->count + reading->count;
    struct mlb_digest *items = realloc(digests->items, (most + 1) * sizeof *items);
    if (!items)
        return false;
    digests->items = items;
    for (size_t i = 0; i < reading->count; i++) {
        struct attempt *attempt = &reading->attempts[i];
        counts->passed_over += attempt->outcome == PASSED_OVER;
        counts->unwanted += attempt->outcome == UNWANTED;
        if (attempt->outcome != READ)
            continue;
        items[digests->count++] = attempt->digest;
        attempt->outcome = NOT_READ;
    }
    return true;
}

enum mlb_status mlb_digests_add_files(struct mlb_digests *digests,
                                      const struct mlb_digest_file *files, size_t count,
                                      const struct mlb_digest_choice *choice,
                                      struct mlb_digest_counts *counts, struct mlb_error *err)
{
    struct reading reading = {.files = files, .count = count, .choice = choice};
    enum mlb_status status = MLB_OK;
    bool memory = true;
    *counts = (struct mlb_digest_counts){0};
    if (!digests->store)
        digests->store = mlb_digest_store_new();
    reading.attempts = calloc(count + 1, sizeof *reading.attempts);
    memory = digests->store && reading.attempts && read_all(&reading, digests->store);
    if (memory)
        status = find_bad(&reading, err);
    if (memory && !status)
        memory = take_over(digests, &reading, counts);
    for (size_t i = 0; reading.attempts && i < count; i++)
        if (reading.attempts[i].outcome == READ)
            mlb_digest_free(&reading.attempts[i].digest);
    free(reading.attempts);
    return memory ? status : mlb_fail(err, MLB_E_NOMEM, "out of memory for %zu records", count);
}

enum mlb_status mlb_digests_add(struct mlb_digests *digests, const char *path,
                                struct mlb_error *err)
{
    struct mlb_digest_file file = {.path = path};
    struct mlb_digest_counts counts;
    return mlb_digests_add_files(digests, &file, 1, NULL, &counts, err);
}

void mlb_digests_free(struct mlb_digests *digests)
{
    if (!digests)
        return;
    for (size_t i = 0; i < digests->count; i++)
        mlb_digest_free(&digests->items[i]);
    free(digests->items);
    mlb_digest_store_free(digests->store);
    *digests = (struct mlb_digests){0};
}

const char *mlb_digest_fact(const struct mlb_digest *digest, const char *name)
{
    for (size_t i = 0; i < digest->fact_count; i++)
        if (strcmp(digest->facts[i]->name, name) == 0)
            return digest->facts[i]->value;
    return "";
}

const char *mlb_case_param(const struct mlb_case_name *name, const char *param)
{
    for (size_t i = 0; i < name->param_count; i++)
        if (strcmp(name->params[i].name, param) == 0)
            return name->params[i].value;
    return "";
}

static int compare_to_id(const void *id, const void *row)
{
    return strcmp(id, (*(const struct mlb_digest_row *const *)row)->name->id);
}

const struct mlb_digest_row *mlb_digest_find(const struct mlb_digest *digest, const char *id)
{
    const struct mlb_digest_row **found =
        bsearch(id, digest->by_id, digest->row_count, sizeof *digest->by_id, compare_to_id);
    return found ? *found : NULL;
}
