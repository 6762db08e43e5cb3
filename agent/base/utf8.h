/* One character of UTF-8, for scanners that must know where it ends. Pure; any thread. */
#ifndef SFE_BASE_UTF8_H
#define SFE_BASE_UTF8_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool sfe_utf8_is_tail(uint8_t byte)
{
    return (byte & 0xC0u) == 0x80u;
}

/* The size of a character by its first byte; 0 where none begins so. */
static inline size_t sfe_utf8_lead_size(uint8_t lead)
{
    if (lead < 0x80u) {
        return 1;
    }
    if (lead < 0xC2u) {
        return 0;
    }
    if (lead < 0xE0u) {
        return 2;
    }
    if (lead < 0xF0u) {
        return 3;
    }
    return lead < 0xF5u ? 4 : 0;
}

/* The second byte rules out over-long forms, surrogates, and what lies beyond U+10FFFF. */
static inline bool sfe_utf8_second_fits(uint8_t lead, uint8_t second)
{
    uint8_t lowest = lead == 0xE0u ? 0xA0u : (lead == 0xF0u ? 0x90u : 0x80u);
    uint8_t highest = lead == 0xEDu ? 0x9Fu : (lead == 0xF4u ? 0x8Fu : 0xBFu);
    return second >= lowest && second <= highest;
}

/* The size of the well-formed character (RFC 3629) at the front of the `size` bytes at `bytes`; 0
 * where there is none. */
static inline size_t sfe_utf8_size(const uint8_t *bytes, size_t size)
{
    size_t wanted = size == 0 ? 0 : sfe_utf8_lead_size(bytes[0]);

    if (wanted < 2) {
        return wanted;
    }
    if (wanted > size || !sfe_utf8_second_fits(bytes[0], bytes[1])) {
        return 0;
    }
    for (size_t i = 2; i < wanted; i++) {
        if (!sfe_utf8_is_tail(bytes[i])) {
            return 0;
        }
    }
    return wanted;
}

/* How many characters well-formed text has. */
static inline size_t sfe_utf8_count(struct sfe_slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += sfe_utf8_is_tail(text.bytes[i]) ? 0u : 1u;
    }
    return count;
}

#endif
