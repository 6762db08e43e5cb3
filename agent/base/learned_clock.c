#include "base/learned_clock.h"

#include "base/assert.h"

#define SECOND_NS INT64_C(1000000000)
/* What was learned is off by the way of an answer and by up to a second; it is not corrected for
 * less, so that time runs evenly. */
#define NEWS_NS (5 * SECOND_NS)
/* 2000 to 2200: beyond, it is no time of day that anybody can mean. */
#define UNIX_S_MIN INT64_C(946684800)
#define UNIX_S_MAX INT64_C(7258118400)

static uint64_t monotonic_ns(void *context)
{
    const struct sfe_learned_clock *learned = context;

    return sfe_clock_monotonic_ns(&learned->inner);
}

/* What the platform's clock says, the floor considered. */
static enum sfe_clock_quality own_ns(struct sfe_learned_clock *learned, int64_t *unix_ns)
{
    const enum sfe_clock_quality quality = learned->inner.wall_ns(learned->inner.context, unix_ns);
    const bool is_past = *unix_ns < atomic_load(&learned->floor_ns);

    return quality == SFE_CLOCK_COASTING && is_past ? SFE_CLOCK_UNSET : quality;
}

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    struct sfe_learned_clock *learned = context;
    const enum sfe_clock_quality quality = own_ns(learned, unix_ns);

    if (quality != SFE_CLOCK_UNSET || !atomic_load(&learned->knows)) {
        return quality;
    }
    *unix_ns = (int64_t)sfe_clock_monotonic_ns(&learned->inner) +
               atomic_load(&learned->wall_minus_monotonic_ns);
    return SFE_CLOCK_COASTING;
}

static void boot_id(void *context, uint8_t id[16])
{
    const struct sfe_learned_clock *learned = context;

    learned->inner.boot_id(learned->inner.context, id);
}

void sfe_learned_clock_put(struct sfe_learned_clock *learned, struct sfe_clock *clock)
{
    SFE_ASSERT(clock->context != learned);
    learned->inner = *clock;
    atomic_init(&learned->wall_minus_monotonic_ns, 0);
    atomic_init(&learned->knows, false);
    atomic_init(&learned->floor_ns, 0);
    *clock = (struct sfe_clock){learned, monotonic_ns, wall_ns, boot_id};
}

void sfe_learned_clock_set_floor(struct sfe_learned_clock *learned, int64_t unix_ns)
{
    atomic_store(&learned->floor_ns, unix_ns);
}

bool sfe_learned_clock_is_sure(struct sfe_learned_clock *learned, int64_t *unix_ns)
{
    const enum sfe_clock_quality own = own_ns(learned, unix_ns);

    if (own == SFE_CLOCK_UNSET) {
        return wall_ns(learned, unix_ns) != SFE_CLOCK_UNSET;
    }
    return own == SFE_CLOCK_SYNCED;
}

bool sfe_learned_clock_learn(struct sfe_learned_clock *learned, int64_t unix_s)
{
    if (unix_s < UNIX_S_MIN || unix_s > UNIX_S_MAX) {
        return false;
    }
    int64_t offset_ns = unix_s * SECOND_NS - (int64_t)sfe_clock_monotonic_ns(&learned->inner);
    int64_t change_ns = offset_ns - atomic_load(&learned->wall_minus_monotonic_ns);

    if (atomic_load(&learned->knows) && change_ns < NEWS_NS && change_ns > -NEWS_NS) {
        return false;
    }
    atomic_store(&learned->wall_minus_monotonic_ns, offset_ns);
    atomic_store(&learned->knows, true);
    return true;
}
