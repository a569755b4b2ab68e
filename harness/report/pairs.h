/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix of GPU pairs that the rows of workload p2p hold: rank r's median in the row of shift s
 * is the pair (r, r + s). */
#ifndef MLB_REPORT_PAIRS_H
#define MLB_REPORT_PAIRS_H

#include "harness/base/text.h"
#include "harness/measure/result.h"

/* One matrix for each operation and size, a line a GPU. Nothing where there are no such rows, with
 * one rank, or on several nodes: which rank ran where is not in a record. */
void mlb_report_pairs(const struct mlb_result *result, struct mlb_text *to);

#endif
