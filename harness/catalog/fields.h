/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of an instance and of a price as rows of a table: name, type, what is allowed. */
#ifndef MLB_CATALOG_FIELDS_H
#define MLB_CATALOG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/json.h"

enum mlb_catalog_type {
    MLB_CATALOG_TEXT,  /* const char *; "" when absent, never empty when there */
    MLB_CATALOG_SIZE,  /* double of bytes, written as "80GiB" */
    MLB_CATALOG_REAL,  /* double above 0 */
    MLB_CATALOG_COUNT, /* int above 0 */
    MLB_CATALOG_FLAG,  /* bool */
    MLB_CATALOG_NAMES  /* const char *const *, NULL-terminated: the array is the caller's to free */
};

struct mlb_catalog_field {
    const char *key; /* a table ends with a NULL key */
    enum mlb_catalog_type type;
    size_t at; /* offset in the struct that is filled */
    bool required;
    const char *what;           /* in a sentence: "a price needs 'KEY': WHAT" */
    const char *const *choices; /* of a text, NULL-terminated; NULL = any */
};

/* Fill `object` (zeroed) from `item`. `thing` is "a price" or "an instance". Errors are
 * MLB_E_CONFIG, "FILE:LINE: ..."; what was allocated until then stays in `object`. */
enum mlb_status mlb_catalog_read_fields(const struct mlb_json *json, const cJSON *item,
                                        const char *thing, const struct mlb_catalog_field *fields,
                                        void *object, struct mlb_error *err);

/* "YYYY-MM-DD" or "YYYY-MM" under `key`, not in the future, as days since 1970. */
enum mlb_status mlb_catalog_read_date(const struct mlb_json *json, const cJSON *item,
                                      const char *key, int64_t *day, struct mlb_error *err);

/* Small letters, digits and dashes. */
enum mlb_status mlb_catalog_check_provider(const struct mlb_json *json, const cJSON *item,
                                           struct mlb_error *err);

#endif
