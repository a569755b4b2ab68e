/* SPDX-License-Identifier: Apache-2.0 */
/* Which offer gives most for the money, how sure that is, and what the others would have to cost.
 *
 * Several metrics together: the geometric mean of an offer's costs, whose ratio to another's is the
 * geometric mean of the ratios. Launches are resampled (cluster bootstrap, all metrics of a launch
 * together), with replacement and each measured thing for itself. */
#ifndef MLB_ANALYSIS_RANKING_H
#define MLB_ANALYSIS_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/analysis/unit_cost.h"
#include "harness/base/status.h"

#define MLB_RESAMPLES               9999
#define MLB_LAUNCHES_FOR_RESAMPLING 3 /* of fewer, resampling tells next to nothing */
/* Two equal machines are called "clear" in under 5 % of simulated comparisons from here on
 * (tests/analysis/test_ranking.c); of 4 launches each it would be 9 %. */
#define MLB_LAUNCHES_FOR_CLEAR 6

/* How the first stands to the others. */
enum mlb_lead {
    MLB_LEAD_ALONE,   /* there is no other */
    MLB_LEAD_PRICE,   /* all are the same machine: prices decide */
    MLB_LEAD_UNKNOWN, /* too few launches of the first or of the next */
    MLB_LEAD_TIE,     /* first in less than 80 % of the resamples */
    MLB_LEAD_LIKELY,
    MLB_LEAD_CLEAR /* in 97.5 % and more, of 6 launches each or more */
};
extern const char *const mlb_lead_names[]; /* "alone", "price", "unknown", "tie", ... NULL */

struct mlb_place {
    const struct mlb_offer *offer;
    struct mlb_spread cost; /* dollars a unit; of several metrics only ratios mean something */
    /* Share of the resamples in which it is the first of those with launches enough; NaN: it has
     * not enough, or the first one or all others have not. */
    double first;
    /* USD an hour of one machine at which it would cost as much as the first one; of the first
     * one: as the second. NaN when it is alone. */
    struct mlb_spread break_even;
};

struct mlb_ranking {
    struct mlb_place *places; /* owned; the cheapest first */
    size_t count;
    enum mlb_lead lead;
    size_t fewest; /* launches of `fewest_of`, that has the fewest */
    const struct mlb_measured *fewest_of;
};

struct mlb_contest {
    const struct mlb_unit_times *times;
    const struct mlb_offer *const *offers; /* each has all of the metrics */
    size_t offer_count;
    const size_t *metrics;
    size_t metric_count; /* at least one */
    uint64_t gpus;       /* of the job; 0 = as measured */
    uint64_t seed;
};
enum mlb_status mlb_rank(struct mlb_ranking *ranking, const struct mlb_contest *contest,
                         struct mlb_error *err);
void mlb_ranking_free(struct mlb_ranking *ranking); /* zeroed is fine; leaves it zeroed */

/* Does the offer have the metric? */
bool mlb_offer_has(const struct mlb_unit_times *times, const struct mlb_offer *offer,
                   size_t metric);
/* Of the metrics that all offers have, those that speak for a training job, at most one of each of:
 * matrix products (of layers, else large, else small), attention, memory, all_reduce; of types
 * bf16, else f16, tf32, f32, then what there is. `to` has room for MLB_WORK_CLASSES; the count. */
size_t mlb_headline_metrics(const struct mlb_unit_times *times,
                            const struct mlb_offer *const *offers, size_t offer_count, size_t *to);
/* From the ids of all runs: the same records give the same figures. */
uint64_t mlb_ranking_seed(const struct mlb_offers *offers);

#endif
