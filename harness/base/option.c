/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/option.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"

static void *place_of(const struct mlb_option *row, void *values)
{
    return (char *)values + row->offset;
}

static const void *const_place_of(const struct mlb_option *row, const void *values)
{
    return (const char *)values + row->offset;
}

/* What a text of the type looks like, for error messages. */
static const char *form_of(enum mlb_option_type type)
{
    switch (type) {
    case MLB_FLAG:
        return "true or false";
    case MLB_COUNT:
        return "a whole number such as 1000, 10k or 1M";
    case MLB_REAL:
        return "a number such as 2 or 0.5";
    case MLB_BYTES:
        return "a whole number of bytes such as 4096, 64KiB or 1.5GiB";
    case MLB_SECONDS:
        return "a time such as 300ms, 90s, 2min or 1h";
    case MLB_FRACTION:
        return "a fraction such as 1% or 0.01";
    case MLB_TEXT:
        return "a text";
    case MLB_CHOICE:
        break;
    }
    return "one of its choices";
}

static void add_bound(const struct mlb_option *row, double bound, struct mlb_text *text)
{
    char unit[MLB_UNIT_TEXT];
    switch (row->type) {
    case MLB_BYTES:
        mlb_text_add(text, mlb_print_bytes(unit, bound < 0x1p64 ? (uint64_t)bound : UINT64_MAX));
        break;
    case MLB_SECONDS:
        mlb_text_add(text, mlb_print_seconds(unit, bound));
        break;
    case MLB_FRACTION:
        mlb_text_add(text, mlb_print_percent(unit, bound));
        break;
    default:
        mlb_text_addf(text, "%.15g", bound);
        break;
    }
}

static enum mlb_status check_range(const struct mlb_option *row, double value, const char *came,
                                   struct mlb_error *err)
{
    if ((row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max))
        return MLB_OK;
    struct mlb_text range = {0};
    if (isinf(row->max))
        mlb_text_add(&range, "at least ");
    if (isinf(row->min))
        mlb_text_add(&range, "at most ");
    else
        add_bound(row, row->min, &range);
    if (!isinf(row->max) && !isinf(row->min))
        mlb_text_add(&range, " to ");
    if (!isinf(row->max))
        add_bound(row, row->max, &range);
    enum mlb_status status = mlb_fail(err, MLB_E_CONFIG, "%s = %s: out of range; %s", row->name,
                                      came, mlb_text_get(&range));
    mlb_text_free(&range);
    return status;
}

static enum mlb_status malformed(const struct mlb_option *row, const char *came,
                                 struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_CONFIG, "%s = %s: not %s", row->name, came, form_of(row->type));
}

static enum mlb_status set_flag(const struct mlb_option *row, bool *flag, const char *text,
                                struct mlb_error *err)
{
    bool value = !text || strcmp(text, "true") == 0;
    if (!value && strcmp(text, "false") != 0)
        return malformed(row, text, err);
    *flag = value;
    return MLB_OK;
}

static enum mlb_status set_whole(const struct mlb_option *row, uint64_t *whole, const char *text,
                                 struct mlb_error *err)
{
    uint64_t value;
    bool read =
        row->type == MLB_BYTES ? mlb_parse_bytes(text, &value) : mlb_parse_count(text, &value);
    if (!read)
        return malformed(row, text, err);
    enum mlb_status status = check_range(row, (double)value, text, err);
    if (!status)
        *whole = value;
    return status;
}

static enum mlb_status set_real(const struct mlb_option *row, double *real, const char *text,
                                struct mlb_error *err)
{
    double value;
    bool read = row->type == MLB_SECONDS    ? mlb_parse_seconds(text, &value)
                : row->type == MLB_FRACTION ? mlb_parse_fraction(text, &value)
                                            : mlb_parse_real(text, &value);
    if (!read)
        return malformed(row, text, err);
    enum mlb_status status = check_range(row, value, text, err);
    if (!status)
        *real = value;
    return status;
}

static enum mlb_status set_text(const struct mlb_option *row, char *to, const char *text,
                                struct mlb_error *err)
{
    size_t length = strlen(text);
    if (length >= MLB_OPTION_TEXT)
        return mlb_fail(err, MLB_E_CONFIG, "%s = %.32s...: longer than %d bytes", row->name, text,
                        MLB_OPTION_TEXT - 1);
    /* The rest is zeroed too: structs of values are compared as bytes. */
    memset(to, 0, MLB_OPTION_TEXT);
    memcpy(to, text, length);
    return MLB_OK;
}

static enum mlb_status set_choice(const struct mlb_option *row, int *choice, const char *text,
                                  struct mlb_error *err)
{
    struct mlb_text known = {0};
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *choice = i;
            mlb_text_free(&known);
            return MLB_OK;
        }
        mlb_text_addf(&known, "%s%s", i ? ", " : "", row->choices[i]);
    }
    const char *near = mlb_nearest(text, row->choices);
    enum mlb_status status = mlb_fail(err, MLB_E_CONFIG, "%s = %s: not one of %s%s%s%s", row->name,
                                      text, mlb_text_get(&known), near ? "; did you mean '" : "",
                                      near ? near : "", near ? "'?" : "");
    mlb_text_free(&known);
    return status;
}

enum mlb_status mlb_option_set(const struct mlb_option *row, void *values, const char *text,
                               struct mlb_error *err)
{
    void *place = place_of(row, values);
    if (!text && row->type != MLB_FLAG)
        return mlb_fail(err, MLB_E_CONFIG, "%s: a value is missing; %s", row->name,
                        form_of(row->type));
    switch (row->type) {
    case MLB_FLAG:
        return set_flag(row, place, text, err);
    case MLB_COUNT:
    case MLB_BYTES:
        return set_whole(row, place, text, err);
    case MLB_REAL:
    case MLB_SECONDS:
    case MLB_FRACTION:
        return set_real(row, place, text, err);
    case MLB_TEXT:
        return set_text(row, place, text, err);
    case MLB_CHOICE:
        return set_choice(row, place, text, err);
    }
    return mlb_fail(err, MLB_E_INTERNAL, "option '%s' has no type", row->name);
}

static void set_zero(const struct mlb_option *row, void *values)
{
    static const size_t sizes[] = {
        [MLB_FLAG] = sizeof(bool),      [MLB_COUNT] = sizeof(uint64_t),
        [MLB_REAL] = sizeof(double),    [MLB_BYTES] = sizeof(uint64_t),
        [MLB_SECONDS] = sizeof(double), [MLB_FRACTION] = sizeof(double),
        [MLB_TEXT] = MLB_OPTION_TEXT,   [MLB_CHOICE] = sizeof(int),
    };
    memset(place_of(row, values), 0, sizes[row->type]);
}

enum mlb_status mlb_option_defaults(const struct mlb_option *table, void *values,
                                    struct mlb_error *err)
{
    for (const struct mlb_option *row = table; row->name; row++) {
        struct mlb_error why = {0};
        set_zero(row, values);
        if (row->initial && mlb_option_set(row, values, row->initial, &why))
            return mlb_fail(err, MLB_E_INTERNAL, "the default of an option is wrong: %s", why.text);
    }
    return MLB_OK;
}

/* The fewest digits that give the same double again, without an exponent where that is short. */
static void print_real(double value, struct mlb_text *text)
{
    char number[40] = "";
    double again = 0;
    int decimals = -1; /* of the mantissa */
    do
        mlb_format(number, sizeof number, "%.*e", ++decimals, value);
    while (decimals < 16 && !(mlb_parse_real(number, &again) && again == value));
    const char *mark = strchr(number, 'e'); /* there is none in "inf" */
    long exponent = mark ? strtol(mark + 1, NULL, 10) : 0;
    if (mark && exponent >= -5 && exponent < 15)
        mlb_text_addf(text, "%.*f", decimals > exponent ? decimals - (int)exponent : 0, value);
    else
        mlb_text_add(text, number);
}

void mlb_option_print(const struct mlb_option *row, const void *values, struct mlb_text *text)
{
    const void *place = const_place_of(row, values);
    char unit[MLB_UNIT_TEXT];
    switch (row->type) {
    case MLB_FLAG:
        mlb_text_add(text, *(const bool *)place ? "true" : "false");
        break;
    case MLB_COUNT:
        mlb_text_addf(text, "%" PRIu64, *(const uint64_t *)place);
        break;
    case MLB_BYTES:
        mlb_text_add(text, mlb_print_bytes_exact(unit, *(const uint64_t *)place));
        break;
    case MLB_REAL:
    case MLB_FRACTION:
        print_real(*(const double *)place, text);
        break;
    case MLB_SECONDS:
        print_real(*(const double *)place, text);
        mlb_text_add(text, "s");
        break;
    case MLB_TEXT:
        mlb_text_add(text, place);
        break;
    case MLB_CHOICE:
        mlb_text_add(text, row->choices[*(const int *)place]);
        break;
    }
}

const struct mlb_option *mlb_option_find(const struct mlb_option *table, const char *name)
{
    for (; table->name; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

const struct mlb_option *mlb_option_find_letter(const struct mlb_option *table, char letter)
{
    for (; letter && table->name; table++) {
        if (table->letter == letter)
            return table;
    }
    return NULL;
}

const char *mlb_option_hint(const struct mlb_option *table, const char *word, char *to, size_t size)
{
    struct mlb_text known = {0};
    const char *near = NULL;
    size_t smallest = MLB_NOT_NEAR;
    for (const struct mlb_option *row = table; row->name; row++) {
        size_t nearness = mlb_nearness(word, row->name);
        if (nearness < smallest) {
            smallest = nearness;
            near = row->name;
        }
        mlb_text_addf(&known, "%s%s", row == table ? "" : ", ", row->name);
    }
    if (near)
        mlb_format(to, size, "; did you mean '%s'?", near);
    else
        mlb_format(to, size, "; known: %s", mlb_text_get(&known));
    mlb_text_free(&known);
    return to;
}
