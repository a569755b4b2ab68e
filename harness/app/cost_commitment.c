/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations against their use, and managed services against the plain machine. */
#include <math.h>
#include <string.h>

#include "harness/analysis/commitment.h"
#include "harness/analysis/surcharge.h"
#include "harness/app/cost_parts.h"
#include "harness/app/cost_terms.h"
#include "harness/base/units.h"

/* ------------------------------------------------------------------------------------ commitment
 */

static const struct mlb_column commitment_columns[] = {
    {"offer", "machine", MLB_COLUMN_BOTH, false, true},
    {"purchase", "", MLB_COLUMN_MACHINE, false, false},
    {"way", "bought", MLB_COLUMN_PEOPLE, false, false},
    {"usd_per_hour", "$/h", MLB_COLUMN_BOTH, true, false},
    {"usd_per_hour_on_demand", "on demand", MLB_COLUMN_BOTH, true, false},
    {"pays_from_use", "pays from use", MLB_COLUMN_BOTH, true, false},
    {"pays_from_hours", "of a term", MLB_COLUMN_BOTH, true, false},
    {"usd_per_used_hour", "$/h used", MLB_COLUMN_BOTH, true, false},
    {"saved_fraction", "saved_fraction", MLB_COLUMN_MACHINE, true, false},
    {"verdict", "verdict", MLB_COLUMN_BOTH, false, false},
    {0}};

static void add_commitment(struct mlb_sheet *sheet, const struct mlb_offer *offer,
                           const struct mlb_offer *on_demand, double use)
{
    static const char *const words[MLB_PURCHASES] = {[MLB_RESERVED_1Y] = "1 year",
                                                     [MLB_RESERVED_3Y] = "3 years",
                                                     [MLB_CAPACITY_BLOCK] = "block"};
    char text[MLB_UNIT_TEXT];
    double usd = offer->price.median;
    struct mlb_commitment is = mlb_commitment(on_demand->price.median, usd, offer->purchase, use);
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", offer->measured->name);
    mlb_sheet_text(sheet, "%s", mlb_purchase_names[offer->purchase]);
    mlb_sheet_text(sheet, "%s", words[offer->purchase]);
    mlb_sheet_real(sheet, usd, "%.2f%s", usd, mlb_cost_old(offer));
    mlb_sheet_real(sheet, on_demand->price.median, "%.2f%s", on_demand->price.median,
                   mlb_cost_old(on_demand));
    mlb_sheet_real(sheet, is.break_even, "%s", mlb_print_percent(text, is.break_even));
    if (is.term_hours > 0.0)
        mlb_sheet_real(sheet, is.pays_at_hours, "%.0f h", is.pays_at_hours);
    else
        mlb_sheet_blank(sheet);
    mlb_sheet_real(sheet, is.usd_per_used, "%.2f", is.usd_per_used);
    mlb_sheet_real(sheet, is.saving, "%.3f", is.saving);
    if (is.never)
        mlb_sheet_text(sheet, "never pays");
    else
        mlb_sheet_text(sheet, is.saving > 0.0 ? "saves %.0f %%" : "dearer by %.0f %%",
                       100.0 * fabs(is.saving));
}

void mlb_cost_commitment_add(struct mlb_document *document, const struct mlb_cost_terms *terms)
{
    double use = terms->options->use;
    struct mlb_sheet *sheet = NULL;
    char text[MLB_UNIT_TEXT];
    for (size_t i = 0; i < terms->offers->count && use > 0.0; i++) {
        const struct mlb_offer *offer = &terms->offers->items[i];
        const struct mlb_offer *other =
            mlb_cost_offer_of(terms->offers, offer->measured, MLB_ON_DEMAND);
        if (!mlb_cost_is_commitment(offer) || !other)
            continue;
        if (!sheet)
            sheet = mlb_document_sheet(document, "commitment", "Reserved, at the expected use",
                                       commitment_columns);
        add_commitment(sheet, offer, other, use);
    }
    if (sheet)
        mlb_sheet_note(sheet,
                       "in use for %s of the time (--use), against on demand for those hours "
                       "alone; what it costs to wait for a reservation is not in it",
                       mlb_print_percent(text, use));
}

/* ------------------------------------------------------------------------------------- surcharge
 */

static const struct mlb_column surcharge_columns[] = {
    {"instance", "machine", MLB_COLUMN_BOTH, false, true},
    {"service", "service", MLB_COLUMN_BOTH, false, false},
    {"usd_per_hour", "plain $/h", MLB_COLUMN_BOTH, true, false},
    {"service_usd_per_hour", "service $/h", MLB_COLUMN_BOTH, true, false},
    {"ratio", "times", MLB_COLUMN_BOTH, true, false},
    {"from", "from", MLB_COLUMN_BOTH, false, true},
    {0}};

static struct mlb_price_range list_price(const struct mlb_cost_terms *terms,
                                         const struct mlb_measured *measured, const char *service,
                                         const char *region)
{
    if (!terms->catalog)
        return (struct mlb_price_range){0};
    return mlb_catalog_price(terms->catalog, measured->provider, service, measured->instance,
                             region, "", MLB_ON_DEMAND, terms->today);
}

/* Dollars an hour on demand; 0 = not known. */
struct pair {
    double plain, service;
    bool plain_old, service_old; /* their prices are */
};

/* Of one region, the record's when both prices are known there: regions differ by as much as the
 * service asks. Else the plain price alone. */
static struct pair list_prices(const struct mlb_cost_terms *terms,
                               const struct mlb_measured *measured, const char *service)
{
    const char *const regions[] = {measured->region, ""};
    for (size_t i = 0; i < 2; i++) {
        struct mlb_price_range managed = list_price(terms, measured, service, regions[i]);
        const char *region = managed.known && managed.cheapest ? managed.cheapest->region : "";
        struct mlb_price_range plain = list_price(terms, measured, "", region);
        managed = list_price(terms, measured, service, region);
        if (region[0] && plain.known)
            return (struct pair){plain.median, managed.median, plain.stale, managed.stale};
    }
    struct mlb_price_range plain = list_price(terms, measured, "", measured->region);
    if (!plain.known)
        plain = list_price(terms, measured, "", "");
    return (struct pair){.plain = plain.known ? plain.median : 0.0, .plain_old = plain.stale};
}

static void add_surcharge(struct mlb_sheet *sheet, const struct mlb_measured *measured,
                          const char *service, const struct pair *prices,
                          const struct mlb_surcharge *is)
{
    double plain = prices->plain, usd = plain * is->ratio;
    bool old = is->listed ? prices->service_old : prices->plain_old;
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s %s", measured->provider, measured->instance);
    mlb_sheet_text(sheet, "%s", service);
    mlb_sheet_real(sheet, plain, "%.2f%s", plain, prices->plain_old ? " old" : "");
    mlb_sheet_real(sheet, usd, "%s%.2f%s", is->listed ? "" : "~", usd, old ? " old" : "");
    mlb_sheet_real(sheet, is->ratio, "%.3f", is->ratio);
    mlb_sheet_text(sheet, "%s", is->listed ? "both prices" : is->source);
}

/* SageMaker's "ml.p5.48xlarge" is p5.48xlarge: one entry of the catalog. */
static bool is_same_instance(const struct mlb_measured *a, const struct mlb_measured *b)
{
    return (a->listed && a->listed == b->listed) ||
           (strcmp(a->provider, b->provider) == 0 && strcmp(a->instance, b->instance) == 0);
}

/* A machine that was measured twice, plain and through the service, is one line. */
static bool is_first_instance(const struct mlb_offers *offers, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (is_same_instance(&offers->measured[i], &offers->measured[at]))
            return false;
    return true;
}

void mlb_cost_surcharge_add(struct mlb_document *document, const struct mlb_cost_terms *terms)
{
    struct mlb_sheet *sheet = NULL;
    for (size_t i = 0; i < terms->offers->measured_count; i++) {
        const struct mlb_measured *measured = &terms->offers->measured[i];
        const char *service = mlb_surcharge_service(measured->provider);
        if (!service || !is_first_instance(terms->offers, i))
            continue;
        struct pair prices = list_prices(terms, measured, service);
        if (prices.plain == 0.0)
            continue;
        struct mlb_surcharge is =
            mlb_surcharge(measured->provider, service, prices.service, prices.plain);
        if (!sheet)
            sheet =
                mlb_document_sheet(document, "surcharge", "Managed services", surcharge_columns);
        add_surcharge(sheet, measured, service, &prices, &is);
    }
    if (sheet)
        mlb_sheet_note(sheet, "in no other figure here, unless the price of an offer is the "
                              "service's own");
}
