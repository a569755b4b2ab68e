/* SPDX-License-Identifier: Apache-2.0 */
/* What others published of a row's collective on machines like these. Pure. */
#ifndef MLB_ANALYSIS_PUBLISHED_H
#define MLB_ANALYSIS_PUBLISHED_H

#include "harness/analysis/expectation.h"
#include "harness/measure/result.h"

/* The best; unknown for rows of hosts, of ranks that share a device, and for what was not verified.
 * `expectations` may be NULL. */
struct mlb_expectation mlb_published_of_row(const struct mlb_result *result,
                                            const struct mlb_expectations *expectations,
                                            const struct mlb_row *row);

/* A warning in result->health for each measured row below the floor that somebody publishes. */
void mlb_published_judge(struct mlb_result *result, const struct mlb_expectations *expectations);

#endif
