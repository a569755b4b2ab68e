/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks and machines that are slower than their twins at work that each does by itself. Pure. */
#ifndef MLB_ANALYSIS_TWINS_H
#define MLB_ANALYSIS_TWINS_H

#include "harness/measure/result.h"

/* Adds notes to result->health, on two levels: a machine by the median of its ranks beside the
 * other machines (three at least), a rank beside the ranks of its machine (beside all where a
 * machine has fewer than four, or where nobody knows who is where). Slow is beyond 3.5 in the
 * modified z AND 2 % below the median, in two rows or more (sick); of two or three, 5 % (warn): too
 * few to be sure. Rows of collectives are not asked: their ranks end together. */
void mlb_twins_judge(struct mlb_result *result);

#endif
