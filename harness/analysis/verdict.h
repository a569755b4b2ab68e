/* SPDX-License-Identifier: Apache-2.0 */
/* What a finished result means for the exit code. Pure. */
#ifndef MLB_ANALYSIS_VERDICT_H
#define MLB_ANALYSIS_VERDICT_H

#include "harness/analysis/require.h"

/* Of the notes alone: data that arrived wrong (MLB_E_WRONG), the first that is sick
 * (MLB_E_UNHEALTHY). */
enum mlb_status mlb_verdict_health(const struct mlb_result *result, struct mlb_error *err);

/* Worst first: a wrong result (MLB_E_WRONG), a sick note or a requirement that was not met
 * (MLB_E_UNHEALTHY), failed cases, nothing measured, a requirement of which nothing tells
 * (MLB_E_NO_VERDICT). */
enum mlb_status mlb_verdict(const struct mlb_result *result, const struct mlb_require *require,
                            struct mlb_error *err);

#endif
