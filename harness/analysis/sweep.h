/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a record that are one sweep over message sizes, and what they say together. Pure. */
#ifndef MLB_ANALYSIS_SWEEP_H
#define MLB_ANALYSIS_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/analysis/alpha_beta.h"
#include "harness/measure/result.h"

#define MLB_SWEEP_FEWEST 6 /* sizes: with fewer, a line says no more than the rows do */

/* Verified rows of one collective that differ in nothing but `bytes`. */
struct mlb_sweep {
    const struct mlb_row *rows[MLB_ALPHA_BETA_SIZES]; /* by ascending size */
    size_t count;
};

/* The sweep whose first row in the record is row `index`. False when there is none: that row has
 * others of its sweep before it, the sweep has fewer than MLB_SWEEP_FEWEST sizes, or ranks
 * share a device, so that the time is not the network's. */
bool mlb_sweep_at(const struct mlb_result *result, size_t index, struct mlb_sweep *sweep);
/* False when out of memory. */
bool mlb_sweep_fit(const struct mlb_sweep *sweep, struct mlb_alpha_beta *fit);

#endif
