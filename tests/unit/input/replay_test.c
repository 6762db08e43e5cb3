#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/stream/stream_world.h"

#include "input/replay.h"

#define CHANNEL "/event/A__e"
#define SECOND  UINT64_C(1000000000)

struct replay_world {
    struct world *world;
    struct sfe_arena *arena;
    struct sfe_replay *replay;
    struct sfe_error err;
};

/* The payload is the place. */
static bool read_marks(const void *context, struct sfe_slice channel, struct sfe_slice payload,
                       struct sfe_feed_marks *marks)
{
    (void)context;
    (void)channel;
    memset(marks, 0, sizeof(*marks));
    memcpy(marks->place.bytes, payload.bytes, payload.size);
    marks->place.size = (uint32_t)payload.size;
    return true;
}

static void open_replay(struct replay_world *self)
{
    const struct sfe_replay_options options = {
        .connection = "crm",
        .channel = CHANNEL,
        .input = "commands",
        .stream = self->world->stream,
        .storage = &self->world->memory->storage,
        .read_marks = read_marks,
    };
    const size_t bytes = sfe_replay_memory_bytes(&self->world->options);

    assert_int_equal(sfe_arena_open(bytes, &self->arena, &self->err), SFE_OK);
    assert_int_equal(sfe_replay_open(&options, self->arena, &self->replay, &self->err), SFE_OK);
    assert_int_equal(sfe_arena_taken(self->arena), bytes);
}

static void close_replay(struct replay_world *self)
{
    sfe_replay_close(self->replay);
    sfe_arena_close(self->arena);
}

static int setup(void **state)
{
    struct replay_world *self = calloc(1, sizeof(*self));

    assert_non_null(self);
    self->world = world_open(3);
    world_must_start(self->world);
    open_replay(self);
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct replay_world *self = *state;

    close_replay(self);
    world_close(self->world);
    free(self);
    return 0;
}

/* As after kill -9, or as after a power cut. */
static void restart(struct replay_world *self, bool is_cut)
{
    close_replay(self);
    if (is_cut) {
        world_stop(self->world);
        memory_cut(self->world->memory);
        memory_restart(self->world->memory);
        world_must_start(self->world);
    } else {
        world_restart(self->world);
    }
    open_replay(self);
}

static uint64_t take(struct replay_world *self, const char *source, const char *payload)
{
    struct sfe_event event = {
        .source = sfe_slice_text(source),
        .topic = SFE_TEXT(CHANNEL),
        .payload = sfe_slice_text(payload),
        .identity_kind = SFE_IDENTITY_GIVEN,
        .received_ns = self->world->wall_ns,
    };
    uint64_t sequence = 0;

    event.identity.bytes[0] = (uint8_t)payload[0];
    assert_int_equal(sfe_stream_stage(self->world->stream, &event, &sequence, &self->err), SFE_OK);
    self->world->now_ns += SECOND;
    assert_int_equal(sfe_stream_commit(self->world->stream, self->world->now_ns, &self->err),
                     SFE_OK);
    return sequence;
}

static uint64_t flash_turn(struct replay_world *self, bool is_last)
{
    bool has_loaded = false;

    return sfe_replay_flash_turn(self->replay, self->world->now_ns, is_last, &has_loaded);
}

static void expect_place(struct replay_world *self, const char *text)
{
    struct sfe_feed_place place;

    (void)flash_turn(self, false);
    assert_true(sfe_replay_is_loaded(self->replay, &place));
    assert_true(sfe_slice_equal(sfe_feed_place_slice(&place), sfe_slice_text(text)));
}

static struct sfe_feed_place place_of(const char *text)
{
    struct sfe_feed_place place = {.size = (uint32_t)strlen(text)};

    memcpy(place.bytes, text, place.size);
    return place;
}

static void a_channel_begins_without_a_place(void **state)
{
    struct replay_world *self = *state;
    struct sfe_feed_place place;

    assert_false(sfe_replay_is_loaded(self->replay, &place));
    assert_int_equal(sfe_replay_floor(self->replay, 5, false, self->world->now_ns), 0);
    expect_place(self, "");
}

static void what_is_durable_is_the_place_though_the_file_was_never_written(void **state)
{
    struct replay_world *self = *state;
    const struct sfe_hash128 seen = {.bytes = {'7'}};
    const struct sfe_hash128 unseen = {.bytes = {'8'}};

    (void)take(self, "commands", "7");
    (void)take(self, "others", "99");
    restart(self, true);
    expect_place(self, "7");
    assert_true(sfe_replay_was_seen(self->replay, &seen));
    assert_false(sfe_replay_was_seen(self->replay, &unseen));
}

static void what_was_released_is_in_the_file(void **state)
{
    struct replay_world *self = *state;
    const struct sfe_feed_place place = place_of("7");

    expect_place(self, "");
    self->world->now_ns += 10 * SECOND;
    const uint64_t sequence = take(self, "commands", "7");
    assert_true(sfe_replay_floor(self->replay, sequence, false, self->world->now_ns) <= sequence);
    sfe_replay_note(self->replay, &place, sequence);
    (void)flash_turn(self, false);
    assert_int_equal(sfe_replay_floor(self->replay, sequence + 1u, false, self->world->now_ns),
                     sequence + 1u);
    assert_int_equal(sfe_stream_release(self->world->stream, sequence + 1u, &self->err), SFE_OK);
    restart(self, true);
    expect_place(self, "7");
}

static void the_file_is_written_seldom_and_at_the_end(void **state)
{
    struct replay_world *self = *state;
    struct sfe_feed_place place = place_of("1");

    expect_place(self, "");
    (void)flash_turn(self, false);
    const uint64_t written_ns = self->world->now_ns;
    sfe_replay_note(self->replay, &place, 1);
    assert_true(flash_turn(self, false) > written_ns + 4 * SECOND);
    assert_int_equal(sfe_replay_floor(self->replay, 2, false, self->world->now_ns), 1);
    assert_int_equal(flash_turn(self, true), UINT64_MAX);
    assert_int_equal(sfe_replay_floor(self->replay, 2, false, self->world->now_ns), 2);
    /* What needs room at once has it written at once. */
    place = place_of("2");
    sfe_replay_note(self->replay, &place, 2);
    assert_int_equal(sfe_replay_floor(self->replay, 3, false, self->world->now_ns), 2);
    assert_int_equal(sfe_replay_floor(self->replay, 3, true, self->world->now_ns), 3);
}

static void a_quiet_channel_holds_up_no_release(void **state)
{
    struct replay_world *self = *state;

    expect_place(self, "");
    (void)flash_turn(self, false);
    const uint64_t sequence = take(self, "others", "99");
    sfe_replay_note_idle(self->replay, sequence);
    assert_int_equal(flash_turn(self, false), UINT64_MAX);
    self->world->now_ns += 10 * SECOND;
    assert_int_equal(sfe_replay_floor(self->replay, sequence + 1u, false, self->world->now_ns),
                     sequence + 1u);
}

static void identities_before_the_place_in_the_file_are_read_up_to_the_last_gap(void **state)
{
    struct replay_world *self = *state;
    const struct sfe_feed_place place = place_of("8");
    const struct sfe_hash128 first = {.bytes = {'7'}};
    const struct sfe_hash128 second = {.bytes = {'8'}};

    expect_place(self, "");
    (void)take(self, "commands", "7");
    (void)take(self, "others", "{\"gap\":{}}");
    sfe_replay_note(self->replay, &place, take(self, "commands", "8"));
    (void)flash_turn(self, true);
    restart(self, true);
    expect_place(self, "8");
    assert_true(sfe_replay_was_seen(self->replay, &first));
    assert_true(sfe_replay_was_seen(self->replay, &second));
    (void)take(self, "commands", "{\"gap\":{}}");
    (void)take(self, "commands", "7");
    restart(self, true);
    expect_place(self, "7");
    assert_true(sfe_replay_was_seen(self->replay, &first));
    assert_false(sfe_replay_was_seen(self->replay, &second));
    sfe_replay_forget(self->replay);
    assert_false(sfe_replay_was_seen(self->replay, &first));
}

static void a_gap_leaves_no_place(void **state)
{
    struct replay_world *self = *state;

    (void)take(self, "commands", "7");
    (void)take(self, "commands", "{\"gap\":{}}");
    restart(self, false);
    expect_place(self, "");
}

static void a_file_that_is_damaged_leaves_what_the_stream_says(void **state)
{
    struct replay_world *self = *state;
    const struct sfe_feed_place place = place_of("7");

    expect_place(self, "");
    sfe_replay_note(self->replay, &place, take(self, "commands", "7"));
    (void)flash_turn(self, true);
    struct memory_storage *memory = self->world->memory;
    for (int i = 0; i < memory->name_count; i++) {
        if (strncmp(memory->names[i].name, "place.", 6) == 0 && memory->names[i].seen >= 0) {
            memory->inodes[memory->names[i].seen].seen[9] ^= 1u;
        }
    }
    restart(self, false);
    expect_place(self, "7");
}

static void a_file_of_another_stream_says_the_place_alone(void **state)
{
    struct replay_world *self = *state;
    const struct sfe_feed_place place = place_of("7");

    expect_place(self, "");
    sfe_replay_note(self->replay, &place, take(self, "commands", "7"));
    (void)flash_turn(self, true);
    self->world->options.name = "other";
    restart(self, false);
    expect_place(self, "7");
}

static void identities_go_round(void **state)
{
    struct replay_world *self = *state;
    struct sfe_hash128 identity = {.bytes = {0}};
    const struct sfe_hash128 first = {.bytes = {1}};

    sfe_replay_saw(self->replay, &first);
    for (uint32_t i = 0; i < SFE_REPLAY_SEEN - 1u; i++) {
        memcpy(identity.bytes + 8, &i, sizeof(i));
        sfe_replay_saw(self->replay, &identity);
    }
    assert_true(sfe_replay_was_seen(self->replay, &first));
    identity.bytes[0] = 2;
    sfe_replay_saw(self->replay, &identity);
    assert_false(sfe_replay_was_seen(self->replay, &first));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_channel_begins_without_a_place),
        TEST(what_is_durable_is_the_place_though_the_file_was_never_written),
        TEST(what_was_released_is_in_the_file),
        TEST(the_file_is_written_seldom_and_at_the_end),
        TEST(a_quiet_channel_holds_up_no_release),
        TEST(identities_before_the_place_in_the_file_are_read_up_to_the_last_gap),
        TEST(a_gap_leaves_no_place),
        TEST(a_file_that_is_damaged_leaves_what_the_stream_says),
        TEST(a_file_of_another_stream_says_the_place_alone),
        TEST(identities_go_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
