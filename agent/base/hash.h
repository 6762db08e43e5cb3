/* SipHash-2-4 (Aumasson and Bernstein), for identities and tables. Not a signature. Pure; any
 * thread. */
#ifndef SFE_BASE_HASH_H
#define SFE_BASE_HASH_H

#include "base/bytes.h"

struct sfe_hash128 {
    uint8_t bytes[16];
};

/* The 128-bit form over the concatenation of `parts`, each preceded by its size as u32le, so that
 * ("a","bc") and ("ab","c") differ. The key is fixed: the same bytes give the same hash on every
 * gateway and in every version. */
struct sfe_hash128 sfe_hash128(const struct sfe_slice *parts, size_t part_count);

/* The 64-bit form of one slice under `seed`, for hash tables. */
uint64_t sfe_hash64(uint64_t seed, struct sfe_slice slice);

/* As sfe_hash64, A-Z taken as a-z: Salesforce compares external IDs so unless told otherwise. */
uint64_t sfe_hash64_caseless(uint64_t seed, struct sfe_slice slice);

#endif
