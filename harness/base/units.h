/* SPDX-License-Identifier: Apache-2.0 */
/* Units at the edge of the program: the only place where a suffix is known. Inside, everything is
 * SI: bytes, seconds or nanoseconds, FLOP, bytes per second.
 *
 * Sizes are read and written with binary prefixes (64KiB, 1GiB; "64K" and "64KB" are read as KiB,
 * as nccl-tests and OSU do); rates with decimal ones (GB/s, TFLOP/s). */
#ifndef MLB_BASE_UNITS_H
#define MLB_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLB_UNIT_TEXT 32 /* enough for every text written below */

/* Each reads the WHOLE of `text` (surrounding blanks aside) and returns false, leaving the result
 * untouched, when it is not such a value, is negative, not finite or does not fit. */
bool mlb_parse_bytes(const char *text, uint64_t *bytes); /* "8", "64KiB", "1.5G" */
/* As stores and bills count: "100TB" is 10^14, "1GiB" 2^30; the second takes "2GB/s" too. */
bool mlb_parse_stored_bytes(const char *text, uint64_t *bytes);
bool mlb_parse_stored_rate(const char *text, double *bytes_per_s);
bool mlb_parse_count(const char *text, uint64_t *count); /* "1000", "10k", "1M" (decimal) */
bool mlb_parse_real(const char *text, double *value);    /* also negative; not inf, not nan */
/* "90s", "1.5min", "2h", "300ms"; bare = s */
bool mlb_parse_seconds(const char *text, double *seconds);
bool mlb_parse_fraction(const char *text, double *fraction); /* "1%" or "0.01" */
/* "$2", "2.50$", "USD 2" ; not a bare number */
bool mlb_parse_dollars(const char *text, double *dollars);

/* Each writes into `to` (MLB_UNIT_TEXT bytes) and returns it, for use as a printf argument. */
const char *mlb_print_bytes(char *to, uint64_t bytes); /* "64 KiB", "1.5 GiB", "8 B" */
/* "64KiB"; bare bytes if not whole: for keys */
const char *mlb_print_bytes_exact(char *to, uint64_t bytes);
/* Three digits: "1.39 ms", "41.2 s", "850 ns". */
const char *mlb_print_seconds(char *to, double seconds);
/* 7.9e14,"FLOP/s" -> "790 TFLOP/s" */
const char *mlb_print_rate(char *to, double per_second, const char *unit);
/* 0.8 -> "80 %", 0.004 -> "0.4 %" */
const char *mlb_print_percent(char *to, double fraction);
/* "$1.52", "$0.00031" (two significant digits) */
const char *mlb_print_dollars(char *to, double dollars);

#endif
