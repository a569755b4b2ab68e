/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/clock.h"

#include <errno.h>
#include <time.h>

#include "harness/base/text.h"

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t mlb_clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC_RAW);
}

double mlb_clock_s(void)
{
    return (double)mlb_clock_ns() * 1e-9;
}

static int64_t next_step_ns(void)
{
    int64_t before = mlb_clock_ns(), after;
    do
        after = mlb_clock_ns();
    while (after == before);
    return after - before;
}

int64_t mlb_clock_resolution_ns(void)
{
    enum { STEPS = 1000, LONGEST_NS = 2000000 }; /* a clock of jiffies would take seconds */
    int64_t begin = mlb_clock_ns();
    int64_t smallest = next_step_ns();
    for (int i = 1; i < STEPS && mlb_clock_ns() - begin < LONGEST_NS; i++) {
        int64_t step = next_step_ns();
        smallest = step < smallest ? step : smallest;
    }
    return smallest;
}

void mlb_sleep_s(double seconds)
{
    const double longest = 1e9; /* 31 years; keeps time_t from overflowing */
    if (!(seconds > 0))
        return;
    int64_t ns = (int64_t)((seconds < longest ? seconds : longest) * 1e9);
    int64_t until = read_ns(CLOCK_MONOTONIC) + ns;
    struct timespec deadline = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    /* An absolute deadline: signals that come in between do not make the sleep longer. */
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
        ;
}

static const char *print_utc(char *to, char colon)
{
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        mlb_format(to, MLB_UTC_TEXT, "%04d-%02d-%02dT%02d%c%02d%c%02dZ", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, colon, utc.tm_min, colon, utc.tm_sec);
    else
        to[0] = '\0';
    return to;
}

const char *mlb_utc_now(char *to)
{
    return print_utc(to, ':');
}

const char *mlb_utc_now_file(char *to)
{
    return print_utc(to, '-');
}
