#include "sim/world.h"

static enum sfe_code fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    struct sim_world *world = context;

    if (world->has_no_entropy) {
        return sfe_fail(err, SFE_E_NOT_READY, "too early for random bytes");
    }
    sim_random_fill(&world->entropy, bytes, size);
    return SFE_OK;
}

void sim_entropy(struct sim_world *world, struct sfe_entropy *entropy)
{
    *entropy = (struct sfe_entropy){world, fill};
}
