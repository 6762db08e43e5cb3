#include "input/http_rate.h"

#define SECOND_NS UINT64_C(1000000000)

/* The bucket of the address, or the one that is forgotten for it. */
static struct http_bucket *find(struct http_rate *rate, const uint8_t address[16])
{
    struct http_bucket *oldest = &rate->buckets[0];

    for (size_t i = 0; i < HTTP_RATE_ADDRESSES; i++) {
        struct http_bucket *bucket = &rate->buckets[i];
        if (bucket->seen_ns != 0 && memcmp(bucket->address, address, 16) == 0) {
            return bucket;
        }
        if (bucket->seen_ns < oldest->seen_ns) {
            oldest = bucket;
        }
    }
    memcpy(oldest->address, address, 16);
    oldest->seen_ns = 0;
    return oldest;
}

bool http_rate_take(struct http_rate *rate, const uint8_t address[16], uint64_t now_ns)
{
    struct http_bucket *bucket;
    uint64_t price_ns;
    uint64_t passed_ns;

    if (rate->per_second == 0) {
        return true;
    }
    bucket = find(rate, address);
    price_ns = SECOND_NS / rate->per_second;
    passed_ns = now_ns > bucket->seen_ns ? now_ns - bucket->seen_ns : 0;
    if (bucket->seen_ns == 0 || passed_ns >= SECOND_NS) {
        bucket->saved_ns = SECOND_NS;
    } else {
        bucket->saved_ns += passed_ns;
        bucket->saved_ns = bucket->saved_ns > SECOND_NS ? SECOND_NS : bucket->saved_ns;
    }
    bucket->seen_ns = now_ns == 0 ? 1u : now_ns;
    if (bucket->saved_ns < price_ns) {
        return false;
    }
    bucket->saved_ns -= price_ns;
    return true;
}
