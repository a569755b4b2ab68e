/* SPDX-License-Identifier: Apache-2.0 */
/* One case of a comparison: which launches have a value, whether the values may be compared, how
 * far they are apart. The verdict needs the whole family: compare.c. */
#ifndef MLB_ANALYSIS_COMPARE_CASE_H
#define MLB_ANALYSIS_COMPARE_CASE_H

#include "harness/analysis/compare.h"
#include "harness/analysis/rank_test.h"

/* rows[MLB_BASE][l] is the row of launch l; NULL where the record has none. */
struct mlb_compare_rows {
    const struct mlb_digest_row *const *rows[MLB_SIDES];
    size_t launches[MLB_SIDES];
};

/* What is used from case to case. */
struct mlb_compare_bench {
    double alpha;
    struct mlb_rank_null null; /* of the launches that the last case had */
    double *values[MLB_SIDES]; /* ln of speed, sorted; room for all launches */
    double *scratch;           /* room for all launches of a side */
    /* Per launch: sum over cases of ln(speed) against the case's centre, and their number. */
    double *sum[MLB_SIDES];
    size_t *members[MLB_SIDES];
};
/* Measured, verified and timed. */
bool mlb_compare_has_value(const struct mlb_digest_row *row); /* NULL: no */
bool mlb_compare_bench_init(struct mlb_compare_bench *bench, size_t base, size_t other);
void mlb_compare_bench_free(struct mlb_compare_bench *bench);

/* Of a case that has a value somewhere. Fills all of a line but what is decided by the family.
 * MLB_COMPARE_UNSURE stands for "to be judged". False: out of memory. */
bool mlb_compare_case(struct mlb_compare_bench *bench, const struct mlb_compare_rows *rows,
                      const struct mlb_compare_choice *choice, struct mlb_compare_line *line);

#endif
