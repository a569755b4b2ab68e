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

struct range {
    uint32_t first, last;
};

/* Combining marks and what joins or selects forms (Unicode's general categories Mn, Me and Cf), of
 * the scripts that machines and people are named in. */
static const struct range no_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},  {0x064b, 0x065f}, {0x200b, 0x200d},
    {0x2060, 0x2064}, {0x20d0, 0x20f0}, {0x302a, 0x302d},  {0x3099, 0x309a}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};

/* Unicode's EastAsianWidth W and F, by blocks. */
static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
                                    {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},
                                    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                                    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                                    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

static bool is_among(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

size_t mlb_utf8_step(const char *text, size_t *columns)
{
    size_t length = mlb_utf8_length(text);
    *columns = 1;
    if (length < 2)
        return 1;
    uint32_t code = mlb_utf8_code(text);
    if (is_among(no_width, sizeof no_width / sizeof *no_width, code))
        *columns = 0;
    else if (is_among(wide, sizeof wide / sizeof *wide, code))
        *columns = 2;
    return length;
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
