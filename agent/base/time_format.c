#include "base/time_format.h"

#include "base/assert.h"
#include "base/calendar.h"
#include "base/time_zone.h"

#define NS_PER_S        1000000000
#define S_PER_DAY       86400
#define S_PER_MINUTE    60
#define MINUTES_PER_DAY 1440
#define FOUND_BYTES     48
/* Decimal digits of UINT64_MAX that never overflow, enough for all of int64_t. */
#define DIGITS_MAX 19
/* An exponent beyond this is out of range whatever its digits are, and must not overflow. */
#define EXPONENT_MAX 100000

/* A time in its parts, in its own zone. */
struct parts {
    struct sfe_date date;
    int32_t hour, minute, second;
    int32_t nanosecond;
    int32_t zone_minutes; /* East of Greenwich. */
};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static enum sfe_code fail_found(struct sfe_error *err, const char *mistake, struct sfe_slice text)
{
    char found[FOUND_BYTES];

    sfe_printable(found, sizeof(found), text);
    return sfe_fail(err, SFE_E_SYNTAX, "%s: \"%s\"", mistake, found);
}

/* Takes the front byte if it is one of `bytes`. */
static bool take_any(struct sfe_reader *reader, const char *bytes)
{
    uint8_t byte = sfe_reader_peek(reader);

    if (byte == 0 || strchr(bytes, byte) == NULL) {
        return false;
    }
    (void)sfe_reader_u8(reader);
    return true;
}

/* Takes exactly `count` digits; 0 and `failed` where there are none. */
static int32_t take_digits(struct sfe_reader *reader, size_t count)
{
    struct sfe_slice digits = sfe_reader_take(reader, count);
    int32_t value = 0;

    SFE_ASSERT(count <= 4);
    for (size_t i = 0; i < digits.size; i++) {
        if (!is_digit(digits.bytes[i])) {
            reader->failed = true;
            return 0;
        }
        value = value * 10 + (digits.bytes[i] - '0');
    }
    return value;
}

static void expect_any(struct sfe_reader *reader, const char *bytes)
{
    if (!take_any(reader, bytes)) {
        reader->failed = true;
    }
}

/* Seconds since 1970. A leap second is the first second of the next minute, as POSIX has it. */
static int64_t seconds_of(const struct parts *parts)
{
    int64_t minutes = (int64_t)parts->hour * 60 + parts->minute - parts->zone_minutes;

    return sfe_calendar_days(parts->date) * S_PER_DAY + minutes * S_PER_MINUTE + parts->second;
}

/* Leap seconds occur at the end of a day in Greenwich and nowhere else. */
static bool is_time_of_day(const struct parts *parts)
{
    int32_t minute = parts->hour * 60 + parts->minute - parts->zone_minutes;
    bool is_last_minute = (minute + 2 * MINUTES_PER_DAY) % MINUTES_PER_DAY == MINUTES_PER_DAY - 1;

    return parts->hour <= 23 && parts->minute <= 59 && parts->second <= (is_last_minute ? 60 : 59);
}

/* Digits behind the ninth are dropped. */
static int32_t take_fraction(struct sfe_reader *reader)
{
    int32_t scale = NS_PER_S / 10;
    int32_t nanoseconds = 0;

    if (!is_digit(sfe_reader_peek(reader))) {
        reader->failed = true;
    }
    while (is_digit(sfe_reader_peek(reader))) {
        nanoseconds += scale * (sfe_reader_u8(reader) - '0');
        scale /= 10;
    }
    return nanoseconds;
}

/* Takes "Z", "+01:00", "+0100" or "+01", a blank in front allowed. False where there is no zone. */
static bool take_zone(struct sfe_reader *reader, int32_t *minutes)
{
    int32_t hour = 0;
    int32_t minute = 0;

    (void)take_any(reader, " ");
    if (take_any(reader, "Zz")) {
        *minutes = 0;
        return true;
    }
    bool is_west = sfe_reader_peek(reader) == '-';
    if (!take_any(reader, "+-")) {
        return false;
    }
    hour = take_digits(reader, 2);
    if (take_any(reader, ":") || is_digit(sfe_reader_peek(reader))) {
        minute = take_digits(reader, 2);
    }
    if (hour > 23 || minute > 59) {
        reader->failed = true;
    }
    *minutes = is_west ? -(hour * 60 + minute) : hour * 60 + minute;
    return true;
}

static void take_date(struct sfe_reader *reader, struct parts *parts)
{
    parts->date.year = take_digits(reader, 4);
    expect_any(reader, "-");
    parts->date.month = take_digits(reader, 2);
    expect_any(reader, "-");
    parts->date.day = take_digits(reader, 2);
}

static void take_time_of_day(struct sfe_reader *reader, struct parts *parts)
{
    parts->hour = take_digits(reader, 2);
    expect_any(reader, ":");
    parts->minute = take_digits(reader, 2);
    if (take_any(reader, ":")) {
        parts->second = take_digits(reader, 2);
        if (take_any(reader, ".,")) {
            parts->nanosecond = take_fraction(reader);
        }
    }
}

/* False where the sum does not fit. */
static bool join(int64_t seconds, int32_t nanosecond, int64_t *unix_ns)
{
    int64_t rest = nanosecond;
    int64_t whole = 0;

    /* Both parts of one sign, or the first may overflow where the sum does not. */
    if (seconds < 0) {
        seconds++;
        rest -= NS_PER_S;
    }
    return !__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &whole) &&
           !__builtin_add_overflow(whole, rest, unix_ns);
}

/* Where no zone is written, it is `zone`; NULL: that is a mistake. */
static enum sfe_code parse_text(struct sfe_slice text, const struct sfe_time_zone *zone,
                                int64_t *unix_ns, struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(text);
    struct parts parts = {0};
    int64_t value = 0;

    take_date(&reader, &parts);
    expect_any(&reader, "Tt ");
    take_time_of_day(&reader, &parts);
    if (reader.failed) {
        return fail_found(err, "not a time such as 2026-11-24T10:15:30Z", text);
    }
    const bool has_zone = take_zone(&reader, &parts.zone_minutes);
    if (!has_zone && zone == NULL) {
        return fail_found(err, "a time without a zone (Z or +01:00)", text);
    }
    if (reader.failed || reader.rest.size != 0) {
        return fail_found(err, "not a time such as 2026-11-24T10:15:30Z", text);
    }
    if (!sfe_calendar_has(parts.date) || !is_time_of_day(&parts)) {
        return fail_found(err, "no such day or time of day", text);
    }
    int64_t seconds = seconds_of(&parts);
    seconds = has_zone ? seconds : sfe_time_zone_unix(zone, seconds);
    if (!join(seconds, parts.nanosecond, &value)) {
        return fail_found(err, "a time outside 1677 to 2262", text);
    }
    *unix_ns = value;
    return SFE_OK;
}

/* A decimal number as it stands: 0.d1 d2 d3 ... times 10^point, d1 not 0. */
struct decimal {
    struct sfe_slice digits; /* From d1 on; may hold the decimal point. */
    int32_t point;
    bool is_negative;
};

static struct sfe_slice take_run(struct sfe_reader *reader)
{
    size_t count = 0;

    while (count < reader->rest.size && is_digit(reader->rest.bytes[count])) {
        count++;
    }
    reader->failed = reader->failed || count == 0;
    return sfe_reader_take(reader, count);
}

/* Takes the digits, and the point if there is one, and says where the point is. */
static void take_mantissa(struct sfe_reader *reader, struct decimal *decimal)
{
    struct sfe_slice all = reader->rest;
    size_t whole = take_run(reader).size;
    size_t zeros = 0;

    if (take_any(reader, ".")) {
        (void)take_run(reader);
    }
    all = sfe_slice_part(all, 0, all.size - reader->rest.size);
    while (zeros < all.size && (all.bytes[zeros] == '0' || all.bytes[zeros] == '.')) {
        zeros++;
    }
    decimal->digits = sfe_slice_part(all, zeros, all.size);
    /* Zeros behind the point move it to the left; the point itself was counted among them. */
    decimal->point = (int32_t)whole - (int32_t)zeros + (zeros > whole ? 1 : 0);
}

static void take_exponent(struct sfe_reader *reader, struct decimal *decimal)
{
    int32_t exponent = 0;

    if (!take_any(reader, "eE")) {
        return;
    }
    bool is_negative = sfe_reader_peek(reader) == '-';
    (void)take_any(reader, "+-");
    if (!is_digit(sfe_reader_peek(reader))) {
        reader->failed = true;
    }
    while (is_digit(sfe_reader_peek(reader))) {
        exponent = exponent * 10 + (sfe_reader_u8(reader) - '0');
        exponent = exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent;
    }
    decimal->point += is_negative ? -exponent : exponent;
}

/* How many digits a unit's value is moved to the left to make nanoseconds. */
static int32_t shift_of(enum sfe_time_unit unit, int32_t point)
{
    switch (unit) {
    case SFE_TIME_S:
        return 9;
    case SFE_TIME_MS:
        return 6;
    case SFE_TIME_US:
        return 3;
    case SFE_TIME_AUTO: /* Below 1e11 means at most eleven digits in front of the point. */
        return point <= 11 ? 9 : (point <= 14 ? 6 : (point <= 17 ? 3 : 0));
    case SFE_TIME_NS:
    case SFE_TIME_RFC3339:
    default:
        return 0;
    }
}

/* The first `count` digits of the number as an integer. */
static uint64_t leading_digits(struct sfe_slice digits, int32_t count)
{
    uint64_t value = 0;

    SFE_ASSERT(count <= DIGITS_MAX);
    for (size_t i = 0; count > 0; i++) {
        uint8_t byte = i < digits.size ? digits.bytes[i] : '0';
        if (byte != '.') {
            value = value * 10u + (uint64_t)(byte - '0');
            count--;
        }
    }
    return value;
}

static enum sfe_code parse_number(struct sfe_slice text, enum sfe_time_unit unit, int64_t *unix_ns,
                                  struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(text);
    struct decimal decimal = {0};

    if (text.size > INT16_MAX) {
        return fail_found(err, "not a time", text);
    }
    decimal.is_negative = take_any(&reader, "-");
    take_mantissa(&reader, &decimal);
    take_exponent(&reader, &decimal);
    if (reader.failed || reader.rest.size != 0) {
        return fail_found(err, "neither a number nor a time such as 2026-11-24T10:15:30Z", text);
    }
    int32_t count = decimal.point + shift_of(unit, decimal.point);
    uint64_t limit = (uint64_t)INT64_MAX + (decimal.is_negative ? 1u : 0u);
    uint64_t value = 0;
    if (decimal.digits.size != 0 && count <= DIGITS_MAX) {
        value = leading_digits(decimal.digits, count);
    }
    if ((decimal.digits.size != 0 && count > DIGITS_MAX) || value > limit) {
        return fail_found(err, "a time outside 1677 to 2262", text);
    }
    *unix_ns = decimal.is_negative ? (int64_t)(0u - value) : (int64_t)value;
    return SFE_OK;
}

enum sfe_code sfe_time_parse(struct sfe_slice text, enum sfe_time_unit unit,
                             const struct sfe_time_zone *zone, int64_t *unix_ns,
                             struct sfe_error *err)
{
    bool is_text = unit == SFE_TIME_RFC3339 ||
                   (unit == SFE_TIME_AUTO && text.size > 4 && text.bytes[4] == '-');

    SFE_ASSERT(unix_ns != NULL);
    SFE_ASSERT(unit <= SFE_TIME_RFC3339);
    return is_text ? parse_text(text, zone, unix_ns, err) : parse_number(text, unit, unix_ns, err);
}

/* Seconds since 1970, rounded down. */
static int64_t floor_seconds(int64_t unix_ns)
{
    int64_t seconds = unix_ns / NS_PER_S;
    return unix_ns % NS_PER_S < 0 ? seconds - 1 : seconds;
}

static int64_t floor_days(int64_t seconds)
{
    int64_t days = seconds / S_PER_DAY;
    return seconds % S_PER_DAY < 0 ? days - 1 : days;
}

static uint8_t *put_digits(uint8_t *place, int32_t value, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        place[i - 1] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
    return place + count;
}

static uint8_t *put_date(uint8_t *place, const struct parts *parts)
{
    place = put_digits(place, parts->date.year, 4);
    *place++ = '-';
    place = put_digits(place, parts->date.month, 2);
    *place++ = '-';
    return put_digits(place, parts->date.day, 2);
}

void sfe_time_add_datetime(struct sfe_builder *builder, int64_t unix_ns)
{
    uint8_t text[sizeof("2026-11-24T10:15:30.123Z") - 1];
    int64_t seconds = floor_seconds(unix_ns);
    int64_t days = floor_days(seconds);
    int32_t second = (int32_t)(seconds - days * S_PER_DAY);
    int64_t remainder = unix_ns % NS_PER_S;
    int32_t nanosecond = (int32_t)(remainder < 0 ? remainder + NS_PER_S : remainder);
    struct parts parts = {0};
    uint8_t *place = text;

    parts.date = sfe_calendar_date(days);
    place = put_date(place, &parts);
    *place++ = 'T';
    place = put_digits(place, second / 3600, 2);
    *place++ = ':';
    place = put_digits(place, second / 60 % 60, 2);
    *place++ = ':';
    place = put_digits(place, second % 60, 2);
    *place++ = '.';
    place = put_digits(place, nanosecond / 1000000, 3);
    *place++ = 'Z';
    SFE_ASSERT(place == text + sizeof(text));
    sfe_builder_add(builder, sfe_slice_make(text, sizeof(text)));
}

void sfe_time_add_date(struct sfe_builder *builder, int64_t unix_ns)
{
    uint8_t text[sizeof("2026-11-24") - 1];
    struct parts parts = {0};

    parts.date = sfe_calendar_date(floor_days(floor_seconds(unix_ns)));
    uint8_t *end = put_date(text, &parts);
    SFE_ASSERT(end == text + sizeof(text));
    sfe_builder_add(builder, sfe_slice_make(text, sizeof(text)));
}

bool sfe_time_is_date(struct sfe_slice text)
{
    struct sfe_reader reader = sfe_reader_make(text);
    struct parts parts = {0};

    take_date(&reader, &parts);
    return !reader.failed && reader.rest.size == 0 && sfe_calendar_has(parts.date);
}

/* Takes one of `count` names of three letters; its number from 1, or 0 and `failed`. */
static int32_t take_name(struct sfe_reader *reader, const char *names, int32_t count)
{
    struct sfe_slice name = sfe_reader_take(reader, 3);

    for (int32_t i = 0; i < count && name.size == 3; i++) {
        if (memcmp(names + 3 * i, name.bytes, 3) == 0) {
            return i + 1;
        }
    }
    reader->failed = true;
    return 0;
}

static void expect(struct sfe_reader *reader, struct sfe_slice text)
{
    if (!sfe_slice_equal(sfe_reader_take(reader, text.size), text)) {
        reader->failed = true;
    }
}

enum sfe_code sfe_time_parse_http(struct sfe_slice text, int64_t *unix_s, struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(text);
    struct parts parts = {0};

    (void)take_name(&reader, "MonTueWedThuFriSatSun", 7);
    expect(&reader, SFE_TEXT(", "));
    parts.date.day = take_digits(&reader, 2);
    expect(&reader, SFE_TEXT(" "));
    parts.date.month = take_name(&reader, "JanFebMarAprMayJunJulAugSepOctNovDec", 12);
    expect(&reader, SFE_TEXT(" "));
    parts.date.year = take_digits(&reader, 4);
    expect(&reader, SFE_TEXT(" "));
    parts.hour = take_digits(&reader, 2);
    expect(&reader, SFE_TEXT(":"));
    parts.minute = take_digits(&reader, 2);
    expect(&reader, SFE_TEXT(":"));
    parts.second = take_digits(&reader, 2);
    expect(&reader, SFE_TEXT(" GMT"));
    if (reader.failed || reader.rest.size != 0 || !sfe_calendar_has(parts.date) ||
        !is_time_of_day(&parts)) {
        return fail_found(err, "not a date such as Sun, 06 Nov 1994 08:49:37 GMT", text);
    }
    *unix_s = seconds_of(&parts);
    return SFE_OK;
}
