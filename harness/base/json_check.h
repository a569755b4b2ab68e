/* SPDX-License-Identifier: Apache-2.0 */
/* The strict pass over a JSON text before cJSON parses it: cJSON says neither where nor what is
 * wrong and takes more than JSON (control characters in strings, leading zeros, "1.", "\u0000" as
 * the end of a string). For json.c, json_pull.c and the tests alone. */
#ifndef MLB_BASE_JSON_CHECK_H
#define MLB_BASE_JSON_CHECK_H

#include <stddef.h>

#include "harness/base/status.h"

#define MLB_JSON_DEPTH  64 /* lists and objects in each other */
#define MLB_JSON_NUMBER 63 /* characters of a number; cJSON 1.7 reads no more of it */

/* Check `text` (terminated at text[length]) and blank its comments and byte order mark out,
 * newlines kept. What it lets pass, cJSON parses, and every number is finite. MLB_E_CONFIG with
 * "NAME:LINE: what is wrong", or MLB_E_NOMEM. Takes time n log n at most. */
enum mlb_status mlb_json_check(const char *name, char *text, size_t length, struct mlb_error *err);

#endif
