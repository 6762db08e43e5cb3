#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_storage.h"

#include "event/event.h"
#include "stream/frame.h"

#define SALT      0x5afe5a17u
#define BODY      5000u
#define AT        (2u * SFE_PAGE_BYTES)
#define FILE_SIZE (8u * SFE_PAGE_BYTES)

struct fixture {
    struct memory_storage *memory;
    struct memory_inode *inode;
    struct sfe_file *file;
    struct window window;
    struct frame frame;
    struct sfe_error err;
    uint8_t bytes[FILE_SIZE];
    uint8_t made[2u * SFE_PAGE_BYTES];
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->memory = memory_storage_open(1);
    fixture->frame = (struct frame){
        .first_sequence = 77, .count = 12, .body_bytes = BODY, .durable_end = SFE_PAGE_BYTES};
    memset(fixture->made, 0xEE, sizeof(fixture->made));
    for (size_t i = 0; i < BODY; i++) {
        fixture->made[FRAME_HEADER_BYTES + i] = (uint8_t)(i * 13u);
    }
    frame_seal(&fixture->frame, SALT, fixture->made);
    fixture->inode = memory_put(fixture->memory, "file", NULL, FILE_SIZE);
    memcpy(fixture->inode->seen + AT, fixture->made, sizeof(fixture->made));
    assert_int_equal(
        memory_open(fixture->memory, "file", SFE_STORAGE_READ, &fixture->file, &fixture->err),
        SFE_OK);
    fixture->window = (struct window){.storage = &fixture->memory->storage,
                                      .bytes = fixture->bytes,
                                      .capacity = sizeof(fixture->bytes)};
    window_show(&fixture->window, fixture->file, FILE_SIZE);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    memory_close(fixture->memory, fixture->file);
    memory_storage_close(fixture->memory);
    free(fixture);
    return 0;
}

static enum frame_verdict check_at(struct fixture *fixture, uint64_t offset, struct frame *found)
{
    window_show(&fixture->window, fixture->file, fixture->inode->seen_size);
    return frame_check(&fixture->window, SALT, offset, found, &fixture->err);
}

static void what_was_sealed_is_found_again(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    assert_int_equal(check_at(fixture, AT, &found), FRAME_VALID);
    assert_int_equal(found.first_sequence, 77);
    assert_int_equal(found.count, 12);
    assert_int_equal(found.durable_end, SFE_PAGE_BYTES);
    assert_int_equal(frame_bytes(&found), 2u * SFE_PAGE_BYTES);
    assert_int_equal(frame_end_sequence(&found), 89);
    struct sfe_slice body = frame_body(&fixture->window, AT, &found);
    assert_int_equal(body.size, BODY);
    assert_memory_equal(body.bytes, fixture->made + FRAME_HEADER_BYTES, BODY);
}

static void padding_is_zero(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = FRAME_HEADER_BYTES + BODY; i < sizeof(fixture->made); i++) {
        assert_int_equal(fixture->made[i], 0);
    }
}

/* FORMAT.md shows this frame; its bytes were made by hand, not by this code. */
static void the_worked_example_is_right(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x53, 0x46, 0x45, 0x46, 0x01, 0x00, 0x00, 0x00, 0x2a, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x22, 0x00, 0x00, 0x00, 0x00, 0x30, 0x00, 0x00,
        0x3e, 0xca, 0x31, 0xe0, 0x10, 0x00, 0x05, 0x74, 0x69, 0x6c, 0x6c, 0x73, 0x00, 0x05,
        0x70, 0x6f, 0x73, 0x2f, 0x37, 0x80, 0x80, 0x92, 0x96, 0xa8, 0x96, 0xa2, 0x06, 0x0a,
        0x7b, 0x22, 0x73, 0x61, 0x6c, 0x65, 0x22, 0x3a, 0x31, 0x7d};
    const struct sfe_event event = {.clock_quality = SFE_CLOCK_SYNCED,
                                    .received_ns = INT64_C(1764000000000000000),
                                    .source = SFE_TEXT("tills"),
                                    .topic = SFE_TEXT("pos/7"),
                                    .payload = SFE_TEXT("{\"sale\":1}")};
    uint8_t made[SFE_PAGE_BYTES];
    struct sfe_event_encoder encoder;
    struct sfe_builder body =
        sfe_builder_make(made + FRAME_HEADER_BYTES, sizeof(made) - FRAME_HEADER_BYTES);

    sfe_event_encoder_begin(&encoder);
    assert_int_equal(sfe_event_encode(&encoder, &event, &body), SFE_OK);
    const struct frame frame = {
        .first_sequence = 42, .count = 1, .body_bytes = (uint32_t)body.size, .durable_end = 0x3000};
    frame_seal(&frame, 0x01020304u, made);
    assert_int_equal(FRAME_HEADER_BYTES + body.size, sizeof(expected));
    assert_memory_equal(made, expected, sizeof(expected));
}

static void any_flipped_bit_of_header_or_body_makes_it_bad(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    for (size_t bit = 0; bit < 8u * (FRAME_HEADER_BYTES + BODY); bit += bit < 256 ? 1 : 61) {
        memory_damage(fixture->inode, AT + bit / 8u, (uint8_t)(1u << (bit % 8u)));
        assert_int_equal(check_at(fixture, AT, &found), FRAME_BAD);
        memory_damage(fixture->inode, AT + bit / 8u, (uint8_t)(1u << (bit % 8u)));
    }
    assert_int_equal(check_at(fixture, AT, &found), FRAME_VALID);
}

static void another_salt_is_another_segment(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    assert_int_equal(frame_check(&fixture->window, SALT + 1u, AT, &found, &fixture->err),
                     FRAME_BAD);
}

static void it_is_found_where_it_stands_only(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    for (uint64_t offset = 0; offset < FILE_SIZE + SFE_PAGE_BYTES; offset += SFE_PAGE_BYTES) {
        assert_int_equal(check_at(fixture, offset, &found), offset == AT ? FRAME_VALID : FRAME_BAD);
    }
}

static void a_file_that_ends_inside_it_makes_it_bad(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    fixture->inode->seen_size = AT + FRAME_HEADER_BYTES + BODY - 1u;
    assert_int_equal(check_at(fixture, AT, &found), FRAME_BAD);
    fixture->inode->seen_size++;
    assert_int_equal(check_at(fixture, AT, &found), FRAME_VALID);
}

static void one_larger_than_the_window_is_checked_too(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    fixture->window.capacity = SFE_PAGE_BYTES;
    assert_int_equal(check_at(fixture, AT, &found), FRAME_VALID);
    memory_damage(fixture->inode, AT + FRAME_HEADER_BYTES + BODY - 1u, 1);
    assert_int_equal(check_at(fixture, AT, &found), FRAME_BAD);
}

static void unreadable_is_not_the_same_as_bad(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    fixture->inode->is_unreadable[3] = true;
    assert_int_equal(check_at(fixture, AT, &found), FRAME_UNREADABLE);
    assert_int_equal(fixture->err.os_errno, EIO);
    assert_int_equal(check_at(fixture, 0, &found), FRAME_BAD);
}

static void impossible_headers_are_refused_before_their_body_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct frame found;
    const struct frame wrong[] = {
        {.first_sequence = 0, .count = 1, .body_bytes = 9},
        {.first_sequence = UINT64_MAX, .count = 1, .body_bytes = 9},
        {.first_sequence = 1, .count = 10, .body_bytes = 9},
        {.first_sequence = 1, .count = 1, .body_bytes = 9, .durable_end = AT + SFE_PAGE_BYTES},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        frame_seal(&wrong[i], SALT, fixture->inode->seen + AT);
        assert_int_equal(check_at(fixture, AT, &found), FRAME_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sealed_is_found_again, begin, end),
        cmocka_unit_test_setup_teardown(padding_is_zero, begin, end),
        cmocka_unit_test(the_worked_example_is_right),
        cmocka_unit_test_setup_teardown(any_flipped_bit_of_header_or_body_makes_it_bad, begin, end),
        cmocka_unit_test_setup_teardown(another_salt_is_another_segment, begin, end),
        cmocka_unit_test_setup_teardown(it_is_found_where_it_stands_only, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_ends_inside_it_makes_it_bad, begin, end),
        cmocka_unit_test_setup_teardown(one_larger_than_the_window_is_checked_too, begin, end),
        cmocka_unit_test_setup_teardown(unreadable_is_not_the_same_as_bad, begin, end),
        cmocka_unit_test_setup_teardown(impossible_headers_are_refused_before_their_body_is_read,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
