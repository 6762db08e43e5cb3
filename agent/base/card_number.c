#include "base/card_number.h"

#include "base/assert.h"

/* Issuers: the first `prefix_digits` digits, and lengths as bits. One row may stand for several
 * networks: what matters is that a card may begin so and be so long. */
#define LENGTH(count)      (1u << (count))
#define LENGTHS(low, high) ((2u << (high)) - (1u << (low)))

static const struct issuer {
    uint16_t low;
    uint16_t high;
    uint8_t prefix_digits;
    uint32_t lengths;
} issuers[] = {
    {4, 4, 1, LENGTH(13) | LENGTH(16) | LENGTH(19)}, /* Visa */
    {51, 55, 2, LENGTH(16)},                         /* Mastercard */
    {2221, 2720, 4, LENGTH(16)},                     /* Mastercard */
    {34, 34, 2, LENGTH(15)},                         /* American Express */
    {37, 37, 2, LENGTH(15)},                         /* American Express */
    {6011, 6011, 4, LENGTHS(16, 19)},                /* Discover */
    {644, 649, 3, LENGTHS(16, 19)},                  /* Discover */
    {65, 65, 2, LENGTHS(16, 19)},                    /* Discover, RuPay, Elo */
    {3528, 3589, 4, LENGTHS(16, 19)},                /* JCB */
    {300, 305, 3, LENGTH(14)},                       /* Diners Club */
    {36, 36, 2, LENGTH(14)},                         /* Diners Club */
    {38, 39, 2, LENGTH(14)},                         /* Diners Club */
    {62, 62, 2, LENGTHS(16, 19)},                    /* UnionPay */
    {81, 81, 2, LENGTHS(16, 19)},                    /* RuPay, UnionPay */
    {50, 50, 2, LENGTHS(13, 19)},                    /* Maestro */
    {56, 69, 2, LENGTHS(13, 19)},                    /* Maestro */
    {2200, 2204, 4, LENGTHS(16, 19)},                /* Mir */
    {9792, 9792, 4, LENGTH(16)},                     /* Troy */
};

/* So far a word beside a number is looked at. */
#define WORD_UNITS_MAX 32u
#define KEPT_DIGITS    4u
#define TRACK1_MAX     79u /* ISO/IEC 7813. */

/* One character of the text as it is meant: 0x80 for all that is not ASCII. */
struct unit {
    uint8_t byte;
    uint8_t width; /* Bytes it is written in; 0: the end. */
};

/* What stands to the left of where the walk is. */
struct left {
    uint32_t hex_room;   /* Not 0: the word has a hexadecimal letter near by; */
    uint32_t other_room; /* and another letter. */
    bool is_digit;
    bool is_point; /* A point behind a digit. */
};

struct match {
    size_t end;
    uint32_t digits;
    bool is_track;
};

bool sfe_card_luhn_holds(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned value = digits[count - 1 - i] - (unsigned)'0';
        if (i % 2 == 1) {
            value = value < 5 ? 2 * value : 2 * value - 9;
        }
        sum += value;
    }
    return sum % 10 == 0;
}

/* GS1 General Specifications, 7.9: weights 3 and 1 from the right. */
static bool is_gtin13(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += (digits[i] - (unsigned)'0') * (i % 2 == 0 ? 1u : 3u);
    }
    return count == 13 && sum % 10 == 0;
}

static bool has_issuer(const uint8_t *digits, size_t count)
{
    static const unsigned divisors[5] = {0, 1000, 100, 10, 1};
    unsigned first4 = 0;

    SFE_ASSERT(count >= SFE_CARD_DIGITS_MIN && count <= SFE_CARD_DIGITS_MAX);
    for (size_t i = 0; i < 4; i++) {
        first4 = first4 * 10 + (digits[i] - (unsigned)'0');
    }
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        unsigned prefix = first4 / divisors[issuers[i].prefix_digits];
        if (prefix >= issuers[i].low && prefix <= issuers[i].high &&
            (issuers[i].lengths >> count & 1u) != 0) {
            return true;
        }
    }
    return false;
}

/* No issuer begins with another digit. */
static bool may_begin(uint8_t digit)
{
    return digit != '0' && digit != '1' && digit != '7';
}

bool sfe_card_is_number(const uint8_t *digits, size_t count)
{
    return count >= SFE_CARD_DIGITS_MIN && count <= SFE_CARD_DIGITS_MAX &&
           has_issuer(digits, count) && sfe_card_luhn_holds(digits, count) &&
           !is_gtin13(digits, count);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_separator(uint8_t byte)
{
    return byte == ' ' || byte == '-' || byte == '+'; /* '+' is a blank in a URL's query. */
}

static bool is_letter(uint8_t byte)
{
    return (byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'z';
}

static bool is_hex_letter(uint8_t byte)
{
    return (byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'f';
}

/* -1 where the `count` bytes are no hexadecimal digits. */
static int hex_of(const uint8_t *bytes, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_digit(bytes[i]) && !is_hex_letter(bytes[i])) {
            return -1;
        }
        value = value * 16 + (is_digit(bytes[i]) ? bytes[i] - '0' : (bytes[i] | 0x20) - 'a' + 10);
    }
    return value;
}

static struct unit backslash_unit(const uint8_t *bytes, size_t left)
{
    static const uint8_t meanings[256] = {['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r',
                                          ['t'] = '\t', ['/'] = '/',  ['"'] = '"',  ['\\'] = '\\'};
    int value = left >= 6 && bytes[1] == 'u' ? hex_of(bytes + 2, 4) : -1;

    if (value >= 0) {
        return (struct unit){(uint8_t)(value < 0x80 ? value : 0x80), 6};
    }
    if (left < 2 || meanings[bytes[1]] == 0) {
        return (struct unit){'\\', 1}; /* No escape: what follows may be a digit. */
    }
    return (struct unit){meanings[bytes[1]], 2};
}

/* The unit at `at`. "%B4…" begins a track; no escape of ASCII looks like that. */
static struct unit unit_at(struct sfe_slice text, size_t at, enum sfe_card_text kind)
{
    const uint8_t *bytes = text.bytes + at;
    size_t left = text.size - at;

    if (left == 0) {
        return (struct unit){0, 0};
    }
    if (bytes[0] == '\\' && kind == SFE_CARD_TEXT_JSON_STRING) {
        return backslash_unit(bytes, left);
    }
    if (bytes[0] == '%' && left >= 3) {
        int value = hex_of(bytes + 1, 2);
        if (value >= 0x20 && value < 0x7F) {
            return (struct unit){(uint8_t)value, 3};
        }
    }
    return (struct unit){bytes[0] < 0x80 ? bytes[0] : 0x80, 1};
}

static void step_left(struct left *left, uint8_t byte)
{
    bool was_digit = left->is_digit;

    left->is_digit = is_digit(byte);
    left->is_point = byte == '.' && was_digit;
    if (!is_letter(byte) && !left->is_digit) {
        left->hex_room = 0;
        left->other_room = 0;
        return;
    }
    left->hex_room -= left->hex_room != 0 ? 1u : 0u;
    left->other_room -= left->other_room != 0 ? 1u : 0u;
    if (is_hex_letter(byte)) {
        left->hex_room = WORD_UNITS_MAX;
    } else if (is_letter(byte)) {
        left->other_room = WORD_UNITS_MAX;
    }
}

/* True where a number may end before `at`. */
static bool may_end(struct sfe_slice text, size_t at, enum sfe_card_text kind)
{
    struct unit unit = unit_at(text, at, kind);

    if (unit.byte == '.') {
        return !is_digit(unit_at(text, at + unit.width, kind).byte);
    }
    if (!is_letter(unit.byte)) {
        return true;
    }
    for (unsigned i = 0; i < WORD_UNITS_MAX; i++) {
        if (!is_letter(unit.byte) && !is_digit(unit.byte)) {
            return false; /* A word of hexadecimal digits. */
        }
        if (is_letter(unit.byte) && !is_hex_letter(unit.byte)) {
            return true;
        }
        at += unit.width;
        unit = unit_at(text, at, kind);
    }
    return false;
}

/* Where the track ends whose number ends at `at`; 0 where no track goes on there. */
static size_t track_end(struct sfe_slice text, size_t at, enum sfe_card_text kind)
{
    struct unit unit = unit_at(text, at, kind);
    const bool is_first = unit.byte == '^';
    unsigned digits = 0;

    if (!is_first && unit.byte != '=' && unit.byte != 'D') {
        return 0;
    }
    for (unsigned i = 0; i < TRACK1_MAX && unit.width != 0 && unit.byte >= 0x20; i++) {
        at += unit.width;
        unit = unit_at(text, at, kind);
        if (unit.byte == '?') {
            return at + unit.width;
        }
        if (!is_first && !is_digit(unit.byte)) {
            break;
        }
        digits++;
    }
    return is_first || digits >= 4 ? at : 0; /* Track 2: expiry, YYMM. */
}

/* A number in one piece with more of a track behind it. */
static bool match_track(struct sfe_slice text, size_t at, enum sfe_card_text kind,
                        bool has_sentinel, struct match *match)
{
    uint8_t digits[SFE_CARD_DIGITS_MAX];
    uint32_t count = 0;
    struct unit unit = unit_at(text, at, kind);

    while (is_digit(unit.byte) && count < SFE_CARD_DIGITS_MAX) {
        digits[count++] = unit.byte;
        at += unit.width;
        unit = unit_at(text, at, kind);
    }
    if (count < SFE_CARD_DIGITS_MIN || !sfe_card_luhn_holds(digits, count) ||
        !(has_sentinel || has_issuer(digits, count))) {
        return false;
    }
    size_t end = track_end(text, at, kind);
    *match = (struct match){end, count, true};
    return end != 0;
}

/* The longest card number that begins with the group of digits at `at`. */
static bool match_number(struct sfe_slice text, size_t at, enum sfe_card_text kind,
                         struct match *match)
{
    uint8_t digits[SFE_CARD_DIGITS_MAX];
    uint32_t count = 0;
    uint32_t group = 0;

    *match = (struct match){0, 0, false};
    for (;;) {
        struct unit unit = unit_at(text, at, kind);
        if (is_digit(unit.byte)) {
            if (count == SFE_CARD_DIGITS_MAX) {
                break;
            }
            digits[count++] = unit.byte;
            group++;
            at += unit.width;
            continue;
        }
        if (sfe_card_is_number(digits, count) && may_end(text, at, kind)) {
            *match = (struct match){at, count, false};
        }
        if (group < 4 || !is_separator(unit.byte) ||
            !is_digit(unit_at(text, at + unit.width, kind).byte)) {
            break;
        }
        group = 0;
        at += unit.width;
    }
    return match->end != 0;
}

/* A number may begin among the groups of another, or with the digits that stay of it, and would
 * then be left to be read: takes both for one. */
static void extend_match(struct sfe_slice text, size_t at, enum sfe_card_text kind,
                         struct match *match)
{
    bool was_digit = false;
    uint32_t digits = 0;

    while (at < match->end) {
        struct unit unit = unit_at(text, at, kind);
        struct match other;
        bool stands_alone = !was_digit || digits + KEPT_DIGITS == match->digits;
        if (digits > 0 && is_digit(unit.byte) && stands_alone && may_begin(unit.byte) &&
            match_number(text, at, kind, &other) && other.end > match->end) {
            match->end = other.end;
            match->digits = digits + other.digits;
        }
        was_digit = is_digit(unit.byte);
        digits += was_digit ? 1u : 0u;
        at += unit.width;
    }
    SFE_ASSERT(digits == match->digits);
}

/* A card number or a track that begins at `at`, where a group of digits does. */
static bool match_at(struct sfe_slice text, size_t at, enum sfe_card_text kind,
                     const struct left *left, struct match *match)
{
    bool has_sentinel = at > 0 && (text.bytes[at - 1] == ';' || text.bytes[at - 1] == 'B');

    if (!has_sentinel && !may_begin(unit_at(text, at, kind).byte)) {
        return false;
    }
    if (match_track(text, at, kind, has_sentinel, match)) {
        return true;
    }
    return !left->is_point && (left->hex_room == 0 || left->other_room != 0) &&
           match_number(text, at, kind, match);
}

/* True where an escape may hide or join digits. */
static bool has_escape(struct sfe_slice text)
{
    const uint8_t *end = text.bytes + text.size;
    const uint8_t *place = text.size == 0 ? NULL : memchr(text.bytes, '%', text.size);

    while (place != NULL && end - place > 2) {
        if (hex_of(place + 1, 2) >= 0) {
            return true;
        }
        place = memchr(place + 1, '%', (size_t)(end - place) - 1);
    }
    place = text.size == 0 ? NULL : memchr(text.bytes, '\\', text.size);
    while (place != NULL && end - place > 1) {
        if (place[1] == 'u' || place[1] == 'b' || place[1] == 'f') {
            return true;
        }
        place = end - place > 2 ? memchr(place + 2, '\\', (size_t)(end - place) - 2) : NULL;
    }
    return false;
}

/* Looks from `begin` to `end` for what begins with a group of digits there. */
static bool run_holds(struct sfe_slice text, size_t begin, size_t end)
{
    struct left left = {0, 0, false, false};
    struct match match;
    size_t at = begin;

    while (at > 0 && begin - at < WORD_UNITS_MAX &&
           (is_letter(text.bytes[at - 1]) || is_digit(text.bytes[at - 1]))) {
        at--;
    }
    left.is_point = begin >= 2 && text.bytes[begin - 1] == '.' && is_digit(text.bytes[begin - 2]);
    for (; at < end; at++) {
        if (at >= begin && is_digit(text.bytes[at]) && !left.is_digit &&
            match_at(text, at, SFE_CARD_TEXT_PLAIN, &left, &match)) {
            return true;
        }
        step_left(&left, text.bytes[at]);
    }
    return false;
}

bool sfe_card_may_hold(struct sfe_slice text)
{
    /* A card number has no two bytes side by side that are not digits: of any 13 bytes in a row two
     * certain neighbours are looked at. */
    for (size_t i = SFE_CARD_DIGITS_MIN - 2; i + 1 < text.size; i += SFE_CARD_DIGITS_MIN - 1) {
        size_t begin = i;
        size_t end = i;

        if (!is_digit(text.bytes[i]) && !is_digit(text.bytes[i + 1])) {
            continue;
        }
        while (begin > 0 &&
               (is_digit(text.bytes[begin - 1]) || (is_separator(text.bytes[begin - 1])))) {
            begin--;
        }
        while (end < text.size && (is_digit(text.bytes[end]) || is_separator(text.bytes[end]))) {
            end++;
        }
        if (end - begin >= SFE_CARD_DIGITS_MIN && run_holds(text, begin, end)) {
            return true;
        }
        i = end > i ? end - 1 : i; /* What follows begins behind `end`. */
    }
    return has_escape(text);
}

/* Writes the digits of a match; all but the last 4 as stars. */
static void add_number(struct sfe_slice text, size_t at, enum sfe_card_text kind,
                       const struct match *match, struct sfe_builder *out)
{
    uint32_t digits = 0;

    while (at < match->end) {
        struct unit unit = unit_at(text, at, kind);
        if (is_digit(unit.byte) && ++digits + KEPT_DIGITS <= match->digits) {
            sfe_builder_add_byte(out, '*');
        } else {
            sfe_builder_add(out, sfe_slice_part(text, at, unit.width));
        }
        at += unit.width;
    }
}

/* In place of a track and its sentinel, which is written already. */
static void add_track(struct sfe_builder *out, size_t begin)
{
    size_t size = out->size;

    if (size > begin && out->bytes[size - 1] == ';') {
        size--;
    } else if (size > begin + 1 && out->bytes[size - 1] == 'B' && out->bytes[size - 2] == '%') {
        size -= 2;
    }
    if (!out->overflowed) {
        sfe_builder_rewind(out, size);
    }
    sfe_builder_add_byte(out, '*');
}

void sfe_card_add_masked(struct sfe_slice text, enum sfe_card_text kind, struct sfe_builder *out,
                         struct sfe_card_found *found)
{
    struct left left = {0, 0, false, false};
    struct match match;
    const size_t begin = out->size;
    size_t at = 0;

    while (at < text.size) {
        struct unit unit = unit_at(text, at, kind);
        if (is_digit(unit.byte) && !left.is_digit && match_at(text, at, kind, &left, &match)) {
            SFE_ASSERT(match.end > at);
            if (match.is_track) {
                add_track(out, begin);
                found->tracks++;
            } else {
                extend_match(text, at, kind, &match);
                add_number(text, at, kind, &match, out);
                found->numbers++;
            }
            at = match.end;
            left = (struct left){0, 0, !match.is_track, false};
            continue;
        }
        sfe_builder_add(out, sfe_slice_part(text, at, unit.width));
        step_left(&left, unit.byte);
        at += unit.width;
    }
    SFE_ASSERT(out->overflowed || out->size - begin <= text.size);
}

void sfe_card_mask(struct sfe_builder *text, struct sfe_card_found *found)
{
    const struct sfe_slice slice = sfe_builder_slice(text);

    if (sfe_card_may_hold(slice)) {
        /* What is written never overtakes what is read. */
        struct sfe_builder out = sfe_builder_make(text->bytes, slice.size);
        sfe_card_add_masked(slice, SFE_CARD_TEXT_PLAIN, &out, found);
        text->size = out.size;
    }
}
