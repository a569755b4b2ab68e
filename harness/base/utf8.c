/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/utf8.h"

#include <stdbool.h>
#include <string.h>

static bool continues(const char *text, size_t at)
{
    return ((unsigned char)text[at] & 0xc0u) == 0x80u;
}

size_t mlb_utf8_length(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4 || !continues(text, 1))
        return 0;
    if (first < 0xe0)
        return 2;
    unsigned char second = (unsigned char)text[1];
    if (first < 0xf0) {
        bool overlong = first == 0xe0 && second < 0xa0;
        bool surrogate = first == 0xed && second > 0x9f;
        return !overlong && !surrogate && continues(text, 2) ? 3 : 0;
    }
    bool overlong = first == 0xf0 && second < 0x90;
    bool too_high = first == 0xf4 && second > 0x8f;
    return !overlong && !too_high && continues(text, 2) && continues(text, 3) ? 4 : 0;
}

uint32_t mlb_utf8_code(const char *text)
{
    static const uint32_t payload[] = {0, 0x7f, 0x1f, 0x0f,
                                       0x07}; /* of the first byte, by length */
    size_t length = mlb_utf8_length(text);
    uint32_t code = (unsigned char)text[0] & payload[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3fu);
    return code;
}

size_t mlb_utf8_write(char *to, uint32_t code)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0,
                                          0xf0}; /* of the first byte, by length */
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80u | (code & 0x3fu));
    to[0] = (char)(marks[length] | code);
    return length;
}

const char *mlb_utf8_invalid(const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end) {
        uint64_t eight;
        if (end - text >= 8 && (memcpy(&eight, text, 8), !(eight & 0x8080808080808080u))) {
            text += 8;
            continue;
        }
        size_t step = mlb_utf8_length(text);
        if (step == 0)
            return text;
        text += step;
    }
    return NULL;
}
