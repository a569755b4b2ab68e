/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/date.h"

#include <time.h>

#include "tests/check.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void dates_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t days;
    } rows[] = {
        {"1970-01-01", 0},
        {"1970-01-02", 1},
        {"2000-02-29", 11016},
        {"2000-03-01", 11017},
        {"2024-02-29", 19782},
        {"2026-08-11", 20676},
        {"2026-08-11T09:00:00Z", 20676},
        {"2026-08-11 09:00:00", 20676},
        {"2026-08", 20666}, /* the 1st */
        {"2024-02", 19754},
        {"2100-03", 47541}, /* behind the 28th: no leap year */
        {"9999-12-31", 2932896},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t days = -1;
        check_true(mlb_date_parse(rows[i].text, &days));
        check_i64(days, rows[i].days);
    }
}

static void nonsense_is_no_date(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",           "2026",         "2026-",       "2026-8-1",   "2026-13-01",
        "2026-00-01", "2026-02-29",   "2026-04-31",  "1969-12-31", "2026-08-00",
        "26-08-11",   "2026/08/11",   "2026-08-11x", "2026-08-1",  "2026-Q3",
        "2026-08-",   " 2026-08-11",  "12026-08-11", "+026-08-11", "undated",
        "2026-08T",   "2026-08-1100",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t days = 77;
        check_true(!mlb_date_parse(rows[i], &days));
        check_i64(days, 77);
    }
}

/* Every day of 200 years, against the C library's own calendar. */
static void dates_are_written_as_they_are_read(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 73050; day++) {
        char text[16], theirs[16];
        time_t seconds = (time_t)(day * 86400);
        struct tm broken;
        gmtime_r(&seconds, &broken);
        strftime(theirs, sizeof theirs, "%Y-%m-%d", &broken);
        check_text(mlb_date_print(text, day), theirs);
        int64_t again = -1;
        check_true(mlb_date_parse(text, &again));
        check_i64(again, day);
    }
}

static void today_is_the_clocks_day(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) / 86400, today = mlb_date_today();
    check_true(today >= before && today <= (int64_t)time(NULL) / 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(nonsense_is_no_date),
        cmocka_unit_test(dates_are_written_as_they_are_read),
        cmocka_unit_test(today_is_the_clocks_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
