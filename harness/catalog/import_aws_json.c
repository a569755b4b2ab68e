/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's offers file as JSON, hundreds of megabytes: first all products, then the terms by SKU. Of
 * the products only those that are wanted are kept. And the answer of `aws pricing get-products`,
 * which has product and terms together, each as a JSON text in a list. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/json_pull.h"
#include "harness/base/text.h"
#include "harness/catalog/import_aws.h"

#define PRODUCT_LIMIT ((size_t)4 << 20) /* bytes of one, with all its terms */

struct product {
    char sku[32], region[48];
    const char *service, *instance; /* the catalog's */
};

struct reader {
    struct mlb_import *import;
    struct mlb_pull *pull;
    size_t line;              /* where all of it stands; 0: each value has its own */
    struct product *products; /* sorted by SKU once all are read */
    size_t count, room;
    bool failed;
};

static void copy_string(struct mlb_pull *pull, char *to, size_t size)
{
    if (mlb_pull_peek(pull) == MLB_PULL_STRING)
        mlb_format(to, size, "%s", mlb_pull_string(pull));
    else
        mlb_pull_skip(pull);
}

/* --------------------------------------------------------------------------------- the products */

static void read_attributes(struct mlb_pull *pull, struct mlb_aws_product *product)
{
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        size_t i = 0;
        while (i < MLB_AWS_ATTRIBUTES && strcmp(mlb_aws_attribute_keys[i], key) != 0)
            i++;
        /* SageMaker's products have the machine's name under a key of their own. */
        if (i == MLB_AWS_ATTRIBUTES && strcmp(key, "instanceName") == 0 &&
            !product->of[MLB_AWS_INSTANCE][0])
            i = MLB_AWS_INSTANCE;
        if (i < MLB_AWS_ATTRIBUTES)
            copy_string(pull, product->of[i], sizeof product->of[i]);
        else
            mlb_pull_skip(pull);
    }
}

static void keep_product(struct reader *reader, const struct mlb_aws_product *product,
                         const char *sku)
{
    const char *service;
    const struct mlb_instance *instance =
        product->of[MLB_AWS_INSTANCE][0]
            ? mlb_aws_wanted(reader->import, product, &service, reader->line)
            : NULL; /* a disk, an address, traffic */
    if (!instance)
        return;
    if (reader->count == reader->room) {
        size_t room = reader->room ? 2 * reader->room : 64;
        struct product *products = realloc(reader->products, room * sizeof *products);
        reader->failed = reader->failed || !products;
        if (!products)
            return;
        reader->products = products;
        reader->room = room;
    }
    struct product *kept = &reader->products[reader->count++];
    *kept = (struct product){.service = service, .instance = instance->name};
    mlb_format(kept->sku, sizeof kept->sku, "%s", sku);
    mlb_format(kept->region, sizeof kept->region, "%s", product->of[MLB_AWS_REGION]);
}

/* { sku, productFamily, attributes: { ... } } */
static void read_product(struct reader *reader)
{
    struct mlb_aws_product product = {0};
    char sku[32] = "";
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        if (strcmp(key, "sku") == 0)
            copy_string(reader->pull, sku, sizeof sku);
        else if (strcmp(key, "attributes") == 0)
            read_attributes(reader->pull, &product);
        else
            mlb_pull_skip(reader->pull);
    }
    if (!mlb_pull_failed(reader->pull))
        keep_product(reader, &product, sku);
}

static int compare_products(const void *a, const void *b)
{
    return strcmp(((const struct product *)a)->sku, ((const struct product *)b)->sku);
}

static int compare_sku(const void *sku, const void *product)
{
    return strcmp(sku, ((const struct product *)product)->sku);
}

static void read_products(struct reader *reader)
{
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key))
        read_product(reader);
    if (reader->count > 0)
        qsort(reader->products, reader->count, sizeof *reader->products, compare_products);
}

/* ------------------------------------------------------------------------------------ the terms */

/* { USD: "55.04" }: of several currencies US dollars. */
static void read_amounts(struct mlb_pull *pull, char currency[static 8], char amount[static 64])
{
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(currency, "USD") == 0) {
            mlb_pull_skip(pull);
            continue;
        }
        mlb_format(currency, 8, "%s", key);
        copy_string(pull, amount, 64);
    }
}

/* { unit, pricePerUnit: { USD: "55.04" }, ... } */
static void read_dimension(struct reader *reader, struct mlb_aws_term *term)
{
    char unit[32] = "", currency[8] = "", amount[64] = "";
    const char *key;
    struct mlb_pull *pull = reader->pull;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(key, "unit") == 0)
            copy_string(pull, unit, sizeof unit);
        else if (strcmp(key, "pricePerUnit") == 0) {
            read_amounts(pull, currency, amount);
            term->line = reader->line ? reader->line : mlb_pull_line(pull);
        } else
            mlb_pull_skip(pull);
    }
    if (!mlb_pull_failed(pull))
        mlb_aws_add_price(reader->import, term, unit, currency, amount);
}

static void read_term_attributes(struct mlb_pull *pull, struct mlb_aws_term *term)
{
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(key, "LeaseContractLength") == 0)
            copy_string(pull, term->lease, sizeof term->lease);
        else if (strcmp(key, "PurchaseOption") == 0)
            copy_string(pull, term->option, sizeof term->option);
        else if (strcmp(key, "OfferingClass") == 0)
            copy_string(pull, term->class, sizeof term->class);
        else
            mlb_pull_skip(pull);
    }
}

/* { priceDimensions: { id: {...} }, termAttributes: {...}, ... } */
static void read_term(struct reader *reader, const struct product *product, bool reserved)
{
    struct mlb_aws_term term = {.service = product->service,
                                .instance = product->instance,
                                .region = product->region,
                                .reserved = reserved};
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        if (strcmp(key, "termAttributes") == 0)
            read_term_attributes(reader->pull, &term);
        else if (strcmp(key, "priceDimensions") == 0) {
            mlb_pull_object(reader->pull);
            while (mlb_pull_key(reader->pull, &key))
                read_dimension(reader, &term);
        } else
            mlb_pull_skip(reader->pull);
    }
    if (!mlb_pull_failed(reader->pull))
        mlb_aws_take(reader->import, &term);
}

/* { "SKU.CODE": term, ... } */
static void read_terms_of_product(struct reader *reader, const struct product *product,
                                  bool reserved)
{
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key))
        read_term(reader, product, reserved);
}

/* { SKU: { "SKU.CODE": term, ... }, ... } */
static void read_terms_by_sku(struct reader *reader, bool reserved)
{
    const char *sku;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &sku)) {
        const struct product *product =
            reader->count
                ? bsearch(sku, reader->products, reader->count, sizeof *product, compare_sku)
                : NULL;
        if (product)
            read_terms_of_product(reader, product, reserved);
        else
            mlb_pull_skip(reader->pull);
    }
}

/* { OnDemand: ..., Reserved: ... }; `product` NULL: by SKU. */
static void read_terms(struct reader *reader, const struct product *product)
{
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        bool reserved = strcmp(key, "Reserved") == 0;
        if (!reserved && strcmp(key, "OnDemand") != 0)
            mlb_pull_skip(reader->pull);
        else if (product)
            read_terms_of_product(reader, product, reserved);
        else
            read_terms_by_sku(reader, reserved);
    }
}

enum mlb_status mlb_import_aws_offers(struct mlb_import *import, const char *path,
                                      struct mlb_error *err)
{
    struct reader reader = {.import = import, .pull = mlb_pull_open(path, err)};
    bool products = false;
    const char *key;
    if (!reader.pull)
        return err->status;
    mlb_pull_object(reader.pull);
    while (mlb_pull_key(reader.pull, &key)) {
        if (strcmp(key, "publicationDate") == 0)
            mlb_import_dated(import, mlb_pull_string(reader.pull), "published");
        else if (strcmp(key, "products") == 0) {
            read_products(&reader);
            products = true;
        } else if (strcmp(key, "terms") == 0) {
            if (!products)
                mlb_pull_fail(reader.pull, "'terms' come before 'products': AWS's offers file has "
                                           "them the other way round");
            read_terms(&reader, NULL);
        } else
            mlb_pull_skip(reader.pull);
    }
    enum mlb_status status = mlb_pull_end(reader.pull, err);
    mlb_pull_close(reader.pull);
    free(reader.products);
    if (status == MLB_OK && reader.failed)
        status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    return status;
}

/* ------------------------------------------------------------------------ aws pricing get-products
 */

/* The members of one product that are wanted now: the product, or its terms once it is known. */
static enum mlb_status read_members(struct reader *reader, const char *name, const char *text,
                                    size_t length, struct mlb_error *err)
{
    const char *key;
    bool known = reader->count > 0;
    reader->pull = mlb_pull_memory(name, text, length, err);
    if (!reader->pull)
        return err->status;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        if (!known && strcmp(key, "publicationDate") == 0)
            mlb_import_dated(reader->import, mlb_pull_string(reader->pull), "published");
        else if (!known && strcmp(key, "product") == 0)
            read_product(reader);
        else if (known && strcmp(key, "terms") == 0)
            read_terms(reader, &reader->products[0]);
        else
            mlb_pull_skip(reader->pull);
    }
    enum mlb_status status = mlb_pull_end(reader->pull, err);
    mlb_pull_close(reader->pull);
    return status;
}

/* A product as a text that holds JSON, as AWS answers, or as the object itself. */
static enum mlb_status read_listed(struct mlb_import *import, const char *path, const char *value,
                                   size_t length, size_t line, struct mlb_error *err)
{
    struct reader reader = {.import = import, .line = line};
    char name[1100];
    cJSON *text = *value == '"' ? cJSON_ParseWithLength(value, length) : NULL;
    if (text) {
        value = text->valuestring;
        length = strlen(value);
    }
    mlb_format(name, sizeof name, "%s:%zu (a product)", path, line);
    enum mlb_status status = read_members(&reader, name, value, length, err);
    if (status == MLB_OK && reader.count > 0)
        status = read_members(&reader, name, value, length, err);
    if (status == MLB_OK && reader.failed)
        status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    free(reader.products);
    cJSON_Delete(text);
    return status;
}

static enum mlb_status read_list(struct mlb_import *import, const char *path, struct mlb_pull *pull,
                                 struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    mlb_pull_array(pull);
    while (status == MLB_OK && mlb_pull_element(pull)) {
        size_t length, line;
        mlb_pull_peek(pull);
        line = mlb_pull_line(pull);
        char *value = mlb_pull_copy(pull, PRODUCT_LIMIT, &length);
        if (value)
            status = read_listed(import, path, value, length, line, err);
        free(value);
    }
    return status;
}

enum mlb_status mlb_import_aws_products(struct mlb_import *import, const char *path,
                                        struct mlb_error *err)
{
    struct mlb_pull *pull = mlb_pull_open(path, err);
    enum mlb_status status = MLB_OK;
    const char *key;
    if (!pull)
        return err->status;
    mlb_pull_object(pull);
    while (status == MLB_OK && mlb_pull_key(pull, &key)) {
        if (strcmp(key, "PriceList") == 0)
            status = read_list(import, path, pull, err);
        else
            mlb_pull_skip(pull);
    }
    if (status == MLB_OK)
        status = mlb_pull_end(pull, err);
    mlb_pull_close(pull);
    return status;
}
