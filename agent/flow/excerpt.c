#include "flow/excerpt.h"

#include "base/assert.h"

#define CARD_DIGITS_MIN 13u

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The end of the run of digits that begins at `begin`, and how many digits it holds. */
static size_t run_end(struct sfe_slice text, size_t begin, size_t *digits)
{
    size_t i = begin;
    *digits = 0;
    while (i < text.size && is_digit(text.bytes[i])) {
        (*digits)++;
        i++;
        bool is_gap = i + 1 < text.size && (text.bytes[i] == ' ' || text.bytes[i] == '-') &&
                      is_digit(text.bytes[i + 1]);
        i += is_gap ? 1u : 0u;
    }
    return i;
}

struct flow_excerpt flow_excerpt_make(struct sfe_slice payload)
{
    struct flow_excerpt excerpt;
    uint8_t shown[FLOW_EXCERPT_BYTES_MAX];
    bool is_cut = payload.size > sizeof(shown);
    size_t size = is_cut ? sizeof(shown) - 3 : payload.size;
    if (size != 0) {
        memcpy(shown, payload.bytes, size);
    }
    /* A run is counted in the payload, not in the excerpt: cutting a card number in two does not
     * make it harmless. */
    size_t i = 0;
    while (i < size) {
        size_t digits = 0;
        size_t end = run_end(payload, i, &digits);
        for (; digits >= CARD_DIGITS_MIN && i < end && i < size; i++) {
            shown[i] = is_digit(shown[i]) ? '*' : shown[i];
        }
        i = end > i ? end : i + 1;
    }
    sfe_printable(excerpt.text, size + 1, sfe_slice_make(shown, size));
    size_t length = strlen(excerpt.text);
    SFE_ASSERT(length <= size);
    if (is_cut) {
        memcpy(excerpt.text + length, "...", 4);
    }
    return excerpt;
}
