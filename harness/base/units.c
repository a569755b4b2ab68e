/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/units.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/text.h"

/* A decimal number as written: digits * 10^exponent, without trailing zeros. Exact, unless `cut`
 * says that digits were left out. No function here depends on the locale. */
struct decimal {
    uint64_t digits;
    int exponent;
    bool negative;
    bool full; /* no room for further digits */
    bool cut;
};

/* A suffix and what it multiplies by; tables end with a NULL text. */
struct suffix {
    const char *text;
    double factor;
};

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void take_digit(struct decimal *number, char digit, bool fraction)
{
    uint64_t value = (uint64_t)(digit - '0');
    if (number->full || number->digits > (UINT64_MAX - value) / 10) {
        number->full = true;
        number->cut = number->cut || value != 0;
        number->exponent += !fraction && number->exponent < 100000;
        return;
    }
    number->digits = number->digits * 10 + value;
    number->exponent -= fraction;
}

/* "e6", "e-3"; an 'e' without digits behind it is left to the suffixes. */
static const char *read_exponent(struct decimal *number, const char *at)
{
    if (*at != 'e' && *at != 'E')
        return at;
    const char *digit = at + 1;
    bool negative = *digit == '-';
    digit += *digit == '-' || *digit == '+';
    if (!is_digit(*digit))
        return at;
    int exponent = 0;
    for (; is_digit(*digit); digit++)
        exponent = exponent < 100000 ? exponent * 10 + (*digit - '0') : exponent;
    number->exponent += negative ? -exponent : exponent;
    return digit;
}

/* Reads what JSON calls a number, but for leading zeros; returns what follows it and blanks, or
 * NULL when there is no number. */
static const char *read_decimal(struct decimal *number, const char *text)
{
    const char *at = skip_blanks(text);
    *number = (struct decimal){.negative = *at == '-'};
    at += number->negative;
    if (!is_digit(*at))
        return NULL;
    for (; is_digit(*at); at++)
        take_digit(number, *at, false);
    if (*at == '.') {
        if (!is_digit(*++at))
            return NULL;
        for (; is_digit(*at); at++)
            take_digit(number, *at, true);
    }
    at = read_exponent(number, at);
    while (number->digits && number->digits % 10 == 0) {
        number->digits /= 10;
        number->exponent++;
    }
    return skip_blanks(at);
}

/* The double nearest to number * 10^shift; false when it is not finite or a digit sank to zero. */
static bool to_double(const struct decimal *number, int shift, double *value)
{
    char text[64];
    mlb_format(text, sizeof text, "%s%llue%d", number->negative ? "-" : "",
               (unsigned long long)number->digits, number->exponent + shift);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant of the libc: no cost */
    if (!plain)
        return false;
    double result = strtod_l(text, NULL, plain);
    freelocale(plain);
    if (!isfinite(result) || (result == 0 && number->digits))
        return false;
    *value = result;
    return true;
}

/* number * factor as a whole number, exactly. */
static bool to_whole(const struct decimal *number, uint64_t factor, uint64_t *whole)
{
    if (number->negative || number->cut)
        return false;
    if (!number->digits) {
        *whole = 0;
        return true;
    }
    unsigned __int128 product = (unsigned __int128)number->digits * factor;
    for (int i = number->exponent; i < 0; i++) {
        if (product % 10)
            return false;
        product /= 10;
    }
    for (int i = number->exponent; i > 0; i--) {
        if (product > UINT64_MAX / 10)
            return false;
        product *= 10;
    }
    if (product > UINT64_MAX)
        return false;
    *whole = (uint64_t)product;
    return true;
}

/* Length of the word without the blanks behind it. */
static size_t word_length(const char *word)
{
    size_t length = strlen(word);
    while (length > 0 && strchr(" \t\r\n", word[length - 1]))
        length--;
    return length;
}

static bool is_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return word_length(text) == length && strncasecmp(text, word, length) == 0;
}

static const struct suffix *find_suffix(const struct suffix *table, const char *text)
{
    while (table->text && !is_word(text, table->text))
        table++;
    return table->text ? table : NULL;
}

static bool parse_whole(const char *text, const struct suffix *table, uint64_t *whole)
{
    struct decimal number;
    const char *rest = read_decimal(&number, text);
    const struct suffix *suffix = rest ? find_suffix(table, rest) : NULL;
    return suffix && to_whole(&number, (uint64_t)suffix->factor, whole);
}

bool mlb_parse_bytes(const char *text, uint64_t *bytes)
{
    /* A bare "E" is missing: "1e" would be 1 EiB. */
    static const struct suffix table[] = {
        {"", 1},         {"B", 1},        {"K", 0x1p10},   {"KB", 0x1p10},  {"KiB", 0x1p10},
        {"M", 0x1p20},   {"MB", 0x1p20},  {"MiB", 0x1p20}, {"G", 0x1p30},   {"GB", 0x1p30},
        {"GiB", 0x1p30}, {"T", 0x1p40},   {"TB", 0x1p40},  {"TiB", 0x1p40}, {"P", 0x1p50},
        {"PB", 0x1p50},  {"PiB", 0x1p50}, {"EB", 0x1p60},  {"EiB", 0x1p60}, {NULL, 0},
    };
    return parse_whole(text, table, bytes);
}

bool mlb_parse_stored_bytes(const char *text, uint64_t *bytes)
{
    static const struct suffix table[] = {
        {"", 1},         {"B", 1},        {"KB", 1e3},     {"MB", 1e6},     {"GB", 1e9},
        {"TB", 1e12},    {"PB", 1e15},    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
        {"TiB", 0x1p40}, {"PiB", 0x1p50}, {NULL, 0},
    };
    return parse_whole(text, table, bytes);
}

bool mlb_parse_stored_rate(const char *text, double *bytes_per_s)
{
    const char *per = strstr(text, "/s");
    size_t length = per ? (size_t)(per - text) : strlen(text);
    char amount[64];
    uint64_t bytes;
    if ((per && per[2]) || !mlb_format(amount, sizeof amount, "%.*s", (int)length, text) ||
        !mlb_parse_stored_bytes(amount, &bytes))
        return false;
    *bytes_per_s = (double)bytes;
    return true;
}

bool mlb_parse_count(const char *text, uint64_t *count)
{
    static const struct suffix table[] = {{"", 1},    {"k", 1e3},  {"M", 1e6},
                                          {"G", 1e9}, {"T", 1e12}, {NULL, 0}};
    return parse_whole(text, table, count);
}

bool mlb_parse_real(const char *text, double *value)
{
    struct decimal number;
    const char *rest = read_decimal(&number, text);
    return rest && !*rest && to_double(&number, 0, value);
}

/* Below a second as powers of ten in the decimal itself, so that 300ms is the double 0.3. */
bool mlb_parse_seconds(const char *text, double *seconds)
{
    static const struct suffix shifts[] = {{"", 0},    {"s", 0},   {"ms", -3},
                                           {"us", -6}, {"ns", -9}, {NULL, 0}};
    static const struct suffix factors[] = {{"min", 60}, {"h", 3600}, {NULL, 0}};
    struct decimal number;
    const char *rest = read_decimal(&number, text);
    if (!rest || number.negative)
        return false;
    const struct suffix *shift = find_suffix(shifts, rest);
    if (shift)
        return to_double(&number, (int)shift->factor, seconds);
    const struct suffix *factor = find_suffix(factors, rest);
    double value;
    if (!factor || !to_double(&number, 0, &value) || !isfinite(value * factor->factor))
        return false;
    *seconds = value * factor->factor;
    return true;
}

bool mlb_parse_fraction(const char *text, double *fraction)
{
    static const struct suffix table[] = {{"", 0}, {"%", -2}, {NULL, 0}};
    struct decimal number;
    const char *rest = read_decimal(&number, text);
    const struct suffix *suffix = rest && !number.negative ? find_suffix(table, rest) : NULL;
    return suffix && to_double(&number, (int)suffix->factor, fraction);
}

bool mlb_parse_dollars(const char *text, double *dollars)
{
    const char *at = skip_blanks(text);
    bool before = true;
    if (*at == '$')
        at++;
    else if (strncasecmp(at, "USD", 3) == 0)
        at += 3;
    else
        before = false;
    struct decimal number;
    const char *rest = read_decimal(&number, at);
    if (!rest || number.negative)
        return false;
    bool after = is_word(rest, "$") || is_word(rest, "USD");
    if (before ? *rest != '\0' : !after)
        return false;
    return to_double(&number, 0, dollars);
}

/* A number rounded to some significant digits: d.ddd * 10^exponent. */
struct rounded {
    char digits[20];
    int count;
    int exponent;
};

enum { MOST_DIGITS = 15 }; /* what a double holds of any decimal number */

/* Digits come from printf's exponent form, so that what rounds up to the next decade is seen as
 * being there; `value` is finite and not negative. */
static struct rounded round_to(double value, int digits)
{
    char text[48];
    struct rounded rounded = {.count = digits < MOST_DIGITS ? digits : MOST_DIGITS};
    mlb_format(text, sizeof text, "%.*e", rounded.count - 1, value);
    const char *at = text;
    for (int i = 0; i < rounded.count; at++) {
        if (is_digit(*at)) /* between the digits stands what the locale has for a point */
            rounded.digits[i++] = *at;
    }
    rounded.exponent = (int)strtol(strchr(at, 'e') + 1, NULL, 10);
    return rounded;
}

/* The number divided by 10^shift, plainly where that is short: "0.00139", "41.2", "1390". `to` has
 * MLB_UNIT_TEXT bytes and none of the forms is longer than 24. */
static void put_number(char *to, const struct rounded *number, int shift)
{
    int exponent = number->exponent - shift;
    char *at = to;
    bool plain = exponent >= -7 && exponent <= MOST_DIGITS;
    int before = plain ? exponent + 1 : 1; /* digits before the point */
    if (before <= 0)
        *at++ = '0';
    for (int i = before < 0 ? before : 0; i < number->count || i < before; i++) {
        if (i == before)
            *at++ = '.';
        *at++ = i >= 0 && i < number->count ? number->digits[i] : '0';
    }
    *at = '\0';
    if (!plain)
        mlb_format(at, 8, "e%+03d", exponent);
}

/* "1.50" -> "1.5", "64.0" -> "64" */
static void drop_zeros(char *number)
{
    if (!strchr(number, '.') || strchr(number, 'e'))
        return;
    char *end = number + strlen(number);
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    *end = '\0';
}

/* "-" for negative numbers; false, with the whole text written, for what has no digits. */
static bool begin_number(char *to, double *value, const char **sign)
{
    *sign = *value < 0 ? "-" : "";
    *value = fabs(*value);
    if (isfinite(*value))
        return true;
    mlb_format(to, MLB_UNIT_TEXT, "%s", isnan(*value) ? "nan" : **sign ? "-inf" : "inf");
    return false;
}

const char *mlb_print_bytes(char *to, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes;
    for (; value >= 1023.5; unit++) /* 1023.5 KiB and more would print as 1024 KiB */
        value /= 1024;
    struct rounded rounded = round_to(value, value < 1000 ? 3 : 4);
    char number[MLB_UNIT_TEXT];
    put_number(number, &rounded, 0);
    drop_zeros(number);
    mlb_format(to, MLB_UNIT_TEXT, "%s %s", number, units[unit]);
    return to;
}

const char *mlb_print_bytes_exact(char *to, uint64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    for (; bytes && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    mlb_format(to, MLB_UNIT_TEXT, "%llu%s", (unsigned long long)bytes, units[unit]);
    return to;
}

const char *mlb_print_seconds(char *to, double seconds)
{
    const char *sign;
    if (!begin_number(to, &seconds, &sign))
        return to;
    const char *unit = seconds < 120 ? "s" : seconds < 7200 ? "min" : "h";
    double divisor = seconds < 120 ? 1 : seconds < 7200 ? 60 : 3600;
    struct rounded rounded = round_to(seconds / divisor, 3);
    char number[MLB_UNIT_TEXT] = "0";
    int shift = 0;
    if (rounded.exponent < 0) {
        static const char *const small[] = {"ms", "us", "ns"};
        int thousands = rounded.exponent < -6 ? 3 : rounded.exponent < -3 ? 2 : 1;
        unit = small[thousands - 1];
        shift = -3 * thousands;
    }
    if (seconds > 0)
        put_number(number, &rounded, shift);
    mlb_format(to, MLB_UNIT_TEXT, "%s%s %s", sign, number, unit);
    return to;
}

const char *mlb_print_rate(char *to, double per_second, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    const char *sign;
    if (!begin_number(to, &per_second, &sign))
        return to;
    struct rounded rounded = round_to(per_second, 3);
    int prefix = rounded.exponent < 0 ? 0 : rounded.exponent / 3;
    prefix = prefix > 6 ? 6 : prefix;
    char number[MLB_UNIT_TEXT] = "0";
    if (per_second > 0)
        put_number(number, &rounded, 3 * prefix);
    mlb_format(to, MLB_UNIT_TEXT, "%s%s %s%s", sign, number, prefixes[prefix], unit);
    return to;
}

const char *mlb_print_percent(char *to, double fraction)
{
    const char *sign;
    double percent = fraction * 100;
    if (!begin_number(to, &percent, &sign))
        return to;
    struct rounded rounded = round_to(percent, 2);
    if (rounded.exponent >= 2)
        rounded = round_to(percent, rounded.exponent + 1);
    char number[MLB_UNIT_TEXT];
    put_number(number, &rounded, 0);
    drop_zeros(number);
    mlb_format(to, MLB_UNIT_TEXT, "%s%s %%", sign, number);
    return to;
}

static struct rounded round_to_cents(double value)
{
    int exponent = round_to(value, MOST_DIGITS).exponent;
    struct rounded rounded = round_to(value, exponent + 3);
    if (rounded.exponent > exponent) /* 9.999 became 1.00 * 10^1, which is a digit short of 10.00 */
        rounded.digits[rounded.count++] = '0';
    return rounded;
}

const char *mlb_print_dollars(char *to, double dollars)
{
    const char *sign;
    if (!begin_number(to, &dollars, &sign))
        return to;
    struct rounded rounded = round_to(dollars, 2);
    if (rounded.exponent >= 0) /* a dollar and more: cents */
        rounded = round_to_cents(dollars);
    char number[MLB_UNIT_TEXT];
    put_number(number, &rounded, 0);
    mlb_format(to, MLB_UNIT_TEXT, "%s$%s", sign, number);
    return to;
}
