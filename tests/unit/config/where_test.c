#include "loading.h"

#define BEFORE                                                                                     \
    "{'agent':{'id':'a'},'connections':{'crm':{'type':'salesforce','login_url':"                   \
    "'https://login.example.com','auth':{'client_id':'c','username':'u@x','key_file':'k'}}},"      \
    "'streams':{'one':{}},'outputs':{'out':{'type':'salesforce-records','connection':'crm',"       \
    "'from':'one','records':[{'object':'X__c','external_id':'I__c','map':{'I__c':'{id}'}}],\n"     \
    "'where':"

static const struct sfe_config_output *load_where(struct loading *loading, const char *where)
{
    static char text[8192];

    assert_true(snprintf(text, sizeof(text), BEFORE "%s}}}", where) < (int)sizeof(text));
    return &load_good(loading, text)->outputs[0];
}

static void refuse(struct loading *loading, const char *where, const char *pointer,
                   const char *message)
{
    static char text[8192];

    assert_true(snprintf(text, sizeof(text), BEFORE "%s}}}", where) < (int)sizeof(text));
    load(loading, text);
    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_int_equal(loading->mistake_count, 1);
    assert_string_equal(loading->mistakes[0].pointer, pointer);
    assert_int_equal(loading->mistakes[0].line, 2);
    if (strstr(loading->mistakes[0].message, message) == NULL) {
        fail_msg("%s: %s", where, loading->mistakes[0].message);
    }
}

static void check_node(const struct sfe_config_condition *node, enum sfe_condition_kind kind,
                       uint32_t next, const char *at, const char *operand)
{
    assert_int_equal(node->kind, kind);
    assert_int_equal(node->next, next);
    if (at == NULL) {
        assert_null(node->at);
        assert_null(node->operand);
    } else {
        assert_string_equal(node->at, at);
        assert_string_equal(node->operand, operand);
    }
}

static void conditions_become_a_table_of_a_tree(void **state)
{
    const struct sfe_config_output *output =
        load_where(*state, "{'/a':1,'not':{'topic':'t'},'any':[{'/b':{'gt':1.50,'le':'x'}},"
                           "{'/c':{'in':[true]}}]}");
    const struct sfe_config_condition *nodes = output->where;

    assert_int_equal(output->where_count, 12);
    check_node(&nodes[0], SFE_CONDITION_ALL, 12, NULL, NULL);
    check_node(&nodes[1], SFE_CONDITION_EQ, 2, "/a", "1");
    check_node(&nodes[2], SFE_CONDITION_NOT, 5, NULL, NULL);
    check_node(&nodes[3], SFE_CONDITION_ALL, 5, NULL, NULL);
    check_node(&nodes[4], SFE_CONDITION_EQ, 5, "topic", "\"t\"");
    check_node(&nodes[5], SFE_CONDITION_ANY, 12, NULL, NULL);
    check_node(&nodes[6], SFE_CONDITION_ALL, 9, NULL, NULL);
    check_node(&nodes[7], SFE_CONDITION_GT, 8, "/b", "1.50");
    check_node(&nodes[8], SFE_CONDITION_LE, 9, "/b", "\"x\"");
    check_node(&nodes[9], SFE_CONDITION_ALL, 12, NULL, NULL);
    check_node(&nodes[10], SFE_CONDITION_ANY, 12, NULL, NULL);
    check_node(&nodes[11], SFE_CONDITION_EQ, 12, "/c", "true");
}

static void without_where_there_are_no_conditions(void **state)
{
    const struct sfe_config *config = load_good(
        *state, "{'agent':{'id':'a'},'connections':{'crm':{'type':'salesforce','login_url':"
                "'https://login.example.com','auth':{'client_id':'c','username':'u@x',"
                "'key_file':'k'}}},'streams':{'one':{}},'outputs':{'out':{'type':"
                "'salesforce-records','connection':'crm','from':'one','records':[{'object':"
                "'X__c','external_id':'I__c','map':{'I__c':'{id}'}}]}}}");

    assert_int_equal(config->outputs[0].where_count, 0);
    assert_null(config->outputs[0].where);
}

static void a_place_knows_its_pointer_for_who_compiles_it(void **state)
{
    const struct sfe_config_output *output = load_where(*state, "{'/a/b':{'matches':'('}}");

    assert_string_equal(output->where[1].place.pointer, "/outputs/out/where/~1a~1b/matches");
    assert_int_equal(output->where[1].place.line, 2);
}

static void conditions_stand_as_deep_as_the_file_allows(void **state)
{
    char text[2048] = "";
    size_t size = 0;

    for (size_t i = 0; i < 59; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "{'not':");
    }
    size += (size_t)snprintf(text + size, sizeof(text) - size, "{'/a':1}");
    memset(text + size, '}', 59);
    text[size + 59] = '\0';
    assert_int_equal(load_where(*state, text)->where_count, 2 * 59 + 2);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    struct loading *loading = *state;

    refuse(loading, "{}", "/outputs/out/where", "not empty");
    refuse(loading, "[]", "/outputs/out/where", "an object of conditions");
    refuse(loading, "'x'", "/outputs/out/where", "an object of conditions");
    refuse(loading, "{'tpoic':'x'}", "/outputs/out/where/tpoic", "did you mean \"topic\"?");
    refuse(loading, "{'value':1}", "/outputs/out/where/value", "a pointer as \"/value\"");
    refuse(loading, "{'':1}", "/outputs/out/where/", "a pointer as \"/value\"");
    refuse(loading, "{'/a':{'eqq':1}}", "/outputs/out/where/~1a/eqq", "did you mean \"eq\"?");
    refuse(loading, "{'/a':{'between':1}}", "/outputs/out/where/~1a/between", "allowed: eq, ne");
    refuse(loading, "{'/a':{}}", "/outputs/out/where/~1a", "nothing in it");
    refuse(loading, "{'/a':[1]}", "/outputs/out/where/~1a", "a value, or an object");
    refuse(loading, "{'/a':{'gt':true}}", "/outputs/out/where/~1a/gt", "a number or text");
    refuse(loading, "{'/a':{'in':[]}}", "/outputs/out/where/~1a/in", "nothing in it");
    refuse(loading, "{'/a':{'in':[[1]]}}", "/outputs/out/where/~1a/in/0", "a list");
    refuse(loading, "{'/a':{'in':1}}", "/outputs/out/where/~1a/in", "a list of values");
    refuse(loading, "{'/a':{'matches':''}}", "/outputs/out/where/~1a/matches", "empty");
    refuse(loading, "{'/a':{'exists':1}}", "/outputs/out/where/~1a/exists", "true or false");
    refuse(loading, "{'topic':5}", "/outputs/out/where/topic", "text, as a topic is");
    refuse(loading, "{'topic':{'gt':5}}", "/outputs/out/where/topic/gt", "text, as a topic is");
    refuse(loading, "{'all':{'/a':1}}", "/outputs/out/where/all", "a list of conditions");
    refuse(loading, "{'any':[]}", "/outputs/out/where/any", "nothing in it");
    refuse(loading, "{'any':[1]}", "/outputs/out/where/any/0", "an object of conditions");
    refuse(loading, "{'not':[]}", "/outputs/out/where/not", "an object of conditions");
    refuse(loading, "{'not':{}}", "/outputs/out/where/not", "nothing in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(conditions_become_a_table_of_a_tree, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(without_where_there_are_no_conditions, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(a_place_knows_its_pointer_for_who_compiles_it, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(conditions_stand_as_deep_as_the_file_allows, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said_with_its_place, loading_open,
                                        loading_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
