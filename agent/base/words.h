/* Eight bytes at a time: the scanners' inner loops. Pure; any thread. */
#ifndef SFE_BASE_WORDS_H
#define SFE_BASE_WORDS_H

#include <stdint.h>

#define SFE_WORD_OF(byte)  (0x0101010101010101u * (uint64_t)(byte))
#define SFE_WORD_HIGH_BITS SFE_WORD_OF(0x80u)

/* Loads a little-endian word; compilers make it one load. */
static inline uint64_t sfe_word_load(const uint8_t *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* High bits mark the bytes of a JSON string that need a closer look: quotes, backslashes, control
 * bytes and those above ASCII. The lowest mark is exact; borrows may add false ones above it. */
static inline uint64_t sfe_word_special(uint64_t word)
{
    uint64_t quote = (word ^ SFE_WORD_OF('"')) - SFE_WORD_OF(1);
    uint64_t backslash = (word ^ SFE_WORD_OF('\\')) - SFE_WORD_OF(1);
    uint64_t control = word - SFE_WORD_OF(' ');
    return (word | quote | backslash | control) & SFE_WORD_HIGH_BITS;
}

/* The first special byte in [at, end), or `end`. */
static inline const uint8_t *sfe_word_skip_plain(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8) {
        uint64_t special = sfe_word_special(sfe_word_load(at));
        if (special != 0) {
            return at + (__builtin_ctzll(special) >> 3);
        }
        at += 8;
    }
    while (at != end && *at >= ' ' && *at != '"' && *at != '\\' && *at < 0x80u) {
        at++;
    }
    return at;
}

#endif
