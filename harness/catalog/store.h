/* SPDX-License-Identifier: Apache-2.0 */
/* What a catalog holds, for the files of this folder. Texts lie in the parsed documents, which stay
 * open. */
#ifndef MLB_CATALOG_STORE_H
#define MLB_CATALOG_STORE_H

#include "harness/base/json.h"
#include "harness/catalog/catalog.h"

#define MLB_CATALOG_SCHEMA 1 /* "schema" of both files */

/* A price, and where it stands. */
struct mlb_price_row {
    struct mlb_price price;
    const struct mlb_json *json;
    const cJSON *item;
};

/* A price of the user's own. */
struct mlb_own_price {
    struct mlb_price price;
    char text[160]; /* "provider\0instance": what `price` points to */
};

struct mlb_catalog {
    struct mlb_json *documents;
    size_t document_count;
    struct mlb_instance *instances;
    size_t instance_count;
    struct mlb_price *prices; /* sorted by what they are for; one a thing */
    size_t price_count;
    struct mlb_own_price *own; /* the last one of a thing counts */
    size_t own_count;
    char today[16];
};

/* The object of a document with "schema" and the list `key`, which is returned in `list`. */
enum mlb_status mlb_catalog_read_list(const struct mlb_json *json, const char *key,
                                      const cJSON **list, struct mlb_error *err);
enum mlb_status mlb_catalog_read_instances(struct mlb_catalog *catalog, const struct mlb_json *json,
                                           struct mlb_error *err);
/* Every document of `catalog` from `first` on. */
enum mlb_status mlb_catalog_read_prices(struct mlb_catalog *catalog, size_t first,
                                        struct mlb_error *err);

/* Providers compare without case, instances also without "Standard_" and "ml." in front. */
int mlb_catalog_compare_names(const char *a, const char *b);
const char *mlb_catalog_bare_name(const char *instance);
/* An hour of an instance (NULL: of one that is not known) can cost that much; the bounds. */
bool mlb_catalog_is_possible(const struct mlb_instance *instance, double usd_per_hour,
                             double *least, double *most);
/* Sorts amounts and returns their median; count > 0. */
double mlb_catalog_median(double *amounts, size_t count);
/* Two amounts that differ by less than price lists round are one. */
bool mlb_catalog_same_amount(double a, double b);

#endif
