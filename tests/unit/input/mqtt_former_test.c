#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "input/mqtt_former.h"

static void a_filter_is_kept_once_and_walked_in_its_order(void **state)
{
    static struct sfe_mqtt_former former;

    (void)state;
    assert_null(sfe_mqtt_former_next(&former, NULL));
    assert_true(sfe_mqtt_former_add(&former, "a/+"));
    assert_true(sfe_mqtt_former_add(&former, "b"));
    assert_true(sfe_mqtt_former_add(&former, "a/+"));
    assert_int_equal(former.count, 2);
    const char *filter = sfe_mqtt_former_next(&former, NULL);
    assert_string_equal(filter, "a/+");
    filter = sfe_mqtt_former_next(&former, filter);
    assert_string_equal(filter, "b");
    assert_null(sfe_mqtt_former_next(&former, filter));
}

static void what_finds_no_room_is_refused_and_breaks_nothing(void **state)
{
    static struct sfe_mqtt_former former;
    static char filter[SFE_MQTT_FORMER_BYTES + 1u];
    char name[16];

    (void)state;
    memset(filter, 'x', sizeof(filter) - 1);
    assert_false(sfe_mqtt_former_add(&former, filter));
    filter[SFE_MQTT_FORMER_BYTES - 1] = '\0';
    assert_true(sfe_mqtt_former_add(&former, filter));
    assert_false(sfe_mqtt_former_add(&former, "b"));
    assert_null(sfe_mqtt_former_next(&former, sfe_mqtt_former_next(&former, NULL)));
    memset(&former, 0, sizeof(former));
    for (uint32_t i = 0; i < SFE_INPUTS_MAX; i++) {
        assert_true(snprintf(name, sizeof(name), "f%u", (unsigned)i) > 0);
        assert_true(sfe_mqtt_former_add(&former, name));
    }
    assert_false(sfe_mqtt_former_add(&former, "more"));
}

static void success_is_forgotten_only_where_there_is_one_broker(void **state)
{
    static struct sfe_mqtt_former former;
    struct sfe_error err;

    (void)state;
    assert_true(sfe_mqtt_former_add(&former, "a"));
    assert_int_equal(mqtt_former_end(&former, true, -1, "lost", NULL, &err), SFE_E_NETWORK);
    assert_int_equal(former.count, 1);
    assert_int_equal(mqtt_former_end(&former, true, 0x87, "", NULL, &err), SFE_OK);
    assert_int_equal(former.count, 1);
    assert_int_equal(mqtt_former_end(&former, false, 0, "", NULL, &err), SFE_OK);
    assert_int_equal(former.count, 1);
    assert_int_equal(mqtt_former_end(&former, true, 0, "", NULL, &err), SFE_OK);
    assert_int_equal(former.count, 0);
    assert_null(sfe_mqtt_former_next(&former, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_is_kept_once_and_walked_in_its_order),
        cmocka_unit_test(what_finds_no_room_is_refused_and_breaks_nothing),
        cmocka_unit_test(success_is_forgotten_only_where_there_is_one_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
