/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's offers file as CSV: five lines of preamble, then one line a price. A reserved term has up
 * to two, by the hour and in front, which need not lie beside each other. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/catalog/import_aws.h"

enum { SKU, TERM, TYPE, UNIT, PRICE, CURRENCY, LEASE, OPTION, CLASS, ATTRIBUTES };
enum { REQUIRED = LEASE, NAME = ATTRIBUTES + MLB_AWS_ATTRIBUTES };
static const char *const columns[] = {"SKU",
                                      "OfferTermCode",
                                      "TermType",
                                      "Unit",
                                      "PricePerUnit",
                                      "Currency",
                                      "LeaseContractLength",
                                      "PurchaseOption",
                                      "OfferingClass",
                                      "Instance Type",
                                      "Region Code",
                                      "Tenancy",
                                      "Operating System",
                                      "CapacityStatus",
                                      "Pre Installed S/W",
                                      "MarketOption",
                                      "Component",
                                      "Instance Name",
                                      NULL};

struct pending {
    char key[64]; /* SKU and term */
    struct mlb_aws_term term;
    char region[48];
};

struct reader {
    struct mlb_import *import;
    struct mlb_table table;
    struct pending *pending;
    size_t count, room;
    bool failed;
};

/* Of SageMaker's products the machine stands in a column of its own. */
static const char *instance_of(const struct mlb_table *table)
{
    const char *type = mlb_table_get(table, ATTRIBUTES + MLB_AWS_INSTANCE);
    return type[0] ? type : mlb_table_get(table, NAME);
}

static void read_product(const struct mlb_table *table, struct mlb_aws_product *product)
{
    for (size_t i = 0; i < MLB_AWS_ATTRIBUTES; i++)
        mlb_format(product->of[i], sizeof product->of[i], "%s",
                   mlb_table_get(table, ATTRIBUTES + i));
    mlb_format(product->of[MLB_AWS_INSTANCE], sizeof product->of[MLB_AWS_INSTANCE], "%s",
               instance_of(table));
}

static struct pending *find_pending(struct reader *reader, const char *key)
{
    for (size_t i = reader->count; i > 0; i--)
        if (strcmp(reader->pending[i - 1].key, key) == 0)
            return &reader->pending[i - 1];
    return NULL;
}

static struct pending *add_pending(struct reader *reader, const char *key)
{
    if (reader->count == reader->room) {
        size_t room = reader->room ? 2 * reader->room : 64;
        struct pending *pending = realloc(reader->pending, room * sizeof *pending);
        reader->failed = reader->failed || !pending;
        if (!pending)
            return NULL;
        reader->pending = pending;
        reader->room = room;
    }
    struct pending *pending = &reader->pending[reader->count++];
    *pending = (struct pending){.term.reserved = true};
    mlb_format(pending->key, sizeof pending->key, "%s", key);
    return pending;
}

/* Names are the catalog's, which stay; the region is kept with the term. */
static void read_reserved(struct reader *reader, const struct mlb_instance *instance,
                          const char *service)
{
    const struct mlb_table *table = &reader->table;
    char key[64];
    mlb_format(key, sizeof key, "%s.%s", mlb_table_get(table, SKU), mlb_table_get(table, TERM));
    struct pending *pending = find_pending(reader, key);
    if (!pending && !(pending = add_pending(reader, key)))
        return;
    struct mlb_aws_term *term = &pending->term;
    mlb_format(pending->region, sizeof pending->region, "%s",
               mlb_table_get(table, ATTRIBUTES + MLB_AWS_REGION));
    term->service = service;
    term->instance = instance->name;
    term->region = pending->region;
    term->line = table->line;
    mlb_format(term->lease, sizeof term->lease, "%s", mlb_table_get(table, LEASE));
    mlb_format(term->option, sizeof term->option, "%s", mlb_table_get(table, OPTION));
    mlb_format(term->class, sizeof term->class, "%s", mlb_table_get(table, CLASS));
    mlb_aws_add_price(reader->import, term, mlb_table_get(table, UNIT),
                      mlb_table_get(table, CURRENCY), mlb_table_get(table, PRICE));
}

static void read_on_demand(struct reader *reader, const struct mlb_instance *instance,
                           const char *service)
{
    const struct mlb_table *table = &reader->table;
    struct mlb_aws_term term = {.service = service,
                                .instance = instance->name,
                                .region = mlb_table_get(table, ATTRIBUTES + MLB_AWS_REGION),
                                .line = table->line};
    if (mlb_aws_add_price(reader->import, &term, mlb_table_get(table, UNIT),
                          mlb_table_get(table, CURRENCY), mlb_table_get(table, PRICE)))
        mlb_aws_take(reader->import, &term);
}

static void read_row(struct reader *reader)
{
    struct mlb_table *table = &reader->table;
    const char *type = mlb_table_get(table, TYPE), *service;
    struct mlb_aws_product product;
    if (!instance_of(table)[0])
        return; /* disks, addresses, traffic */
    read_product(table, &product);
    const struct mlb_instance *instance =
        mlb_aws_wanted(reader->import, &product, &service, table->line);
    if (!instance)
        return;
    if (strcmp(type, "OnDemand") == 0)
        read_on_demand(reader, instance, service);
    else if (strcmp(type, "Reserved") == 0)
        read_reserved(reader, instance, service);
    else
        mlb_import_find(reader->import, MLB_OTHER_TERMS, table->line, "aws %s: '%s'",
                        instance->name, type);
}

static void take_reserved(struct reader *reader)
{
    for (size_t i = 0; i < reader->count; i++) {
        reader->pending[i].term.region = reader->pending[i].region; /* they have moved */
        mlb_aws_take(reader->import, &reader->pending[i].term);
    }
}

/* The preamble has two fields a line; the header begins with SKU. */
static enum mlb_status read_preamble(struct reader *reader, const char *path, struct mlb_error *err)
{
    struct mlb_table *table = &reader->table;
    *table = (struct mlb_table){.csv = mlb_csv_open(path, err)};
    if (!table->csv)
        return err->status;
    while (mlb_csv_next(table->csv, &table->fields, &table->count, err)) {
        if (strcmp(table->fields[0], columns[SKU]) == 0)
            return mlb_table_columns(table, path, columns, REQUIRED, err);
        if (table->count == 2 && strcmp(table->fields[0], "Publication Date") == 0)
            mlb_import_dated(reader->import, table->fields[1], "published");
    }
    return err->status
               ? err->status
               : mlb_fail(err, MLB_E_CONFIG,
                          "%s: no line that begins with SKU: was the download cut off?", path);
}

enum mlb_status mlb_import_aws_csv(struct mlb_import *import, const char *path,
                                   struct mlb_error *err)
{
    struct reader reader = {.import = import};
    if (read_preamble(&reader, path, err) == MLB_OK)
        while (!reader.failed && mlb_table_next(&reader.table, import, err))
            read_row(&reader);
    enum mlb_status status = mlb_table_end(&reader.table, err);
    if (status == MLB_OK && reader.failed)
        status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    if (status == MLB_OK)
        take_reserved(&reader);
    free(reader.pending);
    return status;
}
