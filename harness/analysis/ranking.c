/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/resample.h"
#include "harness/base/rng.h"
#include "harness/measure/stats.h"

#define TIE_BELOW  0.8
#define CLEAR_FROM 0.975

const char *const mlb_lead_names[] = {"alone", "price", "unknown", "tie", "likely", "clear", NULL};

bool mlb_offer_has(const struct mlb_unit_times *times, const struct mlb_offer *offer, size_t metric)
{
    return mlb_unit_spread(times, offer->measured, metric)->n > 0;
}

uint64_t mlb_ranking_seed(const struct mlb_offers *offers)
{
    uint64_t seed = 1;
    for (size_t m = 0; m < offers->measured_count; m++)
        for (size_t l = 0; l < offers->measured[m].launch_count; l++)
            for (const char *c = offers->measured[m].launches[l]->run_id; *c; c++)
                seed = mlb_rng_bits(seed, (unsigned char)*c);
    return seed >> 11; /* 53 bits: a number that JSON holds exactly */
}

/* ------------------------------------------------------------------------------------ headline */

static bool all_have(const struct mlb_unit_times *times, const struct mlb_offer *const *offers,
                     size_t offer_count, size_t metric)
{
    for (size_t i = 0; i < offer_count; i++)
        if (!mlb_offer_has(times, offers[i], metric))
            return false;
    return true;
}

/* The metric of this class that all have, of the most usual type; times->metrics.count = none. */
static size_t best_of_class(const struct mlb_unit_times *times,
                            const struct mlb_offer *const *offers, size_t offer_count,
                            enum mlb_work_class work_class)
{
    size_t best = times->metrics.count;
    for (size_t m = 0; m < times->metrics.count; m++) {
        const struct mlb_metric *metric = &times->metrics.items[m];
        if (metric->work_class != work_class || !all_have(times, offers, offer_count, m))
            continue;
        if (best == times->metrics.count ||
            mlb_metric_type_rank(metric->dtype) <
                mlb_metric_type_rank(times->metrics.items[best].dtype))
            best = m;
    }
    return best;
}

size_t mlb_headline_metrics(const struct mlb_unit_times *times,
                            const struct mlb_offer *const *offers, size_t offer_count, size_t *to)
{
    /* Of a row the first class that all have. */
    static const enum mlb_work_class choices[][3] = {
        {MLB_WORK_GEMM_LAYER, MLB_WORK_GEMM_LARGE, MLB_WORK_GEMM_SMALL},
        {MLB_WORK_ATTENTION, MLB_WORK_NONE, MLB_WORK_NONE},
        {MLB_WORK_MEMORY, MLB_WORK_NONE, MLB_WORK_NONE},
        {MLB_WORK_ALL_REDUCE, MLB_WORK_NONE, MLB_WORK_NONE},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        size_t metric = times->metrics.count;
        for (size_t c = 0; c < 3 && metric == times->metrics.count; c++)
            metric = best_of_class(times, offers, offer_count, choices[i][c]);
        if (metric < times->metrics.count)
            to[count++] = metric;
    }
    return count;
}

/* ---------------------------------------------------------------------------- what is compared */

/* All as logarithms: a cost is a product of a price and a time, and what is compared are ratios. */
struct entry {
    const struct mlb_offer *offer;
    double price;            /* mean over the metrics of ln(dollars a second of the job) */
    double cost;             /* price + mean ln seconds: ln of what is ranked */
    double low, high;        /* the same of the ends of the metrics' intervals */
    size_t n;                /* fewest launches of a metric */
    enum mlb_interval_of of; /* the weakest of the metrics' */
    const double *drawn;     /* [resample]: mean ln of the median seconds */
};

struct field {
    const struct mlb_contest *contest;
    struct entry *entries; /* owned; [offer], the cheapest first */
    size_t count;
    double *drawn;   /* owned; [measured][resample] */
    double *scratch; /* owned; [resample] */
};

static struct entry entry_of(const struct mlb_contest *contest, const struct mlb_offer *offer)
{
    struct entry entry = {.offer = offer, .n = SIZE_MAX, .of = MLB_INTERVAL_BOOTSTRAP};
    for (size_t i = 0; i < contest->metric_count; i++) {
        size_t metric = contest->metrics[i];
        const struct mlb_spread *time = mlb_unit_spread(contest->times, offer->measured, metric);
        entry.price += log(
            mlb_offer_dollars_per_s(offer, &contest->times->metrics.items[metric], contest->gpus));
        entry.cost += log(time->value);
        entry.low += log(time->low);
        entry.high += log(time->high);
        entry.n = time->n < entry.n ? time->n : entry.n;
        entry.of = time->of < entry.of ? time->of : entry.of;
    }
    double count = (double)contest->metric_count;
    entry.price /= count;
    entry.cost = entry.cost / count + entry.price;
    entry.low = entry.low / count + entry.price;
    entry.high = entry.high / count + entry.price;
    return entry;
}

static int by_cost(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = (a->cost > b->cost) - (a->cost < b->cost);
    return order ? order : (a->offer > b->offer) - (a->offer < b->offer);
}

/* ---------------------------------------------------------------------------------- resampling */

/* The values of the contest's metrics of one measured thing's launches: [launch][metric]. */
static double *values_of(const struct mlb_contest *contest, const struct mlb_measured *measured)
{
    const struct mlb_unit_times *times = contest->times;
    size_t n = measured->launch_count, all = times->metrics.count;
    size_t first = times->first[measured - times->offers->measured];
    double *values = calloc(n * contest->metric_count, sizeof *values);
    for (size_t l = 0; values && l < n; l++)
        for (size_t m = 0; m < contest->metric_count; m++)
            values[l * contest->metric_count + m] =
                times->seconds[(first + l) * all + contest->metrics[m]];
    return values;
}

static bool draw(struct field *field, const struct mlb_measured *measured, double *to)
{
    const struct mlb_contest *contest = field->contest;
    double *values = values_of(contest, measured);
    bool ok =
        values && mlb_resample_medians(to, MLB_RESAMPLES, values, measured->launch_count,
                                       contest->metric_count, contest->seed,
                                       (uint64_t)(measured - contest->times->offers->measured));
    free(values);
    return ok;
}

/* Offers of the same thing share what was drawn: between them only the price differs. */
static bool draw_all(struct field *field)
{
    size_t measured = field->contest->times->offers->measured_count;
    field->drawn = calloc(measured * MLB_RESAMPLES, sizeof *field->drawn);
    field->scratch = calloc(MLB_RESAMPLES, sizeof *field->scratch);
    if (!field->drawn || !field->scratch)
        return false;
    for (size_t i = 0; i < field->count; i++) {
        const struct mlb_measured *of = field->entries[i].offer->measured;
        if (field->entries[i].n < MLB_LAUNCHES_FOR_RESAMPLING)
            continue;
        double *to =
            field->drawn + (size_t)(of - field->contest->times->offers->measured) * MLB_RESAMPLES;
        bool done = false;
        for (size_t j = 0; j < i && !done; j++)
            done = field->entries[j].offer->measured == of;
        if (!done && !draw(field, of, to))
            return false;
        field->entries[i].drawn = to;
    }
    return true;
}

/* The first and somebody else, if there is anybody else, have launches enough. */
static bool can_draw(const struct field *field)
{
    const struct mlb_measured *first = field->count ? field->entries[0].offer->measured : NULL;
    bool others = false, drawn = false;
    for (size_t i = 1; i < field->count; i++) {
        bool other = field->entries[i].offer->measured != first;
        others = others || other;
        drawn = drawn || (other && field->entries[i].n >= MLB_LAUNCHES_FOR_RESAMPLING);
    }
    return first && field->entries[0].n >= MLB_LAUNCHES_FOR_RESAMPLING && drawn == others;
}

static double drawn_cost(const struct entry *entry, size_t b)
{
    return entry->drawn ? entry->price + entry->drawn[b] : NAN;
}

/* Shares of the resamples in which each of those with launches enough is the first of them; equal
 * ones share one. NaN stays NaN. */
static void count_firsts(const struct field *field, struct mlb_ranking *ranking)
{
    for (size_t b = 0; b < MLB_RESAMPLES; b++) {
        double lowest = INFINITY;
        size_t ties = 0;
        for (size_t i = 0; i < field->count; i++)
            lowest = fmin(lowest, drawn_cost(&field->entries[i], b));
        for (size_t i = 0; i < field->count; i++)
            ties += drawn_cost(&field->entries[i], b) <= lowest;
        for (size_t i = 0; i < field->count; i++)
            if (drawn_cost(&field->entries[i], b) <= lowest)
                ranking->places[i].first += 1.0 / (double)ties;
    }
    for (size_t i = 0; i < field->count; i++)
        ranking->places[i].first /= MLB_RESAMPLES;
}

/* The middle 95 % of field->scratch, as factors. */
static void percentiles(struct field *field, struct mlb_spread *spread, double factor)
{
    mlb_sort(field->scratch, MLB_RESAMPLES);
    spread->low = factor * exp(mlb_quantile_sorted(field->scratch, MLB_RESAMPLES, 0.025));
    spread->high = factor * exp(mlb_quantile_sorted(field->scratch, MLB_RESAMPLES, 0.975));
    spread->of = MLB_INTERVAL_BOOTSTRAP;
}

static bool has_interval(const struct entry *entry)
{
    return entry->n >= MLB_LAUNCHES_FOR_INTERVAL;
}

/* --------------------------------------------------------------------------------- the places */

/* One metric: the interval of its median. Several, with launches enough: the bootstrap's, since a
 * product of medians has no interval by order. Else from all low ends to all high ends. */
static struct mlb_spread cost_of(struct field *field, const struct entry *entry)
{
    struct mlb_spread cost = {
        .n = entry->n,
        .value = exp(entry->cost),
        .low = exp(entry->low),
        .high = exp(entry->high),
        .of = entry->of,
    };
    if (field->contest->metric_count < 2 || !has_interval(entry) || !entry->drawn)
        return cost;
    for (size_t b = 0; b < MLB_RESAMPLES; b++)
        field->scratch[b] = drawn_cost(entry, b);
    percentiles(field, &cost, 1.0);
    return cost;
}

/* price x cost of `other` / own cost: a cost is proportional to its price. */
static struct mlb_spread break_even(struct field *field, const struct entry *own,
                                    const struct entry *other)
{
    double price = own->offer->price.median;
    bool same = own->offer->measured == other->offer->measured;
    struct mlb_spread even = {
        .n = own->n < other->n ? own->n : other->n,
        .value = price * exp(other->cost - own->cost),
        .of = own->of < other->of ? own->of : other->of,
    };
    even.low = same ? even.value : price * exp(other->low - own->high);
    even.high = same ? even.value : price * exp(other->high - own->low);
    if (same || !has_interval(own) || !has_interval(other) || !own->drawn)
        return even;
    for (size_t b = 0; b < MLB_RESAMPLES; b++)
        field->scratch[b] = drawn_cost(other, b) - drawn_cost(own, b);
    percentiles(field, &even, price);
    return even;
}

static enum mlb_lead lead_of(const struct mlb_ranking *ranking)
{
    bool same = true;
    for (size_t i = 1; i < ranking->count; i++)
        same = same && ranking->places[i].offer->measured == ranking->places[0].offer->measured;
    if (ranking->count < 2)
        return MLB_LEAD_ALONE;
    if (same)
        return MLB_LEAD_PRICE;
    double first = ranking->places[0].first;
    if (isnan(first) || isnan(ranking->places[1].first))
        return MLB_LEAD_UNKNOWN;
    if (first < TIE_BELOW)
        return MLB_LEAD_TIE;
    return first < CLEAR_FROM || ranking->fewest < MLB_LAUNCHES_FOR_CLEAR ? MLB_LEAD_LIKELY
                                                                          : MLB_LEAD_CLEAR;
}

static void find_fewest(const struct field *field, struct mlb_ranking *ranking)
{
    ranking->fewest = SIZE_MAX;
    for (size_t i = 0; i < field->count; i++) {
        if (field->entries[i].n >= ranking->fewest)
            continue;
        ranking->fewest = field->entries[i].n;
        ranking->fewest_of = field->entries[i].offer->measured;
    }
}

static bool fill(struct field *field, struct mlb_ranking *ranking)
{
    find_fewest(field, ranking);
    bool enough = can_draw(field);
    if (enough && !draw_all(field))
        return false;
    ranking->count = field->count;
    for (size_t i = 0; i < field->count; i++) {
        struct entry *entry = &field->entries[i];
        ranking->places[i] = (struct mlb_place){
            .offer = entry->offer,
            .cost = cost_of(field, entry),
            .first = entry->drawn ? 0.0 : NAN,
            .break_even = {.value = NAN, .low = NAN, .high = NAN},
        };
        if (field->count > 1)
            ranking->places[i].break_even = break_even(field, entry, &field->entries[i ? 0 : 1]);
    }
    if (enough)
        count_firsts(field, ranking);
    ranking->lead = lead_of(ranking);
    return true;
}

enum mlb_status mlb_rank(struct mlb_ranking *ranking, const struct mlb_contest *contest,
                         struct mlb_error *err)
{
    struct field field = {.contest = contest, .count = contest->offer_count};
    field.entries = calloc(field.count + 1, sizeof *field.entries);
    *ranking = (struct mlb_ranking){.places = calloc(field.count + 1, sizeof *ranking->places)};
    bool ok = field.entries && ranking->places;
    for (size_t i = 0; ok && i < field.count; i++)
        field.entries[i] = entry_of(contest, contest->offers[i]);
    if (ok) {
        qsort(field.entries, field.count, sizeof *field.entries, by_cost);
        ok = fill(&field, ranking);
    }
    free(field.entries);
    free(field.drawn);
    free(field.scratch);
    return ok ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "ranking: out of memory");
}

void mlb_ranking_free(struct mlb_ranking *ranking)
{
    free(ranking->places);
    *ranking = (struct mlb_ranking){0};
}
