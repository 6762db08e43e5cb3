/* What the status of an HTTP answer means for the events of its request. Pure; any thread. */
#ifndef SFE_OUTPUT_HTTP_VERDICT_H
#define SFE_OUTPUT_HTTP_VERDICT_H

#include "base/bytes.h"

#include <stdint.h>

enum sfe_http_fate {
    SFE_HTTP_DONE,
    SFE_HTTP_EVENT_AGAIN,  /* The event comes again; others go on meanwhile. */
    SFE_HTTP_TARGET_AGAIN, /* The server is away or busy: all wait, then one probe. */
    SFE_HTTP_STOP,         /* A human must act; one probe now and then. */
    SFE_HTTP_DEAD
};

#define SFE_HTTP_STATUS_MIN 100u
#define SFE_HTTP_STATUS_MAX 599u

/* One fate for each status, SFE_HTTP_STATUS_MIN first. */
struct sfe_http_settle {
    uint8_t fates[SFE_HTTP_STATUS_MAX - SFE_HTTP_STATUS_MIN + 1u];
};

/* The usual meaning (RFC 9110, RFC 6585): 2xx done; 408, 425, 429, 5xx and what is no final status
 * again; 401, 403, 407, 3xx stop: no redirect is followed, as it could lead anywhere; other 4xx
 * dead. */
void sfe_http_settle_make(struct sfe_http_settle *settle);

/* Overrides one status ("409") or a hundred ("4xx"). Single ones must be set after the hundreds.
 * False: it is no status. */
bool sfe_http_settle_set(struct sfe_http_settle *settle, struct sfe_slice status,
                         enum sfe_http_fate fate);

/* Of any number: what lies outside is TARGET_AGAIN. */
enum sfe_http_fate sfe_http_settle_find(const struct sfe_http_settle *settle, uint16_t status);

#endif
