/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the objects that are open while a JSON text is read, to find one that stands twice.
 */
#ifndef MLB_BASE_JSON_KEYS_H
#define MLB_BASE_JSON_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mlb_json_key {
    const char *at; /* behind the opening quote, in a text whose strings are well-formed */
    size_t line;
};

/* A stack: the keys of the innermost object lie last. Zero-initialise. */
struct mlb_json_keys {
    struct mlb_json_key *keys;
    size_t count, room;
};

bool mlb_json_keys_add(struct mlb_json_keys *keys, struct mlb_json_key key); /* false: no memory */

/* Drop the keys from `first` on, those of an object that ends. True when two of them are the same
 * text, however escaped: `again` repeats `before`, and no earlier key of the object repeats one. */
bool mlb_json_keys_close(struct mlb_json_keys *keys, size_t first, struct mlb_json_key *again,
                         struct mlb_json_key *before);

void mlb_json_keys_free(struct mlb_json_keys *keys);

/* Value of the four hexadecimal digits at `at`, or -1. */
int32_t mlb_json_four_hex(const char *at);

#endif
