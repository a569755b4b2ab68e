/* SPDX-License-Identifier: Apache-2.0 */
/* Does what was measured change the answer that price lists and datasheets give? */
#ifndef MLB_ANALYSIS_LIST_ORDER_H
#define MLB_ANALYSIS_LIST_ORDER_H

#include <stddef.h>

#include "harness/analysis/peak.h"
#include "harness/analysis/ranking.h"

struct mlb_list_place {
    const struct mlb_offer *offer;
    /* Of a machine where it computes on the CPU; over the useful part of the paid time. */
    double usd_per_gpu_hour;
    double usd_at_peak; /* per unit of the metric, were the datasheet's peak reached; NaN */
    /* Ranks, 1 = the cheapest. by_peak 0: of one of them the peak is not known. */
    size_t by_price, by_peak, by_measurement;
};

/* `places`: as many as the ranking has, in its order. `metric` is a product of matrices, whose type
 * the peak is of; NULL = none. */
void mlb_list_order(struct mlb_list_place *places, const struct mlb_ranking *ranking,
                    const struct mlb_metric *metric, const struct mlb_peaks *peaks);

#endif
