#include "loop.h"

struct ends {
    struct sfe_socket *listener;
    struct sfe_socket *near_end;
    struct sfe_socket *far_end;
};

static uint8_t pattern(size_t place)
{
    return (uint8_t)(place * 31 + place / 251);
}

/* Writes the pattern until the kernel takes no more; returns how much it took. */
static size_t fill(struct loop *loop, struct sfe_socket *stream)
{
    uint8_t bytes[4096];
    size_t total = 0;
    for (;;) {
        size_t count = 0;
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = pattern(total + i);
        }
        enum sfe_io io = loop->poller.write(
            loop->poller.context, stream, sfe_slice_make(bytes, sizeof(bytes)), &count, &loop->err);
        if (io == SFE_IO_WOULD_BLOCK) {
            return total;
        }
        assert_int_equal(io, SFE_IO_DATA);
        total += count;
    }
}

static void full_stream_would_block_and_loses_nothing(void **state)
{
    struct loop *loop = *state;
    struct ends ends;
    uint8_t bytes[10000];
    size_t in = 0;
    loop_pair(loop, &ends.listener, &ends.near_end, &ends.far_end);
    size_t out = fill(loop, ends.near_end);
    assert_true(out > 0);
    loop_watch(loop, ends.far_end, SFE_POLL_READ);
    while (in < out) {
        size_t count = 0;
        loop->events = 0;
        loop_wait_for(loop, SFE_POLL_READ);
        assert_int_equal(loop->poller.read(loop->poller.context, ends.far_end, bytes, sizeof(bytes),
                                           &count, &loop->err),
                         SFE_IO_DATA);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(bytes[i], pattern(in + i));
        }
        in += count;
    }
    assert_int_equal(in, out);
    loop_watch(loop, ends.near_end, SFE_POLL_WRITE);
    loop->events = 0;
    loop_wait_for(loop, SFE_POLL_WRITE);
}

static void read_of_a_silent_stream_would_block(void **state)
{
    struct loop *loop = *state;
    struct ends ends;
    char byte;
    size_t count = 1;
    loop_pair(loop, &ends.listener, &ends.near_end, &ends.far_end);
    assert_int_equal(
        loop->poller.read(loop->poller.context, ends.far_end, &byte, 1, &count, &loop->err),
        SFE_IO_WOULD_BLOCK);
    assert_int_equal(count, 0);
}

static void other_side_that_ends_is_closed_after_its_last_byte(void **state)
{
    struct loop *loop = *state;
    struct ends ends;
    char bytes[8];
    size_t count = 0;
    loop_pair(loop, &ends.listener, &ends.near_end, &ends.far_end);
    assert_int_equal(loop->poller.write(loop->poller.context, ends.near_end, SFE_TEXT("end"),
                                        &count, &loop->err),
                     SFE_IO_DATA);
    loop->poller.close(loop->poller.context, ends.near_end);
    loop_watch(loop, ends.far_end, SFE_POLL_READ);
    loop->events = 0;
    loop_wait_for(loop, SFE_POLL_READ);
    assert_int_equal(loop->poller.read(loop->poller.context, ends.far_end, bytes, sizeof(bytes),
                                       &count, &loop->err),
                     SFE_IO_DATA);
    assert_int_equal(count, 3);
    loop->events = 0;
    loop_wait_for(loop, SFE_POLL_READ);
    assert_int_equal(loop->poller.read(loop->poller.context, ends.far_end, bytes, sizeof(bytes),
                                       &count, &loop->err),
                     SFE_IO_CLOSED);
}

static void write_to_a_stream_that_broke_fails_and_raises_no_signal(void **state)
{
    struct loop *loop = *state;
    struct ends ends;
    size_t count = 0;
    enum sfe_io io = SFE_IO_DATA;
    loop_pair(loop, &ends.listener, &ends.near_end, &ends.far_end);
    loop->poller.close(loop->poller.context, ends.far_end);
    for (int i = 0; i < 100000 && io == SFE_IO_DATA; i++) {
        io = loop->poller.write(loop->poller.context, ends.near_end, SFE_TEXT("x"), &count,
                                &loop->err);
    }
    assert_int_equal(io, SFE_IO_FAILED);
    assert_int_equal(loop->err.code, SFE_E_NETWORK);
    assert_int_not_equal(loop->err.os_errno, 0);
}

static void close_of_nothing_is_allowed(void **state)
{
    struct loop *loop = *state;
    loop->poller.close(loop->poller.context, NULL);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_open, loop_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(full_stream_would_block_and_loses_nothing),
        LOOP_TEST(read_of_a_silent_stream_would_block),
        LOOP_TEST(other_side_that_ends_is_closed_after_its_last_byte),
        LOOP_TEST(write_to_a_stream_that_broke_fails_and_raises_no_signal),
        LOOP_TEST(close_of_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
