#include "fixture.h"

#include "flow/shape.h"
#include "flow/where.h"

#define OBJECT(name_, next_)                                                                       \
    {                                                                                              \
        .kind = SFE_SHAPE_OBJECT, .name = (name_), .next = (next_)                                 \
    }
#define LIST(name_, next_)                                                                         \
    {                                                                                              \
        .kind = SFE_SHAPE_ARRAY, .name = (name_), .next = (next_)                                  \
    }
#define VALUE(name_, next_, ...)                                                                   \
    {                                                                                              \
        .kind = SFE_SHAPE_VALUE, .name = (name_), .next = (next_), .field = {                      \
            .name = (name_),                                                                       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static struct sfe_shape *compile(const struct sfe_shape_node *nodes, uint32_t count)
{
    struct sfe_shape *shape = NULL;

    assert_int_equal(sfe_shape_compile(nodes, count, "store-042", fixture.arena, &shape,
                                       &fixture.bad_field, &fixture.err),
                     SFE_OK);
    return shape;
}

static void assert_made(const struct sfe_shape *shape, const char *wanted)
{
    fixture_forget_output();
    assert_int_equal(sfe_shape_add(shape, &fixture.subject, &fixture.out, &fixture.err), SFE_OK);
    assert_string_equal(fixture_text(), wanted);
}

static void a_document_has_the_shape_that_is_written(void **state)
{
    const struct sfe_shape_node nodes[] = {
        OBJECT(NULL, 9),
        VALUE("a.b\"", 2, .from = "{/id}"),
        OBJECT("empty", 3),
        LIST("list", 8),
        VALUE(NULL, 5, .constant = "1"),
        OBJECT(NULL, 7),
        VALUE("by", 7, .from = "{agent}"),
        VALUE(NULL, 8, .from = "/total", .type = SFE_MAP_DOUBLE, .scale = "2"),
        VALUE("all", 9, .from = "{/rest}"),
    };
    const struct sfe_shape *shape = compile(nodes, 9);

    (void)state;
    fixture_event("{\"id\":\"x\\n\",\"total\":1.25,\"rest\":{\"deep\":[1,{}]}}");
    assert_made(shape, "{\"a.b\\\"\":\"x\\n\",\"empty\":{},\"list\":[1,{\"by\":\"store-042\"},2.5],"
                       "\"all\":{\"deep\":[1,{}]}}");
    assert_int_equal(sfe_shape_value_count(shape), 5);
    assert_string_equal(sfe_shape_value_name(shape, 0), "a.b\"");
    assert_null(sfe_shape_value_name(shape, 1));
}

static void what_is_left_out_takes_its_name_and_comma_with_it(void **state)
{
    const struct sfe_shape_node nodes[] = {
        OBJECT(NULL, 6),
        VALUE("a", 2, .from = "{/a}", .is_optional = true),
        LIST("list", 5),
        VALUE(NULL, 4, .from = "{/a}", .is_optional = true),
        VALUE(NULL, 5, .from = "{/b}", .is_optional = true),
        VALUE("c", 6, .from = "{/c}", .default_value = "7"),
    };
    const struct sfe_shape *shape = compile(nodes, 6);

    (void)state;
    fixture_event("{}");
    assert_made(shape, "{\"list\":[],\"c\":7}");
    fixture_event("{\"a\":null,\"b\":2,\"c\":3}");
    assert_made(shape, "{\"a\":null,\"list\":[null,2],\"c\":3}");
}

static void a_document_may_be_one_value(void **state)
{
    const struct sfe_shape_node value = VALUE(NULL, 1, .from = "/order", .is_optional = true);
    const struct sfe_shape *shape = compile(&value, 1);

    (void)state;
    fixture_event("{\"order\":{\"no\":1}}");
    assert_made(shape, "{\"no\":1}");
    fixture_event("{}");
    assert_made(shape, "null");
}

static void a_missing_value_names_its_place_and_adds_nothing(void **state)
{
    const struct sfe_shape_node nodes[] = {OBJECT(NULL, 3), VALUE("a", 2, .constant = "1"),
                                           VALUE("deep/doc", 3, .from = "{/doc}")};
    const struct sfe_shape *shape = compile(nodes, 3);

    (void)state;
    fixture_event("{}");
    fixture_forget_output();
    sfe_builder_add_text(&fixture.out, "[");
    assert_int_equal(sfe_shape_add(shape, &fixture.subject, &fixture.out, &fixture.err),
                     SFE_E_UNMAPPED);
    assert_string_equal(fixture.err.message, "deep/doc: no value at /doc");
    assert_int_equal(fixture.out.size, 1);
    fixture.out = sfe_builder_make(fixture.out_memory, 8);
    fixture_event("{\"doc\":\"long enough\"}");
    assert_int_equal(sfe_shape_add(shape, &fixture.subject, &fixture.out, &fixture.err),
                     SFE_E_FULL);
    assert_int_equal(fixture.out.size, 0);
}

static void a_mistake_names_its_node(void **state)
{
    struct sfe_shape_node nodes[SFE_SHAPE_DEPTH_MAX + 1u];
    const struct sfe_shape_node bad[] = {OBJECT(NULL, 3), VALUE("a", 2, .constant = "1"),
                                         VALUE("b", 3, .from = "{tpoic}")};
    struct sfe_shape *shape = NULL;

    (void)state;
    assert_int_equal(
        sfe_shape_compile(bad, 3, "x", fixture.arena, &shape, &fixture.bad_field, &fixture.err),
        SFE_E_CONFIG);
    assert_int_equal(fixture.bad_field, 2);
    assert_null(shape);
    for (uint32_t i = 0; i <= SFE_SHAPE_DEPTH_MAX; i++) {
        nodes[i] = (struct sfe_shape_node)LIST(NULL, SFE_SHAPE_DEPTH_MAX + 1u);
    }
    assert_int_equal(sfe_shape_compile(nodes, SFE_SHAPE_DEPTH_MAX + 1u, "x", fixture.arena, &shape,
                                       &fixture.bad_field, &fixture.err),
                     SFE_E_CONFIG);
    assert_int_equal(fixture.bad_field, SFE_SHAPE_DEPTH_MAX);
}

static void a_value_is_had_as_plain_text(void **state)
{
    const struct sfe_shape_node nodes[] = {OBJECT(NULL, 4), VALUE("a", 2, .from = "{/a}"),
                                           VALUE("b", 3, .constant = "5"),
                                           VALUE("c", 4, .from = "{/c}", .is_optional = true)};
    const struct sfe_shape *shape = compile(nodes, 4);
    static char large[SFE_SHAPE_TEXT_BYTES_MAX + 32];
    bool is_left_out = true;

    (void)state;
    fixture_event("{\"a\":\"x\\\"\\u00fc\\n\"}");
    fixture_forget_output();
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sfe_shape_add_text(shape, i, &fixture.subject, &fixture.out, &is_left_out,
                                            &fixture.err),
                         SFE_OK);
        assert_int_equal(is_left_out, i == 2);
    }
    assert_string_equal(fixture_text(), "x\"\u00fc\n5");
    assert_true(
        snprintf(large, sizeof(large), "{\"a\":\"%0*d\"}", (int)SFE_SHAPE_TEXT_BYTES_MAX, 1) > 0);
    fixture_event(large);
    assert_int_equal(
        sfe_shape_add_text(shape, 0, &fixture.subject, &fixture.out, &is_left_out, &fixture.err),
        SFE_E_UNMAPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_has_the_shape_that_is_written),
        TEST(what_is_left_out_takes_its_name_and_comma_with_it),
        TEST(a_document_may_be_one_value),
        TEST(a_missing_value_names_its_place_and_adds_nothing),
        TEST(a_mistake_names_its_node),
        TEST(a_value_is_had_as_plain_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
