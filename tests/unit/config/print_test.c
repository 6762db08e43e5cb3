#include "loading.h"

static char printed[16384];

static const char *print(struct loading *loading, const char *text)
{
    struct sfe_builder out = sfe_builder_make(printed, sizeof(printed) - 1);
    const struct config_host host = {loading->arena, loading_report, loading, &out};
    static struct config_parts parts;
    size_t size = strlen(text);

    for (size_t i = 0; i <= size; i++) {
        loading->text[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    }
    parts =
        (struct config_parts){sfe_slice_text(loading->text), {{"/etc/sfedge/sfedge.json", 0}}, 1};
    loading->mistake_count = 0;
    assert_int_equal(config_load_parts(&parts, &host, &loading->config, &loading->error), SFE_OK);
    printed[out.size] = '\0';
    return printed;
}

static const char whole[] = WHOLE(
    "'inputs': {'i': {'type': 'mqtt', 'connection': 'site', 'topic': 'a/#', 'stream': 'sales'}},\n"
    "'outputs': {'o': {'type': 'salesforce-records', 'connection': 'crm', 'from': ['sales'], "
    "'records': [{'object': 'R__c', 'external_id': 'I__c', // of the till\n"
    "'map': {'I__c': '{id}', 'V__c': {'from': '/v', 'type': 'date'}, 'W__c': {'value': 1}, "
    "'X__c': {'from': '/x'}}}]}}");

static void what_is_not_said_is_filled_in_and_marked(void **state)
{
    const char *text = print((struct loading *)*state, whole);

    assert_non_null(strstr(text, "    \"state\": \"/var/lib/sfedge\", // default\n"));
    assert_non_null(strstr(text, "\"client_id\": \"sfedge-store-042\", // default\n"));
    assert_non_null(strstr(text, "\"audience\": \"https://login.salesforce.com\" // default\n"));
    assert_non_null(strstr(text, "\"receive_maximum\": 1000 // default\n"));
    assert_non_null(strstr(text, "    \"dead\": {\n      \"quota\": \"16MiB\", // default\n"));
    assert_non_null(strstr(text, "\"id\": \"store-042\",\n"));
    assert_null(strstr(text, "of the till"));
}

static void paths_are_absolute_and_secrets_stay_where_they_are(void **state)
{
    const char *text = print((struct loading *)*state, whole);

    assert_non_null(strstr(text, "\"key_file\": \"/etc/sfedge/crm.key\""));
    text = print((struct loading *)*state,
                 IN_MQTT("'url': 'mqtt://localhost', 'password': 'env:SITE'"));
    assert_non_null(strstr(text, "\"password\": \"env:SITE\""));
}

static void what_is_printed_can_be_read_back_and_says_the_same(void **state)
{
    static char first[sizeof(printed)];
    struct loading *loading = (struct loading *)*state;
    char *from = first;

    memcpy(first, print(loading, whole), sizeof(first));
    (void)print(loading, first);
    for (char *mark = strstr(from, " // default"); mark != NULL;
         mark = strstr(mark, " // default")) {
        memmove(mark, mark + 11, strlen(mark + 11) + 1);
    }
    assert_string_equal(printed, first);
}

static void without_streams_the_dead_letters_are_shown(void **state)
{
    const char *text = print((struct loading *)*state, "{" AGENT "}");

    assert_non_null(strstr(text, "  \"streams\": {\n    \"dead\": {\n"));
}

static void too_little_room_is_told(void **state)
{
    struct loading *loading = (struct loading *)*state;
    struct sfe_builder out = sfe_builder_make(printed, 40);
    const struct config_host host = {loading->arena, loading_report, loading, &out};
    const struct config_parts parts = {
        SFE_TEXT("{\"agent\": {\"id\": \"a\"}}"), {{"sfedge.json", 0}}, 1};

    assert_int_equal(config_load_parts(&parts, &host, &loading->config, &loading->error),
                     SFE_E_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_filled_in_and_marked),
        cmocka_unit_test(paths_are_absolute_and_secrets_stay_where_they_are),
        cmocka_unit_test(what_is_printed_can_be_read_back_and_says_the_same),
        cmocka_unit_test(without_streams_the_dead_letters_are_shown),
        cmocka_unit_test(too_little_room_is_told),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
