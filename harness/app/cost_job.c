/* SPDX-License-Identifier: Apache-2.0 */
/* More tables of `mlbench cost`: a job of so many GPUs and hours, tokens, the prices themselves. */
#include <math.h>
#include <string.h>

#include "harness/app/cost_parts.h"
#include "harness/base/text.h"

static void name_cells(struct mlb_sheet *sheet, const struct mlb_offer *offer)
{
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", offer->measured->name);
    mlb_sheet_text(sheet, "%s", mlb_purchase_names[offer->purchase]);
    mlb_sheet_text(sheet, "%s", mlb_cost_way(offer->purchase));
}

static void money_cell(struct mlb_sheet *sheet, double usd, const char *mark)
{
    char text[MLB_COST_TEXT];
    mlb_sheet_real(sheet, usd, "%s%s", mlb_cost_money(text, usd), mark);
}

/* ------------------------------------------------------------------------------------------- job
 */

static const struct mlb_column job_columns[] = {
    {"offer", "offer", MLB_COLUMN_BOTH, false, true},
    {"purchase", "", MLB_COLUMN_MACHINE, false, false},
    {"way", "bought", MLB_COLUMN_PEOPLE, false, false},
    {"machines", "machines", MLB_COLUMN_BOTH, true, false},
    {"gpus", "GPUs paid", MLB_COLUMN_BOTH, true, false},
    {"usd_per_hour", "$/h", MLB_COLUMN_BOTH, true, false},
    {"usd", "$", MLB_COLUMN_BOTH, true, false},
    {"usd_lowest", "$ lowest", MLB_COLUMN_BOTH, true, false},
    {"usd_highest", "$ highest", MLB_COLUMN_BOTH, true, false},
    {0}};

void mlb_cost_job_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    const struct mlb_options *options = parts->options;
    if (!options->gpus && !(options->hours > 0.0))
        return;
    double hours = options->hours > 0.0 ? options->hours : 1.0;
    char title[96];
    mlb_format(title, sizeof title, "Renting for %g hour%s", hours, hours == 1.0 ? "" : "s");
    struct mlb_sheet *sheet = mlb_document_sheet(document, "job", title, job_columns);
    for (size_t i = 0; i < parts->all.offer_count; i++) {
        const struct mlb_offer *offer = parts->all.offers[i];
        double machines = mlb_offer_machines(offer, options->gpus);
        double gpus = machines * offer->measured->gpus;
        name_cells(sheet, offer);
        mlb_sheet_real(sheet, machines, "%.0f", machines);
        mlb_sheet_real(sheet, gpus > 0.0 ? gpus : NAN, "%.0f", gpus);
        money_cell(sheet, machines * offer->price.median, "");
        money_cell(sheet, machines * offer->price.median * hours, mlb_cost_old(offer));
        money_cell(sheet, machines * offer->price.low * hours, "");
        money_cell(sheet, machines * offer->price.high * hours, "");
    }
}

/* ---------------------------------------------------------------------------------------- tokens
 */

static const struct mlb_column token_columns[] = {
    {"offer", "offer", MLB_COLUMN_BOTH, false, true},
    {"purchase", "", MLB_COLUMN_MACHINE, false, false},
    {"way", "bought", MLB_COLUMN_PEOPLE, false, false},
    {"usd_per_1e9_tokens_at_least", "$ per 10^9 tokens, at least", MLB_COLUMN_BOTH, true, false},
    {"work", "at the rate of", MLB_COLUMN_BOTH, false, false},
    {0}};

/* The products and attention of one type in which an offer's FLOP are the cheapest. */
static size_t cheapest_flop(const struct mlb_cost_parts *parts, const struct mlb_offer *offer,
                            const char *dtype)
{
    const struct mlb_metrics *metrics = &parts->times.metrics;
    size_t best = metrics->count;
    double lowest = INFINITY;
    for (size_t m = 0; m < metrics->count; m++) {
        if (metrics->items[m].work_class > MLB_WORK_ATTENTION || metrics->items[m].operations ||
            strcmp(metrics->items[m].dtype, dtype) != 0 || !mlb_offer_has(&parts->times, offer, m))
            continue;
        double cost = mlb_unit_cost(&parts->times, offer, m, parts->options->gpus).value;
        best = cost < lowest ? m : best;
        lowest = fmin(cost, lowest);
    }
    return best;
}

void mlb_cost_tokens_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    const struct mlb_metrics *metrics = &parts->times.metrics;
    double flop = parts->options->flop_per_token;
    if (!(flop > 0.0) || !parts->all.metric_count)
        return;
    const struct mlb_metric *first = &metrics->items[parts->all.metrics[0]];
    struct mlb_sheet *sheet =
        mlb_document_sheet(document, "tokens", "What 10^9 tokens cost at least", token_columns);
    for (size_t i = 0; i < parts->all.offer_count; i++) {
        const struct mlb_offer *offer = parts->all.offers[i];
        size_t m = cheapest_flop(parts, offer, first->dtype);
        if (m == metrics->count)
            continue;
        double usd = mlb_unit_cost(&parts->times, offer, m, parts->options->gpus).value;
        name_cells(sheet, offer);
        money_cell(sheet, usd / metrics->items[m].amount * flop * 1e9, mlb_cost_old(offer));
        mlb_sheet_text(sheet, "%s", metrics->items[m].name);
    }
    mlb_sheet_note(sheet,
                   "a bound and no forecast: %g FLOP a token, all of them as fast as the "
                   "fastest kind of work; a training step has slower parts and waits",
                   flop);
}

/* ---------------------------------------------------------------------------------------- prices
 */

static const struct mlb_column price_columns[] = {
    {"offer", "offer", MLB_COLUMN_BOTH, false, true},
    {"purchase", "", MLB_COLUMN_MACHINE, false, false},
    {"way", "bought", MLB_COLUMN_PEOPLE, false, false},
    {"usd_per_hour_low", "low", MLB_COLUMN_BOTH, true, false},
    {"usd_per_hour", "middle", MLB_COLUMN_BOTH, true, false},
    {"usd_per_hour_high", "high", MLB_COLUMN_BOTH, true, false},
    {"prices", "", MLB_COLUMN_MACHINE, true, false},
    {"cheapest_in", "", MLB_COLUMN_MACHINE, false, true},
    {"where", "lowest in", MLB_COLUMN_PEOPLE, false, true},
    {"as_of", "as of", MLB_COLUMN_BOTH, false, false},
    {"stale", "", MLB_COLUMN_MACHINE, false, false},
    {"source", "source", MLB_COLUMN_MACHINE, false, false},
    {"flags", "flags", MLB_COLUMN_BOTH, false, true},
    {0}};

static void price_row(struct mlb_sheet *sheet, const struct mlb_offer *offer)
{
    char text[MLB_COST_TEXT];
    const struct mlb_price_range *price = &offer->price;
    const struct mlb_price *cheapest = price->cheapest;
    const char *where = !cheapest ? "" : cheapest->zone[0] ? cheapest->zone : cheapest->region;
    name_cells(sheet, offer);
    money_cell(sheet, price->low, "");
    money_cell(sheet, price->median, "");
    money_cell(sheet, price->high, "");
    mlb_sheet_real(sheet, (double)price->count, "%zu", price->count);
    mlb_sheet_text(sheet, "%s", where);
    if (price->count > 1)
        mlb_sheet_text(sheet, "%s of %zu", where, price->count);
    else
        mlb_sheet_text(sheet, "%s", where);
    mlb_sheet_text(sheet, "%s", price->oldest ? price->oldest->as_of : "");
    mlb_sheet_bool(sheet, price->stale, price->stale ? "old" : "");
    mlb_sheet_text(sheet, "%s", price->oldest ? price->oldest->source : "the record");
    mlb_sheet_text(sheet, "%s", mlb_cost_flags(text, offer));
}

void mlb_cost_prices_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    struct mlb_sheet *sheet =
        mlb_document_sheet(document, "prices", "Prices, $ per hour of one machine", price_columns);
    for (size_t i = 0; i < parts->offers.count; i++) {
        const struct mlb_offer *offer = &parts->offers.items[i];
        price_row(sheet, offer);
        if (offer->price.cheapest && offer->price.cheapest->note[0])
            mlb_sheet_note(sheet, "%s, %s: %s", offer->measured->name,
                           mlb_purchase_names[offer->purchase], offer->price.cheapest->note);
    }
    mlb_cost_explain_flags(sheet, &parts->offers);
}
