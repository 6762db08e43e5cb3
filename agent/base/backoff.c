#include "base/backoff.h"

/* base * 2^(attempt - 1), at most `cap_ns`. */
static uint64_t limit_of(uint32_t attempt, uint64_t base_ns, uint64_t cap_ns)
{
    uint32_t doublings = attempt == 0 ? 0 : attempt - 1;

    if (doublings > 63 || base_ns > cap_ns >> doublings) {
        return cap_ns;
    }
    return base_ns << doublings;
}

uint64_t sfe_backoff_ns(uint32_t attempt, uint64_t base_ns, uint64_t cap_ns, uint64_t random)
{
    uint64_t limit = limit_of(attempt, base_ns, cap_ns);
    uint64_t floor = base_ns / 8 < limit ? base_ns / 8 : limit;
    /* The remainder's bias is limit / 2^64: nothing for delays. */
    uint64_t delay = limit == UINT64_MAX ? random : random % (limit + 1);

    return delay < floor ? floor : delay;
}
