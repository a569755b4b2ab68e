/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "tests/check.h"

static void the_clock_goes_forward(void **state)
{
    (void)state;
    int64_t before = mlb_clock_ns();
    for (int i = 0; i < 100000; i++) {
        int64_t now = mlb_clock_ns();
        check_true(now >= before);
        before = now;
    }
    check_close(mlb_clock_s(), (double)before * 1e-9, 1e-3);
}

static void the_resolution_is_positive_and_found_quickly(void **state)
{
    (void)state;
    int64_t begin = mlb_clock_ns();
    int64_t resolution = mlb_clock_resolution_ns();
    check_true(resolution >= 1);
    check_true(resolution < 20000000);
    check_true(mlb_clock_ns() - begin < 2000000000);
}

static void ignore(int signal)
{
    (void)signal;
}

/* Signals every 2 ms must neither end a sleep early nor, each restarting it, drag it out. */
static void a_sleep_is_as_long_as_asked(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    double begin = mlb_clock_s();
    mlb_sleep_s(0.05);
    double slept = mlb_clock_s() - begin;
    setitimer(ITIMER_REAL, &never, NULL);
    check_true(slept >= 0.0499);
    check_true(slept < 1); /* a loaded machine */
}

static void no_time_is_no_sleep(void **state)
{
    (void)state;
    double begin = mlb_clock_s();
    mlb_sleep_s(0);
    mlb_sleep_s(-1);
    mlb_sleep_s(NAN);
    check_true(mlb_clock_s() - begin < 0.5);
}

static void utc_is_written_as_iso_8601(void **state)
{
    (void)state;
    char text[MLB_UTC_TEXT], file[MLB_UTC_TEXT];
    struct tm utc = {0};
    time_t before = time(NULL);
    const char *end = strptime(mlb_utc_now(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    check_true(end && *end == '\0');
    check_true(strlen(text) == 20);
    time_t told = timegm(&utc);
    check_true(told >= before && told <= time(NULL));
    check_true(!strchr(mlb_utc_now_file(file), ':'));
    check_true(strptime(file, "%Y-%m-%dT%H-%M-%SZ", &utc) != NULL);
}

/* What one call writes into a pipe. */
static const char *logged(struct mlb_log log, enum mlb_log_level level, const char *text, char *to,
                          size_t size)
{
    int ends[2];
    check_true(pipe(ends) == 0);
    log.stream_fd = ends[1];
    mlb_log(&log, level, "%s", text);
    close(ends[1]);
    ssize_t count = read(ends[0], to, size - 1);
    close(ends[0]);
    to[count > 0 ? count : 0] = '\0';
    return to;
}

static void a_line_names_the_program_and_the_rank(void **state)
{
    (void)state;
    char got[4096];
    struct mlb_log alone = {.level = MLB_LOG_INFO, .rank = -1};
    struct mlb_log third = {.level = MLB_LOG_INFO, .rank = 3};
    check_text(logged(alone, MLB_LOG_INFO, "text", got, sizeof got), "mlbench: text\n");
    check_text(logged(third, MLB_LOG_ERROR, "text\n", got, sizeof got), "mlbench: rank 3: text\n");
    check_text(logged(alone, MLB_LOG_DEBUG, "text", got, sizeof got), "");
    mlb_log(NULL, MLB_LOG_ERROR, "nobody listens");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    char text[5001], got[8192];
    memset(text, 'x', 5000);
    text[5000] = '\0';
    struct mlb_log log = {.level = MLB_LOG_INFO, .rank = 0};
    size_t length = strlen(logged(log, MLB_LOG_INFO, text, got, sizeof got));
    check_true(length > 1000 && length <= 2048);
    check_text(got + length - 5, "x...\n");
}

static void logging_leaves_errno_alone(void **state)
{
    (void)state;
    struct mlb_log log = {.level = MLB_LOG_INFO, .stream_fd = -1, .rank = 0};
    errno = ENOSPC;
    mlb_log(&log, MLB_LOG_INFO, "into nothing");
    check_i64(errno, ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_goes_forward),
        cmocka_unit_test(the_resolution_is_positive_and_found_quickly),
        cmocka_unit_test(a_sleep_is_as_long_as_asked),
        cmocka_unit_test(no_time_is_no_sleep),
        cmocka_unit_test(utc_is_written_as_iso_8601),
        cmocka_unit_test(a_line_names_the_program_and_the_rank),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(logging_leaves_errno_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
