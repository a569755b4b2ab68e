/* SPDX-License-Identifier: Apache-2.0 */
/* Time: a monotonic clock for measuring, UTC for records. */
#ifndef MLB_BASE_CLOCK_H
#define MLB_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC_RAW: not slewed by NTP, read in user space. Ranks of one machine share it. */
int64_t mlb_clock_ns(void);
double mlb_clock_s(void); /* the same in seconds */

/* Smallest step that two readings in a row show, in ns (the resolution that samples have). */
int64_t mlb_clock_resolution_ns(void);

/* The whole time, signals or not: who waits for an interruption sleeps in short pieces. */
void mlb_sleep_s(double seconds);

#define MLB_UTC_TEXT 32
/* "2026-11-20T23:41:07Z" into MLB_UTC_TEXT bytes; returns `to` */
const char *mlb_utc_now(char *to);
const char *mlb_utc_now_file(char *to); /* "2026-11-20T23-41-07Z": the same without colons */

#endif
