/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/list_order.h"

#include <math.h>

#include "harness/analysis/cost.h"
#include "harness/base/text.h"

static double at_peak(const struct mlb_list_place *place, const struct mlb_metric *metric,
                      const struct mlb_peaks *peaks)
{
    const struct mlb_measured *measured = place->offer->measured;
    struct mlb_work work = {.flop = 1.0, .operations = metric && metric->operations};
    struct mlb_device_info device = {0};
    if (!metric || measured->gpus <= 0)
        return NAN;
    mlb_format(device.kind, sizeof device.kind, "%s", measured->device_kind);
    mlb_format(device.name, sizeof device.name, "%s", measured->device);
    struct mlb_peak peak = mlb_peak_of_work(peaks, &device, &work, metric->dtype);
    return peak.known ? mlb_cost_dollars(place->usd_per_gpu_hour,
                                         mlb_cost_seconds(metric->amount, 1.0, peak.value))
                      : NAN;
}

/* 1 + those that are lower; equal ones share a rank. */
static size_t rank_by_price(const struct mlb_list_place *places, size_t count, size_t at)
{
    size_t rank = 1;
    for (size_t i = 0; i < count; i++)
        rank += places[i].usd_per_gpu_hour < places[at].usd_per_gpu_hour;
    return rank;
}

static size_t rank_by_peak(const struct mlb_list_place *places, size_t count, size_t at)
{
    size_t rank = 1;
    for (size_t i = 0; i < count; i++) {
        if (isnan(places[i].usd_at_peak))
            return 0;
        rank += places[i].usd_at_peak < places[at].usd_at_peak;
    }
    return rank;
}

void mlb_list_order(struct mlb_list_place *places, const struct mlb_ranking *ranking,
                    const struct mlb_metric *metric, const struct mlb_peaks *peaks)
{
    for (size_t i = 0; i < ranking->count; i++) {
        const struct mlb_offer *offer = ranking->places[i].offer;
        places[i] = (struct mlb_list_place){
            .offer = offer,
            .usd_per_gpu_hour = mlb_offer_net_price(offer) * mlb_offer_per_gpu(offer),
            .by_measurement = i + 1,
        };
        places[i].usd_at_peak = at_peak(&places[i], metric, peaks);
    }
    for (size_t i = 0; i < ranking->count; i++) {
        places[i].by_price = rank_by_price(places, ranking->count, i);
        places[i].by_peak = rank_by_peak(places, ranking->count, i);
    }
}
