/* SPDX-License-Identifier: Apache-2.0 */
/* What others measured, or promise at least, of collectives on machines of the same kind: from
 * configs/expectations.json, each figure with its source. What is not listed has no expectation:
 * nothing is guessed from a neighbour. Pure. */
#ifndef MLB_ANALYSIS_EXPECTATION_H
#define MLB_ANALYSIS_EXPECTATION_H

#include <stdbool.h>

#include "harness/base/json.h"
#include "harness/base/status.h"

struct mlb_expectations {
    struct mlb_json document; /* zeroed = no table: nothing is expected */
};

/* A series without a source, a kind, or the rate of the NICs that it went over is refused. */
enum mlb_status mlb_expectations_open(struct mlb_expectations *expectations, const char *path,
                                      struct mlb_error *err);
void mlb_expectations_close(struct mlb_expectations *expectations);

/* What has to be the same for two figures to compare. */
struct mlb_expectation_case {
    const char *collective; /* "all_reduce": unlike ones use unlike algorithms and links */
    const char *device;     /* the whole name of the GPUs, as the driver gives it */
    int ranks, nodes;       /* of the group */
    double bytes;           /* S */
    double nic_bytes_per_s; /* of one machine; not asked for on one machine; 0 = not known */
};

struct mlb_expectation {
    bool known;
    double bus_bytes_per_s;
    bool between;                /* of two sizes of one series: S itself was not published */
    const char *system, *source; /* live as long as the table */
    const char *algorithm;       /* that the source names; "" */
};

/* The best of what was measured at this size, within a tenth of it or between two sizes of one
 * series that are at most 16 times apart, on a line through them in logarithms (busbw rises along
 * a curve that lies above it). Never beyond the sizes that a series has. */
struct mlb_expectation mlb_expectation_best(const struct mlb_expectations *expectations,
                                            const struct mlb_expectation_case *of);
/* The highest figure that somebody lets a healthy machine not go below. */
struct mlb_expectation mlb_expectation_floor(const struct mlb_expectations *expectations,
                                             const struct mlb_expectation_case *of);

#endif
