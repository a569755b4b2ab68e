/* SPDX-License-Identifier: Apache-2.0 */
/* The head of `mlbench cost`: who is first, how sure that is; and the notes under the tables. */
#include <math.h>
#include <string.h>

#include "harness/app/cost_parts.h"
#include "harness/base/text.h"

/* --------------------------------------------------------------------------------------- answer */

/* "oci BM.GPU.H100.8 on demand at $10.00 per GPU-hour", "aws p5.48xlarge spot at $2.60 (old price)
 * per GPU-hour, $3.39 with its interruptions" */
static const char *name_place(char *to, size_t size, const struct mlb_place *place)
{
    char price[MLB_COST_TEXT], net[MLB_COST_TEXT + 32] = "";
    const struct mlb_offer *offer = place->offer;
    double per_gpu = mlb_offer_per_gpu(offer);
    if (offer->useful > 0.0)
        mlb_format(net, sizeof net, ", $%s %s",
                   mlb_cost_money(price, mlb_offer_net_price(offer) * per_gpu),
                   offer->purchase == MLB_SPOT ? "with its interruptions" : "an hour of use");
    mlb_format(to, size, "%s %s at $%s%s per %s-hour%s", offer->measured->name,
               mlb_cost_way(offer->purchase), mlb_cost_money(price, offer->price.median * per_gpu),
               offer->price.stale ? " (old price)" : "",
               offer->measured->gpus > 0 ? "GPU" : "machine", net);
    return to;
}

static void tell_tie(struct mlb_text *text, const struct mlb_ranking *ranking)
{
    char name[256];
    mlb_text_add(text, "a tie, none is first in 80 % of the resamples: ");
    for (size_t i = 0, told = 0; i < ranking->count; i++) {
        const struct mlb_place *place = &ranking->places[i];
        if (place->first < 0.05)
            continue;
        mlb_text_addf(text, "%s%s (%.0f %%)", told++ ? ", " : "",
                      name_place(name, sizeof name, place), 100.0 * place->first);
    }
}

/* What a price does not say of the first one. */
static const char *caveat(const struct mlb_offer *offer)
{
    return offer->useful > 0.0                     ? ""
           : offer->purchase == MLB_SPOT           ? " (interruptions not counted)"
           : offer->purchase == MLB_RESERVED_1Y    ? " (when used all of a year)"
           : offer->purchase == MLB_RESERVED_3Y    ? " (when used all of three years)"
           : offer->purchase == MLB_CAPACITY_BLOCK ? " (prepaid)"
                                                   : "";
}

static void tell_certainty(struct mlb_text *text, const struct mlb_ranking *ranking)
{
    if (ranking->lead == MLB_LEAD_PRICE)
        mlb_text_add(text, ". It is the same machine, so prices decide");
    else if (ranking->lead == MLB_LEAD_UNKNOWN)
        mlb_text_addf(text, ". How sure is not known: %zu launch%s of %s, 3 or more of each tell",
                      ranking->fewest, ranking->fewest == 1 ? "" : "es", ranking->fewest_of->name);
    else
        mlb_text_addf(text, ". That is %s: first in %.3g %% of %d resamples of the launches",
                      mlb_lead_names[ranking->lead], 100.0 * ranking->places[0].first,
                      MLB_RESAMPLES);
    if (ranking->lead == MLB_LEAD_LIKELY && ranking->fewest < MLB_LAUNCHES_FOR_CLEAR)
        mlb_text_addf(text, "; %zu launch%s of %s: too few to be clear", ranking->fewest,
                      ranking->fewest == 1 ? "" : "es", ranking->fewest_of->name);
}

static void tell_lead(struct mlb_text *text, const struct mlb_ranking *ranking)
{
    char name[256];
    const struct mlb_place *places = ranking->places;
    if (ranking->lead == MLB_LEAD_TIE) {
        tell_tie(text, ranking);
        return;
    }
    mlb_text_addf(text, "%s%s", name_place(name, sizeof name, &places[0]), caveat(places[0].offer));
    if (ranking->lead == MLB_LEAD_ALONE) {
        mlb_text_add(text, ". There is no other offer to compare with");
        return;
    }
    mlb_text_addf(text, ". The next, %s, costs %.3g times as much for the same work",
                  name_place(name, sizeof name, &places[1]),
                  places[1].cost.value / places[0].cost.value);
    tell_certainty(text, ranking);
}

static void add_answer(struct mlb_document *document, const char *key, const char *title,
                       const struct mlb_cost_ranking *of)
{
    struct mlb_text text = {0};
    if (of->metric_count)
        tell_lead(&text, &of->ranking);
    else
        mlb_text_add(&text, "nobody: no kind of work was measured on two of them");
    mlb_document_text(document, key, title, "%s", mlb_text_get(&text));
    mlb_text_free(&text);
}

/* "on demand" when all of them are bought so. */
static const char *title_of_main(const struct mlb_cost_ranking *main)
{
    for (size_t i = 0; i < main->offer_count; i++)
        if (main->offers[i]->purchase != MLB_ON_DEMAND)
            return "first, each bought in one way";
    return "first on demand";
}

/* A price to bargain with, of the three that come after the first. */
static void add_break_even(struct mlb_document *document, const struct mlb_ranking *ranking)
{
    struct mlb_text text = {0};
    for (size_t i = 1; i < ranking->count && i <= 3; i++) {
        char even[MLB_COST_TEXT], price[MLB_COST_TEXT];
        const struct mlb_offer *offer = ranking->places[i].offer;
        double per_gpu = mlb_offer_per_gpu(offer);
        struct mlb_spread spread = mlb_cost_scaled(ranking->places[i].break_even, per_gpu);
        mlb_text_addf(&text, "%s%s below $%s per %s-hour, listed at $%s%s", i > 1 ? "; " : "",
                      offer->measured->name, mlb_cost_money_range(even, &spread),
                      offer->measured->gpus > 0 ? "GPU" : "machine",
                      mlb_cost_money(price, offer->price.median * per_gpu),
                      offer->price.stale ? " (old price)" : "");
    }
    if (text.length)
        mlb_document_text(document, "would_be_first", "would be first", "%s", mlb_text_get(&text));
    mlb_text_free(&text);
}

/* Zones and regions differ in price: at its highest one, is the first still the first? */
static void add_price_range(struct mlb_document *document, const struct mlb_ranking *ranking)
{
    char price[MLB_COST_TEXT];
    const struct mlb_place *first = &ranking->places[0];
    const struct mlb_offer *offer = first->offer;
    double dearest = first->cost.value * offer->price.high / offer->price.median;
    size_t ahead = 0;
    for (size_t i = 1; i < ranking->count; i++)
        ahead += ranking->places[i].cost.value < dearest * (1.0 - 1e-9);
    if (ahead)
        mlb_document_text(
            document, "where_decides", "where it is rented decides",
            "at $%s per %s-hour, the highest of its %zu prices, %s %s would be number "
            "%zu",
            mlb_cost_money(price, offer->price.high * mlb_offer_per_gpu(offer)),
            offer->measured->gpus > 0 ? "GPU" : "machine", offer->price.count,
            offer->measured->name, mlb_cost_way(offer->purchase), ahead + 1);
}

/* Does `name`, "aws/p5.48xlarge" or "aws/p5.48xlarge:spot", price one of the offers? */
static bool is_used(const struct mlb_offers *offers, const char *name)
{
    char plain[256], bought[256];
    for (size_t i = 0; i < offers->count; i++) {
        const struct mlb_price *price = offers->items[i].price.cheapest;
        if (!offers->items[i].price.user || !price)
            continue;
        mlb_format(plain, sizeof plain, "%s/%s", price->provider, price->instance);
        mlb_format(bought, sizeof bought, "%s:%s", plain, mlb_purchase_names[price->purchase]);
        if (strcmp(name, bought) == 0 ||
            (price->purchase == MLB_ON_DEMAND && strcmp(name, plain) == 0))
            return true;
    }
    return false;
}

/* A mistyped name would leave the lists' price in the answer. */
static void add_unused_prices(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    struct mlb_text text = {0};
    char name[256];
    for (const char *word = parts->options->price; *word; word += *word == ',') {
        size_t length = strcspn(word, ",");
        mlb_format(name, sizeof name, "%.*s", (int)length, word);
        char *equals = strrchr(name, '=');
        if (equals)
            *equals = '\0';
        if (!is_used(&parts->offers, name))
            mlb_text_addf(&text, "%s%s", text.length ? ", " : "", name);
        word += length;
    }
    if (text.length)
        mlb_document_text(document, "unused_prices", "NOT USED",
                          "--price of %s: no offer here has that name and way of buying",
                          mlb_text_get(&text));
    mlb_text_free(&text);
}

void mlb_cost_answer(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    const struct mlb_cost_ranking *all = &parts->all;
    struct mlb_text text = {0};
    add_answer(document, "answer", "first", all);
    add_unused_prices(document, parts);
    mlb_document_text(document, "lead", NULL, "%s",
                      all->metric_count ? mlb_lead_names[all->ranking.lead] : "unknown");
    if (all->offer_count != parts->main.offer_count)
        add_answer(document, "answer_one_way", title_of_main(&parts->main), &parts->main);
    if (all->metric_count)
        add_price_range(document, &all->ranking);
    add_break_even(document, &parts->main.ranking);
    for (size_t i = 0; i < all->metric_count; i++)
        mlb_text_addf(&text, "%s%s", i ? "; " : "",
                      parts->times.metrics.items[all->metrics[i]].name);
    if (all->metric_count)
        mlb_document_text(document, "judged_by", "judged by", "%s%s", mlb_text_get(&text),
                          all->metric_count > 1 ? ", each counting the same" : "");
    mlb_text_free(&text);
    mlb_document_real(document, "seed", NULL, (double)parts->seed, "%.0f", (double)parts->seed);
    mlb_document_real(document, "resamples", NULL, MLB_RESAMPLES, "%d", MLB_RESAMPLES);
}

/* ---------------------------------------------------------------------------------------- notes */

static void note_left_out(struct mlb_document *document, const struct mlb_offers *offers)
{
    static const char form[] = "%zu record%s left out: %s";
    const struct {
        size_t count;
        const char *why;
    } reasons[] = {
        {offers->solo, "ranks measured one after the other (--solo), not as a job does"},
        {offers->oversubscribed, "ranks shared a device or cores (--oversubscribe)"},
        {offers->unlike_data, "data other than normal draw other power"},
        {offers->on_cpu, "computed on the CPU, and the others on GPUs"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].count)
            mlb_document_note(document, "left_out", form, reasons[i].count,
                              reasons[i].count == 1 ? "" : "s", reasons[i].why);
}

/* Its work is in the table of units; the ranking is of those that have a kind of work in common. */
static bool is_ranked(const struct mlb_ranking *ranking, const struct mlb_measured *measured)
{
    bool found = ranking->count == 0;
    for (size_t i = 0; i < ranking->count; i++)
        found = found || ranking->places[i].offer->measured == measured;
    return found;
}

static void note_measured(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    for (size_t i = 0; i < parts->offers.measured_count; i++) {
        const struct mlb_measured *measured = &parts->offers.measured[i];
        bool any = false;
        for (size_t m = 0; m < parts->times.metrics.count; m++)
            any = any || mlb_unit_spread(&parts->times, measured, m)->n > 0;
        if (!mlb_measured_has_offer(&parts->offers, measured))
            mlb_document_note(document, "no_price",
                              "%s was measured and has no price here: --price '%s/%s=USD_PER_HOUR'",
                              measured->name, measured->provider, measured->instance);
        else if (!any)
            mlb_document_note(
                document, "not_measured",
                "%s has a price, and no verified row that counts and that others have too",
                measured->name);
        else if (!is_ranked(&parts->main.ranking, measured))
            mlb_document_note(document, "not_ranked",
                              "%s is in no ranking: it has no kind of work in common with the "
                              "others, or makes no progress; run the same suite everywhere",
                              measured->name);
        if (measured->gpus > 0 && measured->ranks < measured->gpus * measured->nodes)
            mlb_document_note(document, "idle_gpus",
                              "%s: the other GPUs are paid too, and taken to be as fast when all "
                              "work; measure with one rank a GPU",
                              measured->name);
    }
}

static void note_prices(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    size_t stale = 0;
    for (size_t i = 0; i < parts->offers.count; i++)
        stale += parts->offers.items[i].price.stale;
    if (stale)
        mlb_document_note(document, "old_prices",
                          "%zu offer%s priced over %d days ago ('old'): `mlbench prices import` "
                          "takes newer ones, --price your own",
                          stale, stale == 1 ? " was" : "s were", MLB_PRICE_STALE_DAYS);
}

void mlb_cost_notes(struct mlb_document *document, const struct mlb_cost_parts *parts)
{
    mlb_document_note(document, "intervals",
                      "intervals are of what was measured, not of prices: 95 %% of the median of "
                      "launches from %d on, lowest to highest of 2 to 5 (r), the samples of a "
                      "single launch (w), which says nothing of how launches differ",
                      MLB_LAUNCHES_FOR_INTERVAL);
    if (parts->all.ranking.count > 1 && isfinite(parts->all.ranking.places[0].first))
        mlb_document_note(document, "resampling",
                          "'sure' is the share of %d resamples of whole launches (seed %.0f) in "
                          "which an offer is the cheapest of those with %d launches or more",
                          MLB_RESAMPLES, (double)parts->seed, MLB_LAUNCHES_FOR_RESAMPLING);
    note_left_out(document, &parts->offers);
    note_measured(document, parts);
    note_prices(document, parts);
    if (parts->times.metrics.apart)
        mlb_document_note(document, "nothing_in_common",
                          "%zu kind%s of work left out: those that measured it have no case of it "
                          "in common; run the same suite everywhere",
                          parts->times.metrics.apart, parts->times.metrics.apart == 1 ? "" : "s");
    if (parts->options->gpus)
        mlb_document_note(document, "scaled",
                          "for %.0f GPUs the rates of each GPU are taken to be those that were "
                          "measured; collectives stay those of the machines that were measured",
                          (double)parts->options->gpus);
}
