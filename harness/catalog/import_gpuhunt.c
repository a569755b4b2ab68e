/* SPDX-License-Identifier: Apache-2.0 */
/* gpuhunt's catalog, one file a provider: one line an offer, and spot is a line of its own. */
#include <string.h>
#include <strings.h>

#include "harness/base/text.h"
#include "harness/catalog/import_offer.h"

enum { INSTANCE, LOCATION, PRICE, SPOT, FLAGS };
static const char *const columns[] = {"instance_name", "location", "price", "spot", "flags", NULL};

/* "us-central1-a" is a zone of "us-central1"; only of GCP is the location one. */
static void split_zone(const char *provider, const char *location, char *region, size_t size)
{
    const char *dash = strrchr(location, '-');
    bool zone = strcmp(provider, "gcp") == 0 && dash && strlen(dash) == 2;
    mlb_format(region, size, "%.*s", (int)(zone ? dash - location : (long)strlen(location)),
               location);
}

static void take_row(struct mlb_import *import, const struct mlb_table *table, const char *provider)
{
    const char *location = mlb_table_get(table, LOCATION);
    const char *is_spot = mlb_table_get(table, SPOT);
    bool spot = strcasecmp(is_spot, "true") == 0;
    bool dws = strstr(mlb_table_get(table, FLAGS), "dws-calendar") != NULL;
    bool aws = strcmp(provider, "aws") == 0;
    char region[64];
    if (!mlb_import_wanted(import, provider, mlb_table_get(table, INSTANCE), table->line))
        return;
    if (!spot && strcasecmp(is_spot, "false") != 0) {
        mlb_import_find(import, MLB_OTHER_TERMS, table->line, "%s %s: spot is '%.20s'", provider,
                        mlb_table_get(table, INSTANCE), is_spot);
        return;
    }
    split_zone(provider, location, region, sizeof region);
    struct mlb_offer offer = {.provider = provider,
                              .instance = mlb_table_get(table, INSTANCE),
                              .region = region,
                              .purchase = spot  ? MLB_SPOT
                                          : dws ? MLB_CAPACITY_BLOCK
                                                : MLB_ON_DEMAND,
                              .line = table->line};
    if (spot && strcmp(region, location) != 0)
        offer.zone = location;
    if (spot && aws)
        offer.note = "of the cheapest zone";
    if (dws && !spot)
        offer.note = "Dynamic Workload Scheduler, calendar mode";
    if (mlb_import_amount(import, &offer, mlb_table_get(table, PRICE)))
        mlb_import_take(import, &offer);
}

enum mlb_status mlb_import_gpuhunt(struct mlb_import *import, const char *path,
                                   struct mlb_error *err)
{
    struct mlb_table table;
    const char *provider;
    if (mlb_import_provider(import, path, &provider, err) != MLB_OK ||
        mlb_table_open(&table, path, columns, FLAGS, err) != MLB_OK)
        return err->status;
    while (mlb_table_next(&table, import, err))
        take_row(import, &table, provider);
    return mlb_table_end(&table, err);
}
