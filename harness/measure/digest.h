/* SPDX-License-Identifier: Apache-2.0 */
/* Records for judging: of each the head and one short row a case, without the samples. A thousand
 * records of two hundred rows are read in about a second and take tens of megabytes, since names
 * are kept once for all of them. */
#ifndef MLB_MEASURE_DIGEST_H
#define MLB_MEASURE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"
#include "harness/measure/result.h"
#include "harness/system/provider.h"

/* What the rows of one id share. */
struct mlb_case_name {
    const char *id, *workload, *label, *device;
    const struct mlb_param *params;
    size_t param_count;
};

struct mlb_digest_row {
    const struct mlb_case_name *name;
    const char *variant, *library, *formula;
    enum mlb_row_status status;
    bool verified;             /* checked, and right */
    struct mlb_work work;      /* its formula is `formula` */
    struct mlb_summary time;   /* n, median, min, q1, q3, max, interval: ns of one step */
    struct mlb_maybe clock_hz; /* median over the samples' window */
};

struct mlb_digest {
    const char *path; /* as found */
    int schema;
    const char *run_id, *version, *git, *started_utc;
    bool complete;
    const char *suite, *suite_hash, *host_kind, *data;
    int ranks, nodes, ranks_per_node;
    bool solo, oversubscribed;
    const char *device_kind, *device; /* "cuda", "NVIDIA H200" */
    int device_count;                 /* over the whole job */
    double device_memory_bytes;
    struct mlb_provider provider;
    double price_per_hour; /* USD of the whole job, as the run was told; 0 = unknown */
    const char *price_source;
    const struct mlb_fact *const *facts; /* environment; each once for all records */
    size_t fact_count;
    int sick;                    /* health notes of that level */
    struct mlb_digest_row *rows; /* in the record's order */
    size_t row_count;
    const struct mlb_digest_row **by_id; /* the same, sorted by id */
};

struct mlb_digests {
    struct mlb_digest *items;
    size_t count;
    struct mlb_digest_store *store; /* what owns the texts */
};

struct mlb_digest_file {
    const char *path;
    bool from_folder; /* nobody named it: when it is JSON, but no record, it is passed over */
};

/* Which records are to be read, by their heads: called by several threads at once, `head` without
 * rows. What is not wanted is left as soon as that is known. */
struct mlb_digest_choice {
    bool (*wants)(const struct mlb_digest *head, const void *of);
    const void *of;
};

struct mlb_digest_counts {
    size_t passed_over; /* no records */
    size_t unwanted;
};

/* Adds the record at `path`, or the finished rows of a journal. Errors: MLB_E_CONFIG "FILE:LINE:
 * ..." for what is no record, is cut off, or has a newer schema (with what to do); MLB_E_IO. What
 * was added before stays. A record of an older schema is read. Zero-initialise `digests`. */
enum mlb_status mlb_digests_add(struct mlb_digests *digests, const char *path,
                                struct mlb_error *err);
/* The same of many, several at once, in the order given; the error is that of the first bad one,
 * and then none of them is added. `choice` NULL = all are wanted. */
enum mlb_status mlb_digests_add_files(struct mlb_digests *digests,
                                      const struct mlb_digest_file *files, size_t count,
                                      const struct mlb_digest_choice *choice,
                                      struct mlb_digest_counts *counts, struct mlb_error *err);
void mlb_digests_free(struct mlb_digests *digests);

/* "" where the record does not tell. */
const char *mlb_digest_fact(const struct mlb_digest *digest, const char *name);
const char *mlb_case_param(const struct mlb_case_name *name, const char *param);
const struct mlb_digest_row *mlb_digest_find(const struct mlb_digest *digest, const char *id);

#endif
