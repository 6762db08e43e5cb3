#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"
#include "stream/walk.h"
#include "stream_world.h"

static struct sfe_arena *arena;
static struct sfe_stream_walk *walk;

static int begin(void **state)
{
    struct world *world = world_open(9);
    world_must_start(world);
    *state = world;
    return 0;
}

static void let_go(void)
{
    sfe_stream_walk_close(walk);
    sfe_arena_close(arena);
    walk = NULL;
    arena = NULL;
}

static int end(void **state)
{
    let_go();
    world_close(*state);
    return 0;
}

static struct sfe_stream_damage places[8];
static char place_files[8][64];
static uint32_t place_count;

static void note_damage(void *owner, const struct sfe_stream_damage *damage)
{
    (void)owner;
    assert_true(place_count < 8);
    places[place_count] = *damage;
    (void)snprintf(place_files[place_count], sizeof(place_files[0]), "%s", damage->file);
    places[place_count].file = place_files[place_count];
    place_count++;
}

static struct sfe_stream_walk_facts look(struct world *world, uint64_t known_durable)
{
    const struct sfe_stream_walk_options options = {.storage = &world->memory->storage,
                                                    .name = "sales",
                                                    .known_durable = known_durable,
                                                    .crypto = world->options.crypto,
                                                    .keys = world->options.keys,
                                                    .key_count = world->options.key_count,
                                                    .on_damage = note_damage};
    struct sfe_stream_walk_facts facts;
    const uint64_t calls = world->memory->calls;

    let_go();
    place_count = 0;
    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &arena, &world->err), SFE_OK);
    assert_int_equal(sfe_stream_walk_open(&options, arena, &walk, &world->err), SFE_OK);
    sfe_stream_walk_facts(walk, &facts);
    assert_int_equal(world->memory->calls, calls); /* Nothing was changed. */
    return facts;
}

/* Reads on to the end: what was staged, in order. */
static struct world_reading read_on(struct world *world)
{
    struct world_reading reading = {0};
    struct sfe_event event;
    enum sfe_code code;

    while ((code = sfe_stream_walk_next(walk, &event, &world->err)) == SFE_OK) {
        world_check_event(world, &event);
        assert_true(event.sequence > reading.last);
        reading.first = reading.count == 0 ? event.sequence : reading.first;
        reading.gaps += reading.count == 0 ? 0 : event.sequence - reading.last - 1u;
        reading.last = event.sequence;
        reading.count++;
    }
    assert_int_equal(code, SFE_E_END);
    return reading;
}

static void fill(struct world *world, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) {
        world_write(world, 3, 900 + 400 * (i % 4));
    }
}

static void an_empty_directory_is_an_empty_stream(void **state)
{
    struct sfe_stream_walk_facts facts = look(*state, 0);
    assert_int_equal(facts.events, 0);
    assert_int_equal(facts.first_sequence, 1);
    assert_int_equal(facts.end_sequence, 1);
    assert_int_equal(read_on(*state).count, 0);
}

static void everything_is_read_beside_the_writer(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.events, 180);
    assert_int_equal(facts.end_sequence, 181);
    assert_true(facts.segments > 2);
    assert_int_equal(facts.damaged_places, 0);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.count, 180);
    assert_int_equal(reading.gaps, 0);
}

static void it_begins_where_it_is_told(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    (void)look(world, 0);
    sfe_stream_walk_seek(walk, 100);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.first, 100);
    assert_int_equal(reading.count, 81);
    sfe_stream_walk_seek(walk, 1);
    assert_int_equal(read_on(world).count, 180);
}

static void it_says_in_which_segment_an_event_lies(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    fill(world, 60);
    (void)look(world, 0);
    assert_int_equal(sfe_stream_walk_segment(walk), 0);
    assert_int_equal(sfe_stream_walk_next(walk, &event, &world->err), SFE_OK);
    const uint32_t first = sfe_stream_walk_segment(walk);
    assert_true(first > 0);
    sfe_stream_walk_seek(walk, 180);
    assert_int_equal(sfe_stream_walk_next(walk, &event, &world->err), SFE_OK);
    assert_true(sfe_stream_walk_segment(walk) > first);
}

static void damage_is_counted_and_passed_over(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    memory_damage(world_segment(world, 1), 2u * SFE_PAGE_BYTES + 100u, 0xff);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.damaged_places, 1);
    assert_int_equal(facts.lost, 3);
    assert_int_equal(facts.events, 177);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.count, 177);
    assert_int_equal(reading.first, 4);
    assert_int_equal(place_count, 1);
    assert_string_equal(places[0].file, "sales-00000001.seg");
    assert_int_equal(places[0].kind, SFE_DAMAGE_BYTES);
    assert_int_equal(places[0].offset, 2u * SFE_PAGE_BYTES);
    assert_int_equal(places[0].bytes, SFE_PAGE_BYTES);
    assert_int_equal(places[0].first_sequence, 1);
    assert_int_equal(places[0].lost, 3);
}

static void what_was_put_aside_is_told_with_its_damage(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    world_stop(world);
    memory_damage(world_segment(world, 1), 2u * SFE_PAGE_BYTES + 100u, 0xff);
    memory_damage(world_segment(world, 2), 0, 0xff);
    memory_damage(world_segment(world, 2), SFE_PAGE_BYTES, 0xff);
    for (uint32_t i = 1; i <= 2; i++) {
        char from[64];
        char to[64];
        (void)snprintf(from, sizeof(from), "sales-%08u.seg", (unsigned)i);
        (void)snprintf(to, sizeof(to), "sales-%08u.bad", (unsigned)i);
        assert_int_equal(world->memory->storage.rename(world->memory, from, to, &world->err),
                         SFE_OK);
    }
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.quarantined, 2);
    assert_int_equal(facts.damaged_places, 0);
    assert_int_equal(place_count, 2);
    assert_true(places[0].is_put_aside && places[1].is_put_aside);
    assert_string_equal(places[0].file, "sales-00000001.bad");
    assert_int_equal(places[0].offset, 2u * SFE_PAGE_BYTES);
    assert_int_equal(places[1].kind, SFE_DAMAGE_HEADER);
    assert_int_equal(places[1].offset, 0);
    assert_true(places[1].bytes > 2u * SFE_PAGE_BYTES);
    assert_int_equal(read_on(world).count, facts.events);
}

static struct sfe_crypto crypto;
static struct sfe_aead_key *keys[2];

/* Frames of two keys: the second one is the present one. */
static void seal(struct world *world)
{
    world_stop(world);
    sfe_mbedtls_aead(&crypto);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t bytes[SFE_AEAD_KEY_BYTES];
        memset(bytes, 0x50 + i, sizeof(bytes));
        assert_int_equal(
            crypto.aead_open(NULL, sfe_slice_make(bytes, sizeof(bytes)), &keys[i], &world->err),
            SFE_OK);
    }
    world->options.crypto = &crypto;
    world->options.keys = keys;
    world->options.key_count = 1;
    world->options.is_encrypted = true;
    world_must_start(world);
    fill(world, 10);
    world_stop(world);
    struct sfe_aead_key *first = keys[0];
    keys[0] = keys[1];
    keys[1] = first;
    world->options.key_count = 2;
    world_must_start(world);
    fill(world, 20);
}

static void close_keys(struct world *world)
{
    world_stop(world);
    let_go();
    crypto.aead_close(NULL, keys[0]);
    crypto.aead_close(NULL, keys[1]);
}

static void frames_of_old_and_new_keys_are_opened(void **state)
{
    struct world *world = *state;
    seal(world);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.sealed, 90);
    assert_int_equal(facts.locked, 0);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.count, 90);
    assert_int_equal(reading.gaps, 0);
    close_keys(world);
}

static void frames_whose_key_is_missing_are_passed_over_and_told(void **state)
{
    struct world *world = *state;
    uint8_t id[SFE_AEAD_ID_BYTES];
    seal(world);
    world->options.key_count = 1;
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.sealed, 90);
    assert_int_equal(facts.locked, 30);
    crypto.aead_id(NULL, keys[1], id);
    assert_memory_equal(facts.locked_key, id, sizeof(id));
    assert_int_equal(read_on(world).first, 31);
    world->options.key_count = 0;
    facts = look(world, 0);
    assert_int_equal(facts.locked, 90);
    assert_int_equal(read_on(world).count, 0);
    assert_int_equal(place_count, 0);
    close_keys(world);
}

/* Bytes that were changed by someone who can make checksums. */
static void a_sealed_frame_that_was_changed_is_damage(void **state)
{
    struct world *world = *state;
    struct frame frame;
    struct segment segment = {.number = 1};
    seal(world);
    uint8_t *bytes = world_segment(world, 1)->seen;
    assert_int_equal(
        segment_header_parse(sfe_slice_make(bytes, SEGMENT_HEADER_BYTES_2), "sales", &segment),
        HEADER_VALID);
    bytes += SEGMENT_BEGIN;
    assert_true(frame_parse(sfe_slice_make(bytes, FRAME_HEADER_BYTES), SEGMENT_BEGIN, &frame));
    bytes[FRAME_HEADER_BYTES + 5] ^= 1u;
    frame_end(&frame, segment.salt, bytes);
    (void)look(world, 0);
    assert_int_equal(place_count, 0);
    assert_int_equal(read_on(world).count, 87);
    assert_int_equal(place_count, 1);
    assert_int_equal(places[0].kind, SFE_DAMAGE_SEAL);
    assert_int_equal(places[0].offset, SEGMENT_BEGIN);
    assert_int_equal(places[0].lost, 3);
    close_keys(world);
}

static void a_file_without_a_header_is_counted_and_left_alone(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    memory_damage(world_segment(world, 2), 0, 0xff);
    memory_damage(world_segment(world, 2), SFE_PAGE_BYTES, 0xff);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.headless, 1);
    assert_true(facts.lost > 0);
    assert_int_equal(read_on(world).count, facts.events);
    assert_non_null(world_segment(world, 2));
}

static void a_segment_that_is_being_made_is_no_damage(void **state)
{
    struct world *world = *state;
    const struct sfe_storage *storage = &world->memory->storage;
    struct sfe_file *file = NULL;
    fill(world, 60);
    assert_int_equal(
        storage->open(world->memory, "sales-00000099.seg", SFE_STORAGE_CREATE, &file, &world->err),
        SFE_OK);
    assert_int_equal(storage->allocate(world->memory, file, WORLD_SEGMENT_BYTES, &world->err),
                     SFE_OK);
    storage->close(world->memory, file);
    assert_int_equal(look(world, 180).headless, 0);
    assert_int_equal(place_count, 0);
    assert_int_equal(look(world, 181).headless, 1); /* Known to have held something. */
}

static void a_newest_segment_that_held_durable_events_is_damage_without_its_header(void **state)
{
    struct world *world = *state;
    fill(world, 5);
    memory_damage(world_segment(world, 1), 0, 0xff);
    memory_damage(world_segment(world, 1), SFE_PAGE_BYTES, 0xff);
    assert_int_equal(look(world, 0).headless, 1);
    assert_int_equal(place_count, 1);
    assert_int_equal(places[0].kind, SFE_DAMAGE_HEADER);
    assert_int_equal(look(world, 3).headless, 1);
}

static void an_end_that_is_known_to_have_been_durable_is_damage(void **state)
{
    struct world *world = *state;
    fill(world, 2);
    assert_false(look(world, 6).end_is_damaged);
    assert_true(look(world, 7).end_is_damaged);
}

static void segments_that_are_released_meanwhile_are_passed_over(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    (void)look(world, 0);
    assert_int_equal(sfe_stream_release(world->stream, 120, &world->err), SFE_OK);
    struct world_reading reading = read_on(world);
    assert_true(reading.first > 1 && reading.first <= 120);
    assert_int_equal(reading.last, 180);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_directory_is_an_empty_stream),
        TEST(everything_is_read_beside_the_writer),
        TEST(it_begins_where_it_is_told),
        TEST(it_says_in_which_segment_an_event_lies),
        TEST(damage_is_counted_and_passed_over),
        TEST(what_was_put_aside_is_told_with_its_damage),
        TEST(frames_of_old_and_new_keys_are_opened),
        TEST(frames_whose_key_is_missing_are_passed_over_and_told),
        TEST(a_sealed_frame_that_was_changed_is_damage),
        TEST(a_file_without_a_header_is_counted_and_left_alone),
        TEST(a_segment_that_is_being_made_is_no_damage),
        TEST(a_newest_segment_that_held_durable_events_is_damage_without_its_header),
        TEST(an_end_that_is_known_to_have_been_durable_is_damage),
        TEST(segments_that_are_released_meanwhile_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
