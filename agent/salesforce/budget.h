/* What is left of the day, and for whom: API calls of the org, of which it tells with each answer
 * (Sforce-Limit-Info), and this gateway's own part of calls and of bytes. A day is the last 24
 * hours.
 *
 * The last `reserve_percent` of all are kept for streams with a priority. From half of what the
 * others may use of the own part of calls they wait longer between calls, so that their requests
 * become fewer and fuller. The counts are kept on flash in steps, and a start is charged one of
 * each: a restart gives nothing anew. The bytes are little-endian: magic "SFEC", u16 version, u16
 * number of hours, i64 time of day (0: unknown), the hours' calls, the hours' bytes (u64 each, the
 * newest first), CRC32C of all before. No lock; cloud thread.
 */
#ifndef SFE_SALESFORCE_BUDGET_H
#define SFE_SALESFORCE_BUDGET_H

#include "base/bytes.h"
#include "salesforce/org.h"

/* The hour under way and 24 before it: never less than a day. */
#define BUDGET_HOURS     25u
#define BUDGET_BYTES_MAX 448u
/* So many calls may be missing on flash; and such a part of the day's bytes. */
#define BUDGET_STEP  16u
#define BUDGET_STEPS 64u

struct budget_share {
    uint64_t daily;               /* 0: no part of its own. */
    uint64_t hours[BUDGET_HOURS]; /* What was used; the hour under way first. */
    uint64_t unkept;              /* Since the last that flash was given. */
};

struct budget {
    struct budget_share calls;
    struct budget_share bytes; /* Both directions. */
    uint32_t reserve_percent;
    uint64_t hour_ns;     /* When the hour under way began. */
    uint64_t ordinary_ns; /* Of the last call without a priority; 0: none. */
    uint64_t org_used;    /* As told last. */
    uint64_t org_limit;   /* 0: not told yet. */
    uint64_t told_ns;
};

/* `daily_calls`, `daily_bytes`: 0: no part of its own. */
void budget_open(struct budget *budget, uint64_t daily_calls, uint64_t daily_bytes,
                 uint32_t reserve_percent, uint64_t now_ns);

/* True when a call may be begun; otherwise *until_ns says when to ask again. */
bool budget_allows(struct budget *budget, enum sfe_org_need need, uint64_t now_ns,
                   uint64_t *until_ns);

/* True where half of what may be used of the own part of calls, or three quarters of the org's, are
 * used: fewer calls are worth more than haste. */
bool budget_is_scarce(struct budget *budget, enum sfe_org_need need, uint64_t now_ns);

/* A call was begun. */
void budget_count(struct budget *budget, enum sfe_org_need need, uint64_t now_ns);

/* So many bytes went, in either direction. */
void budget_count_bytes(struct budget *budget, uint64_t bytes, uint64_t now_ns);

/* The org told its figures. */
void budget_told(struct budget *budget, uint64_t used, uint64_t limit, uint64_t now_ns);

/* Of the last 24 hours; and what the calls come to if the last hour goes on. */
uint64_t budget_used(struct budget *budget, uint64_t now_ns);
uint64_t budget_used_bytes(struct budget *budget, uint64_t now_ns);
uint64_t budget_forecast(struct budget *budget, uint64_t now_ns);

/* In how many seconds the own part, or the org's limit, is reached if the last hour goes on; 0: not
 * within a day. What others use of the org's is not foreseen. */
uint64_t budget_end_s(struct budget *budget, uint64_t now_ns);

/* True where something is counted that a restart must not forget, and a step of it is over. */
bool budget_is_kept(const struct budget *budget);
bool budget_is_due(const struct budget *budget);

/* The counts as bytes; `unix_s`: the time of day, 0: not known. */
void budget_write(const struct budget *budget, int64_t unix_s, struct sfe_builder *out);

/* Adds what was written, as far as it is not a day old, and a step. Without a time of day on either
 * side it is taken to be of this hour. False: damaged; nothing is added. */
bool budget_read(struct budget *budget, struct sfe_slice bytes, int64_t unix_s);

#endif
