#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/platform.h"

#include <stdlib.h>
#include <unistd.h>

static void platform_opens_whole_and_closes(void **state)
{
    char directory[] = "/tmp/sfedge-platform-XXXXXX";
    struct sfe_platform platform;
    struct sfe_error err;
    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(sfe_platform_open(directory, &platform, &err), SFE_OK);
    assert_non_null(platform.clock.monotonic_ns);
    assert_non_null(platform.entropy.fill);
    assert_non_null(platform.storage.open);
    assert_non_null(platform.poller.wait);
    assert_non_null(platform.http.begin);
    assert_non_null(platform.mqtt.open);
    assert_non_null(platform.crypto.sha256);
    sfe_platform_close(&platform);
    assert_int_equal(rmdir(directory), 0);
}

static void platform_without_its_directory_is_refused_and_leaves_nothing(void **state)
{
    struct sfe_platform platform;
    struct sfe_error err;
    (void)state;
    assert_int_equal(sfe_platform_open("/tmp/sfedge-no-such-directory", &platform, &err),
                     SFE_E_NOT_FOUND);
    assert_null(platform.storage.context);
    assert_null(platform.poller.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platform_opens_whole_and_closes),
        cmocka_unit_test(platform_without_its_directory_is_refused_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
