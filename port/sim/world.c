#include "sim/world.h"

#include "base/assert.h"

#define START_NS      UINT64_C(1000000000)
#define TURNS_MAX     16u
#define STEP_NS_MAX   2000000u
#define LEAP_NS_MAX   UINT64_C(600000000000)
#define LEAP_PERMILLE 200u

struct sim_random sim_random_make(uint64_t seed, uint64_t stream)
{
    struct sim_random random = {seed * UINT64_C(0x9e3779b97f4a7c15) +
                                stream * UINT64_C(0xd1b54a32d192ed03) + 1u};

    (void)sim_random_next(&random);
    return random;
}

uint64_t sim_random_next(struct sim_random *random)
{
    /* splitmix64: any state is a good one. */
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bits = random->state;
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

uint32_t sim_random_below(struct sim_random *random, uint32_t limit)
{
    SFE_ASSERT(limit > 0);
    return (uint32_t)((sim_random_next(random) >> 32) % limit);
}

bool sim_random_chance(struct sim_random *random, uint32_t permille)
{
    return sim_random_below(random, 1000) < permille;
}

void sim_random_fill(struct sim_random *random, void *bytes, size_t size)
{
    uint8_t *place = bytes;

    for (size_t done = 0; done < size; done += sizeof(uint64_t)) {
        const uint64_t bits = sim_random_next(random);
        const size_t left = size - done;
        memcpy(place + done, &bits, left < sizeof(bits) ? left : sizeof(bits));
    }
}

void sim_world_begin(struct sim_world *world, uint64_t seed)
{
    *world = (struct sim_world){
        .seed = seed,
        .random = sim_random_make(seed, 1),
        .entropy = sim_random_make(seed, 2),
    };
    sim_world_boot(world);
}

void sim_world_pass(struct sim_world *world, uint64_t duration_ns)
{
    world->now_ns += duration_ns;
    world->wall_ns += (int64_t)duration_ns;
}

static uint64_t earliest(const struct sim_turn *turns, uint32_t count)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < count; i++) {
        due_ns = turns[i].due_ns < due_ns ? turns[i].due_ns : due_ns;
    }
    return due_ns;
}

void sim_world_turn(struct sim_world *world, struct sim_turn *turns, uint32_t count)
{
    uint32_t order[TURNS_MAX] = {0};

    SFE_ASSERT(count <= TURNS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = sim_random_below(&world->random, i + 1);
        order[i] = order[place];
        order[place] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct sim_turn *turn = &turns[order[i]];
        if (sim_random_chance(&world->random, 700)) {
            turn->due_ns = turn->run(turn->owner, world->now_ns);
        }
    }
    const uint64_t due_ns = earliest(turns, count);
    if (due_ns > world->now_ns && due_ns - world->now_ns < LEAP_NS_MAX &&
        sim_random_chance(&world->random, LEAP_PERMILLE)) {
        sim_world_pass(world, due_ns - world->now_ns);
    } else {
        sim_world_pass(world, sim_random_below(&world->random, STEP_NS_MAX));
    }
}

void sim_world_boot(struct sim_world *world)
{
    world->boots++;
    world->now_ns = START_NS + sim_random_below(&world->random, UINT32_MAX);
    world->wall_ns = (int64_t)world->now_ns; /* 1970. */
    world->quality = SFE_CLOCK_UNSET;
}
