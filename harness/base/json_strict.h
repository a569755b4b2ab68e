/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of tables that people write: what is not known is an error, with its line and the word
 * that was likely meant. All fail with MLB_E_CONFIG. */
#ifndef MLB_BASE_JSON_STRICT_H
#define MLB_BASE_JSON_STRICT_H

#include <stdbool.h>

#include "harness/base/json.h"

bool mlb_is_one_of(const char *word, const char *const *words); /* NULL-terminated */

/* The key of `item` is one of `keys` (NULL-terminated). */
enum mlb_status mlb_json_check_key(const struct mlb_json *json, const cJSON *item,
                                   const char *const *keys, struct mlb_error *err);
/* So is every key of `object`. */
enum mlb_status mlb_json_check_keys(const struct mlb_json *json, const cJSON *object,
                                    const char *const *keys, struct mlb_error *err);
/* `item` is a finite number above 0. */
enum mlb_status mlb_json_check_positive(const struct mlb_json *json, const cJSON *item,
                                        struct mlb_error *err);

#endif
