/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "harness/device/dynlib.h"
#include "tests/check.h"

struct functions {
    double (*cosine)(double);
    void (*newer)(void);
};

static const char *const libm[] = {"libm.so.6.absent", "libm.so.6", NULL};
static const char *const absent[] = {"libabsent.so.13", "libabsent.so.12", NULL};

static const struct mlb_symbol good[] = {
    {"cos", offsetof(struct functions, cosine), false},
    {"cos_of_the_future", offsetof(struct functions, newer), true},
    {NULL, 0, false},
};
static const struct mlb_symbol bad[] = {
    {"cos", offsetof(struct functions, cosine), false},
    {"cos_of_the_future", offsetof(struct functions, newer), false},
    {NULL, 0, false},
};

static void test_first_soname_that_is_there(void **state)
{
    const struct mlb_library library = {"math", libm, good, "install libc"};
    struct mlb_dynlib dynlib = {0};
    struct mlb_error err = {0};
    struct functions functions;
    (void)state;
    memset(&functions, 0xff, sizeof functions);
    check_ok(mlb_dynlib_open(&dynlib, &library, NULL, &functions, &err), &err);
    check_close(functions.cosine(0), 1, 0);
    check_true(functions.newer == NULL);
    check_contains(dynlib.path, "/libm.so.6");
    mlb_dynlib_close(&dynlib);
    check_true(dynlib.handle == NULL);
    mlb_dynlib_close(&dynlib);
}

static void test_absence_says_how_to_get_it(void **state)
{
    const struct mlb_library library = {"cuAbsent", absent, good, "install libabsent (Toolkit)"};
    struct mlb_dynlib dynlib = {0};
    struct mlb_error err = {0};
    struct functions functions;
    (void)state;
    memset(&functions, 0xff, sizeof functions);
    check_fails(mlb_dynlib_open(&dynlib, &library, NULL, &functions, &err), MLB_E_UNSUPPORTED, &err,
                "cuAbsent: libabsent.so.13 or libabsent.so.12 is not there: install libabsent "
                "(Toolkit)");
    check_true(functions.cosine == NULL && functions.newer == NULL && dynlib.handle == NULL);
    check_fails(mlb_dynlib_open(&dynlib, &library, "/nonexistent/x.so", &functions, &err),
                MLB_E_UNSUPPORTED, &err, "/nonexistent/x.so is not there");
}

static void test_a_missing_symbol_is_named(void **state)
{
    const struct mlb_library library = {"math", libm, bad, "install version 9 or newer"};
    struct mlb_dynlib dynlib = {0};
    struct mlb_error err = {0};
    struct functions functions;
    (void)state;
    check_fails(mlb_dynlib_open(&dynlib, &library, NULL, &functions, &err), MLB_E_UNSUPPORTED, &err,
                "has no cos_of_the_future, it is too old: install version 9 or newer");
    check_true(functions.cosine == NULL && dynlib.handle == NULL);
}

static void test_a_broken_file_is_told_from_an_absent_one(void **state)
{
    const struct mlb_library library = {"math", libm, good, "install libc"};
    char path[] = "/tmp/mlbench-dynlib-XXXXXX";
    struct mlb_dynlib dynlib = {0};
    struct mlb_error err = {0};
    struct functions functions;
    (void)state;
    int fd = mkstemp(path);
    check_true(fd >= 0 && write(fd, "no library", 10) == 10);
    close(fd);
    check_fails(mlb_dynlib_open(&dynlib, &library, path, &functions, &err), MLB_E_UNSUPPORTED, &err,
                "cannot be opened: ");
    check_contains(err.text, "too short");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_soname_that_is_there),
        cmocka_unit_test(test_absence_says_how_to_get_it),
        cmocka_unit_test(test_a_missing_symbol_is_named),
        cmocka_unit_test(test_a_broken_file_is_told_from_an_absent_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
