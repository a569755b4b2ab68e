/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench prices show PROVIDER/INSTANCE */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/app/prices.h"
#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

enum { NEAR = 512 }; /* most instances that a hint looks through */

/* ---------------------------------------------------------------------------- finding the instance
 */

static enum mlb_status several(const struct mlb_catalog *catalog, const char *name,
                               struct mlb_error *err)
{
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(catalog, &instances);
    struct mlb_text providers = {0};
    for (size_t i = 0; i < count; i++)
        if (mlb_catalog_instance(catalog, instances[i].provider, name) == &instances[i])
            mlb_text_addf(&providers, "%s%s/%s", providers.length ? ", " : "",
                          instances[i].provider, instances[i].name);
    mlb_fail(err, MLB_E_USAGE, "prices show: '%s' is of several providers: %s", name,
             mlb_text_get(&providers));
    mlb_text_free(&providers);
    return err->status;
}

static enum mlb_status none(const struct mlb_catalog *catalog, const char *word, const char *name,
                            struct mlb_error *err)
{
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(catalog, &instances);
    const char *names[NEAR + 1] = {0};
    for (size_t i = 0; i < count && i < NEAR; i++)
        names[i] = instances[i].name;
    const char *near = mlb_nearest(name, names);
    return mlb_fail(err, MLB_E_USAGE,
                    "prices show: no instance '%s'%s%s%s; 'mlbench prices list' prints all", word,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* "aws/p5.48xlarge", or the name alone where one provider has it. */
static enum mlb_status find(const struct mlb_catalog *catalog, const char *word,
                            const struct mlb_instance **found, struct mlb_error *err)
{
    const char *slash = strchr(word, '/'), *name = slash ? slash + 1 : word;
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(catalog, &instances);
    *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *provider = instances[i].provider;
        if (slash && (strlen(provider) != (size_t)(slash - word) ||
                      strncasecmp(provider, word, (size_t)(slash - word)) != 0))
            continue;
        if (mlb_catalog_instance(catalog, provider, name) != &instances[i])
            continue;
        if (*found)
            return several(catalog, name, err);
        *found = &instances[i];
    }
    return *found ? MLB_OK : none(catalog, word, name, err);
}

/* --------------------------------------------------------------------------------------- the head
 */

static void add_rate(struct mlb_document *document, const char *key, const char *title,
                     double bytes_per_s)
{
    char rate[MLB_UNIT_TEXT];
    if (bytes_per_s > 0.0)
        mlb_document_real(document, key, title, bytes_per_s, "%.4g Gb/s (%s)",
                          bytes_per_s * 8.0 / 1e9, mlb_print_rate(rate, bytes_per_s, "B/s"));
}

static void add_gpus(struct mlb_document *document, const struct mlb_instance *instance)
{
    char memory[MLB_UNIT_TEXT];
    bool known = instance->gpu_memory_bytes > 0.0;
    mlb_print_bytes(memory, (uint64_t)instance->gpu_memory_bytes);
    mlb_document_real(document, "gpus", NULL, instance->gpus, "%d", instance->gpus);
    mlb_document_text(document, "gpu", "GPUs", "%d %s%s%s%s%s%s%s", instance->gpus, instance->gpu,
                      known ? ", " : "", known ? memory : "", instance->form[0] ? ", " : "",
                      instance->form, instance->nvlink[0] ? ", " : "", instance->nvlink);
    if (known)
        mlb_document_real(document, "gpu_memory_bytes", NULL, instance->gpu_memory_bytes, "%s",
                          memory);
}

static void add_host(struct mlb_document *document, const struct mlb_instance *instance)
{
    char memory[MLB_UNIT_TEXT];
    if (instance->vcpus > 0)
        mlb_document_real(document, "vcpus", "host", instance->vcpus, "%d vCPU%s%s",
                          instance->vcpus, instance->cpu[0] ? ", " : "", instance->cpu);
    if (instance->memory_bytes > 0.0)
        mlb_document_real(document, "memory_bytes", "memory", instance->memory_bytes, "%s",
                          mlb_print_bytes(memory, (uint64_t)instance->memory_bytes));
}

static void add_network(struct mlb_document *document, const struct mlb_instance *instance)
{
    if (instance->network[0] && instance->nics > 0)
        mlb_document_text(document, "network", "network", "%s, %d ports%s%s", instance->network,
                          instance->nics, instance->gpudirect[0] ? ", GPUDirect: " : "",
                          instance->gpudirect);
    else if (instance->network[0])
        mlb_document_text(document, "network", "network", "%s", instance->network);
    add_rate(document, "gpu_network_bytes_per_s", "for the GPUs, one way",
             instance->gpu_network_bytes_per_s);
    add_rate(document, "host_network_bytes_per_s", "of the host, one way",
             instance->host_network_bytes_per_s);
}

static void add_head(struct mlb_document *document, const struct mlb_instance *instance)
{
    mlb_document_text(document, "provider", NULL, "%s", instance->provider);
    mlb_document_text(document, "instance", NULL, "%s", instance->name);
    add_gpus(document, instance);
    add_host(document, instance);
    add_network(document, instance);
    mlb_document_text(document, "source", "as said by", "%s (%s)", instance->source,
                      instance->as_of);
    if (instance->price_only)
        mlb_document_note(document, "not_measured",
                          "Not measured by mlbench: there is no CUDA. It is here by its price.");
}

/* ------------------------------------------------------------------------------------- the prices
 */

static const struct mlb_column summary_columns[] = {
    {"purchase", "purchase", MLB_COLUMN_BOTH, false, false},
    {"low_usd_per_hour", "lowest", MLB_COLUMN_BOTH, true, false},
    {"median_usd_per_hour", "median", MLB_COLUMN_BOTH, true, false},
    {"high_usd_per_hour", "highest", MLB_COLUMN_BOTH, true, false},
    {"count", "prices", MLB_COLUMN_BOTH, true, false},
    {"cheapest", "lowest is in", MLB_COLUMN_BOTH, false, false},
    {"oldest", "oldest", MLB_COLUMN_BOTH, false, false},
    {NULL, NULL, MLB_COLUMN_BOTH, false, false}};

static void add_range(struct mlb_sheet *sheet, const struct mlb_price_range *range,
                      enum mlb_purchase purchase)
{
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", mlb_purchase_names[purchase]);
    mlb_sheet_real(sheet, range->low, "%.2f", range->low);
    mlb_sheet_real(sheet, range->median, "%.2f", range->median);
    mlb_sheet_real(sheet, range->high, "%.2f", range->high);
    mlb_sheet_real(sheet, (double)range->count, "%zu", range->count);
    mlb_sheet_text(sheet, "%s%s%s", range->cheapest->region, range->cheapest->zone[0] ? " " : "",
                   range->cheapest->zone);
    mlb_sheet_text(sheet, "%s%s", range->oldest->as_of, range->stale ? ", stale" : "");
    if (range->above_on_demand)
        mlb_sheet_note(sheet, "Somewhere spot costs as much as on demand in the same region.");
}

static void add_summary(struct mlb_document *document, const struct mlb_catalog *catalog,
                        const struct mlb_instance *instance)
{
    struct mlb_sheet *sheet =
        mlb_document_sheet(document, "ranges", "Over regions and zones, $/h", summary_columns);
    for (int purchase = 0; purchase < MLB_PURCHASES; purchase++) {
        struct mlb_price_range range =
            mlb_catalog_price(catalog, instance->provider, "", instance->name, "", "",
                              (enum mlb_purchase)purchase, mlb_date_today());
        if (range.known)
            add_range(sheet, &range, (enum mlb_purchase)purchase);
    }
}

/* Sources by number, in the order of the rows. */
struct sources {
    const char **texts; /* room for one a price */
    int count;
};

static int number_of(struct sources *sources, const char *text)
{
    for (int i = 0; i < sources->count; i++)
        if (strcmp(sources->texts[i], text) == 0)
            return i + 1;
    sources->texts[sources->count] = text;
    return ++sources->count;
}

static void note_price(struct mlb_sheet *sheet, const struct mlb_price *price)
{
    if (price->note[0])
        mlb_sheet_note(sheet, "%s %s%s%s %.6g: %s.", mlb_purchase_names[price->purchase],
                       price->region, price->zone[0] ? " " : "", price->zone, price->usd_per_hour,
                       price->note);
}

static enum mlb_status add_prices(struct mlb_document *document, const struct mlb_catalog *catalog,
                                  const struct mlb_instance *instance, struct mlb_error *err)
{
    struct mlb_sheet *sheet = mlb_prices_sheet(document);
    const struct mlb_price *prices;
    size_t count = mlb_catalog_prices(catalog, &prices);
    struct sources sources = {.texts = calloc(count + 1, sizeof *sources.texts)};
    if (!sources.texts)
        return mlb_fail(err, MLB_E_NOMEM, "prices show: out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct mlb_price *price = &prices[i];
        if (mlb_catalog_instance(catalog, price->provider, price->instance) != instance)
            continue;
        mlb_prices_row(sheet, catalog, price, mlb_date_today(), number_of(&sources, price->source));
        note_price(sheet, price);
    }
    for (int i = 0; i < sources.count; i++)
        mlb_sheet_note(sheet, "[%d] %s", i + 1, sources.texts[i]);
    if (sources.count > 0)
        add_summary(document, catalog, instance);
    else
        mlb_document_note(document, "no_price",
                          "No published price with a day and a region is known; --price of "
                          "mlbench cost takes your own.");
    free(sources.texts);
    return MLB_OK;
}

static enum mlb_status show(const struct mlb_catalog *catalog, const struct mlb_instance *instance,
                            const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_document *document =
        mlb_document_new("prices", "%s %s", instance->provider, instance->name);
    add_head(document, instance);
    if (add_prices(document, catalog, instance, err) == MLB_OK)
        return mlb_prices_print(document, options, err);
    mlb_document_free(document);
    return err->status;
}

enum mlb_status mlb_prices_show(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_catalog *catalog;
    const struct mlb_instance *instance;
    if (options->word_count != 1)
        return mlb_fail(err, MLB_E_USAGE,
                        "prices show: write one instance: mlbench prices show aws/p5.48xlarge");
    if (mlb_prices_open(&catalog, options, err) != MLB_OK)
        return err->status;
    enum mlb_status status = find(catalog, options->words[0], &instance, err);
    if (status == MLB_OK)
        status = show(catalog, instance, options, err);
    mlb_catalog_close(catalog);
    return status;
}
