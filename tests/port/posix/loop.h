/* A poller and the events it reported, for the tests of port/posix. */
#ifndef SFE_TESTS_PORT_POSIX_LOOP_H
#define SFE_TESTS_PORT_POSIX_LOOP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "posix/posix.h"
#include "real_platform.h"

#define LOOP_PATIENCE_NS (UINT64_C(20) * 1000000000u)

struct loop {
    struct sfe_poller poller;
    struct sfe_error err;
    unsigned events; /* All that were reported since `events` was last set to 0. */
    unsigned calls;
};

static inline int loop_open(void **state)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    assert_non_null(loop);
    assert_int_equal(sfe_posix_poller_open(&loop->poller, &loop->err), SFE_OK);
    *state = loop;
    return 0;
}

static inline int loop_close(void **state)
{
    struct loop *loop = *state;
    sfe_posix_poller_close(&loop->poller);
    free(loop);
    return 0;
}

static inline void loop_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct loop *loop = owner;
    (void)socket;
    loop->events |= events;
    loop->calls++;
}

static inline void loop_watch(struct loop *loop, struct sfe_socket *socket, unsigned events)
{
    loop->poller.watch(loop->poller.context, socket, events, loop_ready, loop);
}

static inline void loop_wait_once(struct loop *loop, uint64_t until_ns)
{
    assert_int_equal(loop->poller.wait(loop->poller.context, until_ns, &loop->err), SFE_OK);
}

/* Waits until one of `events` was reported. */
static inline void loop_wait_for(struct loop *loop, unsigned events)
{
    uint64_t until_ns = sfe_posix_now_ns() + LOOP_PATIENCE_NS;
    while ((loop->events & events) == 0) {
        assert_true(sfe_posix_now_ns() < until_ns);
        loop_wait_once(loop, until_ns);
    }
}

/* A connection over loopback: both ends. */
static inline void loop_pair(struct loop *loop, struct sfe_socket **listener,
                             struct sfe_socket **near_end, struct sfe_socket **far_end)
{
    void *context = loop->poller.context;
    uint16_t port = 0;
    assert_int_equal(loop->poller.listen_loopback(context, listener, &port, &loop->err), SFE_OK);
    assert_int_equal(loop->poller.connect(context, "127.0.0.1", port, near_end, &loop->err),
                     SFE_OK);
    loop_watch(loop, *listener, SFE_POLL_READ);
    loop->events = 0;
    loop_wait_for(loop, SFE_POLL_READ);
    assert_int_equal(loop->poller.accept(context, *listener, far_end, &loop->err), SFE_OK);
    loop_watch(loop, *near_end, SFE_POLL_WRITE);
    loop->events = 0;
    loop_wait_for(loop, SFE_POLL_WRITE);
    assert_true(loop->poller.connected(context, *near_end));
    loop_watch(loop, *near_end, 0);
    loop->events = 0;
}

#endif
