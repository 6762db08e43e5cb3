#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/doctor.h"
#include "real_platform.h"

#include <stdio.h>
#include <string.h>

static struct sfe_platform platform;
static struct sfe_finding last;

static void report(void *reader, const struct sfe_finding *finding)
{
    (void)reader;
    last = *finding;
}

static void look(const char *host, uint16_t port)
{
    char text[64];
    const struct sfe_config_input input = {
        .name = "webhook",
        .type = SFE_INPUT_HTTP,
        .http = {.listen = text, .host = host, .port = port},
    };
    const struct sfe_config config = {.inputs = &input, .input_count = 1};
    const struct sfe_doctor_options options = {
        .config = &config, .platform = &platform, .report = report};

    assert_true(snprintf(text, sizeof(text), "%s:%u", host, (unsigned)port) > 0);
    memset(&last, 0, sizeof(last));
    sfe_doctor_listen(&options, 0);
}

static void an_address_is_free_or_listened_at_or_not_ours(void **state)
{
    struct sfe_socket *listener = NULL;
    struct sfe_error err;
    uint16_t port = 0;

    (void)state;
    sfe_posix_clock(&platform.clock);
    assert_int_equal(sfe_posix_poller_open(&platform.poller, &err), SFE_OK);
    assert_int_equal(
        platform.poller.listen_loopback(platform.poller.context, &listener, &port, &err), SFE_OK);
    look("127.0.0.1", port);
    assert_int_equal(last.level, SFE_FINDING_OK);
    assert_non_null(strstr(last.message, "is listened at"));
    platform.poller.close(platform.poller.context, listener);
    look("127.0.0.1", port);
    assert_int_equal(last.level, SFE_FINDING_OK);
    assert_non_null(strstr(last.message, "is free"));
    look("192.0.2.1", port); /* RFC 5737: nobody's. */
    assert_int_equal(last.level, SFE_FINDING_FAIL);
    assert_string_equal(last.setting, "/inputs/webhook/listen");
    assert_non_null(strstr(last.message, "192.0.2.1"));
    sfe_posix_poller_close(&platform.poller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_free_or_listened_at_or_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
