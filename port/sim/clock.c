#include "sim/world.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS    (86400 * SECOND_NS)
/* Where the truth begins; years are added by boots, so that it never goes back. */
#define TRUTH_NS (INT64_C(1764000000) * SECOND_NS)

static uint64_t monotonic_ns(void *context)
{
    return ((const struct sim_world *)context)->now_ns;
}

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    const struct sim_world *world = context;

    *unix_ns = world->wall_ns;
    return world->quality;
}

static void boot_id(void *context, uint8_t id[16])
{
    const struct sim_world *world = context;

    memset(id, 0, 16);
    memcpy(id, &world->boots, sizeof(world->boots));
}

void sim_world_set_clock(struct sim_world *world)
{
    world->wall_ns = TRUTH_NS + (int64_t)world->boots * DAY_NS + (int64_t)world->now_ns;
    world->quality = SFE_CLOCK_SYNCED;
    if (sim_random_chance(&world->random, 100)) {
        world->wall_ns += (int64_t)sim_random_below(&world->random, 3650) * DAY_NS;
        world->quality = SFE_CLOCK_COASTING;
    }
}

void sim_clock(struct sim_world *world, struct sfe_clock *clock)
{
    *clock = (struct sfe_clock){world, monotonic_ns, wall_ns, boot_id};
}
