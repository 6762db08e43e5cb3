#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/target_pair.h"

struct half {
    const struct sfe_target_host *host;
    bool is_ready;
    uint64_t until_ns;
    uint32_t asked;
    uint32_t offered;
    uint32_t sent;
    uint32_t abandoned;
    enum sfe_large_use use;
};

static void bind(void *context, const struct sfe_target_host *host)
{
    ((struct half *)context)->host = host;
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct half *half = context;

    (void)now_ns;
    half->asked++;
    *until_ns = half->until_ns;
    return half->is_ready;
}

static enum sfe_code offer(void *context, uint32_t slot, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    (void)event;
    (void)time_ns;
    (void)lane;
    (void)order_key;
    (void)err;
    ((struct half *)context)->offered = slot + 1;
    return SFE_E_AGAIN;
}

static enum sfe_code send(void *context, uint32_t slot, struct sfe_error *err)
{
    (void)err;
    ((struct half *)context)->sent = slot + 1;
    return SFE_OK;
}

static void abandon(void *context, uint32_t slot)
{
    ((struct half *)context)->abandoned = slot + 1;
}

static enum sfe_large_use use(const void *context)
{
    return ((const struct half *)context)->use;
}

struct world {
    struct half small;
    struct half large;
    struct sfe_target_pair pair;
    struct sfe_target target;
};

static int setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));

    world->pair.small =
        (struct sfe_target){&world->small, bind, is_ready, offer, send, abandon, NULL};
    world->pair.large =
        (struct sfe_target){&world->large, bind, is_ready, offer, send, abandon, NULL};
    world->pair.large_slot = 4;
    world->pair.large_use = use;
    sfe_target_pair_make(&world->pair, &world->target);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    test_free(*state);
    return 0;
}

static void the_large_slot_is_the_ones_and_all_others_are_the_others(void **state)
{
    struct world *world = *state;
    const struct sfe_target *target = &world->target;
    struct sfe_event event;
    struct sfe_error err;
    uint64_t key = 0;

    assert_int_equal(target->offer(target->context, 3, &event, 0, NULL, &key, &err), SFE_E_AGAIN);
    assert_int_equal(target->send(target->context, 3, &err), SFE_OK);
    target->abandon(target->context, 3);
    assert_int_equal(world->small.offered + world->small.sent + world->small.abandoned, 12);
    assert_int_equal(world->large.offered + world->large.sent + world->large.abandoned, 0);
    assert_int_equal(target->offer(target->context, 4, &event, 0, NULL, &key, &err), SFE_E_AGAIN);
    assert_int_equal(target->send(target->context, 4, &err), SFE_OK);
    target->abandon(target->context, 4);
    assert_int_equal(world->large.offered + world->large.sent + world->large.abandoned, 15);
}

static void both_are_asked_and_both_must_be_ready(void **state)
{
    struct world *world = *state;
    const struct sfe_target *target = &world->target;
    const struct sfe_target_host host = {.context = NULL};
    uint64_t until_ns = 0;

    target->bind(target->context, &host);
    assert_ptr_equal(world->small.host, &host);
    assert_ptr_equal(world->large.host, &host);
    world->small.until_ns = 9;
    world->large.until_ns = 7;
    assert_false(target->is_ready(target->context, 1, &until_ns));
    assert_int_equal(until_ns, 7);
    world->small.is_ready = true;
    assert_false(target->is_ready(target->context, 1, &until_ns));
    world->small.until_ns = 5;
    world->large.is_ready = true;
    assert_true(target->is_ready(target->context, 1, &until_ns));
    assert_int_equal(until_ns, 5);
    assert_int_equal(world->small.asked, 3);
    assert_int_equal(world->large.asked, 3);
}

static void the_use_is_what_the_large_one_says(void **state)
{
    struct world *world = *state;

    world->large.use = SFE_LARGE_RESUMES;
    assert_int_equal(sfe_target_pair_use(world->target.context), SFE_LARGE_RESUMES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_large_slot_is_the_ones_and_all_others_are_the_others),
        TEST(both_are_asked_and_both_must_be_ready),
        TEST(the_use_is_what_the_large_one_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
