/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of JSON share: numbers, and naming what stands where something else should. For
 * json_check.c, json_pull.c and the tests. */
#ifndef MLB_BASE_JSON_TOKEN_H
#define MLB_BASE_JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

/* What stands at the place of an error, for its text. */
struct mlb_found {
    char text[64];
};
struct mlb_found mlb_json_found(const char *at);        /* a terminated text */
struct mlb_found mlb_json_found_string(const char *at); /* behind the opening quote of one */

bool mlb_json_is_word(char c); /* part of a name or a number, as people write them */

/* Characters of the number that `text` begins with: -12.5e3, no leading zero, digits on both sides
 * of the point, no part of a word behind it. 0 = there is none. */
size_t mlb_json_number_length(const char *text);
/* Its value, correctly rounded, in every locale; infinite when it is too large. */
double mlb_json_number(const char *text, size_t length);

#endif
