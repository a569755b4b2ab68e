/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/option.h"
#include "tests/check.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

struct values {
    bool quiet;
    uint64_t iterations;
    double factor;
    uint64_t size;
    double budget;
    double target;
    char label[MLB_OPTION_TEXT];
    int dtype;
    uint64_t seed;
    double cooling;
};

static const char *const dtypes[] = {"f32", "bf16", "f16", NULL};

#define AT(member) offsetof(struct values, member)

static const struct mlb_option table[] = {
    {.name = "quiet", .letter = 'q', .type = MLB_FLAG, .offset = AT(quiet)},
    {"iterations", 'n', MLB_COUNT, AT(iterations), 1, 1e6, "20", NULL, "N", "", 0},
    {"factor", 0, MLB_REAL, AT(factor), -2, 2, "0.5", NULL, "X", "", 0},
    {"size", 's', MLB_BYTES, AT(size), 8, 0x1p40, "64KiB", NULL, "SIZE", "", 0},
    {"budget", 0, MLB_SECONDS, AT(budget), 0.1, 86400, "2min", NULL, "TIME", "", 0},
    {"target", 0, MLB_FRACTION, AT(target), 0.0001, 0.5, "1%", NULL, "PART", "", 0},
    {"label", 0, MLB_TEXT, AT(label), 0, 0, NULL, NULL, "TEXT", "", 0},
    {"dtype", 'd', MLB_CHOICE, AT(dtype), 0, 0, "bf16", dtypes, "TYPE", "", 0},
    {"seed", 0, MLB_COUNT, AT(seed), 0, 0, NULL, NULL, "N", "", 0},
    {"cooling", 0, MLB_SECONDS, AT(cooling), 1, INFINITY, "1s", NULL, "TIME", "", 0},
    {.name = NULL},
};

static const struct mlb_option *row(const char *name)
{
    return mlb_option_find(table, name);
}

static void defaults_are_read_from_the_table(void **state)
{
    (void)state;
    struct values values;
    struct mlb_error err = {0};
    memset(&values, 0x5a, sizeof values);
    check_ok(mlb_option_defaults(table, &values, &err), &err);
    check_true(!values.quiet);
    check_u64(values.iterations, 20);
    check_close(values.factor, 0.5, 0);
    check_u64(values.size, 65536);
    check_close(values.budget, 120, 0);
    check_close(values.target, 0.01, 0);
    check_text(values.label, "");
    check_i64(values.dtype, 1);
    check_u64(values.seed, 0);
}

static void a_wrong_default_is_a_bug(void **state)
{
    (void)state;
    static const struct mlb_option wrong[] = {
        {"size", 0, MLB_BYTES, AT(size), 0, 0, "12 apples", NULL, NULL, "", 0}, {.name = NULL}};
    struct values values;
    struct mlb_error err = {0};
    check_fails(mlb_option_defaults(wrong, &values, &err), MLB_E_INTERNAL, &err,
                "size = 12 apples");
}

static void values_are_written_as_they_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *canonical;
    } rows[] = {
        {"quiet", "true", "true"},
        {"quiet", "false", "false"},
        {"iterations", "10k", "10000"},
        {"iterations", "1e6", "1000000"},
        {"factor", "-0.10", "-0.1"},
        {"factor", "0.333333333333333315", "0.3333333333333333"},
        {"size", "1.5GiB", "1536MiB"},
        {"size", "1000", "1000"},
        {"budget", "2min", "120s"},
        {"budget", "300ms", "0.3s"},
        {"target", "1%", "0.01"},
        {"target", "0.7%", "0.007"},
        {"target", "0.0001", "0.0001"},
        {"label", " a \xc2\xb5 ", " a \xc2\xb5 "},
        {"label", "", ""},
        {"dtype", "f16", "f16"},
        {"seed", "18446744073709551615", "18446744073709551615"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct values values = {0}, again = {0};
        struct mlb_error err = {0};
        struct mlb_text text = {0};
        check_ok(mlb_option_set(row(rows[i].name), &values, rows[i].text, &err), &err);
        mlb_option_print(row(rows[i].name), &values, &text);
        check_text(mlb_text_get(&text), rows[i].canonical);
        check_ok(mlb_option_set(row(rows[i].name), &again, mlb_text_get(&text), &err), &err);
        check_true(memcmp(&values, &again, sizeof values) == 0);
        mlb_text_free(&text);
    }
}

/* Hard doubles survive being printed and read. */
static void any_real_comes_back(void **state)
{
    (void)state;
    static const struct mlb_option real = {.name = "x", .type = MLB_REAL, .offset = AT(factor)};
    static const double reals[] = {0.1,
                                   1.0 / 3,
                                   5e-324,
                                   1.7976931348623157e308,
                                   123456789.123456789,
                                   -2.2250738585072014e-308,
                                   9007199254740993.0,
                                   1e23,
                                   0};
    for (size_t i = 0; i < COUNT_OF(reals); i++) {
        struct values values = {.factor = reals[i]};
        struct mlb_error err = {0};
        struct mlb_text text = {0};
        mlb_option_print(&real, &values, &text);
        values.factor = -7;
        check_ok(mlb_option_set(&real, &values, mlb_text_get(&text), &err), &err);
        check_close(values.factor, reals[i], 0);
        mlb_text_free(&text);
    }
}

static void a_wrong_value_is_explained_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *error;
    } rows[] = {
        {"target", "150%", "target = 150%: out of range; 0.01 % to 50 %"},
        {"target", "-1%", "target = -1%: not a fraction such as 1% or 0.01"},
        {"iterations", "0", "iterations = 0: out of range; 1 to 1000000"},
        {"iterations", "abc", "iterations = abc: not a whole number such as 1000, 10k or 1M"},
        {"iterations", "", "iterations = : not a whole number"},
        {"factor", "2.5", "factor = 2.5: out of range; -2 to 2"},
        {"factor", "nan", "factor = nan: not a number such as"},
        {"size", "4", "size = 4: out of range; 8 B to 1 TiB"},
        {"size", "1.3K", "size = 1.3K: not a whole number of bytes such as 4096, 64KiB"},
        {"budget", "2d", "budget = 2d: not a time such as 300ms, 90s, 2min or 1h"},
        {"budget", "25h", "budget = 25h: out of range; 100 ms to 24.0 h"},
        {"cooling", "0.5", "cooling = 0.5: out of range; at least 1.00 s"},
        {"dtype", "bf61", "dtype = bf61: not one of f32, bf16, f16; did you mean 'bf16'?"},
        {"dtype", "int", "dtype = int: not one of f32, bf16, f16"},
        {"quiet", "yes", "quiet = yes: not true or false"},
        {"size", NULL, "size: a value is missing; a whole number of bytes such as"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct values values, before;
        struct mlb_error err = {0};
        check_ok(mlb_option_defaults(table, &values, &err), &err);
        memcpy(&before, &values, sizeof values);
        check_fails(mlb_option_set(row(rows[i].name), &values, rows[i].text, &err), MLB_E_CONFIG,
                    &err, rows[i].error);
        check_true(memcmp(&values, &before, sizeof values) == 0);
    }
}

static void the_bounds_belong_to_the_range(void **state)
{
    (void)state;
    struct values values = {0};
    struct mlb_error err = {0};
    check_ok(mlb_option_set(row("target"), &values, "50%", &err), &err);
    check_ok(mlb_option_set(row("iterations"), &values, "1", &err), &err);
    check_ok(mlb_option_set(row("size"), &values, "1TiB", &err), &err);
    check_ok(mlb_option_set(row("quiet"), &values, NULL, &err), &err);
    check_true(values.quiet);
}

static void a_text_fits_or_is_refused(void **state)
{
    (void)state;
    char text[MLB_OPTION_TEXT + 1];
    struct values values = {0}, shorter = {0};
    struct mlb_error err = {0};
    memset(text, 'x', sizeof text);
    text[MLB_OPTION_TEXT] = '\0';
    check_fails(mlb_option_set(row("label"), &values, text, &err), MLB_E_CONFIG, &err,
                "longer than 255 bytes");
    text[MLB_OPTION_TEXT - 1] = '\0';
    check_ok(mlb_option_set(row("label"), &values, text, &err), &err);
    check_text(values.label, text);
    /* What a longer text left behind must not make two equal structs differ. */
    check_ok(mlb_option_set(row("label"), &values, "a", &err), &err);
    check_ok(mlb_option_set(row("label"), &shorter, "a", &err), &err);
    check_true(memcmp(&values, &shorter, sizeof values) == 0);
}

static void options_are_found(void **state)
{
    (void)state;
    check_true(mlb_option_find(table, "size") == &table[3]);
    check_true(!mlb_option_find(table, "siz"));
    check_true(!mlb_option_find(table, ""));
    check_true(mlb_option_find_letter(table, 'd') == &table[7]);
    check_true(!mlb_option_find_letter(table, 'x'));
    check_true(!mlb_option_find_letter(table, '\0')); /* what rows without a letter have */
}

static void a_hint_names_the_near_or_the_known(void **state)
{
    (void)state;
    char to[256], little[12];
    check_text(mlb_option_hint(table, "iteratons", to, sizeof to), "; did you mean 'iterations'?");
    check_text(mlb_option_hint(table, "Seed", to, sizeof to), "; did you mean 'seed'?");
    check_text(mlb_option_hint(table, "bandwidth", to, sizeof to),
               "; known: quiet, iterations, factor, size, budget, target, label, dtype, seed, "
               "cooling");
    check_text(mlb_option_hint(table, "bandwidth", little, sizeof little), "; known: qu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_read_from_the_table),
        cmocka_unit_test(a_wrong_default_is_a_bug),
        cmocka_unit_test(values_are_written_as_they_are_read),
        cmocka_unit_test(any_real_comes_back),
        cmocka_unit_test(a_wrong_value_is_explained_and_changes_nothing),
        cmocka_unit_test(the_bounds_belong_to_the_range),
        cmocka_unit_test(a_text_fits_or_is_refused),
        cmocka_unit_test(options_are_found),
        cmocka_unit_test(a_hint_names_the_near_or_the_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
