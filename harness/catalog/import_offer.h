/* SPDX-License-Identifier: Apache-2.0 */
/* Between the readers of formats and the import: what a reader hands over, what it says of the
 * rest. */
#ifndef MLB_CATALOG_IMPORT_OFFER_H
#define MLB_CATALOG_IMPORT_OFFER_H

#include "harness/base/csv.h"
#include "harness/catalog/price_import.h"

/* The beginning of a file, for `detect`. */
struct mlb_import_head {
    const char *text; /* ends with a zero */
    bool json;
    const char *const *columns; /* of its first record, where it is no JSON */
    size_t column_count;
};

enum mlb_finding_code {
    MLB_NOT_A_NUMBER,
    MLB_ZERO,
    MLB_NEGATIVE,
    MLB_ABSURD,
    MLB_OTHER_CURRENCY,
    MLB_OTHER_UNIT,
    MLB_NO_REGION,
    MLB_NO_DATE,
    MLB_NOT_TEXT,
    MLB_SHORT_LINE,
    MLB_NO_PARTNER,
    MLB_CONFLICT,
    MLB_OTHER_INSTANCE,
    MLB_OTHER_SOFTWARE,
    MLB_OTHER_TENANCY,
    MLB_OTHER_TERMS,
    MLB_NOT_YET,
    MLB_DUPLICATE,
    MLB_SUPERSEDED,
    MLB_DEARER,
    MLB_SPOT_ABOVE,
    MLB_FAR_BELOW,
    MLB_OTHER_COUNT,
    MLB_FREE_HOST,
    MLB_OLD_P5,
    MLB_MORE_PAGES,
    MLB_FINDINGS
};

struct mlb_offer {
    const char *provider, *service, *instance; /* service NULL = the plain machine */
    const char *region, *zone;                 /* zone NULL = all of the region */
    enum mlb_purchase purchase;
    double usd_per_hour;
    const char *note;  /* NULL = none */
    const char *as_of; /* of this price alone; NULL = the file's */
    int64_t since;     /* seconds since 1970 from which on it holds; 0 = unknown */
    bool history;      /* one of several that hold one after the other: their mean counts */
    size_t line;
};

/* The catalog's instance; NULL, and counted, when it has none of that name. */
const struct mlb_instance *mlb_import_wanted(struct mlb_import *import, const char *provider,
                                             const char *name, size_t line);

/* A text as dollars: "55.04", "$55.04". False for "", a price that is not offered, and for what is
 * no number, which is refused. The offer's names go into the message. */
bool mlb_import_amount(struct mlb_import *import, struct mlb_offer *offer, const char *text);
/* Checks the offer and keeps it. */
void mlb_import_take(struct mlb_import *import, const struct mlb_offer *offer);

/* One more of a kind; `format` says which, and is read for the first one alone. */
void mlb_import_find(struct mlb_import *import, enum mlb_finding_code code, size_t line,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What is no UTF-8, or would break a line, becomes '?'. */
void mlb_import_clean(char *text);
/* "aws p5.48xlarge us-east-1a spot" */
const char *mlb_import_name(const struct mlb_offer *offer, char to[static 200]);

/* The day that the file itself says; what is no date is ignored. `how`: "published". */
void mlb_import_dated(struct mlb_import *import, const char *text, const char *how);
/* The catalog's name of the provider: the user's word, or that of the file's folder or name.
 * MLB_E_USAGE when there is none. */
enum mlb_status mlb_import_provider(struct mlb_import *import, const char *path,
                                    const char **provider, struct mlb_error *err);

/* "2026-08-11T09:30:00Z" or "2026-08-11T09:30:00.000Z" as seconds since 1970; a date is its
 * beginning. False for another text. */
bool mlb_import_instant(const char *text, int64_t *seconds);

/* What the readers and the import share of a table in CSV: columns by name, lines with too few
 * fields refused. */
#define MLB_TABLE_COLUMNS 24
struct mlb_table {
    struct mlb_csv *csv;
    const char *const *fields;
    size_t count, width, line;
    size_t at[MLB_TABLE_COLUMNS]; /* of each name; width = the table has no such column */
};
/* `names` ends with NULL; the first `required` have to be there. The header is the first record. */
enum mlb_status mlb_table_open(struct mlb_table *table, const char *path, const char *const *names,
                               size_t required, struct mlb_error *err);
/* The same where the header, behind a preamble, is the record that was read last. */
enum mlb_status mlb_table_columns(struct mlb_table *table, const char *path,
                                  const char *const *names, size_t required, struct mlb_error *err);
bool mlb_table_next(struct mlb_table *table, struct mlb_import *import, struct mlb_error *err);
const char *mlb_table_get(const struct mlb_table *table, size_t column); /* "" without it */
/* Closes the file; the status of `err`. */
enum mlb_status mlb_table_end(struct mlb_table *table, const struct mlb_error *err);

/* The readers of the table of formats: `read` of each row. */
enum mlb_status mlb_import_aws_offers(struct mlb_import *import, const char *path,
                                      struct mlb_error *err);
enum mlb_status mlb_import_aws_csv(struct mlb_import *import, const char *path,
                                   struct mlb_error *err);
enum mlb_status mlb_import_aws_products(struct mlb_import *import, const char *path,
                                        struct mlb_error *err);
enum mlb_status mlb_import_aws_spot(struct mlb_import *import, const char *path,
                                    struct mlb_error *err);
enum mlb_status mlb_import_aws_blocks(struct mlb_import *import, const char *path,
                                      struct mlb_error *err);
enum mlb_status mlb_import_aws_advisor(struct mlb_import *import, const char *path,
                                       struct mlb_error *err);
enum mlb_status mlb_import_azure(struct mlb_import *import, const char *path,
                                 struct mlb_error *err);
enum mlb_status mlb_import_skypilot(struct mlb_import *import, const char *path,
                                    struct mlb_error *err);
enum mlb_status mlb_import_gpuhunt(struct mlb_import *import, const char *path,
                                   struct mlb_error *err);
enum mlb_status mlb_import_vantage(struct mlb_import *import, const char *path,
                                   struct mlb_error *err);
enum mlb_status mlb_import_lambda(struct mlb_import *import, const char *path,
                                  struct mlb_error *err);

#endif
