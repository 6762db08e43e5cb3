#include "loading.h"

#define IN_BODY(body)                                                                              \
    ROOT("'streams': {'sales': {}}, 'outputs': {'o': {'type': 'http', 'from': 'sales', 'url': "    \
         "'https://h/x', 'body': " body "}}")
#define DEEP_8 "[[[[[[[["
#define END_8  "]]]]]]]]"

static const struct sfe_config_tree *read_tree(void **state, const char *text)
{
    return &load_good((struct loading *)*state, text)->outputs[0].http.body;
}

static void a_tree_is_read_in_the_order_of_the_file(void **state)
{
    const struct sfe_config_tree *tree = read_tree(
        state, IN_BODY("{'a': '{/x}', 'b': {'c': [1, {'from': '/y', 'type': 'int'}]}, 'd': ''}"));
    static const struct {
        enum sfe_node_kind kind;
        const char *name;
        uint32_t next;
        const char *way;
        const char *from;
        const char *constant;
    } wanted[] = {
        {SFE_NODE_OBJECT, NULL, 7, "", NULL, NULL},
        {SFE_NODE_VALUE, "a", 2, "a", "{/x}", NULL},
        {SFE_NODE_OBJECT, "b", 6, "b", NULL, NULL},
        {SFE_NODE_LIST, "c", 6, "b/c", NULL, NULL},
        {SFE_NODE_VALUE, NULL, 5, "b/c/0", NULL, "1"},
        {SFE_NODE_VALUE, NULL, 6, "b/c/1", "/y", NULL},
        {SFE_NODE_VALUE, "d", 7, "d", NULL, "\"\""},
    };

    assert_int_equal(tree->count, 7);
    for (uint32_t i = 0; i < 7; i++) {
        const struct sfe_config_node *node = &tree->nodes[i];
        assert_int_equal(node->kind, wanted[i].kind);
        assert_int_equal(node->next, wanted[i].next);
        assert_string_equal(node->field.name, wanted[i].way);
        assert_true((node->name == NULL) == (wanted[i].name == NULL));
        assert_true((node->field.from == NULL) == (wanted[i].from == NULL));
        assert_true((node->field.constant == NULL) == (wanted[i].constant == NULL));
        if (wanted[i].from != NULL) {
            assert_string_equal(node->field.from, wanted[i].from);
        }
        if (wanted[i].constant != NULL) {
            assert_string_equal(node->field.constant, wanted[i].constant);
        }
    }
    assert_true(tree->nodes[1].is_text);
    assert_false(tree->nodes[5].is_text);
    assert_int_equal(tree->nodes[5].field.type, SFE_TYPE_INT);
}

static void a_member_may_be_called_from(void **state)
{
    const struct sfe_config_tree *tree =
        read_tree(state, IN_BODY("{'mail': {'object': {'from': 'a', 'to': 'b'}}, 'object': 1}"));

    assert_int_equal(tree->count, 5);
    assert_int_equal(tree->nodes[1].kind, SFE_NODE_OBJECT);
    assert_string_equal(tree->nodes[2].name, "from");
    assert_string_equal(tree->nodes[4].name, "object");
}

static void one_value_is_a_tree(void **state)
{
    assert_true(read_tree(state, IN_BODY("'sold {/id}'"))->nodes[0].is_text);
    assert_string_equal(read_tree(state, IN_BODY("{'from': '/order'}"))->nodes[0].field.from,
                        "/order");
    assert_string_equal(read_tree(state, IN_BODY("7"))->nodes[0].field.constant, "7");
}

static void a_list_of_cases_makes_a_value_and_another_list_does_not(void **state)
{
    const struct sfe_config_tree *tree =
        read_tree(state, IN_BODY("{'a': {'case': [{'when': {'/x': 1}, 'then': '/y'}], 'else': 0}, "
                                 "'b': {'case': [{'no': 1}]}, 'c': {'case': 2}}"));

    assert_int_equal(tree->nodes[1].kind, SFE_NODE_VALUE);
    assert_int_equal(tree->nodes[1].field.case_count, 1);
    assert_string_equal(tree->nodes[1].field.cases[0].from, "/y");
    assert_string_equal(tree->nodes[1].field.otherwise->constant, "0");
    assert_int_equal(tree->nodes[2].kind, SFE_NODE_OBJECT);
    assert_string_equal(tree->nodes[3].name, "case");
    assert_int_equal(tree->nodes[3].kind, SFE_NODE_LIST);
    assert_int_equal(tree->count, 8);
}

static const struct bad bad[] = {
    {IN_BODY("{'a': 1, 'a': 2}"), "/outputs/o/body/a", 3, "stands twice"},
    {IN_BODY("{'a': {'from': '/x', 'typ': 'int'}}"), "/outputs/o/body/a/typ", 3, "\"type\""},
    {IN_BODY("{'a': {'from': '/x', 'type': 'date', 'scale': 2}}"), "/outputs/o/body/a/type", 3,
     "make numbers"},
    {IN_BODY("{'a': {'from': 7}}"), "/outputs/o/body/a/from", 3, "found 7"},
    {IN_BODY(DEEP_8 DEEP_8 "[1]" END_8 END_8), "/outputs/o/body/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", 3,
     "16 deep"},
};

static void what_is_wrong_in_a_tree_has_its_place(void **state)
{
    BAD_LOOP((struct loading *)*state, bad);
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    static char text[16384];
    struct loading *loading = (struct loading *)*state;
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1u);

    sfe_builder_add_text(&out, "{\n" AGENT ",\n'streams': {'sales': {}}, 'outputs': {'o': {'type': "
                               "'http', 'from': 'sales', 'url': 'https://h/x', 'body': [1");
    for (uint32_t i = 0; i < SFE_FIELDS_PER_RECORD_MAX; i++) {
        sfe_builder_add_text(&out, ",1");
    }
    const size_t size = out.size;
    sfe_builder_add_text(&out, "]}}}");
    text[out.size] = '\0';
    load(loading, text);
    assert_int_equal(loading->mistake_count, 1);
    assert_non_null(strstr(loading->mistakes[0].message, "more than 200 values"));
    sfe_builder_rewind(&out, size);
    for (uint32_t i = 0; i < SFE_TREE_NODES_MAX; i++) {
        sfe_builder_add_text(&out, ",[]");
    }
    sfe_builder_add_text(&out, "]}}}");
    text[out.size] = '\0';
    load(loading, text);
    assert_int_equal(loading->mistake_count, 1);
}

int main(void)
{
#define LOADING(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)
    const struct CMUnitTest tests[] = {
        LOADING(a_tree_is_read_in_the_order_of_the_file),
        LOADING(a_member_may_be_called_from),
        LOADING(one_value_is_a_tree),
        LOADING(a_list_of_cases_makes_a_value_and_another_list_does_not),
        LOADING(what_is_wrong_in_a_tree_has_its_place),
        LOADING(more_than_there_is_room_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
