#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/stream/stream_world.h"

#include "input/replay.h"
#include "input/salesforce_events.h"

#define CHANNEL   "/event/A__e"
#define ITEMS_MAX 64u

/* A feed that has what the test put into it. */
struct feed_world {
    struct world *world;
    struct sfe_arena *arena;
    struct sfe_replay *replay;
    struct sfe_intake *intake;
    struct sfe_salesforce_events *events;
    struct sfe_source source;
    struct sfe_error err;
    struct sfe_feed_item items[ITEMS_MAX];
    char payloads[ITEMS_MAX][64];
    uint32_t count;
    bool takes_repeats;
    uint32_t passed;
    bool has_started;
    bool has_stopped;
    struct sfe_feed_place place; /* As it was set. */
    uint32_t notes;
};

static void set_place(void *context, uint32_t channel, const struct sfe_feed_place *place)
{
    assert_int_equal(channel, 0);
    ((struct feed_world *)context)->place = *place;
}

static void start(void *context)
{
    ((struct feed_world *)context)->has_started = true;
}

static bool peek(void *context, struct sfe_feed_item *item)
{
    const struct feed_world *self = context;

    if (self->passed == self->count) {
        return false;
    }
    *item = self->items[self->passed];
    return true;
}

static void pass(void *context)
{
    ((struct feed_world *)context)->passed++;
}

static void stop(void *context)
{
    ((struct feed_world *)context)->has_stopped = true;
}

static void feed_facts(void *context, struct sfe_feed_facts *facts)
{
    (void)context;
    *facts = (struct sfe_feed_facts){.is_connected = true, .sessions = 3};
}

static bool read_marks(const void *context, struct sfe_slice channel, struct sfe_slice payload,
                       struct sfe_feed_marks *marks)
{
    (void)context;
    (void)channel;
    memset(marks, 0, sizeof(*marks));
    marks->place.size = (uint32_t)payload.size;
    memcpy(marks->place.bytes, payload.bytes, payload.size);
    return true;
}

static void on_loaded(void *owner)
{
    (void)owner;
}

static void on_note(void *owner)
{
    ((struct feed_world *)owner)->notes++;
}

static void open_source(struct feed_world *self)
{
    const struct sfe_feed feed = {self, set_place, start, peek, pass, stop, feed_facts, read_marks};
    const struct sfe_replay_options replay = {
        "crm", CHANNEL, "commands", self->world->stream, &self->world->memory->storage,
        NULL,  NULL,    read_marks};
    const struct sfe_intake_route route = {.input = "commands",
                                           .filter = CHANNEL,
                                           .stream = self->world->stream,
                                           .identity_by_arrival = true};
    const struct sfe_intake_options intake = {.routes = &route,
                                              .route_count = 1,
                                              .dead = self->world->stream,
                                              .event_bytes_max = WORLD_EVENT_MAX,
                                              .clock = &self->world->clock,
                                              .agent_id = "a"};

    assert_int_equal(sfe_arena_open(4u << 20, &self->arena, &self->err), SFE_OK);
    assert_int_equal(sfe_replay_open(&replay, self->arena, &self->replay, &self->err), SFE_OK);
    assert_int_equal(sfe_intake_open(&intake, self->arena, &self->intake, &self->err), SFE_OK);
    const struct sfe_salesforce_events_channel channel = {CHANNEL, "commands", self->world->stream,
                                                          self->replay, self->takes_repeats};
    const struct sfe_salesforce_events_options options = {
        .connection = "crm",
        .channels = &channel,
        .channel_count = 1,
        .feed = feed,
        .intake = self->intake,
        .dead = self->world->stream,
        .on_loaded = on_loaded,
        .on_note = on_note,
        .owner = self,
    };
    assert_int_equal(
        sfe_salesforce_events_open(&options, self->arena, &self->events, &self->source, &self->err),
        SFE_OK);
}

static int setup(void **state)
{
    struct feed_world *self = calloc(1, sizeof(*self));

    assert_non_null(self);
    self->world = world_open(5);
    self->world->options.quota_bytes = 4u * WORLD_SEGMENT_BYTES;
    world_must_start(self->world);
    open_source(self);
    *state = self;
    return 0;
}

static void close_source(struct feed_world *self)
{
    self->source.close(self->source.context);
    sfe_arena_close(self->arena);
}

static int teardown(void **state)
{
    struct feed_world *self = *state;

    close_source(self);
    world_close(self->world);
    free(self);
    return 0;
}

static void add(struct feed_world *self, const char *text)
{
    struct sfe_feed_item *item = &self->items[self->count];

    memset(item, 0, sizeof(*item));
    (void)snprintf(self->payloads[self->count], sizeof(self->payloads[0]), "%s", text);
    item->payload = sfe_slice_text(self->payloads[self->count]);
    (void)read_marks(NULL, item->payload, item->payload, &item->marks);
    item->marks.has_identity = true;
    memcpy(item->marks.identity.bytes, text, 1);
    self->count++;
}

static uint64_t turn(struct feed_world *self)
{
    return self->source.turn(self->source.context, self->world->now_ns);
}

static void flash_turn(struct feed_world *self, bool commits)
{
    self->world->now_ns += UINT64_C(1000000000);
    if (commits) {
        assert_int_equal(sfe_stream_commit(self->world->stream, self->world->now_ns, &self->err),
                         SFE_OK);
    }
    (void)sfe_salesforce_events_flash_turn(self->events, self->world->now_ns, false);
}

static struct sfe_salesforce_events_facts facts_of(struct feed_world *self)
{
    struct sfe_salesforce_events_facts facts;

    assert_true(sfe_salesforce_events_facts(self->events, 0, &facts));
    assert_false(sfe_salesforce_events_facts(self->events, 1, &facts));
    assert_true(sfe_salesforce_events_facts(self->events, 0, &facts));
    return facts;
}

static void expect_place(struct feed_world *self, const char *text)
{
    const struct sfe_salesforce_events_facts facts = facts_of(self);

    assert_true(sfe_slice_equal(sfe_feed_place_slice(&facts.place), sfe_slice_text(text)));
}

static void begin(struct feed_world *self)
{
    flash_turn(self, false);
    (void)turn(self);
    assert_true(self->has_started);
}

static void nothing_is_taken_before_it_is_known_where_to_go_on(void **state)
{
    struct feed_world *self = *state;

    add(self, "1");
    (void)turn(self);
    assert_false(self->has_started);
    assert_int_equal(self->passed, 0);
    begin(self);
    assert_int_equal(self->place.size, 0);
    assert_int_equal(self->passed, 1);
}

static void a_place_is_noted_only_after_its_event_is_durable(void **state)
{
    struct feed_world *self = *state;
    struct sfe_source_facts facts;

    begin(self);
    add(self, "1");
    (void)turn(self);
    add(self, "2");
    (void)turn(self);
    expect_place(self, "");
    assert_false(self->source.is_quiet(self->source.context));
    assert_int_equal(self->notes, 0);
    flash_turn(self, true);
    expect_place(self, "");
    (void)turn(self);
    expect_place(self, "2");
    assert_int_equal(self->notes, 1);
    assert_true(self->source.is_quiet(self->source.context));
    self->source.facts(self->source.context, &facts);
    assert_true(facts.is_connected);
    assert_int_equal(facts.received, 2);
    assert_int_equal(facts.acknowledged, 2);
    assert_int_equal(facts.reconnects, 2);
}

static void where_repeats_are_wanted_they_are_events_again(void **state)
{
    struct feed_world *self = *state;
    struct sfe_source_facts facts;

    for (uint32_t i = 0; i < 2; i++) {
        self->takes_repeats = i == 1u;
        close_source(self);
        open_source(self);
        begin(self);
        add(self, "1");
        add(self, "1");
        (void)turn(self);
        self->source.facts(self->source.context, &facts);
        assert_int_equal(facts.received, i == 1u ? 2 : 1);
        flash_turn(self, true);
        (void)turn(self);
    }
}

static void a_stream_that_is_never_quiet_lets_the_place_move_on(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    add(self, "1");
    (void)turn(self);
    self->world->now_ns += 1;
    assert_int_equal(sfe_stream_commit(self->world->stream, self->world->now_ns, &self->err),
                     SFE_OK);
    add(self, "2");
    (void)turn(self); /* The first is durable, the second is staged. */
    expect_place(self, "1");
    flash_turn(self, true);
    (void)turn(self);
    expect_place(self, "2");
}

static void what_comes_again_is_counted_and_dropped(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    add(self, "1");
    add(self, "2");
    add(self, "1");
    (void)turn(self);
    assert_int_equal(self->passed, 3);
    flash_turn(self, true);
    (void)turn(self);
    assert_int_equal(facts_of(self).repeats, 1);
    assert_int_equal(sfe_stream_durable(self->world->stream), 2);
    expect_place(self, "1"); /* The org's order counts. */
}

static void a_kill_between_durable_and_noted_takes_nothing_twice(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    add(self, "1");
    (void)turn(self);
    flash_turn(self, true);
    close_source(self); /* The place was never noted. */
    world_restart(self->world);
    self->has_started = false;
    open_source(self);
    begin(self);
    assert_true(sfe_slice_equal(sfe_feed_place_slice(&self->place), SFE_TEXT("1")));
    add(self, "1"); /* And an org that sends it all the same. */
    (void)turn(self);
    assert_int_equal(facts_of(self).repeats, 1);
    flash_turn(self, true);
    assert_int_equal(sfe_stream_durable(self->world->stream), 1);
}

static void a_gap_is_an_event_that_says_so(void **state)
{
    struct feed_world *self = *state;
    struct sfe_event event;
    int64_t time_ns = 0;

    begin(self);
    add(self, "1");
    self->items[0].is_gap = true;
    self->items[0].to_earliest = true;
    (void)turn(self);
    flash_turn(self, true);
    (void)turn(self);
    assert_int_equal(facts_of(self).gaps, 1);
    expect_place(self, "");
    sfe_stream_reader_seek(self->world->reader, 1);
    assert_int_equal(
        sfe_stream_reader_next(self->world->reader, &event, &time_ns, NULL, &self->err), SFE_OK);
    assert_true(sfe_slice_equal(
        event.payload,
        SFE_TEXT("{\"gap\":{\"input\":\"commands\",\"channel\":\"/event/A__e\",\"after\":\"1\","
                 "\"why\":\"stale-replay\",\"goes_on\":\"earliest\"}}")));
}

/* Events 2 and 3 are known, 1 is not: where they come again in order, 1 must not be the last. */
static void behind_a_gap_all_is_taken_again_from_what_is_not_known_on(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    add(self, "2");
    add(self, "3");
    add(self, "gap");
    self->items[2].is_gap = true;
    self->items[2].to_earliest = true;
    add(self, "1");
    add(self, "2");
    add(self, "3");
    add(self, "2");
    (void)turn(self);
    flash_turn(self, true);
    assert_int_equal(sfe_stream_durable(self->world->stream), 6);
    assert_int_equal(facts_of(self).repeats, 1); /* The org repeats itself. */
}

static void behind_a_gap_what_is_known_is_dropped(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    add(self, "2");
    add(self, "3");
    add(self, "gap");
    self->items[2].is_gap = true;
    self->items[2].to_earliest = true;
    add(self, "2");
    add(self, "3");
    add(self, "4");
    (void)turn(self);
    flash_turn(self, true);
    assert_int_equal(sfe_stream_durable(self->world->stream), 4);
    assert_int_equal(facts_of(self).repeats, 2);
}

static void a_full_stream_leaves_the_event_where_it_is(void **state)
{
    struct feed_world *self = *state;
    struct sfe_event event = {.topic = SFE_TEXT("t"), .payload = {self->world->payload, 16000}};
    struct sfe_source_facts facts;
    uint64_t sequence = 0;

    begin(self);
    for (uint32_t i = 0; i < 20000 && event.payload.size != 0; i++) {
        if (sfe_stream_stage(self->world->stream, &event, &sequence, &self->err) == SFE_E_FULL) {
            event.payload.size = event.payload.size == 16000 ? 1 : 0;
        }
        if (event.payload.size == 16000) {
            flash_turn(self, true);
        }
    }
    assert_int_equal(event.payload.size, 0);
    add(self, "1");
    assert_true(turn(self) < UINT64_MAX);
    assert_int_equal(self->passed, 0);
    self->source.facts(self->source.context, &facts);
    assert_true(facts.is_blocked);
    flash_turn(self, true);
    assert_int_equal(sfe_stream_release(self->world->stream, sequence, &self->err), SFE_OK);
    assert_int_equal(turn(self), UINT64_MAX);
    assert_int_equal(self->passed, 1);
}

static void after_a_stop_nothing_is_taken_and_what_was_is_still_noted(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    add(self, "1");
    (void)turn(self);
    add(self, "2");
    self->source.stop(self->source.context);
    assert_true(self->has_stopped);
    (void)turn(self);
    assert_int_equal(self->passed, 1);
    flash_turn(self, true);
    (void)turn(self);
    expect_place(self, "1");
    assert_true(self->source.is_quiet(self->source.context));
}

static void what_the_place_needs_is_not_released_before_it_is_kept(void **state)
{
    struct feed_world *self = *state;

    begin(self);
    flash_turn(self, false);
    add(self, "1");
    (void)turn(self);
    flash_turn(self, true);
    const struct sfe_stream *stream = self->world->stream;
    assert_int_equal(sfe_salesforce_events_floor(self->events, stream, 2, self->world->now_ns), 1);
    (void)turn(self);
    self->world->now_ns += UINT64_C(10000000000);
    assert_int_equal(sfe_salesforce_events_floor(self->events, stream, 2, self->world->now_ns), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_taken_before_it_is_known_where_to_go_on),
        TEST(a_place_is_noted_only_after_its_event_is_durable),
        TEST(where_repeats_are_wanted_they_are_events_again),
        TEST(a_stream_that_is_never_quiet_lets_the_place_move_on),
        TEST(what_comes_again_is_counted_and_dropped),
        TEST(a_kill_between_durable_and_noted_takes_nothing_twice),
        TEST(a_gap_is_an_event_that_says_so),
        TEST(behind_a_gap_all_is_taken_again_from_what_is_not_known_on),
        TEST(behind_a_gap_what_is_known_is_dropped),
        TEST(a_full_stream_leaves_the_event_where_it_is),
        TEST(after_a_stop_nothing_is_taken_and_what_was_is_still_noted),
        TEST(what_the_place_needs_is_not_released_before_it_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
