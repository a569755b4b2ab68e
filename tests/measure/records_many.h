/* SPDX-License-Identifier: Apache-2.0 */
/* Any number of records as a fleet's nightly runs leave them: the same cases, times that differ
 * between launches. */
#ifndef MLB_TESTS_MEASURE_RECORDS_MANY_H
#define MLB_TESTS_MEASURE_RECORDS_MANY_H

#include "harness/measure/result.h"

struct fleet {
    size_t rows, samples; /* of each record; of each row, at least 6 */
    double spread;        /* between launches, relative standard deviation of a row's median */
    double slower;        /* how much slower than the model all of it is: 0.02 = 2 % */
    const char *provider; /* "aws" */
};

/* Record `number` of the fleet into a zeroed result. */
void record_of_fleet(struct mlb_result *result, const struct fleet *fleet, uint64_t number);

#endif
