/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of `mlbench cost`: ranking, units of work, lists against measurement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/list_order.h"
#include "harness/app/cost_parts.h"
#include "harness/base/text.h"

/* What names an offer for machines; for people one column says it. */
#define OFFER_COLUMNS                                                                              \
    {"provider", "", MLB_COLUMN_MACHINE, false, false},                                            \
        {"service", "", MLB_COLUMN_MACHINE, false, false},                                         \
        {"instance", "", MLB_COLUMN_MACHINE, false, false},                                        \
        {"nodes", "", MLB_COLUMN_MACHINE, true, false},                                            \
        {"gpus_per_node", "", MLB_COLUMN_MACHINE, true, false},                                    \
    {                                                                                              \
        "purchase", "", MLB_COLUMN_MACHINE, false, false                                           \
    }

static void offer_cells(struct mlb_sheet *sheet, const struct mlb_offer *offer)
{
    const struct mlb_measured *measured = offer->measured;
    mlb_sheet_text(sheet, "%s", measured->provider);
    mlb_sheet_text(sheet, "%s", measured->service);
    mlb_sheet_text(sheet, "%s", measured->instance);
    mlb_sheet_real(sheet, measured->nodes, "%d", measured->nodes);
    mlb_sheet_real(sheet, measured->gpus > 0 ? (double)measured->gpus : NAN, "%d", measured->gpus);
    mlb_sheet_text(sheet, "%s", mlb_purchase_names[offer->purchase]);
}

static void range_cells(struct mlb_sheet *sheet, const struct mlb_spread *spread, const char *mark)
{
    char text[MLB_COST_TEXT];
    if (isnan(spread->value)) {
        for (int i = 0; i < 3; i++)
            mlb_sheet_blank(sheet);
        return;
    }
    mlb_sheet_real(sheet, spread->value, "%s%s", mlb_cost_money_range(text, spread), mark);
    mlb_sheet_real(sheet, spread->low, "%s", mlb_cost_money(text, spread->low));
    mlb_sheet_real(sheet, spread->high, "%s", mlb_cost_money(text, spread->high));
}

static void sure_cell(struct mlb_sheet *sheet, const struct mlb_ranking *ranking, double first)
{
    if (ranking->lead == MLB_LEAD_ALONE)
        mlb_sheet_blank(sheet);
    else if (isnan(first))
        mlb_sheet_real(sheet, first, "not known");
    else
        mlb_sheet_real(sheet, first, "%.0f %%", 100.0 * first);
}

static void price_cell(struct mlb_sheet *sheet, const struct mlb_offer *offer, double usd)
{
    char text[MLB_COST_TEXT];
    mlb_sheet_real(sheet, usd, "%s%s%s", offer->price.low < offer->price.high ? "~" : "",
                   mlb_cost_money(text, usd), mlb_cost_old(offer));
}

/* --------------------------------------------------------------------------------------- ranking
 */

static const struct mlb_column ranking_columns[] = {
    {"rank", "#", MLB_COLUMN_BOTH, true, false},
    {"offer", "offer", MLB_COLUMN_BOTH, false, true},
    OFFER_COLUMNS,
    {"way", "bought", MLB_COLUMN_PEOPLE, false, false},
    {"usd_per_gpu_hour", "$/GPU-h", MLB_COLUMN_BOTH, true, false},
    {"cost_to_first", "cost", MLB_COLUMN_BOTH, true, false},
    {"cost_to_first_low", "", MLB_COLUMN_MACHINE, true, false},
    {"cost_to_first_high", "", MLB_COLUMN_MACHINE, true, false},
    {"interval_of", "", MLB_COLUMN_MACHINE, false, false},
    {"launches", "", MLB_COLUMN_MACHINE, true, false},
    {"probability_first", "sure", MLB_COLUMN_BOTH, true, false},
    {"break_even_usd_per_gpu_hour", "wins below", MLB_COLUMN_BOTH, true, false},
    {"break_even_usd_per_gpu_hour_low", "", MLB_COLUMN_MACHINE, true, false},
    {"break_even_usd_per_gpu_hour_high", "", MLB_COLUMN_MACHINE, true, false},
    {"flags", "", MLB_COLUMN_MACHINE, false, false},
    {0}};

static void ranking_row(struct mlb_sheet *sheet, const struct mlb_ranking *ranking, size_t at)
{
    char text[MLB_COST_TEXT];
    const struct mlb_place *place = &ranking->places[at];
    const struct mlb_offer *offer = place->offer;
    struct mlb_spread cost = mlb_cost_scaled(place->cost, 1.0 / ranking->places[0].cost.value);
    struct mlb_spread even = mlb_cost_scaled(place->break_even, mlb_offer_per_gpu(offer));
    mlb_sheet_row(sheet);
    mlb_sheet_real(sheet, (double)at + 1.0, "%zu", at + 1);
    mlb_sheet_text(sheet, "%s", offer->measured->name);
    offer_cells(sheet, offer);
    mlb_sheet_text(sheet, "%s", mlb_cost_way(offer->purchase));
    price_cell(sheet, offer, offer->price.median * mlb_offer_per_gpu(offer));
    mlb_sheet_real(sheet, cost.value, "%s", mlb_cost_ratio_range(text, &cost));
    mlb_sheet_real(sheet, cost.low, "%.3f", cost.low);
    mlb_sheet_real(sheet, cost.high, "%.3f", cost.high);
    mlb_sheet_text(sheet, "%s", mlb_interval_of_names[cost.of]);
    mlb_sheet_real(sheet, (double)cost.n, "%s", mlb_cost_launches(text, &cost));
    sure_cell(sheet, ranking, place->first);
    range_cells(sheet, &even, "");
    mlb_sheet_text(sheet, "%s", mlb_cost_flags(text, offer));
}

static bool any_on_cpu(const struct mlb_ranking *ranking)
{
    bool any = false;
    for (size_t i = 0; i < ranking->count; i++)
        any = any || ranking->places[i].offer->measured->gpus <= 0;
    return any;
}

static bool any_net(const struct mlb_ranking *ranking)
{
    bool any = false;
    for (size_t i = 0; i < ranking->count; i++)
        any = any || ranking->places[i].offer->useful > 0.0;
    return any;
}

void mlb_cost_ranking_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    const struct mlb_ranking *ranking = &parts->all.ranking;
    struct mlb_sheet *sheet =
        mlb_document_sheet(document, "ranking", "Most for the money", ranking_columns);
    for (size_t i = 0; i < ranking->count; i++)
        ranking_row(sheet, ranking, i);
    if (ranking->count)
        mlb_sheet_note(sheet,
                       "cost: of the same work, over the first one's. wins below: the $/GPU-h "
                       "at which it would be first; of the first, up to which it stays so. "
                       "~: the middle of several prices, see below. old: over %d days",
                       MLB_PRICE_STALE_DAYS);
    if (any_net(ranking))
        mlb_sheet_note(sheet, "cost and 'wins below' count interruptions of spot machines and the "
                              "use of reserved ones, as they were told; $/GPU-h is as listed");
    if (any_on_cpu(ranking))
        mlb_sheet_note(sheet,
                       "of a machine that computes on its CPU, $/GPU-h is that of the machine");
}

/* ----------------------------------------------------------------------------------------- units
 */

static const struct mlb_column unit_columns[] = {
    {"work", "work", MLB_COLUMN_BOTH, false, false},
    {"dtype", "", MLB_COLUMN_MACHINE, false, false},
    {"cases", "", MLB_COLUMN_MACHINE, true, false},
    {"per", "$ per", MLB_COLUMN_BOTH, false, false},
    {"offer", "offer", MLB_COLUMN_BOTH, false, true},
    OFFER_COLUMNS,
    {"usd_per_unit", "$", MLB_COLUMN_BOTH, true, false},
    {"usd_per_unit_low", "", MLB_COLUMN_MACHINE, true, false},
    {"usd_per_unit_high", "", MLB_COLUMN_MACHINE, true, false},
    {"interval_of", "", MLB_COLUMN_MACHINE, false, false},
    {"launches", "n", MLB_COLUMN_BOTH, true, false},
    {"cost_to_first", "", MLB_COLUMN_MACHINE, true, false},
    {"probability_first", "sure", MLB_COLUMN_BOTH, true, false},
    {"break_even_usd_per_gpu_hour", "", MLB_COLUMN_MACHINE, true, false},
    {"break_even_usd_per_gpu_hour_low", "", MLB_COLUMN_MACHINE, true, false},
    {"break_even_usd_per_gpu_hour_high", "", MLB_COLUMN_MACHINE, true, false},
    {"flags", "", MLB_COLUMN_MACHINE, false, false},
    {0}};

static void unit_row(struct mlb_sheet *sheet, const struct mlb_metric *metric,
                     const struct mlb_ranking *ranking, size_t at)
{
    char text[MLB_COST_TEXT];
    const struct mlb_place *place = &ranking->places[at];
    double ratio = place->cost.value / ranking->places[0].cost.value;
    struct mlb_spread even = mlb_cost_scaled(place->break_even, mlb_offer_per_gpu(place->offer));
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", metric->name);
    mlb_sheet_text(sheet, "%s", metric->dtype);
    mlb_sheet_real(sheet, (double)metric->case_count, "%zu", metric->case_count);
    mlb_sheet_text(sheet, "%s", metric->per);
    mlb_sheet_text(sheet, "%s", place->offer->measured->name);
    offer_cells(sheet, place->offer);
    range_cells(sheet, &place->cost, mlb_cost_old(place->offer));
    mlb_sheet_text(sheet, "%s", mlb_interval_of_names[place->cost.of]);
    mlb_sheet_real(sheet, (double)place->cost.n, "%s", mlb_cost_launches(text, &place->cost));
    mlb_sheet_real(sheet, ratio, "%.3f", ratio);
    sure_cell(sheet, ranking, place->first);
    range_cells(sheet, &even, "");
    mlb_sheet_text(sheet, "%s", mlb_cost_flags(text, place->offer));
}

static enum mlb_status add_metric(struct mlb_sheet *sheet, const struct mlb_cost_parts *parts,
                                  size_t metric, struct mlb_error *err)
{
    const struct mlb_offer **offers = calloc(parts->main.offer_count + 1, sizeof *offers);
    struct mlb_contest contest = {.times = &parts->times,
                                  .offers = offers,
                                  .metrics = &metric,
                                  .metric_count = 1,
                                  .gpus = parts->options->gpus,
                                  .seed = parts->seed};
    struct mlb_ranking ranking = {0};
    if (!offers)
        return mlb_fail(err, MLB_E_NOMEM, "cost: out of memory");
    for (size_t i = 0; i < parts->main.offer_count; i++)
        if (mlb_offer_has(&parts->times, parts->main.offers[i], metric))
            offers[contest.offer_count++] = parts->main.offers[i];
    enum mlb_status status = contest.offer_count ? mlb_rank(&ranking, &contest, err) : MLB_OK;
    for (size_t i = 0; i < ranking.count; i++)
        unit_row(sheet, &parts->times.metrics.items[metric], &ranking, i);
    mlb_ranking_free(&ranking);
    free(offers);
    return status;
}

enum mlb_status mlb_cost_units_sheet(struct mlb_document *document,
                                     const struct mlb_cost_parts *parts, struct mlb_error *err)
{
    struct mlb_sheet *sheet = mlb_document_sheet(
        document, "units", "What a unit of work costs, each bought in one way", unit_columns);
    enum mlb_status status = MLB_OK;
    for (size_t m = 0; m < parts->times.metrics.count && status == MLB_OK; m++)
        status = add_metric(sheet, parts, m, err);
    for (size_t m = 0; m < parts->times.metrics.count; m++)
        if (parts->times.metrics.items[m].uncommon)
            mlb_sheet_note(
                sheet, "%s: %zu of %zu cases, those that all of them here measured",
                parts->times.metrics.items[m].name, parts->times.metrics.items[m].case_count,
                parts->times.metrics.items[m].case_count + parts->times.metrics.items[m].uncommon);
    mlb_sheet_note(sheet, "n: launches; r: the interval is their range, w: within the only one");
    mlb_sheet_note(sheet,
                   "on demand where it is sold so; bought in another way the same work costs "
                   "in proportion to the price");
    return status;
}

/* ------------------------------------------------------------------- lists against measurement */

static const struct mlb_column list_columns[] = {
    {"offer", "offer", MLB_COLUMN_BOTH, false, true},
    OFFER_COLUMNS,
    {"way", "bought", MLB_COLUMN_PEOPLE, false, false},
    {"usd_per_gpu_hour", "$/GPU-h", MLB_COLUMN_BOTH, true, false},
    {"rank_by_price", "by price", MLB_COLUMN_BOTH, true, false},
    {"usd_per_unit_at_peak", "$ at peak", MLB_COLUMN_BOTH, true, false},
    {"rank_by_peak", "by datasheet", MLB_COLUMN_BOTH, true, false},
    {"rank_by_measurement", "measured", MLB_COLUMN_BOTH, true, false},
    {0}};

static void list_row(struct mlb_sheet *sheet, const struct mlb_list_place *place)
{
    char text[MLB_COST_TEXT];
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", place->offer->measured->name);
    offer_cells(sheet, place->offer);
    mlb_sheet_text(sheet, "%s", mlb_cost_way(place->offer->purchase));
    price_cell(sheet, place->offer, place->usd_per_gpu_hour);
    mlb_sheet_real(sheet, (double)place->by_price, "%zu", place->by_price);
    if (isnan(place->usd_at_peak))
        mlb_sheet_blank(sheet);
    else
        mlb_sheet_real(sheet, place->usd_at_peak, "%s", mlb_cost_money(text, place->usd_at_peak));
    if (place->by_peak)
        mlb_sheet_real(sheet, (double)place->by_peak, "%zu", place->by_peak);
    else
        mlb_sheet_blank(sheet);
    mlb_sheet_real(sheet, (double)place->by_measurement, "%zu", place->by_measurement);
}

static size_t by_price(const struct mlb_list_place *place)
{
    return place->by_price;
}

static size_t by_peak(const struct mlb_list_place *place)
{
    return place->by_peak;
}

/* NULL: several share the first place, or there are no ranks of this kind. */
static const struct mlb_list_place *first_of(const struct mlb_list_place *places, size_t count,
                                             size_t (*rank)(const struct mlb_list_place *))
{
    const struct mlb_list_place *first = NULL;
    size_t firsts = 0;
    for (size_t i = 0; i < count; i++) {
        first = rank(&places[i]) == 1 ? &places[i] : first;
        firsts += rank(&places[i]) == 1;
    }
    return firsts == 1 ? first : NULL;
}

static const char *what_changes(const struct mlb_list_place *places,
                                const struct mlb_ranking *ranking,
                                const struct mlb_list_place *price,
                                const struct mlb_list_place *peak)
{
    size_t moved = 0;
    for (size_t i = 0; i < ranking->count; i++)
        moved += places[i].by_price != places[i].by_measurement;
    if (ranking->lead == MLB_LEAD_TIE)
        return "measuring does not settle it";
    if (price != &places[0])
        return "measuring changes the answer";
    if (peak && peak != price)
        return "measuring changes the answer of the datasheets, and not that of the prices";
    return moved ? "the first stays the first, the order of the others changes"
                 : "measuring changes nothing";
}

static void tell_lists(struct mlb_document *document, const struct mlb_list_place *places,
                       const struct mlb_ranking *ranking)
{
    char sure[64] = "how sure is not known";
    if (ranking->lead != MLB_LEAD_UNKNOWN && isfinite(ranking->places[0].first))
        mlb_format(sure, sizeof sure, "in %.3g %% of the resamples",
                   100.0 * ranking->places[0].first);
    const struct mlb_list_place *price = first_of(places, ranking->count, by_price);
    const struct mlb_list_place *peak = first_of(places, ranking->count, by_peak);
    mlb_document_text(document, "measurement_changes_list_order", "lists against measurement",
                      "%s: by price per GPU-hour %s is first%s%s, as measured %s (%s)",
                      what_changes(places, ranking, price, peak),
                      price ? price->offer->measured->name : "nobody alone",
                      peak ? ", by datasheet " : "", peak ? peak->offer->measured->name : "",
                      places[0].offer->measured->name, sure);
}

enum mlb_status mlb_cost_lists_sheet(struct mlb_document *document,
                                     const struct mlb_cost_parts *parts, struct mlb_error *err)
{
    const struct mlb_cost_ranking *main = &parts->main;
    if (main->ranking.count < 2)
        return MLB_OK;
    struct mlb_list_place *places = calloc(main->ranking.count, sizeof *places);
    if (!places)
        return mlb_fail(err, MLB_E_NOMEM, "cost: out of memory");
    const struct mlb_metric *metric = &parts->times.metrics.items[main->metrics[0]];
    bool product = metric->work_class <= MLB_WORK_GEMM_SMALL;
    mlb_list_order(places, &main->ranking, product ? metric : NULL, &parts->peaks);
    struct mlb_sheet *sheet = mlb_document_sheet(
        document, "lists", "Price lists and datasheets against measurement", list_columns);
    for (size_t i = 0; i < main->ranking.count; i++)
        list_row(sheet, &places[i]);
    if (product && !isnan(places[0].usd_at_peak))
        mlb_sheet_note(sheet, "at datasheet peak: of %s for %s", metric->per, metric->name);
    tell_lists(document, places, &main->ranking);
    free(places);
    return MLB_OK;
}
