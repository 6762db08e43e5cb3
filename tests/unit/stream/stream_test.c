#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

static int begin(void **state)
{
    struct world *world = world_open(5);
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static enum sfe_code restart_with(struct world *world, const struct sfe_stream_options *options)
{
    world_stop(world);
    const struct sfe_stream_options before = world->options;
    world->options = *options;
    enum sfe_code code = world_start(world);
    world->options = before;
    return code;
}

static void options_that_cannot_be_are_refused(void **state)
{
    struct world *world = *state;
    struct sfe_stream_options options = world->options;
    options.name = "Sales";
    assert_int_equal(restart_with(world, &options), SFE_E_CONFIG);
    options.name = "";
    assert_int_equal(restart_with(world, &options), SFE_E_CONFIG);
    options.name = "a23456789012345678901234567890123";
    assert_int_equal(restart_with(world, &options), SFE_E_CONFIG);
    options.name = "a2345678901234567890123456789012";
    assert_int_equal(restart_with(world, &options), SFE_OK);
    options = world->options;
    options.segment_bytes = 96u * 1024u;
    assert_int_equal(restart_with(world, &options), SFE_E_CONFIG);
    options.segment_bytes = 64u * 1024u;
    options.event_bytes_max = 64u * 1024u;
    assert_int_equal(restart_with(world, &options), SFE_E_CONFIG);
    options.event_bytes_max = 16u * 1024u;
    options.quota_bytes = 1000;
    assert_int_equal(restart_with(world, &options), SFE_E_CONFIG);
}

static void too_little_memory_is_told(void **state)
{
    struct world *world = *state;
    for (size_t bytes = 1000; bytes < 110000; bytes += 9973) {
        struct sfe_arena *arena;
        struct sfe_stream *stream;
        assert_int_equal(sfe_arena_open(bytes, &arena, &world->err), SFE_OK);
        assert_int_equal(
            sfe_stream_open(&world->options, arena, &stream, &world->recovery, &world->err),
            SFE_E_NO_MEMORY);
        assert_null(stream);
        sfe_arena_close(arena);
    }
}

static void an_event_over_the_limit_is_refused_and_costs_no_sequence(void **state)
{
    struct world *world = *state;
    static uint8_t payload[WORLD_EVENT_MAX + 1];
    struct sfe_event event = {
        .source = SFE_TEXT("a"), .topic = SFE_TEXT("b"), .payload = {payload, sizeof(payload)}};
    uint64_t sequence = 0;
    assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &world->err),
                     SFE_E_TOO_LARGE);
    event.payload.size = WORLD_EVENT_MAX;
    assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &world->err), SFE_OK);
    assert_int_equal(sequence, 1);
    static uint8_t topic[SFE_TOPIC_BYTES_MAX];
    event.topic = sfe_slice_make(topic, sizeof(topic));
    assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &world->err),
                     SFE_E_TOO_LARGE);
}

static void with_the_usual_segment_the_largest_event_fits(void **state)
{
    struct world *world = *state;
    static uint8_t payload[SFE_EVENT_BYTES_MAX_LIMIT];
    static uint8_t topic[SFE_TOPIC_BYTES_MAX];
    struct sfe_event event = {.source = SFE_TEXT("a"),
                              .topic = {topic, sizeof(topic)},
                              .payload = {payload, sizeof(payload)},
                              .annotation = {payload, 4096}};
    uint64_t sequence = 0;
    int64_t time_ns = 0;
    world->options.segment_bytes = SFE_SEGMENT_BYTES_DEFAULT;
    world->options.quota_bytes = 4u * SFE_SEGMENT_BYTES_DEFAULT;
    world->options.event_bytes_max = SFE_EVENT_BYTES_MAX_LIMIT;
    world_restart(world);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &world->err), SFE_OK);
        assert_int_equal(world_commit(world), SFE_OK);
    }
    struct sfe_event found;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sfe_stream_reader_next(world->reader, &found, &time_ns, NULL, &world->err),
                         SFE_OK);
        assert_int_equal(found.payload.size, sizeof(payload));
    }
    /* A smaller configuration can still read it. */
    world->options.event_bytes_max = 1000;
    world_restart(world);
    assert_int_equal(world->recovery.kept_events, 2);
    assert_int_equal(sfe_stream_reader_next(world->reader, &found, &time_ns, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(found.payload.size, sizeof(payload));
}

static void nothing_is_due_when_nothing_is_staged(void **state)
{
    struct world *world = *state;
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), UINT64_MAX);
}

static void after_a_pause_a_commit_is_due_at_once(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(world->staged_calls, 1);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), world->now_ns);
    assert_int_equal(world_commit(world), SFE_OK);
    world->now_ns += COMMIT_SPACING_NS;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), world->now_ns);
}

static void under_load_it_waits_for_company_but_not_in_a_lull(void **state)
{
    struct world *world = *state;
    world_write(world, 1, 100);
    const uint64_t ended = world->stream->commit_end_ns;
    world->now_ns = ended + 100000;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns),
                     world->now_ns + COMMIT_LULL_NS);
    world->now_ns += 300000;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns),
                     world->now_ns + COMMIT_LULL_NS);
    world->now_ns = ended + COMMIT_SPACING_NS - 100000;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), ended + COMMIT_SPACING_NS);
    while (world->stream->stage.buffers[world->stream->stage.filling].body.size <
           SFE_FRAME_BYTES_TARGET) {
        /* In segments this small a buffer is not larger than a frame should be. */
        if (world_stage(world, 1000) != SFE_OK) {
            return;
        }
    }
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), world->now_ns);
}

static void with_linger_it_waits_from_the_first_event_on(void **state)
{
    struct world *world = *state;
    world->options.linger_ns = 20000000;
    world->options.segment_bytes = SFE_SEGMENT_BYTES_DEFAULT;
    world_restart(world);
    const uint64_t first = world->now_ns;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    world->now_ns += 5000000;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), first + 20000000);
    for (uint32_t i = 0; i < SFE_FRAME_BYTES_TARGET / 1000u + 1u; i++) {
        assert_int_equal(world_stage(world, 1000), SFE_OK);
    }
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), world->now_ns);
    assert_int_equal(world->staged_calls, 2);
}

static void after_a_failure_it_waits_a_second(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    world->memory->fail_at = world->memory->calls + 1;
    world->memory->fail_count = 1;
    const uint64_t failed = world->now_ns;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), failed + COMMIT_RETRY_NS);
    assert_int_equal(world_commit(world), SFE_OK);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns), UINT64_MAX);
}

static void facts_count_what_happened(void **state)
{
    struct world *world = *state;
    world_write(world, 10, 100);
    assert_int_equal(world_stage(world, 100), SFE_OK);
    struct sfe_stream_facts facts = world_facts(world);
    assert_int_equal(facts.first_sequence, 1);
    assert_int_equal(facts.durable_sequence, 10);
    assert_int_equal(facts.staged_events, 1);
    assert_int_equal(facts.flash_bytes, WORLD_SEGMENT_BYTES);
    assert_int_equal(facts.written_bytes, SEGMENT_BEGIN + SFE_PAGE_BYTES);
    assert_int_equal(facts.payload_bytes, 1000);
    assert_int_equal(facts.syncs, 1);
    assert_int_equal(facts.refused, 0);
    assert_false(facts.is_full);
    assert_false(facts.is_failing);
    assert_string_equal(sfe_stream_name(world->stream), "sales");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options_that_cannot_be_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(too_little_memory_is_told, begin, end),
        cmocka_unit_test_setup_teardown(an_event_over_the_limit_is_refused_and_costs_no_sequence,
                                        begin, end),
        cmocka_unit_test_setup_teardown(with_the_usual_segment_the_largest_event_fits, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_due_when_nothing_is_staged, begin, end),
        cmocka_unit_test_setup_teardown(after_a_pause_a_commit_is_due_at_once, begin, end),
        cmocka_unit_test_setup_teardown(under_load_it_waits_for_company_but_not_in_a_lull, begin,
                                        end),
        cmocka_unit_test_setup_teardown(with_linger_it_waits_from_the_first_event_on, begin, end),
        cmocka_unit_test_setup_teardown(after_a_failure_it_waits_a_second, begin, end),
        cmocka_unit_test_setup_teardown(facts_count_what_happened, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
