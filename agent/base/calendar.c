#include "base/calendar.h"

/* Years begin in March here, so that the leap day is a year's last. */
int64_t sfe_calendar_days(struct sfe_date date)
{
    int64_t y = date.month <= 2 ? date.year - 1 : date.year;
    int64_t shifted_month = (date.month + 9) % 12;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

struct sfe_date sfe_calendar_date(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    struct sfe_date date;

    date.day = (int32_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    date.month = (int32_t)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    date.year = (int32_t)(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
    return date;
}

bool sfe_calendar_is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool sfe_calendar_has(struct sfe_date date)
{
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (date.month < 1 || date.month > 12 || date.day < 1) {
        return false;
    }
    return date.day <= month_days[date.month - 1] +
                           (date.month == 2 && sfe_calendar_is_leap(date.year) ? 1 : 0);
}
