/* The proleptic Gregorian calendar. Pure; any thread. */
#ifndef SFE_BASE_CALENDAR_H
#define SFE_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct sfe_date {
    int32_t year, month, day; /* 1 to 12, 1 to 31. */
};

/* Days since 1970-01-01, and the date of such a day. */
int64_t sfe_calendar_days(struct sfe_date date);
struct sfe_date sfe_calendar_date(int64_t days);

/* True for a year of 366 days. */
bool sfe_calendar_is_leap(int32_t year);

/* True for a day that exists. */
bool sfe_calendar_has(struct sfe_date date);

#endif
