/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/json_keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"

bool mlb_json_keys_add(struct mlb_json_keys *keys, struct mlb_json_key key)
{
    if (keys->count == keys->room) {
        size_t room = keys->room ? 2 * keys->room : 64;
        struct mlb_json_key *larger = realloc(keys->keys, room * sizeof *larger);
        if (!larger)
            return false;
        keys->keys = larger;
        keys->room = room;
    }
    keys->keys[keys->count++] = key;
    return true;
}

void mlb_json_keys_free(struct mlb_json_keys *keys)
{
    free(keys->keys);
    *keys = (struct mlb_json_keys){0};
}

int32_t mlb_json_four_hex(const char *at)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)at[i]))
            return -1;
        int digit = isdigit((unsigned char)at[i]) ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10;
        value = value * 16 + digit;
    }
    return value;
}

/* Next character of a string's content: a code point, or -1 at its end. Both halves of a pair of
 * escapes become one. */
static int32_t next_code(const char **at)
{
    static const char letters[] = "bfnrt", codes[] = "\b\f\n\r\t";
    const char *c = *at;
    if (*c == '"')
        return -1;
    if (*c != '\\') {
        *at = c + mlb_utf8_length(c);
        return (int32_t)mlb_utf8_code(c);
    }
    if (c[1] != 'u') {
        const char *letter = strchr(letters, c[1]);
        *at = c + 2;
        return letter ? codes[letter - letters] : c[1];
    }
    int32_t code = mlb_json_four_hex(c + 2);
    *at = c + 6;
    if (code < 0xd800 || code > 0xdfff)
        return code;
    *at = c + 12;
    return 0x10000 + ((code - 0xd800) << 10) + (mlb_json_four_hex(c + 8) - 0xdc00);
}

/* Order of keys by their content. */
static int compare_content(const char *a, const char *b)
{
    for (;;) {
        int32_t x = next_code(&a), y = next_code(&b);
        if (x != y)
            return x < y ? -1 : 1;
        if (x < 0)
            return 0;
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct mlb_json_key *x = a, *y = b;
    int order = compare_content(x->at, y->at);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

bool mlb_json_keys_close(struct mlb_json_keys *keys, size_t first, struct mlb_json_key *again,
                         struct mlb_json_key *before)
{
    size_t count = keys->count - first;
    keys->count = first;
    if (count < 2)
        return false;
    struct mlb_json_key *own = keys->keys + first;
    bool found = false;
    qsort(own, count, sizeof *own, compare_keys);
    for (size_t i = 1; i < count; i++) {
        bool same = compare_content(own[i - 1].at, own[i].at) == 0;
        if (same && (!found || own[i].at < again->at)) {
            *again = own[i];
            *before = own[i - 1];
            found = true;
        }
    }
    return found;
}
