/* SPDX-License-Identifier: Apache-2.0 */
/* Which part a verified rate is of what the device could give: by its datasheet, and by its own
 * numbers at the clock it had. The gap between the two is what power and heat took. Of a
 * collective: of what its links carry, and of the best that others published. Pure. */
#ifndef MLB_ANALYSIS_SHARES_H
#define MLB_ANALYSIS_SHARES_H

#include "harness/analysis/peak.h"
#include "harness/analysis/published.h"
#include "harness/measure/result.h"

/* 0 = not known: no figure for the device, not verified, ranks that share a device, a row of
 * another device than the record's. `peaks` may be NULL. */
double mlb_share_of_datasheet(const struct mlb_result *result, const struct mlb_peaks *peaks,
                              const struct mlb_row *row);
/* Also 0 when no clock was measured; of collectives see bound_link.h. `time` and `window`: the
 * row's, or those of a phase. */
double mlb_share_of_bound(const struct mlb_result *result, const struct mlb_row *row,
                          const struct mlb_summary *time,
                          const struct mlb_telemetry_window *window);

/* Of the fastest copy of memory that this record has for the row's device: what a kernel that only
 * moves bytes can be expected to reach. 0 = not known: the record has no such copy, or the row is
 * bound by something else (products, a link, other ranks). */
double mlb_share_of_copy(const struct mlb_result *result, const struct mlb_row *row);

/* busbw of a collective, of the best that was published for the same machines; `expectations` may
 * be NULL. 0 = nothing was. */
double mlb_share_of_published(const struct mlb_result *result,
                              const struct mlb_expectations *expectations,
                              const struct mlb_row *row);

/* All but that of the copy into the row's members. */
void mlb_shares_note(const struct mlb_result *result, const struct mlb_peaks *peaks,
                     const struct mlb_expectations *expectations, struct mlb_row *row);

#endif
