#include "loop.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRANGER 65534

/* Connects from a socket of `family` and waits to be closed; as user `user`, or as we are where it
 * is 0. */
static pid_t connect_from_child(int family, uint16_t port, uid_t user)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } address;
    char byte;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0) {
        return child;
    }
    memset(&address, 0, sizeof(address));
    address.any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        address.ipv4.sin_port = htons(port);
        address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        address.ipv6.sin6_port = htons(port);
        (void)inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.ipv6.sin6_addr);
    }
    if (user != 0 && setuid(user) != 0) {
        _exit(2);
    }
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, &address.any, sizeof(address)) != 0) {
        _exit(3);
    }
    _exit(read(fd, &byte, 1) == 0 ? 0 : 4);
}

static enum sfe_code accept_one(struct loop *loop, struct sfe_socket *listener)
{
    struct sfe_socket *stream = NULL;
    loop_watch(loop, listener, SFE_POLL_READ);
    loop->events = 0;
    loop_wait_for(loop, SFE_POLL_READ);
    enum sfe_code code = loop->poller.accept(loop->poller.context, listener, &stream, &loop->err);
    loop->poller.close(loop->poller.context, stream);
    return code;
}

static enum sfe_code accept_from(struct loop *loop, int family, uid_t user)
{
    struct sfe_socket *listener = NULL;
    uint16_t port = 0;
    int status = 0;
    assert_int_equal(
        loop->poller.listen_loopback(loop->poller.context, &listener, &port, &loop->err), SFE_OK);
    pid_t child = connect_from_child(family, port, user);
    enum sfe_code code = accept_one(loop, listener);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return code;
}

static void process_of_our_user_comes_in_over_tcp(void **state)
{
    assert_int_equal(accept_from(*state, AF_INET, 0), SFE_OK);
}

static void process_of_our_user_comes_in_from_an_ipv6_socket(void **state)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0) {
        skip();
    }
    (void)close(fd);
    assert_int_equal(accept_from(*state, AF_INET6, 0), SFE_OK);
}

static void process_of_another_user_is_turned_away_over_tcp(void **state)
{
    if (geteuid() != 0) {
        skip(); /* Only root can be another user. */
    }
    assert_int_equal(accept_from(*state, AF_INET, STRANGER), SFE_E_AGAIN);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_open, loop_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(process_of_our_user_comes_in_over_tcp),
        LOOP_TEST(process_of_our_user_comes_in_from_an_ipv6_socket),
        LOOP_TEST(process_of_another_user_is_turned_away_over_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
