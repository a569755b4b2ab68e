/* SPDX-License-Identifier: Apache-2.0 */
/* Health notes from the rows: throttling, stolen time, slow twins. Pure. */
#ifndef MLB_ANALYSIS_HEALTH_H
#define MLB_ANALYSIS_HEALTH_H

#include "harness/measure/result.h"

/* Adds notes to result->health: steal > 2 % (warn), other processes on the cores > 5 % (warn; CPU
 * jobs whose ranks have cores of their own), thermal throttling > 1 % (sick), ECC errors and
 * replaced rows of memory (sick), a power limit below the board's own (warn), other processes on
 * the GPU (warn), nobody who could tell about throttling (note), ranks and machines slower than
 * their twins (twins.h), what a survey of links found (accuse.h). A CPU library too old for the
 * CPU's matrix units (warn). Oversubscribed jobs: no ranks are compared. */
void mlb_health_judge(struct mlb_result *result);

#endif
