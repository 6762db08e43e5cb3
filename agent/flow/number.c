#include "flow/number.h"

#include "base/assert.h"

/* Below this many bytes a number without an exponent cannot leave the range. */
#define PLAIN_BYTES_SAFE 300u
/* Digits a number can have are fewer: what is further out stays out. */
#define EXPONENT_LIMIT 100000000000

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t skip_digits(struct sfe_slice text, size_t i)
{
    while (i < text.size && is_digit(text.bytes[i])) {
        i++;
    }
    return i;
}

/* Behind the fraction that may begin at `i`; SIZE_MAX where one begins and has no digits. */
static size_t skip_fraction(struct sfe_slice text, size_t i)
{
    if (i == text.size || text.bytes[i] != '.') {
        return i;
    }
    size_t end = skip_digits(text, i + 1);
    return end == i + 1 ? SIZE_MAX : end;
}

/* The same for an exponent. */
static size_t skip_exponent(struct sfe_slice text, size_t i)
{
    if (i >= text.size || (text.bytes[i] | 0x20u) != 'e') {
        return i;
    }
    i++;
    if (i < text.size && (text.bytes[i] == '+' || text.bytes[i] == '-')) {
        i++;
    }
    size_t end = skip_digits(text, i);
    return end == i ? SIZE_MAX : end;
}

bool flow_is_number(struct sfe_slice text)
{
    size_t i = text.size > 0 && text.bytes[0] == '-' ? 1u : 0u;
    size_t end = skip_digits(text, i);
    if (end == i || (text.bytes[i] == '0' && end != i + 1)) {
        return false;
    }
    return skip_exponent(text, skip_fraction(text, end)) == text.size;
}

static bool has_exponent(struct sfe_slice number)
{
    for (size_t i = 0; i < number.size; i++) {
        if ((number.bytes[i] | 0x20u) == 'e') {
            return true;
        }
    }
    return false;
}

/* The exponent behind 'e' at `i`, held within bounds that leave no doubt. */
static int64_t read_exponent(struct sfe_slice number, size_t i)
{
    bool is_negative = false;
    int64_t exponent = 0;
    i++;
    if (i < number.size && !is_digit(number.bytes[i])) {
        is_negative = number.bytes[i] == '-';
        i++;
    }
    for (; i < number.size; i++) {
        if (exponent < EXPONENT_LIMIT) {
            exponent = exponent * 10 + (number.bytes[i] - '0');
        }
    }
    return is_negative ? -exponent : exponent;
}

/* The largest double begins with these digits, at 10 to the 308. */
static const char largest_digits[] = "17976931348623157";

/* What the digits before the 'e' say. */
struct leading {
    size_t first; /* The first digit that is not zero; the end where there is none. */
    size_t point; /* The decimal point, or the end. */
    size_t end;   /* The 'e', or the end of the text. */
};

static struct leading find_leading(struct sfe_slice number)
{
    struct leading found = {SIZE_MAX, SIZE_MAX, number.size};
    for (size_t i = 0; i < found.end; i++) {
        const uint8_t byte = number.bytes[i];
        if ((byte | 0x20u) == 'e') {
            found.end = i;
        } else if (byte == '.') {
            found.point = i;
        } else if (found.first == SIZE_MAX && byte >= '1' && byte <= '9') {
            found.first = i;
        }
    }
    found.first = found.first == SIZE_MAX ? found.end : found.first;
    found.point = found.point == SIZE_MAX ? found.end : found.point;
    return found;
}

/* True where the digits, wherever their point, are above the largest double's. */
static bool is_above(struct sfe_slice number, struct leading leading)
{
    size_t compared = 0;
    for (size_t i = leading.first; i < leading.end && largest_digits[compared] != '\0'; i++) {
        if (number.bytes[i] == '.') {
            continue;
        }
        if (number.bytes[i] != (uint8_t)largest_digits[compared]) {
            return number.bytes[i] > (uint8_t)largest_digits[compared];
        }
        compared++;
    }
    return false;
}

/* The power of ten of the first digit that is not zero. */
static int64_t magnitude(struct sfe_slice number, struct leading leading)
{
    int64_t exponent = leading.first < leading.point ? (int64_t)(leading.point - leading.first) - 1
                                                     : -(int64_t)(leading.first - leading.point);
    if (leading.end < number.size) {
        exponent += read_exponent(number, leading.end);
    }
    return exponent;
}

bool flow_is_in_double_range(struct sfe_slice number)
{
    SFE_ASSERT(number.size > 0 && number.size <= UINT32_MAX);
    if (number.size < PLAIN_BYTES_SAFE && !has_exponent(number)) {
        return true;
    }
    const struct leading leading = find_leading(number);
    if (leading.first == leading.end) {
        return true; /* Zero, whatever its exponent. */
    }
    const int64_t exponent = magnitude(number, leading);
    return exponent < 308 || (exponent == 308 && !is_above(number, leading));
}

/* The next digit at or behind *at; '0' behind the last one. */
static uint8_t take_digit(struct sfe_slice number, struct leading leading, size_t *at)
{
    if (*at == leading.point) {
        (*at)++;
    }
    if (*at >= leading.end) {
        return '0';
    }
    return number.bytes[(*at)++];
}

/* Compares the digits of two numbers of one magnitude. */
static int compare_digits(struct sfe_slice a, struct leading lead_a, struct sfe_slice b,
                          struct leading lead_b)
{
    size_t at_a = lead_a.first;
    size_t at_b = lead_b.first;
    while (at_a < lead_a.end || at_b < lead_b.end) {
        const uint8_t digit_a = take_digit(a, lead_a, &at_a);
        const uint8_t digit_b = take_digit(b, lead_b, &at_b);
        if (digit_a != digit_b) {
            return digit_a < digit_b ? -1 : 1;
        }
    }
    return 0;
}

int flow_number_compare(struct sfe_slice a, struct sfe_slice b)
{
    SFE_ASSERT(a.size > 0 && b.size > 0);
    const struct leading lead_a = find_leading(a);
    const struct leading lead_b = find_leading(b);
    const int sign_a = lead_a.first == lead_a.end ? 0 : (a.bytes[0] == '-' ? -1 : 1);
    const int sign_b = lead_b.first == lead_b.end ? 0 : (b.bytes[0] == '-' ? -1 : 1);
    if (sign_a != sign_b || sign_a == 0) {
        return (sign_a > sign_b) - (sign_a < sign_b);
    }
    const int64_t size_a = magnitude(a, lead_a);
    const int64_t size_b = magnitude(b, lead_b);
    if (size_a != size_b) {
        return size_a < size_b ? -sign_a : sign_a;
    }
    return sign_a * compare_digits(a, lead_a, b, lead_b);
}
