/* SPDX-License-Identifier: Apache-2.0 */
/* Prices as a table. */
#include <math.h>
#include <string.h>

#include "harness/app/prices.h"

/* A column that no row has a text for is not shown: the list leaves out what `show` says in full.
 */
static const struct mlb_column columns[] = {
    {"provider", "provider", MLB_COLUMN_MACHINE, false, false},
    {"service", "service", MLB_COLUMN_MACHINE, false, false},
    {"instance", "instance", MLB_COLUMN_MACHINE, false, false},
    {"name", "instance", MLB_COLUMN_PEOPLE, false, true},
    {"managed", "service", MLB_COLUMN_PEOPLE, false, false},
    {"gpus", "GPUs", MLB_COLUMN_MACHINE, true, false},
    {"gpu", "GPU", MLB_COLUMN_MACHINE, false, false},
    {"devices", "GPUs", MLB_COLUMN_PEOPLE, false, false},
    {"purchase", "purchase", MLB_COLUMN_BOTH, false, false},
    {"usd_per_hour", "$/h", MLB_COLUMN_BOTH, true, false},
    {"usd_per_gpu_hour", "$/GPU-h", MLB_COLUMN_BOTH, true, false},
    {"region", "region", MLB_COLUMN_MACHINE, false, false},
    {"zone", "zone", MLB_COLUMN_MACHINE, false, false},
    {"place", "where", MLB_COLUMN_PEOPLE, false, false},
    {"as_of", "as of", MLB_COLUMN_MACHINE, false, false},
    {"day", "as of", MLB_COLUMN_PEOPLE, false, false},
    {"age_days", "age", MLB_COLUMN_BOTH, true, false},
    {"stale", "stale", MLB_COLUMN_MACHINE, false, false},
    {"price_only", "not measured", MLB_COLUMN_MACHINE, false, false},
    {"reference", "source", MLB_COLUMN_PEOPLE, true, false},
    {"source", "source", MLB_COLUMN_MACHINE, false, false},
    {"note", "note", MLB_COLUMN_MACHINE, false, false},
    {NULL, NULL, MLB_COLUMN_BOTH, false, false}};

struct mlb_sheet *mlb_prices_sheet(struct mlb_document *document)
{
    return mlb_document_sheet(document, "prices", "Prices of one instance, USD an hour", columns);
}

bool mlb_price_is_stale(const struct mlb_price *price, int64_t today)
{
    return today - price->day > MLB_PRICE_STALE_DAYS;
}

/* A text for machines is absent when it is empty. */
static void text_or_blank(struct mlb_sheet *sheet, const char *text)
{
    if (text[0])
        mlb_sheet_text(sheet, "%s", text);
    else
        mlb_sheet_blank(sheet);
}

static void add_instance(struct mlb_sheet *sheet, const struct mlb_instance *instance,
                         const struct mlb_price *price, bool alone)
{
    bool long_name = strncmp(price->instance, "Standard_", 9) == 0;
    mlb_sheet_text(sheet, "%s", price->provider);
    text_or_blank(sheet, price->service);
    mlb_sheet_text(sheet, "%s", price->instance);
    if (alone) {
        mlb_sheet_blank(sheet);
        text_or_blank(sheet, price->service);
    } else {
        mlb_sheet_text(sheet, "%s %s", price->provider, price->instance + (long_name ? 9 : 0));
        mlb_sheet_blank(sheet);
    }
    if (!instance || instance->gpus < 1) {
        for (int i = 0; i < 3; i++)
            mlb_sheet_blank(sheet);
        return;
    }
    mlb_sheet_real(sheet, instance->gpus, "%d", instance->gpus);
    mlb_sheet_text(sheet, "%s", instance->gpu);
    if (alone)
        mlb_sheet_blank(sheet);
    else
        mlb_sheet_text(sheet, "%d %s", instance->gpus, instance->gpu);
}

static void add_amounts(struct mlb_sheet *sheet, const struct mlb_instance *instance,
                        const struct mlb_price *price)
{
    mlb_sheet_real(sheet, price->usd_per_hour, "%.2f", price->usd_per_hour);
    if (instance && instance->gpus > 0) {
        double each = price->usd_per_hour / instance->gpus;
        mlb_sheet_real(sheet, each, each < 0.995 ? "%.3f" : "%.2f", each);
    } else {
        mlb_sheet_blank(sheet);
    }
}

/* AWS's zones have their region in the name; others' do not have to. */
static void add_place(struct mlb_sheet *sheet, const struct mlb_price *price)
{
    mlb_sheet_text(sheet, "%s", price->region);
    text_or_blank(sheet, price->zone);
    if (price->zone[0] && strcmp(price->provider, "aws") != 0)
        mlb_sheet_text(sheet, "%s %s", price->region, price->zone);
    else
        mlb_sheet_text(sheet, "%s", price->zone[0] ? price->zone : price->region);
}

static void add_age(struct mlb_sheet *sheet, const struct mlb_price *price, int64_t today,
                    bool alone)
{
    int64_t age = today - price->day;
    bool stale = mlb_price_is_stale(price, today);
    mlb_sheet_text(sheet, "%s", price->as_of);
    text_or_blank(sheet, alone ? price->as_of : "");
    mlb_sheet_real(sheet, (double)age, "%s%lld days", stale ? "stale: " : "", (long long)age);
    mlb_sheet_bool(sheet, stale, stale ? "yes" : "no");
}

void mlb_prices_row(struct mlb_sheet *sheet, const struct mlb_catalog *catalog,
                    const struct mlb_price *price, int64_t today, int reference)
{
    const struct mlb_instance *instance =
        mlb_catalog_instance(catalog, price->provider, price->instance);
    bool alone = reference > 0, unmeasured = instance && instance->price_only;
    mlb_sheet_row(sheet);
    add_instance(sheet, instance, price, alone);
    mlb_sheet_text(sheet, "%s", mlb_purchase_names[price->purchase]);
    add_amounts(sheet, instance, price);
    add_place(sheet, price);
    add_age(sheet, price, today, alone);
    mlb_sheet_bool(sheet, unmeasured, unmeasured ? "yes" : "no");
    if (alone)
        mlb_sheet_text(sheet, "[%d]", reference);
    else
        mlb_sheet_blank(sheet);
    mlb_sheet_text(sheet, "%s", price->source);
    text_or_blank(sheet, price->note);
}
