#include "flow/decimal.h"

#include "base/assert.h"

/* Two products of numbers that fit reach from 10 to the -160 to 10 to the 160, with a carry. */
#define PLACES     324u
#define PLACE_ZERO 160u

/* A sum of digits by their place: digits[PLACE_ZERO] are the ones. A product of two digits in each
 * place, summed up, stays far below the range of an int. */
struct places {
    int32_t digits[PLACES];
};

/* What a number says: its digits from the first that is not zero, as bytes, and the power of ten of
 * the last one. */
struct decimal {
    uint8_t digits[FLOW_DECIMAL_DIGITS_MAX];
    uint32_t count;
    int32_t exponent;
    int32_t sign;
};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The exponent behind `at`, which is an 'e' or the end; held within what is far too much. */
static int32_t read_exponent(struct sfe_slice number, size_t at)
{
    int32_t exponent = 0;
    const bool is_negative = at + 1u < number.size && number.bytes[at + 1u] == '-';

    for (at++; at < number.size; at++) {
        if (is_digit(number.bytes[at]) && exponent < 100000) {
            exponent = exponent * 10 + (number.bytes[at] - '0');
        }
    }
    return is_negative ? -exponent : exponent;
}

/* Takes one digit in. False where there are too many; zeros behind the last one do not count. */
static bool take_digit(struct decimal *decimal, uint8_t digit, uint32_t *zeros)
{
    if (digit == 0) {
        *zeros += decimal->count > 0 ? 1u : 0u;
        return true;
    }
    if (*zeros >= FLOW_DECIMAL_DIGITS_MAX - decimal->count) {
        return false;
    }
    memset(decimal->digits + decimal->count, 0, *zeros);
    decimal->count += *zeros;
    decimal->digits[decimal->count++] = digit;
    *zeros = 0;
    return true;
}

static bool read_decimal(struct sfe_slice number, struct decimal *decimal)
{
    int32_t fraction = 0; /* Digits behind the point so far. */
    uint32_t zeros = 0;   /* Behind the last digit that is not zero. */
    bool is_behind_point = false;
    size_t at = number.bytes[0] == '-' ? 1u : 0u;

    *decimal = (struct decimal){.sign = at == 0 ? 1 : -1};
    if (number.size > INT32_MAX / 2) {
        return false;
    }
    for (; at < number.size && (number.bytes[at] | 0x20u) != 'e'; at++) {
        if (number.bytes[at] == '.') {
            is_behind_point = true;
            continue;
        }
        fraction += is_behind_point ? 1 : 0;
        if (!take_digit(decimal, (uint8_t)(number.bytes[at] - '0'), &zeros)) {
            return false;
        }
    }
    if (decimal->count == 0) {
        return true; /* Zero, whatever its exponent. */
    }
    const int64_t exponent = (int64_t)read_exponent(number, at) - fraction + zeros;
    const int64_t most = FLOW_DECIMAL_DIGITS_MAX;
    decimal->exponent = (int32_t)exponent;
    return exponent >= -most && exponent + decimal->count <= most;
}

bool flow_decimal_fits(struct sfe_slice number)
{
    struct decimal decimal;

    SFE_ASSERT(number.size > 0);
    return read_decimal(number, &decimal);
}

static struct decimal read_fitting(struct sfe_slice number)
{
    struct decimal decimal = {.digits = {1}, .count = 1, .sign = 1};

    if (number.size != 0) {
        const bool fits = read_decimal(number, &decimal);
        SFE_ASSERT(fits);
    }
    return decimal;
}

static void add_product(struct places *places, const struct decimal *a, const struct decimal *b)
{
    const int32_t sign = a->sign * b->sign;

    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            const int32_t power = a->exponent + (int32_t)(a->count - 1u - i) + b->exponent +
                                  (int32_t)(b->count - 1u - j);
            const uint32_t place = (uint32_t)((int32_t)PLACE_ZERO + power);
            SFE_ASSERT(place < PLACES);
            places->digits[place] += sign * a->digits[i] * b->digits[j];
        }
    }
}

/* Carries, so that each place holds one digit. What remains above all places is returned: 0, or -1
 * where the sum is negative. */
static int32_t carry(struct places *places)
{
    int32_t over = 0;

    for (uint32_t i = 0; i < PLACES; i++) {
        const int32_t sum = places->digits[i] + over;
        over = sum >= 0 ? sum / 10 : -((9 - sum) / 10);
        places->digits[i] = sum - 10 * over;
    }
    return over;
}

static void negate(struct places *places)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        places->digits[i] = -places->digits[i];
    }
}

static void add_places(const struct places *places, bool is_negative, struct sfe_builder *out)
{
    uint32_t first = PLACES - 1u;
    uint32_t last = 0;

    while (first > PLACE_ZERO && places->digits[first] == 0) {
        first--;
    }
    while (last < PLACE_ZERO && places->digits[last] == 0) {
        last++;
    }
    if (is_negative) {
        sfe_builder_add_byte(out, '-');
    }
    for (uint32_t i = first + 1u; i-- > last;) {
        sfe_builder_add_byte(out, (uint8_t)('0' + places->digits[i]));
        if (i == PLACE_ZERO && last < PLACE_ZERO) {
            sfe_builder_add_byte(out, '.');
        }
    }
}

void flow_decimal_add_scaled(struct sfe_slice number, struct sfe_slice scale,
                             struct sfe_slice offset, struct sfe_builder *out)
{
    const struct decimal one = read_fitting(sfe_slice_make(NULL, 0));
    const struct decimal value = read_fitting(number);
    const struct decimal factor = read_fitting(scale);
    struct places places = {{0}};

    SFE_ASSERT(number.size > 0);
    add_product(&places, &value, &factor);
    if (offset.size != 0) {
        const struct decimal added = read_fitting(offset);
        add_product(&places, &added, &one);
    }
    struct places sum = places;
    const bool is_negative = carry(&sum) < 0;
    if (is_negative) {
        negate(&places);
        sum = places;
        const int32_t over = carry(&sum);
        SFE_ASSERT(over == 0);
    }
    add_places(&sum, is_negative, out);
}
