/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/json_token.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness/base/text.h"
#include "harness/base/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool mlb_json_is_word(char c)
{
    char letter = (char)(c | 0x20);
    return is_digit(c) || (letter >= 'a' && letter <= 'z') || c == '_' || c == '.' || c == '-' ||
           c == '+';
}

struct mlb_found mlb_json_found_string(const char *at)
{
    struct mlb_found found;
    size_t length = 0, step = 1, shown = 40;
    while (step && length < shown && at[length] != '"' && (unsigned char)at[length] >= 0x20) {
        step = mlb_utf8_length(at + length);
        length += step;
    }
    bool whole = at[length] == '"';
    mlb_format(found.text, sizeof found.text, "\"%.*s%s", (int)length, at, whole ? "\"" : "...");
    return found;
}

struct mlb_found mlb_json_found(const char *at)
{
    struct mlb_found found;
    const int shown = 24;
    int length = 0;
    while (length < shown && mlb_json_is_word(at[length]))
        length++;
    if (*at == '"')
        return mlb_json_found_string(at + 1);
    if (length > 0)
        mlb_format(found.text, sizeof found.text, "'%.*s%s'", length, at,
                   mlb_json_is_word(at[length]) ? "..." : "");
    else if (*at > ' ' && *at <= '~')
        mlb_format(found.text, sizeof found.text, "'%c'", *at);
    else
        mlb_format(found.text, sizeof found.text, "the character U+%04X",
                   (unsigned)mlb_utf8_code(at));
    return found;
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at))
        at++;
    return at;
}

size_t mlb_json_number_length(const char *text)
{
    const char *begin = text + (*text == '-'), *at = skip_digits(begin);
    if (at == begin || (*begin == '0' && at > begin + 1))
        return 0;
    if (*at == '.') {
        if (!is_digit(at[1]))
            return 0;
        at = skip_digits(at + 1);
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (!is_digit(*at))
            return 0;
        at = skip_digits(at);
    }
    return mlb_json_is_word(*at) ? 0 : (size_t)(at - text);
}

static double read_slowly(const char *text)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain)
        freelocale(plain);
    return value;
}

/* The digits before an exponent as one whole number, and the power of ten that it stands before:
 * "12.5" = 125, -1. At most 19 digits, which 64 bits hold. */
static const char *read_digits(const char *at, uint64_t *digits, int *power)
{
    const char *point = NULL;
    for (*digits = 0; is_digit(*at) || *at == '.'; at++) {
        if (*at == '.')
            point = at + 1;
        else
            *digits = *digits * 10 + (uint64_t)(*at - '0');
    }
    *power = point ? (int)(point - at) : 0;
    return at;
}

static int read_exponent(const char *at)
{
    int value = 0;
    bool negative = *at == '-';
    for (at += negative || *at == '+'; is_digit(*at); at++)
        value = value < 1000 ? value * 10 + (*at - '0') : value;
    return negative ? -value : value;
}

/* digits / 10^places, correctly rounded; 10^places fits 64 bits. The quotient gets at least 64
 * bits; its first 64, of which the last stands for all that follow, are rounded by the conversion.
 */
static double divide(uint64_t digits, int places)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t divisor = 1;
    for (int i = 0; i < places; i++)
        divisor *= 10;
    int shift = 64 + __builtin_clzll(digits);
    wide dividend = (wide)digits << shift, quotient = dividend / divisor;
    uint64_t high = (uint64_t)(quotient >> 64);
    int more = high ? 64 - __builtin_clzll(high) : 0;
    uint64_t first = (uint64_t)(quotient >> more);
    bool rest = quotient * divisor != dividend || (wide)first << more != quotient;
    return ldexp((double)(first | rest), more - shift);
}

double mlb_json_number(const char *text, size_t length)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { DIGITS = 19, POWER = sizeof powers / sizeof *powers - 1 };
    uint64_t digits;
    double value;
    int power;
    if (length > DIGITS)
        return read_slowly(text);
    const char *at = read_digits(text + (*text == '-'), &digits, &power);
    if (*at == 'e' || *at == 'E')
        power += read_exponent(at + 1);
    /* A whole number up to 2^53 and a power of ten up to 10^22 are exact as doubles, so that the
     * one operation between them rounds correctly (Clinger 1990, "How to read floating point
     * numbers accurately"). */
    if (digits <= (uint64_t)1 << 53 && abs(power) <= POWER)
        value = power < 0 ? (double)digits / powers[-power] : (double)digits * powers[power];
    else if (power < 0 && power >= -DIGITS)
        value = divide(digits, -power);
    else
        return read_slowly(text);
    return *text == '-' ? -value : value;
}
