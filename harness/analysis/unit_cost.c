/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/unit_cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/cost.h"
#include "harness/measure/stats.h"

const char *const mlb_interval_of_names[] = {"none",     "one_launch", "range",
                                             "launches", "bootstrap",  NULL};

/* ---------------------------------------------------------------------------------- one launch */

/* Of the cases of a metric that a launch has: their work, and how long it took. */
struct sum {
    size_t cases;
    double work, time_s, low_s, high_s;
    bool interval; /* all cases have one */
};

static void add(struct sum *sum, const struct mlb_digest_row *row)
{
    bool known = row->time.interval.known;
    sum->interval = known && (sum->cases == 0 || sum->interval);
    sum->cases++;
    sum->work += mlb_work_amount(&row->work, mlb_work_rate_kind(&row->work));
    sum->time_s += row->time.median * 1e-9;
    sum->low_s += (known ? row->time.interval.low : row->time.median) * 1e-9;
    sum->high_s += (known ? row->time.interval.high : row->time.median) * 1e-9;
}

/* A case counts once, whatever stands twice in a record. */
static void sum_launch(const struct mlb_metrics *metrics, const struct mlb_digest *digest,
                       struct sum *sums, bool *seen, const size_t *seen_at)
{
    for (size_t r = 0; r < digest->row_count; r++) {
        const struct mlb_digest_row *row = &digest->rows[r];
        size_t m = mlb_metrics_at(metrics, digest, row);
        size_t which = m < metrics->count ? mlb_metric_case(&metrics->items[m], row) : 0;
        if (m == metrics->count || which == metrics->items[m].case_count ||
            seen[seen_at[m] + which])
            continue;
        seen[seen_at[m] + which] = true;
        add(&sums[m], row);
    }
}

double mlb_unit_workers(const struct mlb_measured *measured, const struct mlb_metric *metric)
{
    int all = measured->gpus * measured->nodes;
    return metric->together ? 1.0 : (double)(measured->ranks < all ? all : measured->ranks);
}

static struct mlb_spread launch_spread(const struct mlb_measured *measured,
                                       const struct mlb_metric *metric, const struct sum *sum)
{
    if (sum->cases < metric->case_count)
        return (struct mlb_spread){.value = NAN};
    double workers = mlb_unit_workers(measured, metric);
    return (struct mlb_spread){
        .n = 1,
        .value = mlb_cost_seconds(metric->amount, workers, sum->work / sum->time_s),
        .low = mlb_cost_seconds(metric->amount, workers, sum->work / sum->low_s),
        .high = mlb_cost_seconds(metric->amount, workers, sum->work / sum->high_s),
        .of = sum->interval ? MLB_INTERVAL_SAMPLES : MLB_INTERVAL_NONE,
    };
}

/* -------------------------------------------------------------------------------- all launches */

/* `sorted` ascending, `one` the spread of the only launch when there is one. */
static struct mlb_spread spread_of(const double *sorted, size_t n, struct mlb_spread one)
{
    if (n < 2)
        return n ? one : (struct mlb_spread){.value = NAN};
    struct mlb_interval interval = mlb_median_interval(sorted, n, 0.95);
    bool known = n >= MLB_LAUNCHES_FOR_INTERVAL && interval.known;
    return (struct mlb_spread){
        .n = n,
        .value = mlb_quantile_sorted(sorted, n, 0.5),
        .low = known ? interval.low : sorted[0],
        .high = known ? interval.high : sorted[n - 1],
        .of = known ? MLB_INTERVAL_LAUNCHES : MLB_INTERVAL_RANGE,
    };
}

struct scratch {
    struct sum *sums;
    struct mlb_spread *ones; /* [metric]: of the last launch that has it */
    bool *seen;              /* [case of a metric], one metric's after the other's */
    size_t *seen_at, seen_count;
    double *column; /* a metric's values of one measured */
};

static bool scratch_open(struct scratch *scratch, const struct mlb_unit_times *times)
{
    size_t metrics = times->metrics.count;
    *scratch = (struct scratch){
        .sums = calloc(metrics + 1, sizeof *scratch->sums),
        .ones = calloc(metrics + 1, sizeof *scratch->ones),
        .seen_at = calloc(metrics + 1, sizeof *scratch->seen_at),
        .column = calloc(times->launch_count + 1, sizeof *scratch->column),
    };
    for (size_t m = 0; m < metrics && scratch->seen_at; m++) {
        scratch->seen_at[m] = scratch->seen_count;
        scratch->seen_count += times->metrics.items[m].case_count;
    }
    scratch->seen = calloc(scratch->seen_count + 1, sizeof *scratch->seen);
    return scratch->sums && scratch->ones && scratch->seen_at && scratch->column && scratch->seen;
}

static void scratch_close(struct scratch *scratch)
{
    free(scratch->sums);
    free(scratch->ones);
    free(scratch->seen_at);
    free(scratch->column);
    free(scratch->seen);
}

static void measure_launch(struct mlb_unit_times *times, struct scratch *scratch,
                           const struct mlb_measured *measured, size_t launch, size_t at)
{
    size_t count = times->metrics.count;
    memset(scratch->sums, 0, count * sizeof *scratch->sums);
    memset(scratch->seen, 0, scratch->seen_count * sizeof *scratch->seen);
    sum_launch(&times->metrics, measured->launches[launch], scratch->sums, scratch->seen,
               scratch->seen_at);
    for (size_t m = 0; m < count; m++) {
        struct mlb_spread one =
            launch_spread(measured, &times->metrics.items[m], &scratch->sums[m]);
        times->seconds[at * count + m] = one.value;
        if (one.n)
            scratch->ones[m] = one;
    }
}

static void measure_all(struct mlb_unit_times *times, struct scratch *scratch)
{
    size_t count = times->metrics.count, at = 0;
    for (size_t i = 0; i < times->offers->measured_count; i++) {
        const struct mlb_measured *measured = &times->offers->measured[i];
        times->first[i] = at;
        for (size_t l = 0; l < measured->launch_count; l++)
            measure_launch(times, scratch, measured, l, at++);
        for (size_t m = 0; m < count; m++) {
            size_t n = 0;
            for (size_t l = times->first[i]; l < at; l++)
                if (isfinite(times->seconds[l * count + m]))
                    scratch->column[n++] = times->seconds[l * count + m];
            mlb_sort(scratch->column, n);
            times->spreads[i * count + m] = spread_of(scratch->column, n, scratch->ones[m]);
        }
    }
}

enum mlb_status mlb_unit_times_build(struct mlb_unit_times *times, const struct mlb_offers *offers,
                                     struct mlb_metrics *metrics, struct mlb_error *err)
{
    *times = (struct mlb_unit_times){.offers = offers, .metrics = *metrics};
    *metrics = (struct mlb_metrics){0};
    for (size_t i = 0; i < offers->measured_count; i++)
        times->launch_count += offers->measured[i].launch_count;
    times->first = calloc(offers->measured_count + 1, sizeof *times->first);
    times->seconds = calloc(times->launch_count * times->metrics.count + 1, sizeof *times->seconds);
    times->spreads =
        calloc(offers->measured_count * times->metrics.count + 1, sizeof *times->spreads);
    struct scratch scratch;
    bool ok = scratch_open(&scratch, times) && times->first && times->seconds && times->spreads;
    if (ok)
        measure_all(times, &scratch);
    scratch_close(&scratch);
    return ok ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "unit costs: out of memory");
}

void mlb_unit_times_free(struct mlb_unit_times *times)
{
    mlb_metrics_free(&times->metrics);
    free(times->first);
    free(times->seconds);
    free(times->spreads);
    *times = (struct mlb_unit_times){0};
}

const struct mlb_spread *mlb_unit_spread(const struct mlb_unit_times *times,
                                         const struct mlb_measured *measured, size_t metric)
{
    size_t at = (size_t)(measured - times->offers->measured);
    return &times->spreads[at * times->metrics.count + metric];
}

/* ---------------------------------------------------------------------------------- at a price */

double mlb_offer_dollars_per_s(const struct mlb_offer *offer, const struct mlb_metric *metric,
                               uint64_t gpus)
{
    double dollars = mlb_cost_dollars(mlb_offer_net_price(offer) * offer->measured->nodes, 1.0);
    if (gpus == 0 || offer->measured->gpus <= 0 || metric->together)
        return dollars;
    return dollars * mlb_offer_machines(offer, gpus) * offer->measured->gpus / (double)gpus;
}

struct mlb_spread mlb_unit_cost(const struct mlb_unit_times *times, const struct mlb_offer *offer,
                                size_t metric, uint64_t gpus)
{
    struct mlb_spread spread = *mlb_unit_spread(times, offer->measured, metric);
    double dollars = mlb_offer_dollars_per_s(offer, &times->metrics.items[metric], gpus);
    spread.value *= dollars;
    spread.low *= dollars;
    spread.high *= dollars;
    return spread;
}
