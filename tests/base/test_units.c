/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>

#include "harness/base/units.h"
#include "tests/check.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

static const uint64_t untouched = 0x5a5a5a5a5a5a5a5a;

/* Refused by every parser here. */
static const char *const nonsense[] = {
    "",      " ",         "-",     "-1", "+1",    "nan",      "inf",   "infinity", "0x10",
    "1e999", "1.5.2",     "1..5",  "1.", ".5",    "1,5",      "1 2",   "--1",      "1e",
    "1e+",   "12 apples", "1KiBB", "e5", "1_000", "\xc2\xb5", "1\x01", "1 000",    "\xd9\xa1",
};

static void nonsense_is_no_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
        uint64_t whole = untouched;
        double real = -7;
        bool any = mlb_parse_bytes(nonsense[i], &whole) || mlb_parse_count(nonsense[i], &whole) ||
                   mlb_parse_seconds(nonsense[i], &real) ||
                   mlb_parse_fraction(nonsense[i], &real) || mlb_parse_dollars(nonsense[i], &real);
        if (strcmp(nonsense[i], "-1") != 0)
            any = any || mlb_parse_real(nonsense[i], &real);
        if (any)
            print_error("taken: '%s'\n", nonsense[i]);
        check_true(!any && whole == untouched && real == -7);
    }
}

struct whole_row {
    const char *text;
    bool taken;
    uint64_t value;
};

static void check_whole(bool (*parse)(const char *, uint64_t *), const struct whole_row *row)
{
    uint64_t value = untouched;
    bool taken = parse(row->text, &value);
    if (taken != row->taken)
        print_error("'%s'\n", row->text);
    check_true(taken == row->taken);
    check_u64(value, taken ? row->value : untouched);
}

static void bytes_are_read(void **state)
{
    (void)state;
    static const struct whole_row rows[] = {
        {"0", true, 0},
        {"8", true, 8},
        {"8B", true, 8},
        {" 8 ", true, 8},
        {"64K", true, 65536},
        {"64k", true, 65536},
        {"64KB", true, 65536},
        {"64KiB", true, 65536},
        {"64 KiB", true, 65536},
        {"1.5G", true, 1610612736},
        {"1.500G", true, 1610612736},
        {"1GiB", true, 1073741824},
        {"2T", true, 2199023255552},
        {"1P", true, 1125899906842624},
        {"1e3", true, 1000},
        {"1e-3", false, 0},
        {"1EiB", true, 1152921504606846976},
        {"0.5", false, 0},
        {"0.5K", true, 512},
        {"1.3K", false, 0}, /* 1331.2 bytes */
        {"1.0", true, 1},
        {"007", true, 7},
        {"0K", true, 0},
        {"0e999999999999", true, 0},
        {"9007199254740993", true, 9007199254740993}, /* no double has it */
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551615.0", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"18446744073709551620", false, 0},
        {"99999999999999999999999", false, 0},
        {"0.000000000000000000000000000001", false, 0},
        {"15.9999999999999999999EiB", false, 0},
        {"15EB", true, 15ull << 60},
        {"16EiB", false, 0},
        {"1X", false, 0},
        {"K", false, 0},
        {"1Ki", false, 0},
        {"-0", false, 0},
        {"8 B B", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_whole(mlb_parse_bytes, &rows[i]);
}

static void stored_bytes_are_read(void **state)
{
    static const struct whole_row rows[] = {
        {"100TB", true, 100000000000000},
        {"2.3TB", true, 2300000000000},
        {"750 gb", true, 750000000000},
        {"1GiB", true, 1073741824},
        {"4096", true, 4096},
        {"1.5KB", true, 1500},
        {"1G", false, 0}, /* neither of the two, for sure */
        {"1GB/s", false, 0},
        {"-1GB", false, 0},
        {"", false, 0},
    };
    double rate = 0.0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_whole(mlb_parse_stored_bytes, &rows[i]);
    check_true(mlb_parse_stored_rate("2GB/s", &rate));
    check_close(rate, 2e9, 0);
    check_true(mlb_parse_stored_rate("500 MiB /s", &rate));
    check_close(rate, 524288000.0, 0);
    check_true(mlb_parse_stored_rate("57GB", &rate));
    check_close(rate, 57e9, 0);
    check_true(!mlb_parse_stored_rate("2GB/h", &rate));
    check_true(!mlb_parse_stored_rate("2GB/s/s", &rate));
    check_true(!mlb_parse_stored_rate("/s", &rate));
    check_close(rate, 57e9, 0);
}

static void counts_are_read(void **state)
{
    (void)state;
    static const struct whole_row rows[] = {
        {"1000", true, 1000},    {"10k", true, 10000},
        {"10K", true, 10000},    {"1M", true, 1000000},
        {"1.5M", true, 1500000}, {"2G", true, 2000000000},
        {"1e6", true, 1000000},  {"1T", true, 1000000000000},
        {"0.5", false, 0},       {"1KiB", false, 0},
        {"1B", false, 0},        {"1.0005k", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_whole(mlb_parse_count, &rows[i]);
}

struct real_row {
    const char *text;
    bool taken;
    double value;
};

static void check_real(bool (*parse)(const char *, double *), const struct real_row *row)
{
    double value = -7;
    bool taken = parse(row->text, &value);
    if (taken != row->taken)
        print_error("'%s'\n", row->text);
    check_true(taken == row->taken);
    check_close(value, taken ? row->value : -7, 0);
}

static void reals_are_read(void **state)
{
    (void)state;
    static const struct real_row rows[] = {
        {"0", true, 0},
        {"-1.5", true, -1.5},
        {"0.1", true, 0.1},
        {"1e-5", true, 1e-5},
        {"1E+5", true, 1e5},
        {"0.1000000000000000055511151231257827", true, 0.1},
        {"123456789012345678901234567890", true, 123456789012345678901234567890.0},
        {"1.7976931348623157e308", true, 1.7976931348623157e308},
        {"1.8e308", false, 0},
        {"4.9406564584124654e-324", true, 4.9406564584124654e-324},
        {"1e-999", false, 0},
        {"0e-999", true, 0},
        {"1e99999999999999999999", false, 0},
        {"-1e999", false, 0},
        {"1s", false, 0},
        {"1%", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_real(mlb_parse_real, &rows[i]);
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct real_row rows[] = {
        {"90", true, 90},      {"90s", true, 90},    {"90 s", true, 90},   {"1.5min", true, 90},
        {"2h", true, 7200},    {"300ms", true, 0.3}, {"5us", true, 5e-6},  {"850ns", true, 850e-9},
        {"0", true, 0},        {"1m", false, 0},     {"1 hour", false, 0}, {"1e306h", false, 0},
        {"1e400ms", false, 0}, {"-5s", false, 0},    {"s", false, 0},      {"0.0ms", true, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_real(mlb_parse_seconds, &rows[i]);
}

static void fractions_are_read(void **state)
{
    (void)state;
    static const struct real_row rows[] = {
        {"1%", true, 0.01},  {"0.01", true, 0.01}, {"0.1%", true, 0.001},   {"0.7%", true, 0.007},
        {"150%", true, 1.5}, {"1 %", true, 0.01},  {"1e-2", true, 0.01},    {"%", false, 0},
        {"1%%", false, 0},   {"-1%", false, 0},    {"1 percent", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_real(mlb_parse_fraction, &rows[i]);
}

static void dollars_are_read(void **state)
{
    (void)state;
    static const struct real_row rows[] = {
        {"$2", true, 2},           {"$ 2.50", true, 2.5},
        {"2.50$", true, 2.5},      {"2.50 $", true, 2.5},
        {"USD 2", true, 2},        {"2 USD", true, 2},
        {"2 usd", true, 2},        {"2", false, 0},
        {"$", false, 0},           {"USD", false, 0},
        {"$2$", false, 0},         {"USD 2 USD", false, 0},
        {"$-2", false, 0},         {"-$2", false, 0},
        {"$1,000", false, 0},      {"\xe2\x82\xac 2", false, 0},
        {"$2 per hour", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_real(mlb_parse_dollars, &rows[i]);
}

static void bytes_are_written(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text, *exact;
    } rows[] = {
        {0, "0 B", "0"},
        {8, "8 B", "8"},
        {1023, "1023 B", "1023"},
        {1024, "1 KiB", "1KiB"},
        {1536, "1.5 KiB", "1536"},
        {65536, "64 KiB", "64KiB"},
        {1610612736, "1.5 GiB", "1536MiB"},
        {1047552, "1023 KiB", "1023KiB"},
        {1048063, "1023 KiB", "1048063"},
        {1048064, "1 MiB", "1048064"}, /* 1023.5 KiB: never "1024 KiB" */
        {1048575, "1 MiB", "1048575"},
        {1000000000, "954 MiB", "1000000000"},
        {151397597184, "141 GiB", "141GiB"},
        {UINT64_C(1) << 63, "8 EiB", "8EiB"},
        {UINT64_MAX, "16 EiB", "18446744073709551615"},
    };
    char to[MLB_UNIT_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t again;
        check_text(mlb_print_bytes(to, rows[i].bytes), rows[i].text);
        check_text(mlb_print_bytes_exact(to, rows[i].bytes), rows[i].exact);
        check_true(mlb_parse_bytes(to, &again) && again == rows[i].bytes);
    }
}

struct printed_row {
    double value;
    const char *text;
};

static void times_are_written(void **state)
{
    (void)state;
    static const struct printed_row rows[] = {
        {0, "0 s"},
        {1.39e-3, "1.39 ms"},
        {41.2, "41.2 s"},
        {850e-9, "850 ns"},
        {5e-10, "0.500 ns"},
        {999.4e-9, "999 ns"},
        {999.6e-9, "1.00 us"}, /* the next decade, and its unit */
        {999.6e-6, "1.00 ms"},
        {0.9994, "999 ms"},
        {0.9996, "1.00 s"},
        {9.996, "10.0 s"},
        {99.96, "100 s"},
        {119.96, "120 s"},
        {120, "2.00 min"},
        {3600, "60.0 min"},
        {7200, "2.00 h"},
        {1e6, "278 h"},
        {-0.5, "-500 ms"},
        {NAN, "nan"},
        {-INFINITY, "-inf"},
    };
    char to[MLB_UNIT_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_text(mlb_print_seconds(to, rows[i].value), rows[i].text);
}

static void rates_are_written(void **state)
{
    (void)state;
    static const struct printed_row rows[] = {
        {0, "0 B/s"},
        {7.9e14, "790 TB/s"},
        {999.4, "999 B/s"},
        {999.5, "1.00 kB/s"},
        {999.6, "1.00 kB/s"},
        {999499.99999999988, "999 kB/s"}, /* divided by 1000 it would be a tie */
        {999999, "1.00 MB/s"},
        {9995, "10.0 kB/s"}, /* exact ties go to even, as printf has them */
        {9985, "9.98 kB/s"},
        {489.4e9, "489 GB/s"},
        {1e15, "1.00 PB/s"},
        {1.5e18, "1.50 EB/s"},
        {1e21, "1000 EB/s"},
        {0.5, "0.500 B/s"},
        {0.00123, "0.00123 B/s"},
        {1.2e-9, "1.20e-09 B/s"},
        {-5e9, "-5.00 GB/s"},
        {INFINITY, "inf"},
    };
    char to[MLB_UNIT_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_text(mlb_print_rate(to, rows[i].value, "B/s"), rows[i].text);
}

static void percents_are_written(void **state)
{
    (void)state;
    static const struct printed_row rows[] = {
        {0.8, "80 %"},     {0.004, "0.4 %"},  {0.797, "80 %"}, {0.00012, "0.012 %"},
        {0.9996, "100 %"}, {1.234, "123 %"},  {0, "0 %"},      {-0.05, "-5 %"},
        {0.0149, "1.5 %"}, {12.34, "1234 %"}, {NAN, "nan"},    {0.0001, "0.01 %"},
    };
    char to[MLB_UNIT_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_text(mlb_print_percent(to, rows[i].value), rows[i].text);
}

static void dollars_are_written(void **state)
{
    (void)state;
    static const struct printed_row rows[] = {
        {1.52, "$1.52"},  {0.00031, "$0.00031"}, {0.996, "$1.00"},     {0.0999, "$0.10"},
        {12.4, "$12.40"}, {99.999, "$100.00"},   {1234.5, "$1234.50"}, {0, "$0.00"},
        {0.5, "$0.50"},   {-2, "-$2.00"},        {999.994, "$999.99"},
    };
    char to[MLB_UNIT_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_text(mlb_print_dollars(to, rows[i].value), rows[i].text);
}

static const char *print_bytes_per_s(char *to, double value)
{
    return mlb_print_rate(to, value, "B/s");
}

/* Every binary exponent that a double has. */
static void any_number_is_written_within_its_bytes(void **state)
{
    (void)state;
    static const char *(*const printers[])(char *, double) = {mlb_print_seconds, print_bytes_per_s,
                                                              mlb_print_percent, mlb_print_dollars};
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        for (size_t i = 0; i < COUNT_OF(printers); i++) {
            char to[MLB_UNIT_TEXT + 1];
            memset(to, '#', sizeof to);
            printers[i](to, -ldexp(1.999999, exponent));
            check_true(to[MLB_UNIT_TEXT] == '#' && memchr(to, 0, MLB_UNIT_TEXT));
        }
    }
}

static void a_rate_reads_back_to_three_digits(void **state)
{
    (void)state;
    static const char prefixes[] = " kMGTPE";
    for (double value = 1; value < 1e20; value *= 1.00713) {
        char to[MLB_UNIT_TEXT], unit[8] = "";
        double number;
        check_i64(sscanf(mlb_print_rate(to, value, "B"), "%lf %7s", &number, unit), 2);
        const char *prefix = unit[1] ? strchr(prefixes, unit[0]) : prefixes;
        check_true(prefix != NULL && number < 1000);
        check_true(strcspn(to, " ") == (number >= 100 ? 3 : 4));
        check_close(number * pow(1000, (double)(prefix - prefixes)), value, 0.00501);
    }
}

/* A program that embeds mlbench's code may have set a locale with a decimal comma. */
static void no_locale_changes_a_number(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "pt_BR.UTF-8"};
    const char *set = NULL;
    for (size_t i = 0; i < COUNT_OF(names) && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (!set)
        skip();
    char to[MLB_UNIT_TEXT];
    double value = 0;
    bool read = mlb_parse_real("1.5", &value);
    mlb_print_seconds(to, 1.39e-3);
    setlocale(LC_NUMERIC, "C");
    check_true(read);
    check_close(value, 1.5, 0);
    check_text(to, "1.39 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_no_value),
        cmocka_unit_test(bytes_are_read),
        cmocka_unit_test(stored_bytes_are_read),
        cmocka_unit_test(counts_are_read),
        cmocka_unit_test(reals_are_read),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(fractions_are_read),
        cmocka_unit_test(dollars_are_read),
        cmocka_unit_test(bytes_are_written),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(rates_are_written),
        cmocka_unit_test(percents_are_written),
        cmocka_unit_test(dollars_are_written),
        cmocka_unit_test(any_number_is_written_within_its_bytes),
        cmocka_unit_test(a_rate_reads_back_to_three_digits),
        cmocka_unit_test(no_locale_changes_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
