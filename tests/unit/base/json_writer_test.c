#include "unit.h"

#include "base/json_writer.h"

static uint8_t memory[2048];

static void commas_and_names_stand_where_they_belong(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);
    (void)state;
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "a", SFE_TEXT("x"));
    sfe_json_begin_array(&writer, "b");
    sfe_json_put_u64(&writer, NULL, 1);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_end_object(&writer);
    sfe_json_put_i64(&writer, NULL, -2);
    sfe_json_end_array(&writer);
    sfe_json_put_bool(&writer, "c", true);
    sfe_json_put_bool(&writer, "d", false);
    sfe_json_put_null(&writer, "e\"");
    sfe_json_put_raw(&writer, "f", SFE_TEXT("[1.50]"));
    sfe_json_end_object(&writer);
    assert_built(&out, "{\"a\":\"x\",\"b\":[1,{},-2],\"c\":true,\"d\":false,\"e\\\"\":null,"
                       "\"f\":[1.50]}");
}

static void sixty_four_levels_fit(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);
    (void)state;
    for (int i = 0; i < 64; i++) {
        sfe_json_begin_array(&writer, NULL);
    }
    sfe_json_put_u64(&writer, NULL, 1);
    sfe_json_put_u64(&writer, NULL, 2);
    for (int i = 0; i < 64; i++) {
        sfe_json_end_array(&writer);
    }
    assert_int_equal(writer.depth, 0);
    assert_slice(sfe_slice_part(sfe_builder_slice(&out), 62, 7), "[[1,2]]");
}

static void what_must_be_escaped_is_and_nothing_else(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    (void)state;
    sfe_json_add_string(&out, SFE_TEXT("a/\"\\\b\f\n\r\t\x01\x1f\x7f\xc3\xbc long enough"));
    assert_built(&out, "\"a/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xbc long enough\"");
    out = sfe_builder_make(memory, sizeof(memory));
    sfe_json_add_escaped(&out, sfe_slice_text(NULL));
    assert_built(&out, "");
    sfe_json_add_escaped(&out, sfe_slice_make("\0", 1));
    assert_built(&out, "\\u0000");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    (void)state;
    sfe_json_add_escaped(&out, SFE_TEXT("a\xff"
                                        "b\xed\xa0\x80"
                                        "c\xe2\x82"));
    assert_built(&out, "a\xef\xbf\xbd"
                       "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                       "c\xef\xbf\xbd"
                       "\xef\xbf\xbd");
    assert_true(sfe_utf8_valid(sfe_builder_slice(&out)));
}

static void overflow_is_the_builders(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, 5);
    struct sfe_json_writer writer = sfe_json_writer_make(&out);
    (void)state;
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "name", SFE_TEXT("value"));
    sfe_json_end_object(&writer);
    assert_true(out.overflowed);
    assert_true(out.size <= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_names_stand_where_they_belong),
        cmocka_unit_test(sixty_four_levels_fit),
        cmocka_unit_test(what_must_be_escaped_is_and_nothing_else),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(overflow_is_the_builders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
