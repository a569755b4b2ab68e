/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

static void every_status_has_its_exit_code(void **state)
{
    (void)state;
    static const struct {
        enum mlb_status status;
        int exit_code;
        const char *name;
    } rows[] = {
        {MLB_OK, 0, "OK"},
        {MLB_E_USAGE, 2, "E_USAGE"},
        {MLB_E_CONFIG, 2, "E_CONFIG"},
        {MLB_E_IO, 2, "E_IO"},
        {MLB_E_NOMEM, 3, "E_NOMEM"},
        {MLB_E_UNSUPPORTED, 3, "E_UNSUPPORTED"},
        {MLB_E_DEVICE, 3, "E_DEVICE"},
        {MLB_E_COMM, 3, "E_COMM"},
        {MLB_E_TIMEOUT, 3, "E_TIMEOUT"},
        {MLB_E_INTERRUPTED, 3, "E_INTERRUPTED"},
        {MLB_E_NO_VERDICT, 3, "E_NO_VERDICT"},
        {MLB_E_WRONG, 1, "E_WRONG"},
        {MLB_E_UNHEALTHY, 4, "E_UNHEALTHY"},
        {MLB_E_INTERNAL, 3, "E_INTERNAL"},
        {(enum mlb_status)1000, 3, "E_UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_i64(mlb_status_exit_code(rows[i].status), rows[i].exit_code);
        check_text(mlb_status_name(rows[i].status), rows[i].name);
        check_true(strlen(mlb_status_meaning(rows[i].status)) > 1);
    }
}

static void failing_fills_the_error(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    check_fails(mlb_fail(&err, MLB_E_IO, "%s: %d", "a", 3), MLB_E_IO, &err, "a: 3");
    check_i64(err.status, MLB_E_IO);
    check_i64(mlb_fail(NULL, MLB_E_IO, "nobody listens"), MLB_E_IO);
}

static void an_error_may_be_wrapped_in_itself(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    mlb_fail(&err, MLB_E_IO, "inner");
    mlb_fail(&err, MLB_E_CONFIG, "outer: %s", err.text);
    check_text(err.text, "outer: inner");
    check_i64(mlb_fail_at(&err, "case %d", 3), MLB_E_CONFIG);
    check_text(err.text, "case 3: outer: inner");
}

static void nothing_is_put_before_no_error(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    check_i64(mlb_fail_at(&err, "case 3"), MLB_OK);
    check_text(err.text, "");
}

static void an_error_is_one_line(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    mlb_fail(&err, MLB_E_DEVICE, "first\nsecond\r\n\n");
    check_text(err.text, "first second");
}

static void a_long_error_is_cut_between_characters(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        char text[2000];
        size_t length = 0;
        for (int i = 0; i < shift; i++)
            text[length++] = 'x';
        while (length < 1900) {
            memcpy(text + length, "\xe2\x82\xac", 3); /* the euro sign */
            length += 3;
        }
        text[length] = '\0';
        struct mlb_error err = {0};
        mlb_fail(&err, MLB_E_IO, "%s", text);
        size_t kept = strlen(err.text);
        check_true(kept < MLB_ERROR_TEXT && kept > MLB_ERROR_TEXT - 8);
        check_text(err.text + kept - 3, "...");
        check_u64((kept - 3 - (size_t)shift) % 3, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_exit_code),
        cmocka_unit_test(failing_fills_the_error),
        cmocka_unit_test(an_error_may_be_wrapped_in_itself),
        cmocka_unit_test(nothing_is_put_before_no_error),
        cmocka_unit_test(an_error_is_one_line),
        cmocka_unit_test(a_long_error_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
