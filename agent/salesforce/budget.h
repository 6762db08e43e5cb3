/* How many API calls are left, and for whom: the day's calls of the org, of which it tells with
 * each answer (Sforce-Limit-Info), and this gateway's own part of them. A day is the last 24 hours.
 *
 * The last `reserve_percent` of both are kept for streams with a priority. From half of what the
 * others may use of the own part they wait longer between calls, so that their requests become
 * fewer and fuller. The count is kept on flash in steps, and a start is charged one: a restart
 * gives no new calls. The bytes are little-endian: magic "SFEC", u16 version, u16 number of hours,
 * i64 time of day (0: unknown), the hours (u32 each, the newest first), CRC32C of all before. No
 * lock; cloud thread.
 */
#ifndef SFE_SALESFORCE_BUDGET_H
#define SFE_SALESFORCE_BUDGET_H

#include "base/bytes.h"
#include "salesforce/org.h"

/* The hour under way and 24 before it: never less than a day. */
#define BUDGET_HOURS     25u
#define BUDGET_BYTES_MAX 128u
/* So many calls may be missing on flash. */
#define BUDGET_STEP 16u

struct budget {
    uint32_t daily_calls; /* 0: no part of its own. */
    uint32_t reserve_percent;
    uint32_t hours[BUDGET_HOURS]; /* Calls; the hour under way first. */
    uint64_t hour_ns;             /* When it began. */
    uint64_t ordinary_ns;         /* Of the last call without a priority; 0: none. */
    uint64_t org_used;            /* As told last. */
    uint64_t org_limit;           /* 0: not told yet. */
    uint64_t told_ns;
    uint32_t unkept; /* Calls since the last that flash was given. */
};

void budget_open(struct budget *budget, uint32_t daily_calls, uint32_t reserve_percent,
                 uint64_t now_ns);

/* True when a call may be begun; otherwise *until_ns says when to ask again. */
bool budget_allows(struct budget *budget, enum sfe_org_need need, uint64_t now_ns,
                   uint64_t *until_ns);

/* A call was begun. */
void budget_count(struct budget *budget, enum sfe_org_need need, uint64_t now_ns);

/* The org told its figures. */
void budget_told(struct budget *budget, uint64_t used, uint64_t limit, uint64_t now_ns);

/* Calls of the last 24 hours; and what they come to if the last hour goes on. */
uint64_t budget_used(struct budget *budget, uint64_t now_ns);
uint64_t budget_forecast(struct budget *budget, uint64_t now_ns);

/* The count as bytes; `unix_s`: the time of day, 0: not known. */
void budget_write(const struct budget *budget, int64_t unix_s, struct sfe_builder *out);

/* Adds what was written, as far as it is not a day old, and a step. Without a time of day on either
 * side it is taken to be of this hour. False: damaged; nothing is added. */
bool budget_read(struct budget *budget, struct sfe_slice bytes, int64_t unix_s);

#endif
