#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/mqtt_mail.h"

#include <string.h>

static void mails_are_taken_in_order_and_once(void **state)
{
    struct mqtt_mailbox box = {0};
    struct mqtt_mail mails[MQTT_MAIL_COUNT];
    struct sfe_error err;

    (void)state;
    assert_int_equal(mqtt_mailbox_open(&box, &err), SFE_OK);
    mqtt_mail_put(&box, SFE_MQTT_CONNECTED, 1, "");
    mqtt_mail_put(&box, SFE_MQTT_LOST, 0x8b, "going\nhome");
    assert_int_equal(mqtt_mail_take(&box, mails), 2);
    assert_int_equal(mails[0].event, SFE_MQTT_CONNECTED);
    assert_int_equal(mails[0].detail, 1);
    assert_int_equal(mails[1].event, SFE_MQTT_LOST);
    assert_null(strchr(mails[1].text, '\n'));
    assert_int_equal(mqtt_mail_take(&box, mails), 0);
    mqtt_mailbox_close(&box);
}

static void the_newest_of_too_many_is_kept(void **state)
{
    struct mqtt_mailbox box = {0};
    struct mqtt_mail mails[MQTT_MAIL_COUNT];
    struct sfe_error err;

    (void)state;
    assert_int_equal(mqtt_mailbox_open(&box, &err), SFE_OK);
    for (int i = 0; i < 20; i++) {
        mqtt_mail_put(&box, SFE_MQTT_SUBSCRIBED, i, "");
    }
    assert_int_equal(mqtt_mail_take(&box, mails), MQTT_MAIL_COUNT);
    assert_int_equal(mails[0].detail, 0);
    assert_int_equal(mails[MQTT_MAIL_COUNT - 1u].detail, 19);
    mqtt_mailbox_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_are_taken_in_order_and_once),
        cmocka_unit_test(the_newest_of_too_many_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
