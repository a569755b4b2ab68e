/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: an ordered list of cases, the same on every rank. */
#ifndef MLB_MEASURE_PLAN_H
#define MLB_MEASURE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/result.h"
#include "harness/measure/workload.h"

/* How long and how precisely to measure: "measure" of a suite, overridable by a case and by the
 * command line. Table `mlb_measure_options` in plan.c. */
struct mlb_measure {
    double target;        /* relative half width of the median's interval to reach; 0.01 */
    uint64_t min_samples; /* 10 */
    uint64_t max_samples; /* 10000 */
    double min_time_s;    /* of timed samples, 0.3 */
    double max_time_s;    /* of timed samples, 5 */
    double max_warmup_s;  /* 2 */
    double sample_time_s; /* a sample holds as many steps as reach this, 0 = one step */
    double sustain_s;     /* go on under load for so long after the headline; 0 = don't */
};
extern const struct mlb_option mlb_measure_options[];

#define MLB_VARIANT_ALL "all" /* each variant that the case's device has, as a case of its own */

struct mlb_case {
    const struct mlb_workload *workload;
    char device[16];  /* "auto", "cpu", "cuda" as asked; the kind that was chosen after planning */
    char variant[32]; /* "" = the best one; MLB_VARIANT_ALL until the plan is finished */
    char without[16]; /* the case is for machines that lack this kind of device; "" = for all */
    void *params;     /* owned; workload->params_bytes */
    struct mlb_measure measure;
    unsigned priority; /* 1 tells most; order under a budget, then the suite's order */
    bool search;       /* measured at the sizes where it is fastest; `params` are where the search
                        * for them begins */
    char id[MLB_ROW_ID], label[96];
};

struct mlb_plan {
    char name[64], summary[160];
    char hash[20];          /* FNV-1a 64 over ids and measuring parameters, hex */
    struct mlb_case *cases; /* owned */
    size_t count, capacity;
};

void mlb_plan_free(struct mlb_plan *plan);

/* Append a case with its defaults set; `*added` points into the plan until the next call. */
enum mlb_status mlb_plan_add(struct mlb_plan *plan, const struct mlb_workload *workload,
                             struct mlb_case **added, struct mlb_error *err);

/* Resolve parameters, choose devices ("auto" = best of `kinds`, NULL-terminated, that has a variant
 * of the workload), make a case of each variant where all were asked for, make ids and labels, drop
 * exact duplicates, compute the hash. */
enum mlb_status mlb_plan_finish(struct mlb_plan *plan, const char *const *kinds,
                                struct mlb_error *err);

/* After cases were dropped or their measuring parameters changed: ids, duplicates and hash again.
 */
enum mlb_status mlb_plan_refresh(struct mlb_plan *plan, struct mlb_error *err);

/* Stable sort by priority: what tells most comes first. */
void mlb_plan_by_priority(struct mlb_plan *plan);

#endif
