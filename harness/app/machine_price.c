/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/machine_price.h"

#include <string.h>

#include "harness/base/text.h"

static enum mlb_purchase purchase_of(const struct mlb_provider *provider)
{
    for (int i = 0; mlb_purchase_names[i]; i++)
        if (strcmp(provider->purchase, mlb_purchase_names[i]) == 0)
            return (enum mlb_purchase)i;
    return MLB_ON_DEMAND;
}

/* AzureML and AWS Batch cost what their machines cost; the others ask more. */
static const char *service_of(const struct mlb_provider *provider)
{
    bool free =
        strcmp(provider->service, "azureml") == 0 || strcmp(provider->service, "batch") == 0;
    return free ? "" : provider->service;
}

/* AWS's local and wavelength zones (us-west-2-lax-1a) have prices of their own, which no list of
 * their region's holds. */
static bool is_apart(const struct mlb_provider *provider)
{
    size_t length = strlen(provider->region);
    return length > 0 && strcmp(provider->name, "aws") == 0 &&
           strncmp(provider->zone, provider->region, length) == 0 && provider->zone[length] == '-';
}

/* Spot is priced by zone where the catalog knows this one, else by region. */
static struct mlb_price_range find(const struct mlb_catalog *catalog,
                                   const struct mlb_provider *provider, int64_t today)
{
    enum mlb_purchase purchase = purchase_of(provider);
    const char *service = service_of(provider);
    struct mlb_price_range range =
        mlb_catalog_price(catalog, provider->name, service, provider->instance, provider->region,
                          provider->zone, purchase, today);
    if (!range.known && provider->zone[0])
        range = mlb_catalog_price(catalog, provider->name, service, provider->instance,
                                  provider->region, "", purchase, today);
    return range;
}

static void take(const struct mlb_price_range *range, const struct mlb_provider *provider,
                 struct mlb_machine_price *price)
{
    const struct mlb_price *oldest = range->oldest;
    bool several = range->high > range->low * (1.0 + 1e-6);
    price->usd_per_hour = range->median;
    mlb_format(price->source, sizeof price->source, "catalog: %s %s %s %s%s, as of %s%s",
               oldest->provider, oldest->instance, mlb_purchase_names[oldest->purchase],
               provider->region[0] ? provider->region : oldest->region,
               several ? ", median of its zones" : "", oldest->as_of,
               range->stale ? ", stale" : "");
}

void mlb_price_of_machine(const struct mlb_catalog *catalog, const struct mlb_provider *provider,
                          int64_t today, struct mlb_machine_price *price)
{
    *price = (struct mlb_machine_price){0};
    if (!provider->name[0] || !provider->instance[0] || provider->method == MLB_PROVIDER_UNKNOWN)
        return;
    if (provider->method == MLB_PROVIDER_INFERRED) {
        mlb_format(price->why, sizeof price->why,
                   "not taken: %s %s is inferred from the hardware; --provider and --instance, or "
                   "--price-per-hour, settle it",
                   provider->name, provider->instance);
        return;
    }
    struct mlb_price_range range = find(catalog, provider, today);
    bool settled = provider->region[0] || range.high <= range.low * (1.0 + 1e-6);
    if (is_apart(provider) && !range.user)
        mlb_format(price->why, sizeof price->why,
                   "the catalog has none for the zone %s, which has prices of its own; "
                   "--price-per-hour makes costs known",
                   provider->zone);
    else if (range.known && settled)
        take(&range, provider, price);
    else if (range.known)
        mlb_format(price->why, sizeof price->why,
                   "%s %s costs %.4g to %.4g USD an hour, and the region is not known; "
                   "--price-per-hour settles it",
                   provider->name, provider->instance, range.low, range.high);
    else
        mlb_format(price->why, sizeof price->why,
                   "the catalog has none for %s%s%s %s %s%s%s; --price-per-hour makes "
                   "costs known",
                   provider->name, provider->service[0] ? " " : "", provider->service,
                   provider->instance, mlb_purchase_names[purchase_of(provider)],
                   provider->region[0] ? " in " : "", provider->region);
}
