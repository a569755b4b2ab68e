/* SPDX-License-Identifier: Apache-2.0 */
/* Two sides of launches of the same few cases, as digests of records would be. */
#ifndef MLB_TESTS_ANALYSIS_LAUNCHES_H
#define MLB_TESTS_ANALYSIS_LAUNCHES_H

#include "harness/analysis/compare.h"

enum { LAUNCHES = 500, CASES = 24, FACTS = 4 };

struct launches {
    size_t cases;
    struct mlb_case_name names[CASES];
    struct mlb_param params[CASES][1];
    char ids[CASES][32];
    struct mlb_digest_row *rows; /* by side, launch and case */
    struct mlb_digest *items;    /* by side and launch */
    struct mlb_fact facts[MLB_SIDES][FACTS];
    const struct mlb_fact *fact_list[MLB_SIDES][FACTS];
    struct mlb_digests side[MLB_SIDES];
};

/* Cases "gemm 0" ...: 1e12 FLOP in 1 ms; every launch the same. */
void launches_init(struct launches *launches, size_t cases, size_t base, size_t other);
void launches_free(struct launches *launches);
struct mlb_digest_row *launches_row(struct launches *launches, int side, size_t launch, size_t c);
/* A time in ns for one launch's row. */
void launches_set(struct launches *launches, int side, size_t launch, size_t c, double ns);
/* All launches of a case on a side: `ns` with a normal spread of `sd`, relative. */
void launches_spread(struct launches *launches, int side, size_t c, double ns, double sd,
                     uint64_t seed);
void launches_work(struct launches *launches, int side, size_t c, struct mlb_work work);
void launches_fact(struct launches *launches, int side, const char *name, const char *value);

#endif
