#include "status/rate.h"

#include "base/assert.h"

void sfe_rate_sample(struct sfe_rate *rate, uint64_t count, uint64_t now_ns)
{
    if (rate->used != 0 && now_ns - rate->sampled_ns < SFE_RATE_STEP_NS) {
        return;
    }
    rate->counts[rate->next] = count;
    rate->next = (rate->next + 1u) % SFE_RATE_SAMPLES;
    if (rate->used < SFE_RATE_SAMPLES) {
        rate->used++;
    }
    rate->sampled_ns = now_ns;
    SFE_ASSERT(rate->next < SFE_RATE_SAMPLES);
}

uint64_t sfe_rate_per_minute(const struct sfe_rate *rate, uint64_t count)
{
    uint32_t oldest;

    if (rate->used == 0) {
        return 0;
    }
    oldest = (rate->next + SFE_RATE_SAMPLES - rate->used) % SFE_RATE_SAMPLES;
    SFE_ASSERT(oldest < SFE_RATE_SAMPLES);
    return count >= rate->counts[oldest] ? count - rate->counts[oldest] : 0;
}
