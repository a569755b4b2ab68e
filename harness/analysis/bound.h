/* SPDX-License-Identifier: Apache-2.0 */
/* What a device can do at most by its own numbers: units x operations a clock x clock, and what its
 * memory bus carries. A datasheet's figure assumes one clock and can rightly be passed; this
 * cannot: a result above it is a measuring error. Pure. */
#ifndef MLB_ANALYSIS_BOUND_H
#define MLB_ANALYSIS_BOUND_H

#include <stdbool.h>

#include "harness/measure/result.h"

struct mlb_bound {
    bool known;
    double value;    /* FLOP/s, OP/s or bytes/s of ONE device */
    bool at_clock;   /* at the clock of the window; else at the highest one, or of the bus */
    double clock_hz; /* that it was made with; 0 for a bus */
};

/* The clock that a bound is made with: the mean of all ranks', else this one's; 0 = not known. */
double mlb_bound_clock(const struct mlb_telemetry_window *window);

/* Bound of the row's first rate at the clock that the window saw, or at the highest one when it saw
 * none. Unknown for a device that is not in the table, collectives, links and rows of another
 * device than this. */
struct mlb_bound mlb_bound_of_row(const struct mlb_device_info *device, const struct mlb_row *row,
                                  const struct mlb_telemetry_window *window);

/* A row that was measured and lies over a hundredth above its bound becomes untrusted, with the
 * reason; a phase of --sustain gets it as its window's verdict. */
void mlb_bound_judge(const struct mlb_device_info *device, struct mlb_row *row);

#endif
