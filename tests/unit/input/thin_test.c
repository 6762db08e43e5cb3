#include "unit/input/input_world.h"

#include "flow/map.h"
#include "input/thin.h"

#define LIMIT 1000u

static struct sfe_thin *open_thin(struct input_world *world, const char *key_text)
{
    struct sfe_template *key = NULL;
    struct sfe_thin *thin = NULL;
    struct sfe_error err;

    assert_int_equal(sfe_template_compile(key_text, "x", world->arena, &key, &err), SFE_OK);
    const struct sfe_thin_options options = {&world->readings, key, 75, 10, NULL};
    assert_int_equal(sfe_thin_open(&options, world->arena, &thin, &err), SFE_OK);
    return thin;
}

static bool take(struct sfe_thin *thin, const char *topic)
{
    const struct sfe_event event = {.topic = sfe_slice_text(topic), .source = SFE_TEXT("plant")};
    struct sfe_thin_choice choice;

    sfe_thin_choose(thin, &event, &choice);
    sfe_thin_note(thin, &choice);
    return choice.is_kept;
}

static uint64_t thinned(const struct sfe_thin *thin)
{
    struct sfe_thin_facts facts;

    sfe_thin_facts(thin, &facts);
    return facts.thinned;
}

static void below_its_share_all_is_kept(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic}");

    world->readings.fill_permille = 749;
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(take(thin, "plant/1"));
    }
    assert_int_equal(thinned(thin), 0);
}

static void from_there_on_each_key_keeps_every_tenth(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic}");
    uint32_t kept[2] = {0, 0};

    world->readings.fill_permille = 750;
    for (uint32_t i = 0; i < 100; i++) {
        const bool is_kept = take(thin, "plant/1");
        assert_int_equal(is_kept, i % 10 == 0);
        kept[0] += is_kept;
        if (i % 2 == 0) {
            kept[1] += take(thin, "plant/2");
        }
    }
    assert_int_equal(kept[0], 10);
    assert_int_equal(kept[1], 5);
    assert_int_equal(thinned(thin), 150 - 15);
}

static void the_key_is_what_the_operator_says(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic.0}");

    world->readings.fill_permille = 1000;
    assert_true(take(thin, "plant/1"));
    assert_false(take(thin, "plant/2"));
    assert_true(take(thin, "other/2"));
}

static void another_rule_takes_effect_with_the_next_event(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic}");
    struct sfe_template *key = NULL;
    struct sfe_error err;
    uint32_t kept = 0;

    world->readings.fill_permille = 800;
    assert_true(take(thin, "plant/1"));
    assert_false(take(thin, "plant/1"));
    assert_int_equal(sfe_template_compile("{topic.0}", "x", world->arena, &key, &err), SFE_OK);
    sfe_thin_set_rule(thin, key, 80, 2);
    for (uint32_t i = 0; i < 100; i++) {
        kept += take(thin, i % 2 == 0 ? "plant/1" : "plant/2");
    }
    assert_int_equal(kept, 50);
    assert_int_equal(thinned(thin), 51);
    sfe_thin_set_rule(thin, key, 90, 2);
    assert_true(take(thin, "plant/1") && take(thin, "plant/1"));
}

static void it_ends_a_little_below_where_it_began(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic}");

    world->readings.fill_permille = 800;
    assert_true(take(thin, "plant/1"));
    world->readings.fill_permille = 700;
    assert_false(take(thin, "plant/1"));
    world->readings.fill_permille = 699;
    assert_true(take(thin, "plant/1"));
    assert_true(take(thin, "plant/1"));
    assert_int_equal(thinned(thin), 1);
}

/* More keys than places: whatever meets whatever, no key loses more than it would alone. */
static void a_collision_keeps_more_and_never_less(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic}");
    char topic[32];
    uint32_t kept_in_all = 0;

    world->readings.fill_permille = 1000;
    for (uint32_t key = 0; key < 3000; key++) {
        uint32_t kept = 0;
        (void)snprintf(topic, sizeof(topic), "plant/%u", (unsigned)key);
        for (uint32_t i = 0; i < 20; i++) {
            kept += take(thin, topic);
        }
        assert_int_equal(kept, 2);
    }
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t key = 0; key < 3000; key++) {
            (void)snprintf(topic, sizeof(topic), "plant/%u", (unsigned)key);
            kept_in_all += take(thin, topic);
        }
    }
    assert_true(kept_in_all >= 3000 * 2);
}

static void a_thinned_message_is_acknowledged_at_once_and_not_kept(void **state)
{
    struct input_world *world = *state;
    struct sfe_thin *thin = open_thin(world, "{topic}");
    struct sfe_intake *intake;
    struct sfe_receipt receipts[2];
    struct sfe_error err;
    uint32_t count = 0;
    const struct sfe_intake_route route = {
        "plant", "plant/#", &world->readings, false, false, {NULL, 0, false}, thin, NULL, false};
    const struct sfe_intake_options options = {&route,        1,   &world->dead, LIMIT,
                                               &world->clock, "x", NULL,         NULL};

    assert_int_equal(sfe_intake_open(&options, world->arena, &intake, &err), SFE_OK);
    world->readings.fill_permille = 900;
    for (uint32_t i = 0; i < 20; i++) {
        struct sfe_message message = {
            .topic = SFE_TEXT("plant/1"), .payload = SFE_TEXT("12"), .payload_bytes = 2};
        /* A full stream: asked again, the answer is the same, and nothing is counted twice. */
        world->readings.room = i == 10 ? 0 : 1;
        enum sfe_code code = sfe_intake_accept(intake, &message, receipts, 2, &count, &err);
        if (i == 10) {
            assert_int_equal(code, SFE_E_FULL);
            world->readings.room = 1;
            code = sfe_intake_accept(intake, &message, receipts, 2, &count, &err);
        }
        assert_int_equal(code, SFE_OK);
        assert_int_equal(count, 1);
        assert_ptr_equal(receipts[0].stream, &world->readings);
        assert_int_equal(receipts[0].sequence, i % 10 != 0 ? 0 : i / 10 + 1);
    }
    assert_int_equal(world->readings.staged, 2);
    assert_int_equal(thinned(thin), 18);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(below_its_share_all_is_kept),
        WORLD_TEST(from_there_on_each_key_keeps_every_tenth),
        WORLD_TEST(the_key_is_what_the_operator_says),
        WORLD_TEST(another_rule_takes_effect_with_the_next_event),
        WORLD_TEST(it_ends_a_little_below_where_it_began),
        WORLD_TEST(a_collision_keeps_more_and_never_less),
        WORLD_TEST(a_thinned_message_is_acknowledged_at_once_and_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
