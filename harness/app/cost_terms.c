/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/cost_terms.h"

#include <math.h>

#include "harness/base/text.h"
#include "harness/base/units.h"

const struct mlb_offer *mlb_cost_offer_of(const struct mlb_offers *offers,
                                          const struct mlb_measured *measured,
                                          enum mlb_purchase way)
{
    for (size_t i = 0; i < offers->count; i++)
        if (offers->items[i].measured == measured && offers->items[i].purchase == way)
            return &offers->items[i];
    return NULL;
}

const char *mlb_cost_time(char *to, double seconds)
{
    static const struct {
        double below_s, unit_s;
        const char *unit;
    } rows[] = {{180.0, 1.0, "s"}, {7200.0, 60.0, "min"}, {172800.0, 3600.0, "h"}};
    size_t i = 0;
    while (i < 3 && seconds >= rows[i].below_s)
        i++;
    double value = seconds / (i < 3 ? rows[i].unit_s : 86400.0);
    mlb_format(to, MLB_UNIT_TEXT, "%.*f %s", value < 9.95 ? 1 : 0, value,
               i < 3 ? rows[i].unit : "d");
    if (isinf(seconds))
        mlb_format(to, MLB_UNIT_TEXT, "never");
    return to;
}

static bool is_offered(const struct mlb_offers *offers, enum mlb_purchase way)
{
    for (size_t i = 0; i < offers->count; i++)
        if (offers->items[i].purchase == way)
            return true;
    return false;
}

/* What was not asked for, in one sentence. */
static void say_how(struct mlb_document *document, const struct mlb_cost_terms *terms)
{
    const struct mlb_options *options = terms->options;
    const struct mlb_offers *offers = terms->offers;
    bool reserved = is_offered(offers, MLB_RESERVED_1Y) || is_offered(offers, MLB_RESERVED_3Y) ||
                    is_offered(offers, MLB_CAPACITY_BLOCK);
    const struct {
        bool missing;
        const char *what;
    } rows[] = {
        {is_offered(offers, MLB_SPOT) && !(options->checkpoint[0] && options->restart_s > 0.0),
         "interruptions of spot machines (--checkpoint 2.3TB --restart 10min --node-life 24h)"},
        {reserved && options->use == 0.0, "reservations against their use (--use 70%)"},
        {!options->data_set[0], "taking a data set along (--data-set 100TB)"}};
    struct mlb_text text = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].missing)
            mlb_text_addf(&text, "%s%s", text.length ? "; " : "", rows[i].what);
    if (text.length)
        mlb_document_note(document, "not_asked",
                          "Not in these figures, since it was not asked for: %s.",
                          mlb_text_get(&text));
    mlb_text_free(&text);
}

bool mlb_cost_is_commitment(const struct mlb_offer *offer)
{
    return offer->purchase == MLB_RESERVED_1Y || offer->purchase == MLB_RESERVED_3Y ||
           offer->purchase == MLB_CAPACITY_BLOCK;
}

enum mlb_status mlb_cost_terms_count(struct mlb_offers *offers, const struct mlb_options *options,
                                     struct mlb_error *err)
{
    if (options->store_s > 0.0 && !options->data_set[0])
        return mlb_fail(err, MLB_E_USAGE, "command line: --store needs --data-set, its size");
    for (size_t i = 0; i < offers->count; i++)
        if (mlb_cost_is_commitment(&offers->items[i]))
            offers->items[i].useful = options->use;
    return mlb_cost_spot_count(offers, options, err);
}

enum mlb_status mlb_cost_terms_add(struct mlb_document *document,
                                   const struct mlb_cost_terms *terms, struct mlb_error *err)
{
    if (mlb_cost_spot_add(document, terms, err) != MLB_OK)
        return err->status;
    mlb_cost_commitment_add(document, terms);
    if (mlb_cost_data_add(document, terms, err) != MLB_OK)
        return err->status;
    mlb_cost_surcharge_add(document, terms);
    say_how(document, terms);
    return MLB_OK;
}
