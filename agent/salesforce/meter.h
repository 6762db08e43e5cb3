/* How fast a metered link may be used: calls a minute, bytes a second, both directions together.
 *
 * Calls are spaced evenly; bytes are paid for with time. What is known beforehand is charged as the
 * request begins, the rest when it is over, and no new batch begins before all is paid: so what a
 * minute or an hour sees is bounded by the rate and one request. A batch that was begun is ended,
 * and a log-in never waits; both are charged, and the next batch waits for them. Streams with a
 * priority go first: while one waits for its turn, the others have none.
 *
 * Large bodies, up or down, go one at a time and at three quarters of the rate, charged as they
 * flow: the others find their way beside them. (A transfer whose sender alone slowed down would
 * bound itself, and nothing for two; the charge alone would let each burst go at the line's speed.
 * So there are both.) No lock; cloud thread.
 */
#ifndef SFE_SALESFORCE_METER_H
#define SFE_SALESFORCE_METER_H

#include "salesforce/org.h"

struct meter {
    uint32_t calls_per_minute; /* 0: any number. */
    uint32_t bytes_per_second; /* 0: any number. */
    uint64_t call_ns;          /* No further call before. */
    uint64_t paid_ns;          /* When all bytes are paid. */
    uint64_t priority_ns;      /* Until then the others give way to who waits with a priority. */
};

void meter_open(struct meter *meter, uint32_t calls_per_minute, uint32_t bytes_per_second);

/* True when a batch may be begun; otherwise *until_ns says when to ask again. */
bool meter_allows(struct meter *meter, enum sfe_org_need need, uint64_t now_ns, uint64_t *until_ns);

/* A call was begun; so many bytes were or will be on the wire. */
void meter_count_call(struct meter *meter, uint64_t now_ns);
void meter_count_bytes(struct meter *meter, uint64_t bytes, uint64_t now_ns);

/* What one exchange may do at most in each direction; 0: anything. */
uint32_t meter_bytes_per_second(const struct meter *meter, bool is_large);

/* How long so many bytes take at most, milliseconds. */
uint64_t meter_duration_ms(const struct meter *meter, uint64_t bytes);

#endif
