/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/date.h"

#include <ctype.h>
#include <time.h>

#include "harness/base/text.h"

#define SECONDS_PER_DAY 86400

/* `count` decimal digits at `*text`, which moves behind them; -1 when there are fewer. */
static int digits(const char **text, int count)
{
    int value = 0;
    for (; count > 0; count--, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return -1;
        value = 10 * value + (**text - '0');
    }
    return value;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Years begin in March here, so that the leap day is a year's last one; an era is the 400 years
 * (146,097 days) after which the calendar repeats. 719,468 days lie between 0000-03-01 and
 * 1970-01-01. H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
static int64_t days_from(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool mlb_date_parse(const char *text, int64_t *days)
{
    int year = digits(&text, 4);
    if (year < 1970 || *text++ != '-')
        return false;
    int month = digits(&text, 2);
    if (month < 1 || month > 12)
        return false;
    int day = 1;
    if (*text) {
        if (*text++ != '-')
            return false;
        day = digits(&text, 2);
    }
    if (day < 1 || day > days_in_month(year, month) || (*text && *text != 'T' && *text != ' '))
        return false;
    *days = days_from(year, month, day);
    return true;
}

int64_t mlb_date_today(void)
{
    return (int64_t)time(NULL) / SECONDS_PER_DAY;
}

/* days_from the other way: civil_from_days of the same source. */
const char *mlb_date_print(char *to, int64_t days)
{
    int64_t shifted = days + 719468, era = shifted / 146097, rest = shifted % 146097;
    int64_t of_era = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    int64_t of_year = rest - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    int day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    int year = (int)(of_era + era * 400 + (month <= 2));
    mlb_format(to, 16, "%04d-%02d-%02d", year, month, day);
    return to;
}
