#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "event/watch.h"
#include "port/thread.h"

#include <string.h>

#define KEPT 8u

struct world {
    struct sfe_arena *arena;
    struct sfe_watch *watch;
    struct sfe_clock clock;
    atomic_uint wakes;
    int64_t wall_ns;
    enum sfe_clock_quality quality;
};

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    const struct world *world = context;

    *unix_ns = world->wall_ns;
    return world->quality;
}

static void wake(void *context)
{
    struct world *world = context;

    atomic_fetch_add(&world->wakes, 1u);
}

static bool matches(struct sfe_slice filter, struct sfe_slice topic)
{
    return sfe_slice_equal(filter, topic);
}

static void open_world(struct world *world, uint32_t kept)
{
    struct sfe_error err;

    memset(world, 0, sizeof(*world));
    world->clock = (struct sfe_clock){.context = world, .wall_ns = wall_ns};
    world->wall_ns = 1795478400123000000;
    world->quality = SFE_CLOCK_SYNCED;
    const struct sfe_watch_options options = {kept, &world->clock, matches, wake, world};
    assert_int_equal(sfe_arena_open(sfe_watch_memory_bytes(kept), &world->arena, &err), SFE_OK);
    assert_int_equal(sfe_watch_open(&options, world->arena, &world->watch, &err), SFE_OK);
    /* To the padding behind the last piece. */
    assert_true(sfe_watch_memory_bytes(kept) - sfe_arena_taken(world->arena) < 16u);
}

static void close_world(struct world *world)
{
    sfe_watch_close(world->watch);
    sfe_arena_close(world->arena);
}

static void tell(struct world *world, enum sfe_watch_stage stage, uint64_t sequence,
                 const char *payload)
{
    const struct sfe_event event = {.source = SFE_TEXT("tills"),
                                    .topic = SFE_TEXT("pos/1/sale"),
                                    .payload = sfe_slice_text(payload)};
    const struct sfe_watch_note note = {.stage = stage,
                                        .outcome = SFE_WATCH_DONE,
                                        .stream = "sales",
                                        .output = "crm",
                                        .event = &event,
                                        .sequence = sequence,
                                        .id_hash = 1000u + sequence,
                                        .record_id = "a005g0000000001AAA"};

    sfe_watch_tell(world->watch, &note);
}

static void nothing_is_wanted_until_somebody_follows(void **state)
{
    struct world world;
    const struct sfe_watch_filter filter = {.stages = 1u << SFE_WATCH_ACCEPTED};

    (void)state;
    open_world(&world, 0);
    assert_false(sfe_watch_wants(NULL, SFE_WATCH_ANSWERED));
    for (unsigned stage = 0; stage < SFE_WATCH_STAGES; stage++) {
        assert_false(sfe_watch_wants(world.watch, (enum sfe_watch_stage)stage));
    }
    sfe_watch_follow(world.watch, &filter);
    assert_true(sfe_watch_is_followed(world.watch, SFE_WATCH_ACCEPTED));
    assert_false(sfe_watch_is_followed(world.watch, SFE_WATCH_DURABLE));
    sfe_watch_unfollow(world.watch);
    assert_false(sfe_watch_wants(world.watch, SFE_WATCH_ACCEPTED));
    close_world(&world);
}

static void a_follower_gets_what_it_asked_for_and_wakes_once(void **state)
{
    struct world world;
    struct sfe_watch_filter filter = {.stages = 1u << SFE_WATCH_BATCHED, .output = "crm"};
    struct sfe_watch_entry entry;
    uint8_t text[SFE_WATCH_TEXT_BYTES];

    (void)state;
    open_world(&world, 0);
    sfe_watch_follow(world.watch, &filter);
    tell(&world, SFE_WATCH_ACCEPTED, 1, "{}");
    tell(&world, SFE_WATCH_BATCHED, 2, "secret");
    tell(&world, SFE_WATCH_BATCHED, 3, "secret");
    assert_int_equal(atomic_load(&world.wakes), 1);
    assert_true(sfe_watch_take(world.watch, &entry, text));
    assert_int_equal(entry.sequence, 2);
    assert_int_equal(entry.payload_bytes, 6);
    assert_int_equal(entry.shown_bytes, 0); /* Payloads only when they are asked for. */
    assert_int_equal(entry.time_ns, 1795478400123000000);
    assert_string_equal(entry.stream, "sales");
    assert_string_equal(entry.input, "tills");
    assert_memory_equal(text, "pos/1/sale", 10);
    assert_true(sfe_watch_take(world.watch, &entry, text));
    assert_false(sfe_watch_take(world.watch, &entry, text));
    memcpy(filter.output, "other", 6);
    sfe_watch_follow(world.watch, &filter);
    tell(&world, SFE_WATCH_BATCHED, 4, "");
    assert_false(sfe_watch_take(world.watch, &entry, text));
    filter.output[0] = '\0';
    memcpy(filter.topic, "pos/2/sale", 11);
    sfe_watch_follow(world.watch, &filter);
    tell(&world, SFE_WATCH_BATCHED, 5, "");
    assert_false(sfe_watch_take(world.watch, &entry, text));
    close_world(&world);
}

static void payloads_are_shown_when_asked_for_and_cut(void **state)
{
    struct world world;
    const struct sfe_watch_filter filter = {.stages = 1u << SFE_WATCH_DURABLE,
                                            .shows_payload = true};
    struct sfe_watch_entry entry;
    uint8_t text[SFE_WATCH_TEXT_BYTES];
    static char large[SFE_WATCH_PAYLOAD_BYTES + 10u];

    (void)state;
    open_world(&world, 0);
    memset(large, 'x', sizeof(large) - 1u);
    sfe_watch_follow(world.watch, &filter);
    tell(&world, SFE_WATCH_DURABLE, 1, large);
    assert_true(sfe_watch_take(world.watch, &entry, text));
    assert_int_equal(entry.shown_bytes, SFE_WATCH_PAYLOAD_BYTES);
    assert_int_equal(entry.payload_bytes, sizeof(large) - 1u);
    assert_int_equal(text[entry.topic_bytes + SFE_WATCH_PAYLOAD_BYTES - 1u], 'x');
    close_world(&world);
}

/* Rounds of telling and taking in every proportion: nothing is lost that is not counted. */
static void what_a_slow_follower_misses_is_counted(void **state)
{
    struct world world;
    const struct sfe_watch_filter filter = {.stages = 1u << SFE_WATCH_DURABLE,
                                            .shows_payload = true};
    struct sfe_watch_entry entry = {.stage = 0};
    uint8_t text[SFE_WATCH_TEXT_BYTES];
    static char payload[3000];
    uint64_t told = 0;
    uint64_t accounted = 0;
    uint64_t missed = 0;

    (void)state;
    open_world(&world, 0);
    sfe_watch_follow(world.watch, &filter);
    for (uint32_t round = 0; round < 400; round++) {
        for (uint32_t i = 0; i < (round * 7u) % 61u; i++) {
            const size_t size = (size_t)(told * 911u) % (sizeof(payload) - 1u);
            memset(payload, 'p', size);
            payload[size] = '\0';
            tell(&world, SFE_WATCH_DURABLE, ++told, payload);
        }
        const bool takes_all = round == 399;
        for (uint32_t i = 0; takes_all || i < (round * 5u) % 53u; i++) {
            if (!sfe_watch_take(world.watch, &entry, text)) {
                break;
            }
            accounted += entry.missed;
            missed += entry.missed;
            if (entry.stage != SFE_WATCH_STAGES) {
                accounted++;
                assert_int_equal(entry.sequence, accounted); /* In order, gaps said. */
                assert_int_equal(entry.shown_bytes, ((entry.sequence - 1u) * 911u) % 2999u);
                assert_memory_equal(text, "pos/1/sale", 10);
            }
        }
    }
    assert_int_equal(accounted, told);
    assert_true(missed > 0);
    close_world(&world);
}

static void the_last_answers_are_kept_and_found_by_sequence_and_id(void **state)
{
    struct world world;
    struct sfe_watch_entry found[4];
    struct sfe_watch_facts facts;
    struct sfe_watch_query query = {"sales", 3, 0};

    (void)state;
    open_world(&world, KEPT);
    assert_true(sfe_watch_wants(world.watch, SFE_WATCH_ANSWERED));
    assert_false(sfe_watch_wants(world.watch, SFE_WATCH_BATCHED));
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 4), 0);
    for (uint64_t sequence = 1; sequence <= 6; sequence++) {
        tell(&world, SFE_WATCH_ANSWERED, sequence, "");
    }
    tell(&world, SFE_WATCH_ACCEPTED, 3, "");
    tell(&world, SFE_WATCH_DEAD, 3, "");
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 4), 2);
    assert_int_equal(found[0].stage, SFE_WATCH_ANSWERED);
    assert_int_equal(found[1].stage, SFE_WATCH_DEAD);
    assert_string_equal(found[0].record_id, "a005g0000000001AAA");
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 1), 1);
    assert_int_equal(found[0].stage, SFE_WATCH_DEAD); /* The newest, where not all fit. */
    query = (struct sfe_watch_query){NULL, 0, 1005};
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 4), 1);
    assert_int_equal(found[0].sequence, 5);
    for (uint64_t sequence = 7; sequence <= 12; sequence++) {
        tell(&world, SFE_WATCH_ANSWERED, sequence, "");
    }
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 4), 0); /* Forgotten. */
    sfe_watch_facts(world.watch, &facts);
    assert_int_equal(facts.capacity, KEPT);
    assert_int_equal(facts.told, 13);
    query = (struct sfe_watch_query){"other", 12, 0};
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 4), 0);
    close_world(&world);
}

static void without_a_clock_no_time_is_said(void **state)
{
    struct world world;
    struct sfe_watch_entry found[1];
    const struct sfe_watch_query query = {"sales", 1, 0};

    (void)state;
    open_world(&world, KEPT);
    world.quality = SFE_CLOCK_UNSET;
    tell(&world, SFE_WATCH_ANSWERED, 1, "");
    assert_int_equal(sfe_watch_find(world.watch, &query, found, 1), 1);
    assert_int_equal(found[0].time_ns, 0);
    close_world(&world);
}

static void tell_many(void *argument)
{
    for (uint64_t sequence = 1; sequence <= 3000; sequence++) {
        tell(argument, SFE_WATCH_ANSWERED, sequence, "some payload");
    }
}

static void threads_tell_while_one_follows_and_looks_up(void **state)
{
    struct world world;
    struct sfe_thread *threads[2];
    const struct sfe_watch_filter filter = {.stages = 1u << SFE_WATCH_ANSWERED};
    const struct sfe_watch_query query = {"sales", 3000, 0};
    struct sfe_watch_entry entry;
    struct sfe_watch_entry found[2];
    struct sfe_error err;
    uint8_t text[SFE_WATCH_TEXT_BYTES];
    uint64_t accounted = 0;

    (void)state;
    open_world(&world, KEPT);
    sfe_watch_follow(world.watch, &filter);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sfe_thread_start("tell", 65536, tell_many, &world, &threads[i], &err),
                         SFE_OK);
    }
    while (accounted < 6000) {
        if (sfe_watch_take(world.watch, &entry, text)) {
            accounted += entry.missed + (entry.stage != SFE_WATCH_STAGES ? 1u : 0u);
        }
        (void)sfe_watch_find(world.watch, &query, found, 2);
    }
    sfe_thread_join(threads[0]);
    sfe_thread_join(threads[1]);
    assert_int_equal(accounted, 6000);
    assert_false(sfe_watch_take(world.watch, &entry, text));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wanted_until_somebody_follows),
        cmocka_unit_test(a_follower_gets_what_it_asked_for_and_wakes_once),
        cmocka_unit_test(payloads_are_shown_when_asked_for_and_cut),
        cmocka_unit_test(what_a_slow_follower_misses_is_counted),
        cmocka_unit_test(the_last_answers_are_kept_and_found_by_sequence_and_id),
        cmocka_unit_test(without_a_clock_no_time_is_said),
        cmocka_unit_test(threads_tell_while_one_follows_and_looks_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
