/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench prices list [FILTER=PATTERN]... */
#include <string.h>

#include "harness/app/prices.h"
#include "harness/base/date.h"
#include "harness/base/text.h"

/* What a filter looks at. */
static const char *provider_of(const struct mlb_price *price, const struct mlb_instance *instance)
{
    (void)instance;
    return price->provider;
}

static const char *instance_of(const struct mlb_price *price, const struct mlb_instance *instance)
{
    (void)instance;
    return price->instance;
}

static const char *gpu_of(const struct mlb_price *price, const struct mlb_instance *instance)
{
    (void)price;
    return instance ? instance->gpu : "";
}

static const char *region_of(const struct mlb_price *price, const struct mlb_instance *instance)
{
    (void)instance;
    return price->region;
}

static const char *purchase_of(const struct mlb_price *price, const struct mlb_instance *instance)
{
    (void)instance;
    return mlb_purchase_names[price->purchase];
}

static const char *service_of(const struct mlb_price *price, const struct mlb_instance *instance)
{
    (void)instance;
    return price->service;
}

static const struct filter {
    const char *name;
    const char *(*of)(const struct mlb_price *price, const struct mlb_instance *instance);
} filters[] = {{"provider", provider_of}, {"instance", instance_of}, {"gpu", gpu_of},
               {"region", region_of},     {"purchase", purchase_of}, {"service", service_of}};
enum { FILTERS = sizeof filters / sizeof *filters };

/* Without case; an instance of Azure or SageMaker also without what stands in front of its name. */
static bool matches(const char *pattern, const char *text)
{
    char wanted[128], has[128];
    mlb_text_lower(wanted, sizeof wanted, pattern);
    mlb_text_lower(has, sizeof has, text);
    return mlb_glob_match(wanted, has) ||
           (strncmp(has, "standard_", 9) == 0 && mlb_glob_match(wanted, has + 9)) ||
           (strncmp(has, "ml.", 3) == 0 && mlb_glob_match(wanted, has + 3));
}

static enum mlb_status unknown(const char *word, struct mlb_error *err)
{
    struct mlb_text names = {0};
    for (size_t i = 0; i < FILTERS; i++)
        mlb_text_addf(&names, "%s%s=", i ? ", " : "", filters[i].name);
    mlb_fail(err, MLB_E_USAGE,
             "prices list: '%s' is no filter; there are %s, with * and ?: gpu=H100 instance=p5*",
             word, mlb_text_get(&names));
    mlb_text_free(&names);
    return err->status;
}

/* One pattern a filter; NULL = any. */
static enum mlb_status read_filters(const struct mlb_options *options,
                                    const char *patterns[FILTERS], struct mlb_error *err)
{
    for (size_t i = 0; i < options->word_count; i++) {
        const char *word = options->words[i], *equals = strchr(word, '=');
        size_t at = 0;
        while (at < FILTERS && (!equals || strlen(filters[at].name) != (size_t)(equals - word) ||
                                strncmp(filters[at].name, word, (size_t)(equals - word)) != 0))
            at++;
        if (at == FILTERS)
            return unknown(word, err);
        if (patterns[at])
            return mlb_fail(err, MLB_E_USAGE, "prices list: %s= stands twice; a pattern may have *",
                            filters[at].name);
        patterns[at] = equals + 1;
    }
    return MLB_OK;
}

static bool is_wanted(const char *const patterns[FILTERS], const struct mlb_price *price,
                      const struct mlb_instance *instance)
{
    for (size_t i = 0; i < FILTERS; i++)
        if (patterns[i] && !matches(patterns[i], filters[i].of(price, instance)))
            return false;
    return true;
}

struct tally {
    size_t rows, stale, unmeasured;
};

static struct tally add_rows(struct mlb_sheet *sheet, const struct mlb_catalog *catalog,
                             const char *const patterns[FILTERS])
{
    struct tally tally = {0};
    const struct mlb_price *prices;
    size_t count = mlb_catalog_prices(catalog, &prices);
    int64_t today = mlb_date_today();
    for (size_t i = 0; i < count; i++) {
        const struct mlb_instance *instance =
            mlb_catalog_instance(catalog, prices[i].provider, prices[i].instance);
        if (!is_wanted(patterns, &prices[i], instance))
            continue;
        mlb_prices_row(sheet, catalog, &prices[i], today, 0);
        tally.rows++;
        tally.stale += mlb_price_is_stale(&prices[i], today);
        tally.unmeasured += instance && instance->price_only;
    }
    return tally;
}

static void add_notes(struct mlb_document *document, const struct tally *tally)
{
    mlb_document_real(document, "count", NULL, (double)tally->rows, "%zu", tally->rows);
    mlb_document_real(document, "stale_count", NULL, (double)tally->stale, "%zu", tally->stale);
    if (tally->stale > 0)
        mlb_document_note(
            document, "stale",
            "%zu of %zu prices are older than %d days: where they matter, bring newer "
            "ones (mlbench prices import FILE, or --price in mlbench cost).",
            tally->stale, tally->rows, MLB_PRICE_STALE_DAYS);
    if (tally->unmeasured > 0)
        mlb_document_note(document, "not_measured",
                          "Trainium, Inferentia, TPU and MI300X are here by price only: not "
                          "measured by mlbench, which needs CUDA or a CPU.");
    mlb_document_note(document, "source",
                      "Sources and days: mlbench prices show PROVIDER/INSTANCE, or --format csv.");
}

static enum mlb_status list(const struct mlb_catalog *catalog, const struct mlb_options *options,
                            const char *const patterns[FILTERS], struct mlb_error *err)
{
    struct mlb_document *document = mlb_document_new("prices", "Published prices");
    struct tally tally = add_rows(mlb_prices_sheet(document), catalog, patterns);
    add_notes(document, &tally);
    if (tally.rows > 0)
        return mlb_prices_print(document, options, err);
    mlb_document_free(document);
    return mlb_fail(err, MLB_E_NO_VERDICT,
                    "prices list: no price matches; 'mlbench prices list' prints all");
}

enum mlb_status mlb_prices_list(const struct mlb_options *options, struct mlb_error *err)
{
    const char *patterns[FILTERS] = {0};
    struct mlb_catalog *catalog;
    if (read_filters(options, patterns, err) != MLB_OK ||
        mlb_prices_open(&catalog, options, err) != MLB_OK)
        return err->status;
    enum mlb_status status = list(catalog, options, patterns, err);
    mlb_catalog_close(catalog);
    return status;
}
