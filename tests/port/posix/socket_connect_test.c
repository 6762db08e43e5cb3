#include "loop.h"

#include <string.h>

/* A port that was free a moment ago and that nobody listens on now. */
static uint16_t dead_port(struct loop *loop)
{
    struct sfe_socket *listener = NULL;
    uint16_t port = 0;
    assert_int_equal(
        loop->poller.listen_loopback(loop->poller.context, &listener, &port, &loop->err), SFE_OK);
    loop->poller.close(loop->poller.context, listener);
    return port;
}

static void refused_connection_fails_at_the_first_write(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *stream = NULL;
    size_t count = 0;
    uint16_t port = dead_port(loop);
    assert_int_equal(
        loop->poller.connect(loop->poller.context, "127.0.0.1", port, &stream, &loop->err), SFE_OK);
    loop_watch(loop, stream, SFE_POLL_WRITE);
    loop_wait_for(loop, SFE_POLL_FAILED);
    assert_false(loop->poller.connected(loop->poller.context, stream));
    assert_int_equal(
        loop->poller.write(loop->poller.context, stream, SFE_TEXT("x"), &count, &loop->err),
        SFE_IO_FAILED);
    assert_int_equal(loop->err.code, SFE_E_NETWORK);
    assert_non_null(strstr(loop->err.message, "127.0.0.1"));
    loop->poller.close(loop->poller.context, stream);
    loop->events = 0;
    loop_wait_once(loop, 0);
    assert_int_equal(loop->events, 0);
}

static void name_is_looked_up_beside_the_thread(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *listener = NULL;
    struct sfe_socket *stream = NULL;
    uint16_t port = 0;
    char byte;
    size_t count = 0;
    assert_int_equal(
        loop->poller.listen_loopback(loop->poller.context, &listener, &port, &loop->err), SFE_OK);
    /* Where localhost is ::1 as well, nobody listens there, and the next address is tried. */
    assert_int_equal(
        loop->poller.connect(loop->poller.context, "localhost", port, &stream, &loop->err), SFE_OK);
    assert_int_equal(loop->poller.read(loop->poller.context, stream, &byte, 1, &count, &loop->err),
                     SFE_IO_WOULD_BLOCK);
    loop_watch(loop, stream, SFE_POLL_WRITE);
    loop_wait_for(loop, SFE_POLL_WRITE);
    assert_true(loop->poller.connected(loop->poller.context, stream));
}

static void name_that_does_not_exist_fails_and_is_told(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *stream = NULL;
    char byte;
    size_t count = 0;
    assert_int_equal(
        loop->poller.connect(loop->poller.context, "no such.invalid", 1, &stream, &loop->err),
        SFE_OK);
    loop_watch(loop, stream, SFE_POLL_READ);
    loop_wait_for(loop, SFE_POLL_FAILED);
    assert_int_equal(loop->poller.read(loop->poller.context, stream, &byte, 1, &count, &loop->err),
                     SFE_IO_FAILED);
    assert_int_equal(loop->err.code, SFE_E_NETWORK);
    assert_non_null(strstr(loop->err.message, "no such.invalid"));
}

static void stream_closed_while_its_name_is_looked_up_is_gone(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *stream = NULL;
    assert_int_equal(
        loop->poller.connect(loop->poller.context, "localhost", 1, &stream, &loop->err), SFE_OK);
    loop_watch(loop, stream, SFE_POLL_WRITE);
    loop->poller.close(loop->poller.context, stream);
    loop_wait_once(loop, 0);
    assert_int_equal(loop->calls, 0);
}

static void path_where_nobody_listens_is_not_found(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *stream = NULL;
    assert_int_equal(loop->poller.connect_local(loop->poller.context, "/tmp/sfedge-no-such-socket",
                                                &stream, &loop->err),
                     SFE_E_NOT_FOUND);
    assert_null(stream);
    char path[300];
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(loop->poller.connect_local(loop->poller.context, path, &stream, &loop->err),
                     SFE_E_NOT_FOUND);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_open, loop_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(refused_connection_fails_at_the_first_write),
        LOOP_TEST(name_is_looked_up_beside_the_thread),
        LOOP_TEST(name_that_does_not_exist_fails_and_is_told),
        LOOP_TEST(stream_closed_while_its_name_is_looked_up_is_gone),
        LOOP_TEST(path_where_nobody_listens_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
