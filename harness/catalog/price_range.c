/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance costs under one way of buying. */
#include <stdlib.h>
#include <string.h>

#include "harness/catalog/store.h"

struct question {
    const char *provider, *service, *instance, *region, *zone;
    enum mlb_purchase purchase;
};

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool is_of(const struct mlb_price *price, const struct question *of)
{
    return price->purchase == of->purchase && same_text(price->service, of->service) &&
           mlb_catalog_compare_names(price->provider, of->provider) == 0 &&
           mlb_catalog_compare_names(mlb_catalog_bare_name(price->instance),
                                     mlb_catalog_bare_name(of->instance)) == 0;
}

/* "all" stands for a region that has no price of its own. */
static bool is_there(const struct mlb_price *price, const struct question *of, const char *region)
{
    return (!of->region[0] || same_text(price->region, region)) &&
           (!of->zone[0] || !price->zone[0] || same_text(price->zone, of->zone));
}

static void add(struct mlb_price_range *range, const struct mlb_price *price, double *amounts)
{
    amounts[range->count++] = price->usd_per_hour;
    if (!range->cheapest || price->usd_per_hour < range->cheapest->usd_per_hour)
        range->cheapest = price;
    if (!range->oldest || price->day < range->oldest->day)
        range->oldest = price;
}

static bool reaches_on_demand(const struct mlb_catalog *catalog, const struct mlb_price *spot)
{
    struct question of = {spot->provider, spot->service, spot->instance, spot->region, "",
                          MLB_ON_DEMAND};
    for (size_t i = 0; i < catalog->price_count; i++) {
        const struct mlb_price *price = &catalog->prices[i];
        if (is_of(price, &of) &&
            (same_text(price->region, spot->region) || same_text(price->region, "all")) &&
            spot->usd_per_hour >= price->usd_per_hour * (1.0 - 1e-6))
            return true;
    }
    return false;
}

static void collect(const struct mlb_catalog *catalog, const struct question *of,
                    const char *region, struct mlb_price_range *range, double *amounts)
{
    for (size_t i = 0; i < catalog->price_count; i++) {
        const struct mlb_price *price = &catalog->prices[i];
        if (!is_of(price, of) || !is_there(price, of, region))
            continue;
        add(range, price, amounts);
        if (of->purchase == MLB_SPOT && !range->above_on_demand)
            range->above_on_demand = reaches_on_demand(catalog, price);
    }
}

static int compare_amounts(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mlb_catalog_median(double *amounts, size_t count)
{
    qsort(amounts, count, sizeof *amounts, compare_amounts);
    return (amounts[(count - 1) / 2] + amounts[count / 2]) / 2.0;
}

static void summarise(struct mlb_price_range *range, double *amounts, int64_t today)
{
    size_t count = range->count;
    if (count == 0)
        return;
    range->median = mlb_catalog_median(amounts, count);
    range->known = true;
    range->low = amounts[0];
    range->high = amounts[count - 1];
    range->stale = today - range->oldest->day > MLB_PRICE_STALE_DAYS;
}

static bool find_own(const struct mlb_catalog *catalog, const struct question *of,
                     struct mlb_price_range *range)
{
    double amount;
    for (size_t i = catalog->own_count; i-- > 0;) {
        const struct mlb_price *price = &catalog->own[i].price;
        if (!is_of(price, of))
            continue;
        add(range, price, &amount);
        summarise(range, &amount, price->day);
        range->user = true;
        return true;
    }
    return false;
}

struct mlb_price_range mlb_catalog_price(const struct mlb_catalog *catalog, const char *provider,
                                         const char *service, const char *instance,
                                         const char *region, const char *zone,
                                         enum mlb_purchase purchase, int64_t today)
{
    struct question of = {provider, service, instance, region, zone, purchase};
    struct mlb_price_range range = {0};
    if (find_own(catalog, &of, &range))
        return range;
    double *amounts = malloc((catalog->price_count + 1) * sizeof *amounts);
    if (!amounts)
        return range; /* not known, as when there is none */
    collect(catalog, &of, region, &range, amounts);
    if (range.count == 0 && region[0])
        collect(catalog, &of, "all", &range, amounts);
    summarise(&range, amounts, today);
    free(amounts);
    return range;
}
