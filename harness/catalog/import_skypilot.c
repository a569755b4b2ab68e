/* SPDX-License-Identifier: Apache-2.0 */
/* SkyPilot's catalog, catalogs/<version>/<cloud>/vms.csv: one line an instance and zone, its price
 * on demand and its spot price. The order of the columns differs between clouds.
 *
 * Of GCP a line with an instance is the host alone; its GPUs stand in a line without an instance,
 * for the same zone and their number. An instance costs both. Local SSD is in neither. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/catalog/import_offer.h"

enum { INSTANCE, PRICE, SPOT, REGION, ZONE, ACCELERATOR, COUNT };
static const char *const columns[] = {
    "InstanceType",     "Price",           "SpotPrice",        "Region",
    "AvailabilityZone", "AcceleratorName", "AcceleratorCount", NULL};

/* What SkyPilot calls the GPUs of a series of GCP. */
static const struct {
    const char *series, *gpu;
} gcp_gpus[] = {
    {"a2-highgpu-", "A100"}, {"a2-megagpu-", "A100"},      {"a2-ultragpu-", "A100-80GB"},
    {"a3-highgpu-", "H100"}, {"a3-megagpu-", "H100-MEGA"}, {"a3-ultragpu-", "H200"},
    {"a4-highgpu-", "B200"},
};

/* A host or the GPUs of one, in a zone. */
struct part {
    const struct mlb_instance *host; /* NULL: GPUs */
    char gpu[32], region[48], zone[64];
    double count, usd[2]; /* on demand, spot; NaN = not offered */
    size_t line;
};

struct parts {
    struct part *of;
    size_t count, room;
    bool failed;
};

static const enum mlb_purchase purchases[] = {MLB_ON_DEMAND, MLB_SPOT};

static struct mlb_offer offer_of(const struct mlb_table *table, const char *provider,
                                 const char *instance, enum mlb_purchase purchase)
{
    return (struct mlb_offer){.provider = provider,
                              .instance = instance,
                              .region = mlb_table_get(table, REGION),
                              .zone = purchase == MLB_SPOT ? mlb_table_get(table, ZONE) : NULL,
                              .purchase = purchase,
                              .line = table->line};
}

static void check_count(struct mlb_import *import, const struct mlb_table *table,
                        const struct mlb_instance *instance)
{
    double count;
    if (mlb_parse_real(mlb_table_get(table, COUNT), &count) && instance->gpus > 0 &&
        count != instance->gpus)
        mlb_import_find(import, MLB_OTHER_COUNT, table->line, "%s %s: %g, and the catalog has %d",
                        instance->provider, instance->name, count, instance->gpus);
}

static void take_row(struct mlb_import *import, const struct mlb_table *table, const char *provider)
{
    const char *name = mlb_table_get(table, INSTANCE);
    const struct mlb_instance *instance = mlb_import_wanted(import, provider, name, table->line);
    if (!instance)
        return;
    check_count(import, table, instance);
    for (size_t i = 0; i < 2; i++) {
        struct mlb_offer offer = offer_of(table, provider, name, purchases[i]);
        if (mlb_import_amount(import, &offer, mlb_table_get(table, i == 0 ? PRICE : SPOT)))
            mlb_import_take(import, &offer);
    }
}

/* ------------------------------------------------------------------------------------------- GCP
 */

static struct part *add_part(struct parts *parts)
{
    if (parts->count == parts->room) {
        size_t room = parts->room ? 2 * parts->room : 256;
        struct part *of = realloc(parts->of, room * sizeof *of);
        parts->failed = parts->failed || !of;
        if (!of)
            return NULL;
        parts->of = of;
        parts->room = room;
    }
    parts->of[parts->count] = (struct part){0};
    return &parts->of[parts->count++];
}

static bool is_gcp_gpu(const char *name)
{
    for (size_t i = 0; i < sizeof gcp_gpus / sizeof *gcp_gpus; i++)
        if (strcmp(gcp_gpus[i].gpu, name) == 0)
            return true;
    return false;
}

static void keep_part(struct mlb_import *import, struct parts *parts, const struct mlb_table *table,
                      const struct mlb_instance *host)
{
    struct part *part = add_part(parts);
    if (!part)
        return;
    part->host = host;
    part->line = table->line;
    mlb_format(part->gpu, sizeof part->gpu, "%s", mlb_table_get(table, ACCELERATOR));
    mlb_format(part->region, sizeof part->region, "%s", mlb_table_get(table, REGION));
    mlb_format(part->zone, sizeof part->zone, "%s", mlb_table_get(table, ZONE));
    if (!mlb_parse_real(mlb_table_get(table, COUNT), &part->count))
        part->count = 0.0;
    for (size_t i = 0; i < 2; i++) {
        struct mlb_offer offer =
            offer_of(table, "gcp", host ? host->name : part->gpu, purchases[i]);
        bool offered =
            mlb_import_amount(import, &offer, mlb_table_get(table, i == 0 ? PRICE : SPOT));
        part->usd[i] = offered ? offer.usd_per_hour : (double)NAN;
    }
}

/* A TPU is an accelerator without a host that the catalog has as an instance. */
static void take_gcp_row(struct mlb_import *import, struct parts *parts,
                         const struct mlb_table *table)
{
    const char *name = mlb_table_get(table, INSTANCE), *gpu = mlb_table_get(table, ACCELERATOR);
    if (!name[0] && is_gcp_gpu(gpu)) {
        keep_part(import, parts, table, NULL);
        return;
    }
    const struct mlb_instance *instance =
        mlb_import_wanted(import, "gcp", name[0] ? name : gpu, table->line);
    if (!instance)
        return;
    if (name[0]) {
        keep_part(import, parts, table, instance);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct mlb_offer offer = offer_of(table, "gcp", gpu, purchases[i]);
        if (mlb_import_amount(import, &offer, mlb_table_get(table, i == 0 ? PRICE : SPOT)))
            mlb_import_take(import, &offer);
    }
}

static const char *gpu_of_host(const struct mlb_instance *host)
{
    for (size_t i = 0; i < sizeof gcp_gpus / sizeof *gcp_gpus; i++)
        if (strncmp(host->name, gcp_gpus[i].series, strlen(gcp_gpus[i].series)) == 0)
            return gcp_gpus[i].gpu;
    return NULL;
}

static const struct part *partner(const struct parts *parts, const struct part *host)
{
    const char *gpu = gpu_of_host(host->host);
    for (size_t i = 0; gpu && i < parts->count; i++) {
        const struct part *part = &parts->of[i];
        if (!part->host && part->count == host->host->gpus && strcmp(part->gpu, gpu) == 0 &&
            strcmp(part->zone, host->zone) == 0 && strcmp(part->region, host->region) == 0)
            return part;
    }
    return NULL;
}

static void take_sum(struct mlb_import *import, const struct part *host, const struct part *gpus,
                     size_t which)
{
    bool on_demand = purchases[which] == MLB_ON_DEMAND;
    struct mlb_offer offer = {.provider = "gcp",
                              .instance = host->host->name,
                              .region = host->region,
                              .zone = on_demand ? NULL : host->zone,
                              .purchase = purchases[which],
                              .usd_per_hour = host->usd[which] + gpus->usd[which],
                              .note = "host and GPUs, without local SSD",
                              .line = host->line};
    char name[200];
    if (isnan(offer.usd_per_hour))
        return; /* one of the two is not offered in this way */
    /* Of a part that cannot be, the sum looks right; it is refused by its own amount. */
    if (gpus->usd[which] <= 0.0)
        offer.usd_per_hour = gpus->usd[which];
    else if (host->usd[which] < 0.0)
        offer.usd_per_hour = host->usd[which];
    if (host->usd[which] == 0.0) {
        offer.note = "GPUs alone: the file has the host at 0";
        mlb_import_find(import, MLB_FREE_HOST, host->line, "%s", mlb_import_name(&offer, name));
    }
    mlb_import_take(import, &offer);
}

static void take_sums(struct mlb_import *import, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *host = &parts->of[i];
        const struct part *gpus = host->host ? partner(parts, host) : NULL;
        if (host->host && !gpus)
            mlb_import_find(import, MLB_NO_PARTNER, host->line, "gcp %s %s", host->host->name,
                            host->zone);
        for (size_t which = 0; gpus && which < 2; which++)
            take_sum(import, host, gpus, which);
    }
}

enum mlb_status mlb_import_skypilot(struct mlb_import *import, const char *path,
                                    struct mlb_error *err)
{
    struct mlb_table table;
    struct parts parts = {0};
    const char *provider;
    if (mlb_import_provider(import, path, &provider, err) != MLB_OK ||
        mlb_table_open(&table, path, columns, ZONE, err) != MLB_OK)
        return err->status;
    bool gcp = strcmp(provider, "gcp") == 0;
    while (!parts.failed && mlb_table_next(&table, import, err)) {
        if (gcp)
            take_gcp_row(import, &parts, &table);
        else
            take_row(import, &table, provider);
    }
    enum mlb_status status = mlb_table_end(&table, err);
    if (status == MLB_OK && parts.failed)
        status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    if (status == MLB_OK)
        take_sums(import, &parts);
    free(parts.of);
    return status;
}
