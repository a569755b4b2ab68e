/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit of work costs at a price per hour for the whole job. */
#ifndef MLB_ANALYSIS_COST_H
#define MLB_ANALYSIS_COST_H

#include <stdbool.h>

#include "harness/measure/result.h"

/* Seconds that `workers` take together for so much work when one does `rate` a second. */
double mlb_cost_seconds(double amount, double workers, double rate);
/* price / 3600 x seconds; 0 when either is not above 0. */
double mlb_cost_dollars(double price_per_hour, double seconds);

struct mlb_cost {
    bool known;
    double dollars, low, high; /* per `per`, interval from the row's interval */
    const char *per;           /* "10^18 FLOP", "10^18 OP", "TB reduced", "TB moved" */
};

/* Formula: mlb_cost_dollars(price, mlb_cost_seconds(...)), the same as of offers (unit_cost.h).
 * FLOP: rate = ranks x rate of a rank. Collectives: all ranks reduce one message together, so a "TB
 * reduced" is 10^12 bytes of algbw. Unknown when the result has no price, the row was not measured,
 * or ranks took turns (--solo). */
struct mlb_cost mlb_cost_of_row(const struct mlb_result *result, const struct mlb_row *row);

/* Dollars that `seconds` of the job cost; 0 without a price. */
double mlb_cost_of_time(const struct mlb_result *result, double seconds);

#endif
