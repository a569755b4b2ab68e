/* SPDX-License-Identifier: Apache-2.0 */
/* How long a job takes for a unit of work, by launch, and what that costs at a price.
 *
 * cost = price of the job per hour / 3600 x seconds per unit (cost.h). Prices are in no interval:
 * what was measured scatters, a price is what one agrees on. */
#ifndef MLB_ANALYSIS_UNIT_COST_H
#define MLB_ANALYSIS_UNIT_COST_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/analysis/metric.h"
#include "harness/analysis/offer.h"
#include "harness/base/status.h"

#define MLB_LAUNCHES_FOR_INTERVAL 6 /* order statistics give none of fewer (stats.h), at 95 % */

/* What an interval covers, the weakest first. */
enum mlb_interval_of {
    MLB_INTERVAL_NONE,     /* one launch without an interval of its own: low = high = value */
    MLB_INTERVAL_SAMPLES,  /* samples within one launch: nothing of how launches differ */
    MLB_INTERVAL_RANGE,    /* lowest to highest of 2 to 5 launches */
    MLB_INTERVAL_LAUNCHES, /* median of launches at 95 %, by order statistics */
    MLB_INTERVAL_BOOTSTRAP /* the same of what several metrics make together, launches resampled */
};
extern const char *const mlb_interval_of_names[]; /* "none", "one_launch", "range", ... NULL */

struct mlb_spread {
    size_t n; /* launches */
    double value, low, high;
    enum mlb_interval_of of;
};

/* Seconds of the whole job for one unit of a metric. */
struct mlb_unit_times {
    const struct mlb_offers *offers;
    struct mlb_metrics metrics;
    size_t launch_count;
    /* Of each measured the place of its first launch, in their order. */
    size_t *first;              /* owned; offers->measured_count long */
    double *seconds;            /* owned; [launch][metric]; NaN: it lacks one of the cases */
    struct mlb_spread *spreads; /* owned; [measured][metric]; n = 0: not measured */
};

/* Of a launch: sum of FLOP or bytes of the cases / sum of their median times, times the ranks that
 * work side by side. GPUs that no rank used are paid, so they count as if they worked as well as
 * the others; mlb_measured.name says how many there were. `times` owns the metrics then. */
enum mlb_status mlb_unit_times_build(struct mlb_unit_times *times, const struct mlb_offers *offers,
                                     struct mlb_metrics *metrics, struct mlb_error *err);
void mlb_unit_times_free(struct mlb_unit_times *times); /* zeroed is fine; leaves it zeroed */

/* GPUs or ranks that share a metric's work: all that are paid; 1 when they do it together. */
double mlb_unit_workers(const struct mlb_measured *measured, const struct mlb_metric *metric);
const struct mlb_spread *mlb_unit_spread(const struct mlb_unit_times *times,
                                         const struct mlb_measured *measured, size_t metric);

/* Dollars per second that the job's second costs: net price of its machines / 3600. With `gpus` in
 * use of all that are paid, where a job of so many does not fill its machines. */
double mlb_offer_dollars_per_s(const struct mlb_offer *offer, const struct mlb_metric *metric,
                               uint64_t gpus);
struct mlb_spread mlb_unit_cost(const struct mlb_unit_times *times, const struct mlb_offer *offer,
                                size_t metric, uint64_t gpus);

#endif
