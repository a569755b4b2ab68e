/* SPDX-License-Identifier: Apache-2.0 */
/* configs/catalog/prices.json and files of the same form. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_strict.h"
#include "harness/catalog/fields.h"
#include "harness/catalog/store.h"

/* USD an accelerator-hour. The dearest list price in the catalog is 28.51 (a GB200 of Azure), the
 * cheapest GPU that trains is above 0.5; what is past these bounds is a price of a month or a whole
 * term, or in cents, or of a core. An instance that is not known may be a rack of 72. */
#define LEAST_AN_HOUR 0.01
#define MOST_AN_HOUR  200.0
#define RACK          72

/* What p5.48xlarge cost on demand before June 2025 and most public code still says; today it is
 * what Azure's ND96isr_H100_v5 costs. */
#define OLD_P5 98.32
static const char old_p5_note[] =
    "98.32 was AWS's price before June 2025, and is Azure's of ND96isr_H100_v5: check it";

struct price_file_row {
    struct mlb_price price;
    const char *purchase, *currency;
};

#define AT(member) offsetof(struct price_file_row, member)
static const struct mlb_catalog_field fields[] = {
    {"provider", MLB_CATALOG_TEXT, AT(price.provider), true,
     "who asks it, in small letters: \"aws\"", NULL},
    {"service", MLB_CATALOG_TEXT, AT(price.service), false, "", NULL},
    {"instance", MLB_CATALOG_TEXT, AT(price.instance), true,
     "the provider's own name: \"p5.48xlarge\"", NULL},
    {"region", MLB_CATALOG_TEXT, AT(price.region), true,
     "where it holds: \"us-east-1\", or \"all\" where one price holds everywhere", NULL},
    {"zone", MLB_CATALOG_TEXT, AT(price.zone), false, "", NULL},
    {"purchase", MLB_CATALOG_TEXT, AT(purchase), true, "how it is bought: \"on_demand\"",
     mlb_purchase_names},
    {"amount_per_hour", MLB_CATALOG_REAL, AT(price.usd_per_hour), true,
     "what an hour of one instance costs", NULL},
    {"currency", MLB_CATALOG_TEXT, AT(currency), true, "of the amount: \"USD\"", NULL},
    {"as_of", MLB_CATALOG_TEXT, AT(price.as_of), true,
     "the day or month in which it was published as current", NULL},
    {"source", MLB_CATALOG_TEXT, AT(price.source), true, "who says so", NULL},
    {"note", MLB_CATALOG_TEXT, AT(price.note), false, "", NULL},
    {NULL, MLB_CATALOG_TEXT, 0, false, NULL, NULL}};

static enum mlb_status check_currency(const struct mlb_json *json, const cJSON *item,
                                      const struct price_file_row *row, struct mlb_error *err)
{
    if (strcmp(row->currency, "USD") == 0)
        return MLB_OK;
    return mlb_json_fail(json, cJSON_GetObjectItemCaseSensitive(item, "currency"), err,
                         "'currency' is '%s'; only USD is taken: a rate of exchange changes daily "
                         "and is yours to choose, so convert the amount first",
                         row->currency);
}

bool mlb_catalog_is_possible(const struct mlb_instance *instance, double usd_per_hour,
                             double *least, double *most)
{
    int gpus = instance ? instance->gpus : 0;
    *least = LEAST_AN_HOUR * (gpus > 0 ? gpus : 1);
    *most = MOST_AN_HOUR * (gpus > 0 ? gpus : RACK);
    return usd_per_hour >= *least && usd_per_hour <= *most;
}

static enum mlb_status check_amount(const struct mlb_catalog *catalog, const struct mlb_json *json,
                                    const cJSON *item, const struct mlb_price *price,
                                    struct mlb_error *err)
{
    const struct mlb_instance *instance =
        mlb_catalog_instance(catalog, price->provider, price->instance);
    int gpus = instance ? instance->gpus : 0;
    double least, most;
    if (mlb_catalog_is_possible(instance, price->usd_per_hour, &least, &most))
        return MLB_OK;
    return mlb_json_fail(
        json, cJSON_GetObjectItemCaseSensitive(item, "amount_per_hour"), err,
        "%.6g USD an hour for %s %s cannot be: %.6g to %.6g is what an instance of "
        "%s costs; of a prepaid total, write it divided by the hours of the term",
        price->usd_per_hour, price->provider, price->instance, least, most,
        gpus > 1    ? "so many GPUs"
        : gpus == 1 ? "one GPU"
                    : "any size");
}

static enum mlb_status check_zone(const struct mlb_json *json, const cJSON *item,
                                  const struct mlb_price *price, struct mlb_error *err)
{
    if (!price->zone[0] || strcmp(price->region, "all") != 0)
        return MLB_OK;
    return mlb_json_fail(json, cJSON_GetObjectItemCaseSensitive(item, "zone"), err,
                         "a zone lies in one region, and 'region' is \"all\"");
}

static enum mlb_purchase purchase_of(const char *name)
{
    int purchase = 0;
    while (strcmp(mlb_purchase_names[purchase], name) != 0)
        purchase++;
    return (enum mlb_purchase)purchase;
}

static void note_old_p5(struct mlb_price *price)
{
    if (!price->note[0] && strcmp(price->provider, "aws") == 0 &&
        mlb_catalog_compare_names(mlb_catalog_bare_name(price->instance), "p5.48xlarge") == 0 &&
        mlb_catalog_same_amount(price->usd_per_hour, OLD_P5))
        price->note = old_p5_note;
}

static enum mlb_status read_price(const struct mlb_catalog *catalog, const struct mlb_json *json,
                                  const cJSON *item, struct mlb_price *price, struct mlb_error *err)
{
    struct price_file_row row = {0};
    if (mlb_catalog_read_fields(json, item, "a price", fields, &row, err) != MLB_OK ||
        mlb_catalog_check_provider(json, item, err) != MLB_OK ||
        check_currency(json, item, &row, err) != MLB_OK ||
        mlb_catalog_read_date(json, item, "as_of", &row.price.day, err) != MLB_OK ||
        check_amount(catalog, json, item, &row.price, err) != MLB_OK ||
        check_zone(json, item, &row.price, err) != MLB_OK)
        return err->status;
    row.price.purchase = purchase_of(row.purchase);
    note_old_p5(&row.price);
    *price = row.price;
    return MLB_OK;
}

/* ------------------------------------------------------------------------------- one price a thing
 */

/* What is offered, wherever it is. */
static int compare_offers(const struct mlb_price *a, const struct mlb_price *b)
{
    int order = mlb_catalog_compare_names(a->provider, b->provider);
    if (order == 0)
        order = mlb_catalog_compare_names(mlb_catalog_bare_name(a->instance),
                                          mlb_catalog_bare_name(b->instance));
    if (order == 0)
        order = strcmp(a->service, b->service);
    return order ? order : (int)a->purchase - (int)b->purchase;
}

static int compare_things(const struct mlb_price *a, const struct mlb_price *b)
{
    int order = compare_offers(a, b);
    if (order == 0)
        order = strcmp(a->region, b->region);
    return order ? order : strcmp(a->zone, b->zone);
}

/* Of one thing the newest first, of one day those of the later file: documents lie in the order in
 * which they are read. */
static int compare_rows(const void *a, const void *b)
{
    const struct mlb_price_row *x = a, *y = b;
    int order = compare_things(&x->price, &y->price);
    if (order == 0)
        order = (x->price.day < y->price.day) - (x->price.day > y->price.day);
    if (order == 0)
        order = (x->json < y->json) - (x->json > y->json);
    if (order == 0) /* qsort keeps no order of its own */
        order = (x->price.usd_per_hour > y->price.usd_per_hour) -
                (x->price.usd_per_hour < y->price.usd_per_hour);
    return order;
}

static enum mlb_status contradiction(const struct mlb_price_row *one,
                                     const struct mlb_price_row *other, struct mlb_error *err)
{
    const struct mlb_price *price = &other->price;
    return mlb_json_fail(other->json, other->item, err,
                         "%s %s %s in %s%s%s costs %.6g here and %.6g at %s:%zu, both as of %s: "
                         "keep one",
                         price->provider, price->instance, mlb_purchase_names[price->purchase],
                         price->region, price->zone[0] ? " " : "", price->zone, price->usd_per_hour,
                         one->price.usd_per_hour, one->json->path,
                         mlb_json_line(one->json, one->item), price->as_of);
}

/* A file that names two prices for one thing and day is wrong; one that comes after another file
 * knows better. */
static bool contradict(const struct mlb_price_row *a, const struct mlb_price_row *b)
{
    return a->json == b->json && a->price.day == b->price.day &&
           compare_things(&a->price, &b->price) == 0 &&
           !mlb_catalog_same_amount(a->price.usd_per_hour, b->price.usd_per_hour);
}

/* The first of each thing; `count` becomes how many there are. */
static enum mlb_status keep_newest(struct mlb_price_row *rows, size_t *count, struct mlb_error *err)
{
    size_t kept = 0;
    qsort(rows, *count, sizeof *rows, compare_rows);
    for (size_t i = 0; i < *count; i++) {
        if (i + 1 < *count && contradict(&rows[i], &rows[i + 1]))
            return contradiction(&rows[i], &rows[i + 1], err);
        if (kept == 0 || compare_things(&rows[kept - 1].price, &rows[i].price) != 0)
            rows[kept++] = rows[i];
    }
    *count = kept;
    return MLB_OK;
}

/* A later file's price for everywhere, as new or newer, counts before that of a single region. */
static bool replaces(const struct mlb_price_row *everywhere, const struct mlb_price_row *row)
{
    return everywhere && everywhere->json > row->json && everywhere->price.day >= row->price.day;
}

/* Into catalog->prices, which has room for all of them. */
static void keep_counting(struct mlb_catalog *catalog, const struct mlb_price_row *rows,
                          size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        const struct mlb_price_row *everywhere = NULL;
        for (end = first; end < count; end++) {
            if (compare_offers(&rows[first].price, &rows[end].price) != 0)
                break;
            if (strcmp(rows[end].price.region, "all") == 0)
                everywhere = &rows[end];
        }
        for (size_t i = first; i < end; i++)
            if (!replaces(everywhere, &rows[i]))
                catalog->prices[catalog->price_count++] = rows[i].price;
    }
}

static enum mlb_status read_rows(const struct mlb_catalog *catalog, const struct mlb_json *json,
                                 const cJSON *list, struct mlb_price_row *rows, size_t *count,
                                 struct mlb_error *err)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        struct mlb_price_row *row = &rows[*count];
        row->json = json;
        row->item = item;
        if (read_price(catalog, json, item, &row->price, err) != MLB_OK)
            return err->status;
        ++*count;
    }
    return MLB_OK;
}

enum mlb_status mlb_catalog_read_prices(struct mlb_catalog *catalog, size_t first,
                                        struct mlb_error *err)
{
    size_t most = 0, count = 0;
    const cJSON *list = NULL;
    for (size_t i = first; i < catalog->document_count; i++) {
        if (mlb_catalog_read_list(&catalog->documents[i], "prices", &list, err) != MLB_OK)
            return err->status;
        most += (size_t)cJSON_GetArraySize(list);
    }
    struct mlb_price_row *rows = calloc(most + 1, sizeof *rows);
    catalog->prices = calloc(most + 1, sizeof *catalog->prices);
    enum mlb_status status =
        rows && catalog->prices ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "catalog: out of memory");
    for (size_t i = first; status == MLB_OK && i < catalog->document_count; i++) {
        status = mlb_catalog_read_list(&catalog->documents[i], "prices", &list, err);
        if (status == MLB_OK)
            status = read_rows(catalog, &catalog->documents[i], list, rows, &count, err);
    }
    if (status == MLB_OK)
        status = keep_newest(rows, &count, err);
    if (status == MLB_OK)
        keep_counting(catalog, rows, count);
    free(rows);
    return status;
}
