#include "stream/quota.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

struct claim {
    struct sfe_quota_share share;
    uint64_t used_bytes;
    uint64_t claimed_bytes; /* The same, and what may be begun. */
};

struct sfe_quota {
    uint64_t bytes;
    uint64_t returns;
    uint64_t most_bytes; /* Used when a segment was last begun, or the bound; 0: none was. */
    uint64_t used_bytes; /* Of all. */
    uint32_t count;
    struct claim claims[];
};

/* What `other` keeps against `share`, whether it has it or not. */
static uint64_t kept_bytes(const struct sfe_quota_share *other, const struct sfe_quota_share *share)
{
    const uint64_t floor_bytes = SFE_QUOTA_FLOOR * (uint64_t)other->segment_bytes;

    return other->priority > share->priority && other->quota_bytes > floor_bytes
               ? other->quota_bytes
               : floor_bytes;
}

uint64_t sfe_quota_bytes_min(const struct sfe_quota_share *shares, uint32_t count, uint32_t index)
{
    uint64_t bytes = 2u * SFE_QUOTA_FLOOR * (uint64_t)shares[index].segment_bytes;

    for (uint32_t i = 0; i < count; i++) {
        bytes += i == index ? 0 : kept_bytes(&shares[i], &shares[index]);
    }
    return bytes;
}

size_t sfe_quota_memory_bytes(uint32_t count)
{
    return sfe_arena_cost(sizeof(struct sfe_quota) + count * sizeof(struct claim));
}

enum sfe_code sfe_quota_open(uint64_t bytes, const struct sfe_quota_share *shares, uint32_t count,
                             struct sfe_arena *arena, struct sfe_quota **quota,
                             struct sfe_error *err)
{
    struct sfe_quota *opened =
        sfe_arena_take(arena, sizeof(*opened) + count * sizeof(struct claim), err);

    *quota = opened;
    if (opened == NULL) {
        return err->code;
    }
    opened->bytes = bytes;
    opened->count = count;
    for (uint32_t i = 0; i < count; i++) {
        SFE_ASSERT(shares[i].segment_bytes != 0);
        opened->claims[i].share = shares[i];
    }
    return SFE_OK;
}

void sfe_quota_follow(struct sfe_quota *quota, const struct sfe_quota *before)
{
    if (before->most_bytes != 0) {
        quota->most_bytes = before->most_bytes > quota->bytes ? before->most_bytes : quota->bytes;
    }
}

uint64_t sfe_quota_limit(const struct sfe_quota *quota, uint32_t index)
{
    uint64_t others = 0;

    SFE_ASSERT(index < quota->count);
    for (uint32_t i = 0; i < quota->count; i++) {
        if (i != index) {
            const uint64_t kept = kept_bytes(&quota->claims[i].share, &quota->claims[index].share);
            const uint64_t claimed = quota->claims[i].claimed_bytes;
            others += claimed > kept ? claimed : kept;
        }
    }
    return quota->bytes > others ? quota->bytes - others : 0;
}

uint32_t sfe_quota_claim(struct sfe_quota *quota, uint32_t index, uint64_t used_bytes,
                         uint64_t segments)
{
    const uint64_t limit = sfe_quota_limit(quota, index);
    struct claim *claim = &quota->claims[index];
    const uint32_t segment_bytes = claim->share.segment_bytes;
    uint64_t granted = limit > used_bytes ? (limit - used_bytes) / segment_bytes : 0;

    if (granted > segments) {
        granted = segments;
    }
    if (granted > SFE_QUOTA_FLOOR) {
        granted = SFE_QUOTA_FLOOR;
    }
    const uint64_t claimed = used_bytes + granted * segment_bytes;
    if (claimed < claim->claimed_bytes) {
        quota->returns++;
    }
    claim->claimed_bytes = claimed;
    quota->used_bytes += used_bytes - claim->used_bytes;
    claim->used_bytes = used_bytes;
    return (uint32_t)granted;
}

bool sfe_quota_may_begin(struct sfe_quota *quota)
{
    const uint64_t used = quota->used_bytes;
    const uint64_t most = used > quota->bytes ? used : quota->bytes;

    if (quota->most_bytes == 0 || most < quota->most_bytes) {
        quota->most_bytes = most;
    }
    return used <= quota->most_bytes;
}

uint64_t sfe_quota_returns(const struct sfe_quota *quota)
{
    return quota->returns;
}
