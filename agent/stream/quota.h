/* One bound on the flash that all streams take together.
 *
 * Each stream claims what its segments take and up to two segments ahead, before it takes the
 * events that need them; the sum of all claims stays within the bound. Nobody can claim the room
 * that is kept for others: the whole quota of a stream of higher priority, and SFE_QUOTA_FLOOR
 * segments of any other. A stream that finds no room does what it does at its own quota: it blocks,
 * or drops its own oldest or newest. So no stream ever drops for another, and none is starved.
 *
 * Flash thread alone; before it runs, the main thread.
 */
#ifndef SFE_STREAM_QUOTA_H
#define SFE_STREAM_QUOTA_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sfe_arena;
struct sfe_quota;

/* What every stream keeps ahead of what it has: for the event that comes, and for what is in
 * flight when a write fails. */
#define SFE_QUOTA_FLOOR 2u

/* A stream that keeps its room against all others. */
#define SFE_QUOTA_PRIORITY_MOST UINT32_MAX

struct sfe_quota_share {
    uint64_t quota_bytes; /* The stream's own. */
    uint32_t segment_bytes;
    uint32_t priority;
};

/* What `bytes` must be at least, so that share `index` has its own floor and as much again beside
 * what is kept for the others. Pure. */
uint64_t sfe_quota_bytes_min(const struct sfe_quota_share *shares, uint32_t count, uint32_t index);

/* What it takes from the arena. Pure. */
size_t sfe_quota_memory_bytes(uint32_t count);

/* `shares` are copied. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_quota_open(uint64_t bytes, const struct sfe_quota_share *shares,
                                          uint32_t count, struct sfe_arena *arena,
                                          struct sfe_quota **quota, struct sfe_error *err);

/* The bound takes the place of `before`, for the same streams: what was over that one does not
 * become more by it. Before the first claim or after. */
void sfe_quota_follow(struct sfe_quota *quota, const struct sfe_quota *before);

/* Share `index` takes `used_bytes` and would like to begin `segments` more. Returns how many it
 * may, at most SFE_QUOTA_FLOOR; they are its own until the next claim. */
uint32_t sfe_quota_claim(struct sfe_quota *quota, uint32_t index, uint64_t used_bytes,
                         uint64_t segments);

/* What share `index` could take in all, as things stand. */
uint64_t sfe_quota_limit(const struct sfe_quota *quota, uint32_t index);

/* May a segment be begun now? Not while more is taken than the bound: so it is passed by one
 * segment at most, whatever fails. Where more than that was found at the start (the bound was
 * lowered), it becomes no more. */
bool sfe_quota_may_begin(struct sfe_quota *quota);

/* Rises whenever something was given back: who found no room should claim again. */
uint64_t sfe_quota_returns(const struct sfe_quota *quota);

#endif
