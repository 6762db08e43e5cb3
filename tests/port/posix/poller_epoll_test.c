#include "loop.h"

#include "port/thread.h"

static void wake_before_the_wait_ends_it(void **state)
{
    struct loop *loop = *state;
    loop->poller.wake(loop->poller.context);
    loop->poller.wake(loop->poller.context);
    loop_wait_once(loop, UINT64_MAX);
}

/* Every round needs its own wake: one that is lost would leave the waiter for ever. */
static void wake_many_times(void *argument)
{
    struct loop *loop = argument;
    for (int i = 0; i < 1000; i++) {
        loop->poller.wake(loop->poller.context);
    }
}

static void wakes_of_another_thread_are_not_lost(void **state)
{
    struct loop *loop = *state;
    struct sfe_thread *thread = NULL;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(
            sfe_thread_start("waker", 65536, wake_many_times, loop, &thread, &loop->err), SFE_OK);
        loop_wait_once(loop, UINT64_MAX);
        sfe_thread_join(thread);
        loop_wait_once(loop, 0); /* Takes what is left over. */
    }
}

static void wait_ends_at_its_time(void **state)
{
    struct loop *loop = *state;
    uint64_t until_ns = sfe_posix_now_ns() + 3000000u;
    loop_wait_once(loop, until_ns);
    assert_true(sfe_posix_now_ns() >= until_ns);
    loop_wait_once(loop, 0);
}

struct closer {
    struct loop *loop;
    struct sfe_socket *sockets[2];
    unsigned calls;
};

static void close_both(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct closer *closer = owner;
    (void)socket;
    (void)events;
    closer->calls++;
    for (int i = 0; i < 2; i++) {
        closer->loop->poller.close(closer->loop->poller.context, closer->sockets[i]);
        closer->sockets[i] = NULL;
    }
    for (int i = 0; i < 2; i++) { /* They might be given the places of those just closed. */
        struct sfe_socket *listener = NULL;
        uint16_t port = 0;
        assert_int_equal(closer->loop->poller.listen_loopback(closer->loop->poller.context,
                                                              &listener, &port, &closer->loop->err),
                         SFE_OK);
        loop_watch(closer->loop, listener, SFE_POLL_READ);
    }
}

static void event_of_a_closed_socket_reaches_neither_it_nor_its_successor(void **state)
{
    struct loop *loop = *state;
    struct closer closer = {.loop = loop};
    struct sfe_socket *listener = NULL;
    loop_pair(loop, &listener, &closer.sockets[0], &closer.sockets[1]);
    for (int i = 0; i < 2; i++) {
        loop->poller.watch(loop->poller.context, closer.sockets[i], SFE_POLL_WRITE, close_both,
                           &closer);
    }
    loop->calls = 0;
    loop_wait_once(loop, UINT64_MAX);
    assert_int_equal(closer.calls, 1);
    assert_int_equal(loop->calls, 0);
    loop_wait_once(loop, 0);
    assert_int_equal(closer.calls, 1);
    assert_int_equal(loop->calls, 0);
}

static void watch_reports_what_was_asked_for_alone(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *listener = NULL;
    struct sfe_socket *near_end = NULL;
    struct sfe_socket *far_end = NULL;
    size_t count = 0;
    loop_pair(loop, &listener, &near_end, &far_end);
    assert_int_equal(
        loop->poller.write(loop->poller.context, near_end, SFE_TEXT("abc"), &count, &loop->err),
        SFE_IO_DATA);
    loop_watch(loop, far_end, SFE_POLL_READ);
    loop_wait_for(loop, SFE_POLL_READ);
    assert_int_equal(loop->events, SFE_POLL_READ);
    loop->events = 0;
    loop_watch(loop, far_end, 0);
    loop_wait_once(loop, 0);
    assert_int_equal(loop->events, 0);
    loop_watch(loop, far_end, SFE_POLL_READ | SFE_POLL_WRITE);
    loop_wait_once(loop, UINT64_MAX);
    assert_int_equal(loop->events, SFE_POLL_READ | SFE_POLL_WRITE);
}

static void more_sockets_than_there_are_places_are_refused(void **state)
{
    struct loop *loop = *state;
    enum sfe_code code = SFE_OK;
    unsigned count = 0;
    while (code == SFE_OK) {
        struct sfe_socket *listener = NULL;
        uint16_t port = 0;
        code = loop->poller.listen_loopback(loop->poller.context, &listener, &port, &loop->err);
        count++;
        assert_true(count < 1000);
    }
    assert_int_equal(code, SFE_E_NO_MEMORY);
    assert_true(count > 64);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_open, loop_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(wake_before_the_wait_ends_it),
        LOOP_TEST(wakes_of_another_thread_are_not_lost),
        LOOP_TEST(wait_ends_at_its_time),
        LOOP_TEST(event_of_a_closed_socket_reaches_neither_it_nor_its_successor),
        LOOP_TEST(watch_reports_what_was_asked_for_alone),
        LOOP_TEST(more_sockets_than_there_are_places_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
