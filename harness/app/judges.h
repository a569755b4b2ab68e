/* SPDX-License-Identifier: Apache-2.0 */
/* The judges of harness/analysis with the tables they look into, and the order in which a run asks
 * them. On rank 0 alone. */
#ifndef MLB_APP_JUDGES_H
#define MLB_APP_JUDGES_H

#include "harness/analysis/expectation.h"
#include "harness/analysis/peak.h"
#include "harness/base/log.h"
#include "harness/measure/result.h"

struct mlb_judges {
    struct mlb_peaks peaks;               /* configs/devices.json */
    struct mlb_expectations expectations; /* configs/expectations.json */
};

/* A table that cannot be read is warned of, and nothing is compared with it. */
void mlb_judges_open(struct mlb_judges *judges, const struct mlb_log *log);
void mlb_judges_close(struct mlb_judges *judges); /* accepts zeroes */

/* Before a row is kept: what lies above its bound becomes untrusted; its shares. */
void mlb_judge_row(const struct mlb_judges *judges, const struct mlb_result *result,
                   struct mlb_row *row);
/* At the end: notes on the machine from all rows. */
void mlb_judge_record(const struct mlb_judges *judges, struct mlb_result *result);

#endif
