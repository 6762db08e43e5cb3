#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/way.h"

#include <string.h>

static char shown[4096];

static void show(const char *document)
{
    static struct sfe_json_token tokens[256];
    struct sfe_json json;
    struct sfe_error err;
    struct sfe_builder out = sfe_builder_make(shown, sizeof(shown) - 1u);

    assert_int_equal(sfe_json_parse(sfe_slice_text(document), 0, tokens, 256, &json, &err), SFE_OK);
    sfe_way_add_text(&json, &out);
    assert_false(out.overflowed);
    shown[out.size] = '\0';
}

static void each_station_of_the_way_has_its_line(void **state)
{
    (void)state;
    show("{\"event\":\"sales:7\",\"received\":{\"time\":\"2026-11-24T00:00:00.000Z\","
         "\"clock\":\"synced\",\"input\":\"tills\",\"topic\":\"pos/1\",\"payload_bytes\":9,"
         "\"id\":\"ab\",\"segment\":3},\"answers\":[{\"time\":\"2026-11-24T00:00:01.000Z\","
         "\"stage\":\"answered\",\"stream\":\"sales\",\"sequence\":7,\"output\":\"crm\",\"try\":1,"
         "\"outcome\":\"refused\",\"api_code\":\"INVALID\"}],\"dead\":[{\"sequence\":2,\"why\":"
         "{\"reason\":\"SFE-API\",\"attempts\":1,\"message\":\"no\"}}],\"outputs\":["
         "{\"output\":\"crm\",\"settled\":true,\"cursor\":8},"
         "{\"output\":\"erp\",\"settled\":false,\"cursor\":7}],\"unknown\":[]}");
    assert_string_equal(
        shown,
        "event     sales:7\n"
        "received  2026-11-24T00:00:00.000Z (clock synced) by tills, topic pos/1, 9 B, id ab\n"
        "durable   segment 3\n"
        "          2026-11-24T00:00:01.000Z answered sales:7 -> crm try 1 refused INVALID\n"
        "dead      letter 2, after 1 tries: SFE-API: no\n"
        "settled   output crm, all below 8 are settled\n"
        "OPEN      output erp, all below 7 are settled\n");
}

static void what_is_not_known_is_said(void **state)
{
    (void)state;
    show("{\"event\":\"sales:7\",\"received\":null,\"answers\":[],\"dead\":[],\"outputs\":[],"
         "\"unknown\":[\"when it came is no longer known\",\"the agent does not run\"]}");
    assert_string_equal(shown, "event     sales:7\n"
                               "          when it came is no longer known\n"
                               "          the agent does not run\n");
}

static void what_a_device_sent_cannot_touch_the_terminal(void **state)
{
    (void)state;
    show("{\"event\":\"sales:7\",\"received\":{\"topic\":\"a\\u001b[2J\"}}");
    assert_null(strchr(shown, '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_station_of_the_way_has_its_line),
        cmocka_unit_test(what_is_not_known_is_said),
        cmocka_unit_test(what_a_device_sent_cannot_touch_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
