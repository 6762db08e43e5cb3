#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"
#include "stream_world.h"

/* Two keys of the real cipher. */
static struct sfe_crypto crypto;
static struct sfe_aead_key *keys[2];

static int begin(void **state)
{
    struct world *world = world_open(11);
    sfe_mbedtls_aead(&crypto);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t bytes[SFE_AEAD_KEY_BYTES];
        memset(bytes, 0x40 + i, sizeof(bytes));
        assert_int_equal(
            crypto.aead_open(NULL, sfe_slice_make(bytes, sizeof(bytes)), &keys[i], &world->err),
            SFE_OK);
    }
    world->options.crypto = &crypto;
    world->options.keys = keys;
    world->options.key_count = 1;
    world->options.is_encrypted = true;
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    crypto.aead_close(NULL, keys[0]);
    crypto.aead_close(NULL, keys[1]);
    return 0;
}

static bool is_anywhere(const struct memory_storage *memory, const void *bytes, size_t size)
{
    for (int i = 0; i < memory->inode_count; i++) {
        const struct memory_inode *inode = &memory->inodes[i];
        for (size_t at = 0; at + size <= inode->seen_size; at++) {
            if (memcmp(inode->seen + at, bytes, size) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void nothing_of_an_event_stands_in_the_clear(void **state)
{
    struct world *world = *state;
    uint8_t payload[1000];
    for (uint32_t i = 0; i < 30; i++) {
        world_write(world, 5, sizeof(payload));
    }
    world_fill_payload(payload, sizeof(payload), 77);
    assert_false(is_anywhere(world->memory, payload, 16));
    assert_false(is_anywhere(world->memory, "pos/7/sale", 10));
    assert_false(is_anywhere(world->memory, "tills", 5));
    world_check_whole(world, 1);
    world_restart(world);
    world_check_whole(world, 1);
    /* The search finds what is there: the test can fail. */
    world->options.is_encrypted = false;
    world_restart(world);
    world_write(world, 1, 1000);
    assert_true(is_anywhere(world->memory, "pos/7/sale", 10));
    world_check_whole(world, 1);
}

static void the_same_events_are_never_sealed_alike(void **state)
{
    struct world *world = *state;
    uint8_t first[512];
    world_write(world, 1, 1000);
    memcpy(first, world_segment(world, 1)->seen + SEGMENT_BEGIN + FRAME_HEADER_BYTES,
           sizeof(first));
    /* The same bytes at the same offset of a new segment, and again there after a failed sync. */
    world_restart(world);
    world->made = 0;
    assert_int_equal(world_stage(world, 1000), SFE_OK);
    world->memory->fail_sync_at = world->memory->syncs + 1;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(world_commit(world), SFE_OK);
    const uint32_t second = world->stream->current.number;
    assert_memory_not_equal(world_segment(world, second)->seen + SEGMENT_BEGIN + FRAME_HEADER_BYTES,
                            first, 64);
    struct segment found[2] = {{.number = 1}, {.number = second}};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(
            segment_header_parse(
                sfe_slice_make(world_segment(world, found[i].number)->seen, SEGMENT_HEADER_BYTES_2),
                "sales", &found[i]),
            HEADER_VALID);
        assert_true(found[i].is_sealed);
    }
    assert_memory_not_equal(found[0].seal.salt, found[1].seal.salt, SFE_AEAD_SALT_BYTES);
    world_check_whole(world, 1);
}

static void a_missing_and_a_wrong_key_are_told_and_nothing_is_changed(void **state)
{
    struct world *world = *state;
    world_write(world, 5, 1000);
    world_stop(world);
    const uint64_t calls = world->memory->calls;
    world->options.key_count = 0;
    assert_int_equal(world_start(world), SFE_E_CRYPTO);
    assert_non_null(strstr(world->err.message, "no key to encrypt with"));
    world->options.is_encrypted = false;
    assert_int_equal(world_start(world), SFE_E_CRYPTO);
    assert_non_null(strstr(world->err.message, "there is no key"));
    world->options.is_encrypted = true;
    world->options.keys = keys + 1;
    world->options.key_count = 1;
    assert_int_equal(world_start(world), SFE_E_CRYPTO);
    assert_non_null(strstr(world->err.message, "encrypt_old_key_files"));
    assert_int_equal(world->memory->calls, calls);
    world->options.keys = keys;
    world_must_start(world);
    world_check_whole(world, 1);
}

static void what_was_sealed_before_stays_readable_through_a_change_of_key(void **state)
{
    struct world *world = *state;
    struct sfe_aead_key *changed[] = {keys[1], keys[0]};
    world_write(world, 5, 1000);
    world->options.keys = changed;
    world->options.key_count = 2;
    world_restart(world);
    world_write(world, 5, 1000);
    world_restart(world);
    world_check_whole(world, 1);
    /* And without encryption, as long as the keys are given. */
    world->options.is_encrypted = false;
    world_restart(world);
    world_write(world, 5, 1000);
    world_check_whole(world, 1);
    /* When all of it is delivered the old key is needed no more. */
    for (uint32_t i = 0; i < 20; i++) {
        world_write(world, 5, 1000);
    }
    assert_int_equal(sfe_stream_release(world->stream, 100, &world->err), SFE_OK);
    world->options.key_count = 0;
    world_restart(world);
}

static void plain_segments_stay_readable_when_encryption_is_switched_on(void **state)
{
    struct world *world = *state;
    world->options.is_encrypted = false;
    world->options.key_count = 0;
    world_restart(world);
    world_write(world, 5, 1000);
    assert_int_equal(world_segment(world, 1)->seen[8], 1); /* As ever. */
    world->options.is_encrypted = true;
    world->options.key_count = 1;
    world_restart(world);
    world_write(world, 5, 1000);
    world_check_whole(world, 1);
}

/* One bit in each page, of header, tag or body, one at a time. */
static void a_flipped_bit_costs_one_frame_at_most(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 30; i++) {
        world_write(world, 3, 1100 + 300 * (i % 5));
    }
    world_stop(world);
    world->options.known_durable = 90;
    uint32_t lossy = 0;
    for (uint32_t number = 1; world_segment(world, number) != NULL; number++) {
        struct memory_inode *file = world_segment(world, number);
        for (size_t page = 0; page * SFE_PAGE_BYTES < file->seen_size; page++) {
            const size_t offset = page * SFE_PAGE_BYTES + (page * 37u) % 170u;
            memory_damage(file, offset, (uint8_t)(1u << (page % 8u)));
            world_must_start(world);
            const struct world_reading reading = world_read(world, 1);
            assert_true(reading.count == 90 || reading.count == 87);
            assert_int_equal(sfe_stream_reader_damaged(world->reader), 90 - reading.count);
            lossy += reading.count == 87;
            world_stop(world);
            memory_damage(file, offset, (uint8_t)(1u << (page % 8u)));
        }
    }
    assert_true(lossy >= 25);
    world_must_start(world);
    world_check_whole(world, 1);
}

/* Changed by someone who can make checksums, but has no key. */
static void what_checks_and_does_not_open_is_damage(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 3; i++) {
        world_write(world, 2, 500);
    }
    uint8_t *place = world_segment(world, 1)->seen + SEGMENT_BEGIN + SFE_PAGE_BYTES;
    struct frame frame;
    assert_true(frame_parse(sfe_slice_make(place, FRAME_HEADER_BYTES),
                            SEGMENT_BEGIN + SFE_PAGE_BYTES, &frame));
    place[FRAME_HEADER_BYTES + 7] ^= 1u;
    frame_seal(&frame, world->stream->current.salt, place);
    struct world_reading reading = world_read(world, 1);
    assert_int_equal(reading.count, 4);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 2);
    /* Good events in the clear, where they must be sealed. */
    struct sfe_event event = {
        .source = SFE_TEXT("a"), .topic = SFE_TEXT("b"), .payload = SFE_TEXT("forged")};
    struct sfe_builder body = sfe_builder_make(place + FRAME_HEADER_BYTES, 1000);
    struct sfe_event_encoder encoder;
    sfe_event_encoder_begin(&encoder);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sfe_event_encode(&encoder, &event, &body), SFE_OK);
    }
    frame.flags = 0;
    frame.body_bytes = (uint32_t)body.size;
    frame_seal(&frame, world->stream->current.salt, place);
    world_restart(world);
    reading = world_read(world, 1);
    assert_int_equal(reading.count, 4);
}

/* The power goes in the n-th call that changes something. */
static void a_power_cut_anywhere_loses_nothing_acknowledged(void **state)
{
    struct world *world = *state;
    world_stop(world);
    for (uint64_t n = 1; n < 60; n++) {
        uint64_t durable = 0;
        world_must_start(world);
        world->memory->cut_at = world->memory->calls + n;
        for (uint32_t i = 0; i < 12; i++) {
            if (world_stage(world, 900) == SFE_OK) {
                (void)!world_commit(world);
            }
        }
        durable = world->durable;
        world_stop(world);
        if (!world->memory->is_off) {
            memory_cut(world->memory);
        }
        memory_restart(world->memory);
        world_must_start(world);
        assert_true(sfe_stream_durable(world->stream) >= durable);
        world->durable = sfe_stream_durable(world->stream);
        world_check_whole(world, world_facts(world).first_sequence);
        assert_int_equal(
            sfe_stream_release(world->stream, sfe_stream_durable(world->stream), &world->err),
            SFE_OK);
        world_stop(world);
    }
    world_must_start(world);
}

static void gaps_and_drops_go_with_encryption(void **state)
{
    struct world *world = *state;
    world_stop(world);
    world->options.quota_bytes = 4u * WORLD_SEGMENT_BYTES;
    for (uint32_t round = 0; round < 2; round++) {
        world->options.when_full = round == 0 ? SFE_STREAM_DROP_NEWEST : SFE_STREAM_DROP_OLDEST;
        world_must_start(world);
        const uint64_t before = world_facts(world).dropped_events;
        for (uint32_t i = 0; i < 500; i++) {
            if (world_stage(world, 1000) == SFE_E_FULL || i % 7 == 0) {
                assert_int_equal(world_commit(world), SFE_OK);
            }
        }
        assert_int_equal(world_commit(world), SFE_OK);
        assert_true(world_facts(world).dropped_events > before);
        (void)world_read(world, 1);
        assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
        world_stop(world);
    }
    world_must_start(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_of_an_event_stands_in_the_clear, begin, end),
        cmocka_unit_test_setup_teardown(the_same_events_are_never_sealed_alike, begin, end),
        cmocka_unit_test_setup_teardown(a_missing_and_a_wrong_key_are_told_and_nothing_is_changed,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_sealed_before_stays_readable_through_a_change_of_key, begin, end),
        cmocka_unit_test_setup_teardown(plain_segments_stay_readable_when_encryption_is_switched_on,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_flipped_bit_costs_one_frame_at_most, begin, end),
        cmocka_unit_test_setup_teardown(what_checks_and_does_not_open_is_damage, begin, end),
        cmocka_unit_test_setup_teardown(a_power_cut_anywhere_loses_nothing_acknowledged, begin,
                                        end),
        cmocka_unit_test_setup_teardown(gaps_and_drops_go_with_encryption, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
