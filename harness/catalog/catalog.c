/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/catalog/catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/text.h"
#include "harness/catalog/store.h"

#define INSTANCES_LIMIT ((size_t)4 << 20)  /* bytes; the shipped file has some 30 KiB */
#define PRICES_LIMIT    ((size_t)64 << 20) /* what an import of all regions needs, and more */

/* ----------------------------------------------------------------------------------------- names
 */

int mlb_catalog_compare_names(const char *a, const char *b)
{
    return strcasecmp(a, b);
}

const char *mlb_catalog_bare_name(const char *instance)
{
    static const char *const fronts[] = {"Standard_", "ml."};
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
        size_t length = strlen(fronts[i]);
        if (strncasecmp(instance, fronts[i], length) == 0 && instance[length])
            return instance + length;
    }
    return instance;
}

bool mlb_catalog_same_amount(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fabs(b); /* 21.957642 and 21.95764 of two regions */
}

const struct mlb_instance *mlb_catalog_instance(const struct mlb_catalog *catalog,
                                                const char *provider, const char *name)
{
    name = mlb_catalog_bare_name(name);
    for (size_t i = 0; catalog && i < catalog->instance_count; i++) {
        const struct mlb_instance *instance = &catalog->instances[i];
        if (mlb_catalog_compare_names(instance->provider, provider) == 0 &&
            mlb_catalog_compare_names(mlb_catalog_bare_name(instance->name), name) == 0)
            return instance;
    }
    return NULL;
}

size_t mlb_catalog_instances(const struct mlb_catalog *catalog, const struct mlb_instance **first)
{
    *first = catalog->instances;
    return catalog->instance_count;
}

size_t mlb_catalog_prices(const struct mlb_catalog *catalog, const struct mlb_price **first)
{
    *first = catalog->prices;
    return catalog->price_count;
}

/* --------------------------------------------------------------------------------- open and close
 */

static enum mlb_status open_document(struct mlb_catalog *catalog, const char *path, size_t limit,
                                     struct mlb_error *err)
{
    enum mlb_status status =
        mlb_json_open(&catalog->documents[catalog->document_count], path, limit, err);
    catalog->document_count += status == MLB_OK;
    return status;
}

static enum mlb_status open_own(struct mlb_catalog *catalog, const char *folder, const char *file,
                                size_t limit, struct mlb_error *err)
{
    char path[1024];
    if (!mlb_format(path, sizeof path, "%s/%s", folder, file))
        return mlb_fail(err, MLB_E_CONFIG, "catalog: the path of %s has over 1023 characters",
                        file);
    return open_document(catalog, path, limit, err);
}

/* The files of a list that commas separate. */
static enum mlb_status open_more(struct mlb_catalog *catalog, const char *more,
                                 struct mlb_error *err)
{
    char path[1024];
    for (const char *at = more; at && *at;) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof path)
            return mlb_fail(err, MLB_E_USAGE,
                            "price files '%s': between two commas must be a path of at most 1023 "
                            "characters",
                            more);
        mlb_format(path, sizeof path, "%.*s", (int)length, at);
        if (open_document(catalog, path, PRICES_LIMIT, err) != MLB_OK)
            return err->status;
        at += length;
        if (*at == ',' && !*++at)
            return mlb_fail(err, MLB_E_USAGE, "price files '%s': a comma too many", more);
    }
    return MLB_OK;
}

static size_t files_of(const char *more)
{
    size_t count = 3; /* the catalog's own two, and the first of `more` */
    for (; more && *more; more++)
        count += *more == ',';
    return count;
}

static enum mlb_status load(struct mlb_catalog *catalog, const char *folder, const char *more,
                            struct mlb_error *err)
{
    catalog->documents = calloc(files_of(more), sizeof *catalog->documents);
    if (!catalog->documents)
        return mlb_fail(err, MLB_E_NOMEM, "catalog: out of memory");
    if (open_own(catalog, folder, "instances.json", INSTANCES_LIMIT, err) != MLB_OK ||
        open_own(catalog, folder, "prices.json", PRICES_LIMIT, err) != MLB_OK ||
        open_more(catalog, more, err) != MLB_OK ||
        mlb_catalog_read_instances(catalog, &catalog->documents[0], err) != MLB_OK)
        return err->status;
    return mlb_catalog_read_prices(catalog, 1, err);
}

enum mlb_status mlb_catalog_open(struct mlb_catalog **catalog, const char *folder, const char *more,
                                 struct mlb_error *err)
{
    *catalog = calloc(1, sizeof **catalog);
    if (!*catalog)
        return mlb_fail(err, MLB_E_NOMEM, "catalog: out of memory");
    enum mlb_status status = load(*catalog, folder, more, err);
    if (status != MLB_OK) {
        mlb_catalog_close(*catalog);
        *catalog = NULL;
    }
    return status;
}

/* The one after the last may have been begun. */
static void free_names(struct mlb_catalog *catalog)
{
    for (size_t i = 0; catalog->instances && i <= catalog->instance_count; i++) {
        const char *const *names = catalog->instances[i].device_names;
        if (names && names[0])
            free((void *)names);
    }
}

void mlb_catalog_close(struct mlb_catalog *catalog)
{
    if (!catalog)
        return;
    free_names(catalog);
    free(catalog->instances);
    free(catalog->prices);
    free(catalog->own);
    for (size_t i = 0; i < catalog->document_count; i++)
        mlb_json_close(&catalog->documents[i]);
    free(catalog->documents);
    free(catalog);
}
