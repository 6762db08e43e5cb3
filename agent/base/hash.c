#include "base/hash.h"

#include "base/assert.h"
#include "base/words.h"

/* Part of the format of what is stored: never to be changed. */
#define IDENTITY_KEY_0 0x7665206567646566u
#define IDENTITY_KEY_1 0x79746974656e6974u
#define TABLE_KEY_1    0x0f0e0d0c0b0a0908u

struct sip {
    uint64_t v0, v1, v2, v3;
    uint64_t tail;  /* Bytes taken in and not yet mixed, from the lowest up. */
    uint64_t taken; /* Bytes taken in; the low three bits say how many are in `tail`. */
};

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64u - bits);
}

static inline void round_once(struct sip *sip)
{
    sip->v0 += sip->v1;
    sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
    sip->v0 = rotate(sip->v0, 32);
    sip->v2 += sip->v3;
    sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
    sip->v0 += sip->v3;
    sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
    sip->v2 += sip->v1;
    sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
    sip->v2 = rotate(sip->v2, 32);
}

static inline struct sip sip_make(uint64_t key_0, uint64_t key_1)
{
    return (struct sip){key_0 ^ 0x736f6d6570736575u,
                        key_1 ^ 0x646f72616e646f6du,
                        key_0 ^ 0x6c7967656e657261u,
                        key_1 ^ 0x7465646279746573u,
                        0,
                        0};
}

static inline void mix(struct sip *sip, uint64_t word)
{
    sip->v3 ^= word;
    round_once(sip);
    round_once(sip);
    sip->v0 ^= word;
}

static inline void take_byte(struct sip *sip, uint8_t byte)
{
    sip->tail |= (uint64_t)byte << (8u * (sip->taken & 7u));
    sip->taken++;
    if ((sip->taken & 7u) == 0) {
        mix(sip, sip->tail);
        sip->tail = 0;
    }
}

static inline void take_word(struct sip *sip, uint64_t word)
{
    unsigned bits = 8u * (unsigned)(sip->taken & 7u);

    mix(sip, sip->tail | word << bits);
    sip->tail = bits == 0 ? 0 : word >> (64u - bits);
    sip->taken += 8;
}

static void take(struct sip *sip, struct sfe_slice slice)
{
    const uint8_t *at = slice.bytes;
    size_t rest = slice.size;

    for (; rest >= 8; at += 8, rest -= 8) {
        take_word(sip, sfe_word_load(at));
    }
    for (; rest > 0; at++, rest--) {
        take_byte(sip, *at);
    }
}

/* Ends the input; `mark` tells the two sizes of result apart. */
static inline uint64_t finish(struct sip *sip, uint64_t mark)
{
    mix(sip, sip->tail | sip->taken << 56);
    sip->v2 ^= mark;
    for (unsigned i = 0; i < 4; i++) {
        round_once(sip);
    }
    return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}

static void store_word(uint8_t *place, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++) {
        place[i] = (uint8_t)(word >> (8u * i));
    }
}

struct sfe_hash128 sfe_hash128(const struct sfe_slice *parts, size_t part_count)
{
    struct sip sip = sip_make(IDENTITY_KEY_0, IDENTITY_KEY_1);
    struct sfe_hash128 hash;

    sip.v1 ^= 0xeeu;
    for (size_t i = 0; i < part_count; i++) {
        SFE_ASSERT(parts[i].size <= UINT32_MAX);
        for (unsigned shift = 0; shift < 32; shift += 8) {
            take_byte(&sip, (uint8_t)(parts[i].size >> shift));
        }
        take(&sip, parts[i]);
    }
    store_word(hash.bytes, finish(&sip, 0xeeu));
    sip.v1 ^= 0xddu;
    for (unsigned i = 0; i < 4; i++) {
        round_once(&sip);
    }
    store_word(hash.bytes + 8, sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3);
    return hash;
}

uint64_t sfe_hash64(uint64_t seed, struct sfe_slice slice)
{
    struct sip sip = sip_make(seed, TABLE_KEY_1);

    take(&sip, slice);
    return finish(&sip, 0xffu);
}

/* Sets the bit that makes a-z of A-Z, in all bytes at once. */
static inline uint64_t fold_word(uint64_t word)
{
    uint64_t low = word & ~SFE_WORD_HIGH_BITS;
    uint64_t from_a = low + SFE_WORD_OF(0x80u - 'A');
    uint64_t above_z = low + SFE_WORD_OF(0x80u - 'Z' - 1u);
    return word | (from_a & ~above_z & ~word & SFE_WORD_HIGH_BITS) >> 2;
}

uint64_t sfe_hash64_caseless(uint64_t seed, struct sfe_slice slice)
{
    struct sip sip = sip_make(seed, TABLE_KEY_1);
    const uint8_t *at = slice.bytes;
    size_t rest = slice.size;

    for (; rest >= 8; at += 8, rest -= 8) {
        take_word(&sip, fold_word(sfe_word_load(at)));
    }
    for (; rest > 0; at++, rest--) {
        take_byte(&sip, (uint8_t)fold_word(*at));
    }
    return finish(&sip, 0xffu);
}
