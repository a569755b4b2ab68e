/* SPDX-License-Identifier: Apache-2.0 */
/* Days of the Gregorian calendar, in UTC: how old a price is. */
#ifndef MLB_BASE_DATE_H
#define MLB_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-08-11", or an instant that begins with it ("2026-08-11T09:00:00Z"), as days since
 * 1970-01-01. "2026-08" is the first day of that month: what is from some day of it is rather
 * called too old than too young. False for what is no date of the years 1970 to 9999. */
bool mlb_date_parse(const char *text, int64_t *days);
int64_t mlb_date_today(void);
/* "2026-08-11" into `to` (16 bytes); returns it. */
const char *mlb_date_print(char *to, int64_t days);

#endif
