/* SPDX-License-Identifier: Apache-2.0 */
/* Prices out of the files that providers and price catalogs publish.
 *
 * An import reads one file after the other, each once from its beginning to its end, and keeps the
 * prices of the catalog's instances alone: memory does not grow with a file of a gigabyte. What it
 * does not take it counts, by reason, with the place of the first. */
#ifndef MLB_CATALOG_PRICE_IMPORT_H
#define MLB_CATALOG_PRICE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/catalog/catalog.h"

struct mlb_import;

struct mlb_import_options {
    const struct mlb_catalog *catalog; /* whose instances are wanted; has to stay */
    const char *provider;              /* of files that do not say whose prices they hold; "" */
    const char *as_of;                 /* the day of files that hold none; "" = the file's own */
    int64_t today;                     /* days since 1970: nothing is dated later */
    size_t most;                       /* prices that are held at a time; 0 = a million */
};

/* How a file is known and read: a const table. */
struct mlb_import_head;
struct mlb_import_format {
    const char *name; /* "skypilot-csv" */
    const char *what; /* in a sentence: "SkyPilot catalog" */
    bool (*detect)(const struct mlb_import_head *head);
    enum mlb_status (*read)(struct mlb_import *import, const char *path, struct mlb_error *err);
};
extern const struct mlb_import_format mlb_import_formats[]; /* ends with a NULL name */

struct mlb_import_file {
    char path[256]; /* as given */
    char name[256]; /* without its folder: what a source says */
    const struct mlb_import_format *format;
    char as_of[16];
    const char *as_of_is; /* how it is known: "published", "last change", "given", "file dated" */
    char source[400];     /* of its prices: what, name, day */
    int64_t last_instant; /* of a history: seconds since 1970 up to which it is known; else 0 */
    size_t taken;         /* prices, before those that say the same are put together */
};

enum mlb_finding_class { MLB_REFUSED, MLB_LEFT, MLB_FLAGGED };
struct mlb_finding_kind {
    enum mlb_finding_class class;
    const char *code, *text; /* "zero", "a price of zero" */
};
struct mlb_finding {
    const struct mlb_finding_kind *kind;
    size_t count;
    char first[320]; /* "vms.csv:17: aws p5.48xlarge us-east-1 spot: 0" */
};

/* What became of what was there before; the rest is new. */
struct mlb_import_outcome {
    size_t added, changed, confirmed; /* new, another amount, the same amount at a later day */
    size_t kept;                      /* of the file that is added to */
    size_t instances;                 /* that prices were taken of */
};

struct mlb_import *mlb_import_new(const struct mlb_import_options *options, struct mlb_error *err);
void mlb_import_free(struct mlb_import *import); /* NULL is fine */

/* A file of a format that is not known, a cut one, one of no use at all: MLB_E_CONFIG. */
enum mlb_status mlb_import_read(struct mlb_import *import, const char *path, struct mlb_error *err);
/* Prices that are there already; they have to stay. */
enum mlb_status mlb_import_known(struct mlb_import *import, const struct mlb_price *prices,
                                 size_t count, struct mlb_error *err);
/* After all files: of several prices for the same thing one is chosen, and what looks wrong beside
 * the others is flagged in its note. */
enum mlb_status mlb_import_finish(struct mlb_import *import, struct mlb_error *err);

/* Sorted by provider, service, instance, purchase, region, zone. After mlb_import_finish. */
size_t mlb_import_prices(const struct mlb_import *import, const struct mlb_price **first);
struct mlb_import_outcome mlb_import_outcome(const struct mlb_import *import);
size_t mlb_import_file_count(const struct mlb_import *import);
const struct mlb_import_file *mlb_import_file(const struct mlb_import *import, size_t index);
/* One of each kind, those that did not happen too: count = 0. */
size_t mlb_import_findings(const struct mlb_import *import, const struct mlb_finding **first);

#endif
