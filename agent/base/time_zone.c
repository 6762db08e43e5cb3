#include "base/time_zone.h"

#include "base/calendar.h"

#define S_PER_DAY    INT64_C(86400)
#define S_PER_HOUR   3600
#define S_PER_MINUTE 60
#define NAME_MIN     3u
#define FOUND_BYTES  48
/* Of an offset, and of the time of a change (RFC 9636 allows a week of hours either way). */
#define OFFSET_HOURS_MAX 24
#define CHANGE_HOURS_MAX 167
#define CHANGE_SECOND    (2 * S_PER_HOUR) /* Where no time is given. */

static bool take(struct sfe_reader *reader, uint8_t byte)
{
    if (sfe_reader_peek(reader) != byte) {
        return false;
    }
    (void)sfe_reader_u8(reader);
    return true;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* A number within its bounds; `failed` otherwise. */
static int32_t take_number(struct sfe_reader *reader, int32_t min, int32_t max)
{
    int32_t value = 0;

    if (!is_digit(sfe_reader_peek(reader))) {
        reader->failed = true;
    }
    while (is_digit(sfe_reader_peek(reader)) && value <= max) {
        value = value * 10 + (sfe_reader_u8(reader) - '0');
    }
    reader->failed = reader->failed || value < min || value > max;
    return value;
}

/* "CET" or "<+0530>"; says nothing but where it ends. */
static void take_name(struct sfe_reader *reader)
{
    const bool is_quoted = take(reader, '<');
    size_t size = 0;

    while (is_letter(sfe_reader_peek(reader)) ||
           (is_quoted && (is_digit(sfe_reader_peek(reader)) || sfe_reader_peek(reader) == '+' ||
                          sfe_reader_peek(reader) == '-'))) {
        (void)sfe_reader_u8(reader);
        size++;
    }
    reader->failed = reader->failed || size < NAME_MIN || (is_quoted && !take(reader, '>'));
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static int32_t take_time(struct sfe_reader *reader, int32_t hours_max)
{
    const bool is_negative = take(reader, '-');
    int32_t seconds = 0;

    if (!is_negative) {
        (void)take(reader, '+');
    }
    seconds = take_number(reader, 0, hours_max) * S_PER_HOUR;
    if (take(reader, ':')) {
        seconds += take_number(reader, 0, 59) * S_PER_MINUTE;
        if (take(reader, ':')) {
            seconds += take_number(reader, 0, 59);
        }
    }
    return is_negative ? -seconds : seconds;
}

/* ",M3.5.0/3", ",J60", ",59". */
static void take_change(struct sfe_reader *reader, struct sfe_time_change *change)
{
    *change = (struct sfe_time_change){.second = CHANGE_SECOND};
    reader->failed = reader->failed || !take(reader, ',');
    if (take(reader, 'M')) {
        change->kind = SFE_CHANGE_WEEK;
        change->month = take_number(reader, 1, 12);
        reader->failed = reader->failed || !take(reader, '.');
        change->week = take_number(reader, 1, 5);
        reader->failed = reader->failed || !take(reader, '.');
        change->day = take_number(reader, 0, 6);
    } else if (take(reader, 'J')) {
        change->kind = SFE_CHANGE_DAY;
        change->day = take_number(reader, 1, 365);
    } else {
        change->kind = SFE_CHANGE_LEAP_DAY;
        change->day = take_number(reader, 0, 365);
    }
    if (take(reader, '/')) {
        change->second = take_time(reader, CHANGE_HOURS_MAX);
    }
}

static void take_daylight(struct sfe_reader *reader, struct sfe_time_zone *zone)
{
    zone->has_daylight = true;
    take_name(reader);
    zone->daylight_s = zone->standard_s + S_PER_HOUR;
    if (reader->rest.size != 0 && sfe_reader_peek(reader) != ',') {
        zone->daylight_s = -take_time(reader, OFFSET_HOURS_MAX);
    }
    if (reader->rest.size == 0) {
        zone->begin = (struct sfe_time_change){SFE_CHANGE_WEEK, 3, 2, 0, CHANGE_SECOND};
        zone->end = (struct sfe_time_change){SFE_CHANGE_WEEK, 11, 1, 0, CHANGE_SECOND};
        return;
    }
    take_change(reader, &zone->begin);
    take_change(reader, &zone->end);
}

enum sfe_code sfe_time_zone_parse(struct sfe_slice text, struct sfe_time_zone *zone,
                                  struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(text);
    char found[FOUND_BYTES];

    *zone = (struct sfe_time_zone){0};
    take_name(&reader);
    zone->standard_s = -take_time(&reader, OFFSET_HOURS_MAX);
    if (!reader.failed && reader.rest.size != 0) {
        take_daylight(&reader, zone);
    }
    if (reader.failed || reader.rest.size != 0) {
        sfe_printable(found, sizeof(found), text);
        return sfe_fail(err, SFE_E_SYNTAX, "not a zone such as CET-1CEST,M3.5.0,M10.5.0/3: \"%s\"",
                        found);
    }
    return SFE_OK;
}

static int32_t weekday_of(int64_t days)
{
    const int64_t day = (days + 4) % 7; /* 1970 began with a Thursday. */

    return (int32_t)(day < 0 ? day + 7 : day);
}

/* The day on which the clocks are changed in `year`. */
static int64_t day_of_change(const struct sfe_time_change *change, int32_t year)
{
    if (change->kind != SFE_CHANGE_WEEK) {
        const int64_t first = sfe_calendar_days((struct sfe_date){year, 1, 1});
        if (change->kind == SFE_CHANGE_LEAP_DAY) {
            return first + change->day;
        }
        return first + change->day - 1 + (sfe_calendar_is_leap(year) && change->day >= 60 ? 1 : 0);
    }
    const int64_t first = sfe_calendar_days((struct sfe_date){year, change->month, 1});
    int64_t day = first + (change->day - weekday_of(first) + 7) % 7 + (change->week - 1) * 7;
    const int32_t month = sfe_calendar_date(day).month;
    return month == change->month ? day : day - 7;
}

/* Since 1970. */
static int64_t begin_of(const struct sfe_time_zone *zone, int32_t year)
{
    return day_of_change(&zone->begin, year) * S_PER_DAY + zone->begin.second - zone->standard_s;
}

static int64_t end_of(const struct sfe_time_zone *zone, int32_t year)
{
    return day_of_change(&zone->end, year) * S_PER_DAY + zone->end.second - zone->daylight_s;
}

static int64_t days_floor(int64_t seconds)
{
    return seconds / S_PER_DAY - (seconds % S_PER_DAY < 0 ? 1 : 0);
}

int32_t sfe_time_zone_at(const struct sfe_time_zone *zone, int64_t unix_s)
{
    if (!zone->has_daylight) {
        return zone->standard_s;
    }
    const int32_t year = sfe_calendar_date(days_floor(unix_s + zone->standard_s)).year;
    const int64_t begin = begin_of(zone, year);
    const int64_t end = end_of(zone, year);
    /* South of the equator it goes on over the turn of the year. */
    const bool is_daylight =
        begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
    return is_daylight ? zone->daylight_s : zone->standard_s;
}

int64_t sfe_time_zone_unix(const struct sfe_time_zone *zone, int64_t local_s)
{
    if (!zone->has_daylight) {
        return local_s - zone->standard_s;
    }
    /* Not by name: in Ireland the time of winter is called daylight saving. */
    const bool is_ahead = zone->daylight_s > zone->standard_s;
    const int32_t east = is_ahead ? zone->daylight_s : zone->standard_s;
    const int32_t west = is_ahead ? zone->standard_s : zone->daylight_s;
    const int64_t first = local_s - east;
    return sfe_time_zone_at(zone, first) == east ? first : local_s - west;
}
