/* SPDX-License-Identifier: Apache-2.0 */
/* What a comparison says beside its lines: are the jobs alike, whose machines are they, what
 * differs, and all cases in one number. */
#ifndef MLB_ANALYSIS_COMPARE_PARTS_H
#define MLB_ANALYSIS_COMPARE_PARTS_H

#include "harness/analysis/compare_case.h"

/* MLB_E_NO_VERDICT naming what differs, and the selector that chooses. */
enum mlb_status mlb_compare_jobs(const struct mlb_digests *base, const struct mlb_digests *other,
                                 struct mlb_error *err);
/* False: out of memory. */
bool mlb_compare_differences(struct mlb_comparison *comparison, const struct mlb_digests *base,
                             const struct mlb_digests *other);
/* Of a case whose lines are compared: its variants and libraries. */
bool mlb_compare_case_differences(struct mlb_comparison *comparison,
                                  const struct mlb_compare_rows *rows);
bool mlb_compare_clocks(struct mlb_comparison *comparison);
void mlb_compare_name_sides(struct mlb_comparison *comparison, const struct mlb_digests *base,
                            const struct mlb_digests *other);
/* From what mlb_compare_case left in the bench. False: out of memory. */
bool mlb_compare_mean_of(struct mlb_comparison *comparison, const struct mlb_compare_bench *bench,
                         const size_t launches[MLB_SIDES]);

#endif
