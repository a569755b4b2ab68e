/* SPDX-License-Identifier: Apache-2.0 */
/* From a survey's verdicts to words: who is sick, what was seen, what the others gain. Pure. Names
 * machines by number and ranks, GPUs and network cards by what they call themselves; never hosts.
 */
#ifndef MLB_ANALYSIS_ACCUSE_H
#define MLB_ANALYSIS_ACCUSE_H

#include <stddef.h>

#include "harness/measure/result.h"

/* "machine 2 (ranks 4-5)", "rank 5 (rail 1 of machine 2, GPU 0000:1b:00.0 GPU-5d2c..., near
 * mlx5_1)", "the way between machine 0 (ranks 0-1) and machine 2 (ranks 4-5)". */
void mlb_accuse_who(const struct mlb_result *result, const struct mlb_sick *sick, char *to,
                    size_t size);

#define MLB_HEALTH_LINK_DATA "link_data" /* the code of a note: data arrived wrong; exit code 1 */

/* Adds notes to result->health: what was confirmed, and data that arrived wrong (both sick), what
 * was cleared (note), and what a survey of so few machines cannot tell (note). */
void mlb_accuse(struct mlb_result *result);

#endif
