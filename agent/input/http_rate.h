/* How often each sender may ask: a bucket of tokens for each address, the oldest forgotten first.
 * Fixed in size. Unshared. */
#ifndef SFE_INPUT_HTTP_RATE_H
#define SFE_INPUT_HTTP_RATE_H

#include "base/bytes.h"

#define HTTP_RATE_ADDRESSES 64u

struct http_bucket {
    uint8_t address[16];
    uint64_t seen_ns;  /* 0: unused. */
    uint64_t saved_ns; /* Time that was not spent yet, at most a second's. */
};

struct http_rate {
    uint32_t per_second; /* 0: as often as they like. */
    struct http_bucket buckets[HTTP_RATE_ADDRESSES];
};

/* Takes one request of `address` into account. False: it comes too soon. */
bool http_rate_take(struct http_rate *rate, const uint8_t address[16], uint64_t now_ns);

#endif
