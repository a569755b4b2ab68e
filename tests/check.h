/* SPDX-License-Identifier: Apache-2.0 */
/* The only header a test includes for its checks: cmocka as the runner, and checks that print both
 * sides. cmocka's own number checks are not used: assert_int_equal prints negatives as huge hex and
 * assert_float_equal compares as float. */
#ifndef MLB_TESTS_CHECK_H
#define MLB_TESTS_CHECK_H

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/base/status.h"

#define check_true(condition) check_true_at((condition), #condition, __FILE__, __LINE__)
#define check_i64(actual, expected)                                                                \
    check_i64_at((int64_t)(actual), (int64_t)(expected), #actual, __FILE__, __LINE__)
#define check_u64(actual, expected)                                                                \
    check_u64_at((uint64_t)(actual), (uint64_t)(expected), #actual, __FILE__, __LINE__)
/* Relative tolerance; 0 asks for the same bits (two NaNs are the same). */
#define check_close(actual, expected, tolerance)                                                   \
    check_close_at((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)
#define check_text(actual, expected)                                                               \
    check_text_at((actual), (expected), #actual, __FILE__, __LINE__)
#define check_contains(actual, part)                                                               \
    check_contains_at((actual), (part), #actual, __FILE__, __LINE__)
#define check_ok(status, err) check_ok_at((status), (err), __FILE__, __LINE__)
/* The call failed with this status and its text contains `part`. */
#define check_fails(actual, expected, err, part)                                                   \
    check_fails_at((actual), (expected), (err), (part), __FILE__, __LINE__)

static inline void check_true_at(bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        print_error("%s:%d: not true: %s\n", file, line, text);
        _fail(file, line);
    }
}

static inline void check_i64_at(int64_t actual, int64_t expected, const char *text,
                                const char *file, int line)
{
    if (actual != expected) {
        print_error("%s:%d: %s is %" PRId64 ", should be %" PRId64 "\n", file, line, text, actual,
                    expected);
        _fail(file, line);
    }
}

static inline void check_u64_at(uint64_t actual, uint64_t expected, const char *text,
                                const char *file, int line)
{
    if (actual != expected) {
        print_error("%s:%d: %s is %" PRIu64 ", should be %" PRIu64 "\n", file, line, text, actual,
                    expected);
        _fail(file, line);
    }
}

static inline void check_close_at(double actual, double expected, double tolerance,
                                  const char *text, const char *file, int line)
{
    bool same = (isnan(actual) && isnan(expected)) || actual == expected;
    if (!same && !(fabs(actual - expected) <= tolerance * fabs(expected))) {
        print_error("%s:%d: %s is %.17g, should be %.17g (relative tolerance %g)\n", file, line,
                    text, actual, expected, tolerance);
        _fail(file, line);
    }
}

static inline void check_text_at(const char *actual, const char *expected, const char *text,
                                 const char *file, int line)
{
    if (!actual || strcmp(actual, expected) != 0) {
        print_error("%s:%d: %s is\n  \"%s\", should be\n  \"%s\"\n", file, line, text,
                    actual ? actual : "(null)", expected);
        _fail(file, line);
    }
}

static inline void check_contains_at(const char *actual, const char *part, const char *text,
                                     const char *file, int line)
{
    if (!actual || !strstr(actual, part)) {
        print_error("%s:%d: %s is\n  \"%s\", should contain\n  \"%s\"\n", file, line, text,
                    actual ? actual : "(null)", part);
        _fail(file, line);
    }
}

static inline void check_ok_at(enum mlb_status status, const struct mlb_error *err,
                               const char *file, int line)
{
    if (status != MLB_OK) {
        print_error("%s:%d: failed: %s: %s\n", file, line, mlb_status_name(status),
                    err ? err->text : "");
        _fail(file, line);
    }
}

static inline void check_fails_at(enum mlb_status actual, enum mlb_status expected,
                                  const struct mlb_error *err, const char *part, const char *file,
                                  int line)
{
    if (actual != expected || !strstr(err->text, part)) {
        print_error("%s:%d: is %s \"%s\", should be %s with \"%s\"\n", file, line,
                    mlb_status_name(actual), err->text, mlb_status_name(expected), part);
        _fail(file, line);
    }
}

#endif
