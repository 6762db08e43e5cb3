#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "posix/lookup.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct lookup *look_up(const char *host)
{
    struct lookup *lookup = NULL;
    struct sfe_error err;
    assert_int_equal(lookup_begin(host, 8883, &lookup, &err), SFE_OK);
    if (lookup->done_fd >= 0) {
        struct pollfd done = {.fd = lookup->done_fd, .events = POLLIN};
        uint64_t count = 0;
        assert_int_equal(poll(&done, 1, 30000), 1);
        assert_int_equal(read(lookup->done_fd, &count, sizeof(count)), sizeof(count));
    }
    return lookup;
}

static void address_literals_need_no_thread(void **state)
{
    (void)state;
    struct lookup *lookup = look_up("192.0.2.7");
    assert_int_equal(lookup->done_fd, -1);
    assert_int_equal(lookup->count, 1);
    assert_int_equal(lookup->addresses[0].ipv4.sin_family, AF_INET);
    assert_int_equal(lookup->addresses[0].ipv4.sin_port, htons(8883));
    assert_int_equal(lookup->addresses[0].ipv4.sin_addr.s_addr, htonl(0xc0000207u));
    lookup_end(lookup);
    lookup = look_up("2001:db8::1");
    assert_int_equal(lookup->done_fd, -1);
    assert_int_equal(lookup->addresses[0].ipv6.sin6_family, AF_INET6);
    lookup_end(lookup);
}

static void name_is_found_in_a_thread(void **state)
{
    (void)state;
    struct lookup *lookup = look_up("localhost");
    assert_true(lookup->done_fd >= 0);
    assert_int_equal(lookup->resolver, 0);
    assert_true(lookup->count >= 1);
    lookup_end(lookup);
}

static void name_that_cannot_exist_says_which(void **state)
{
    struct sfe_error err;
    (void)state;
    struct lookup *lookup = look_up("no such host.invalid");
    assert_int_equal(lookup->count, 0);
    assert_int_equal(lookup_fail(lookup, &err), SFE_E_NETWORK);
    assert_non_null(strstr(err.message, "no such host.invalid"));
    lookup_end(lookup);
}

static void name_of_no_length_or_too_much_is_refused(void **state)
{
    struct lookup *lookup = NULL;
    struct sfe_error err;
    char host[LOOKUP_HOST_BYTES + 1];
    (void)state;
    memset(host, 'a', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    assert_int_equal(lookup_begin(host, 1, &lookup, &err), SFE_E_NETWORK);
    assert_int_equal(lookup_begin("", 1, &lookup, &err), SFE_E_NETWORK);
    assert_null(lookup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_literals_need_no_thread),
        cmocka_unit_test(name_is_found_in_a_thread),
        cmocka_unit_test(name_that_cannot_exist_says_which),
        cmocka_unit_test(name_of_no_length_or_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
