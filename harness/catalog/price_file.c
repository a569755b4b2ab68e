/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/catalog/price_file.h"

#include <stdlib.h>

#include "harness/base/text.h"
#include "harness/catalog/store.h"

#define LIMIT ((size_t)64 << 20) /* bytes, as of the catalog's own */

enum mlb_status mlb_price_file_open(struct mlb_catalog **file, const struct mlb_catalog *catalog,
                                    const char *path, struct mlb_error *err)
{
    struct mlb_catalog *read = calloc(1, sizeof *read);
    if (read)
        read->documents = calloc(1, sizeof *read->documents);
    if (!read || !read->documents) {
        free(read);
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    }
    enum mlb_status status = mlb_json_open(&read->documents[0], path, LIMIT, err);
    if (status == MLB_OK) {
        read->document_count = 1;
        read->instances = catalog->instances; /* lent */
        read->instance_count = catalog->instance_count;
        status = mlb_catalog_read_prices(read, 0, err);
        read->instances = NULL;
        read->instance_count = 0;
    }
    if (status == MLB_OK)
        *file = read;
    else
        mlb_catalog_close(read);
    return status;
}

static void add_text(cJSON *object, const char *key, const char *value)
{
    if (value[0])
        cJSON_AddStringToObject(object, key, value);
}

static cJSON *price_object(const struct mlb_price *price)
{
    cJSON *object = cJSON_CreateObject();
    add_text(object, "provider", price->provider);
    add_text(object, "service", price->service);
    add_text(object, "instance", price->instance);
    add_text(object, "purchase", mlb_purchase_names[price->purchase]);
    add_text(object, "region", price->region);
    add_text(object, "zone", price->zone);
    cJSON_AddNumberToObject(object, "amount_per_hour", price->usd_per_hour);
    add_text(object, "currency", "USD");
    add_text(object, "as_of", price->as_of);
    add_text(object, "source", price->source);
    add_text(object, "note", price->note);
    return object;
}

static void add_price(struct mlb_text *text, const struct mlb_price *price, bool last)
{
    cJSON *object = price_object(price);
    char *line = cJSON_PrintUnformatted(object);
    if (line)
        mlb_text_addf(text, "        %s%s\n", line, last ? "" : ",");
    text->failed = text->failed || !line;
    cJSON_free(line);
    cJSON_Delete(object);
}

enum mlb_status mlb_price_file_write(const char *path, const struct mlb_price *prices, size_t count,
                                     struct mlb_error *err)
{
    struct mlb_text text = {0};
    mlb_text_addf(&text, "{\n    \"schema\": %d,\n    \"prices\": [\n", MLB_CATALOG_SCHEMA);
    for (size_t i = 0; i < count; i++)
        add_price(&text, &prices[i], i + 1 == count);
    mlb_text_add(&text, "    ]\n}\n");
    enum mlb_status status = text.failed ? mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path)
                                         : mlb_file_write_atomic(path, text.data, text.length, err);
    mlb_text_free(&text);
    return status;
}
