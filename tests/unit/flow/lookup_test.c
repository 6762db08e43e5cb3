#include "fixture.h"

#include "base/arena.h"
#include "flow/lookup.h"

static struct sfe_lookup_table table;
static struct sfe_arena *arena;

static int open_arena(void **state)
{
    return fixture_open(state) == 0 && sfe_arena_open(8u << 20, &arena, &fixture.err) == SFE_OK
               ? 0
               : -1;
}

static int close_arena(void **state)
{
    sfe_arena_close(arena);
    return fixture_close(state);
}

static enum sfe_code read_table(const char *text)
{
    return sfe_lookup_read(sfe_slice_text(text), arena, &table, &fixture.err);
}

static const char *found(const char *key)
{
    static char shown[256];
    const struct sfe_lookup_entry *entry = sfe_lookup_find(&table, sfe_slice_text(key));

    if (entry == NULL) {
        return NULL;
    }
    snprintf(shown, sizeof(shown), "%.*s", (int)entry->json.size, (const char *)entry->json.bytes);
    return shown;
}

static void a_json_object_is_a_table(void **state)
{
    (void)state;
    assert_int_equal(
        read_table("// units\n{\"C\":\"Cel\\u0073ius\",\"\":1.50,\"a\\\"b\":null,\"t\":true}"),
        SFE_OK);
    assert_int_equal(table.count, 4);
    assert_string_equal(found("C"), "\"Cel\\u0073ius\"");
    assert_string_equal(found(""), "1.50");
    assert_string_equal(found("a\"b"), "null");
    assert_string_equal(found("t"), "true");
    assert_null(found("c"));
    assert_int_equal(read_table("{}"), SFE_OK);
    assert_null(found("C"));
}

static void csv_is_a_table_under_its_heading(void **state)
{
    (void)state;
    assert_int_equal(read_table("\xef\xbb\xbf"
                                "code;name\r\n01;One\r\n\"a;\"\"b\"\"\";\"x\ny\"\r\n2;"),
                     SFE_OK);
    assert_int_equal(table.count, 3);
    assert_string_equal(found("01"), "\"One\"");
    assert_string_equal(found("a;\"b\""), "\"x\\ny\"");
    assert_string_equal(found("2"), "\"\"");
    assert_null(found("code"));
}

static void many_entries_are_found(void **state)
{
    char text[64 * 1024];
    size_t size = (size_t)snprintf(text, sizeof(text), "k,v\n");

    (void)state;
    for (int i = 0; i < 2000; i++) {
        size +=
            (size_t)snprintf(text + size, sizeof(text) - size, "key%d,%d\n", i * 7919 % 2000, i);
    }
    assert_int_equal(read_table(text), SFE_OK);
    for (int i = 0; i < 2000; i++) {
        char key[16];
        char value[16];
        snprintf(key, sizeof(key), "key%d", i * 7919 % 2000);
        snprintf(value, sizeof(value), "\"%d\"", i);
        assert_string_equal(found(key), value);
    }
}

/* As spreadsheets write them: the largest file in 8 MiB, where each cell has its own size only. */
static void as_many_entries_as_are_allowed_may_stand_in_quotes(void **state)
{
    static char text[SFE_LOOKUP_BYTES_MAX];
    size_t size = (size_t)snprintf(text, sizeof(text), "\"k\",\"v\"\n");

    (void)state;
    for (unsigned i = 0; i < SFE_LOOKUP_ENTRIES_MAX; i++) {
        size +=
            (size_t)snprintf(text + size, sizeof(text) - size, "\"key \"\"%u\"\"\",\"\n\"\n", i);
    }
    assert_int_equal(read_table(text), SFE_OK);
    assert_int_equal(table.count, SFE_LOOKUP_ENTRIES_MAX);
    assert_string_equal(found("key \"9999\""), "\"\\n\"");
    (void)snprintf(text + size, sizeof(text) - size, "one more,\n");
    assert_int_equal(read_table(text), SFE_E_CONFIG);
    assert_non_null(strstr(fixture.err.message, "more than 10000 entries"));
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } wrong[] = {
        {"{\"a\":1,\"a\":2}", "\"a\" stands in it twice"},
        {"k,v\na,1\nb,2\na,3", "\"a\" stands in it twice"},
        {"{\"a\":{}}", "no object and no array"},
        {"{\"a\":1", ""},
        {"k,v\na,1,2\n", "line 2: a line has two columns"},
        {"k,v\na\n", "line 2: a line has two columns"},
        {"k,v\n\"a,1\n", "line 2: a quote without its end"},
        {"k,v\n\"a\"x,1\n", "line 2: a line has two columns"},
        {"k,v\n\"a\"\"", "line 2: a quote without its end"},
        {"k,v\na,1\nb,Caf\xe9\n", "line 3: the file is not UTF-8"},
        {"", "line 1: a line has two columns"},
        {"// x\n[1]", "a table is a JSON object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(read_table(wrong[i].text), SFE_E_CONFIG);
        assert_non_null(strstr(fixture.err.message, wrong[i].message));
    }
}

#define LOOKUP_TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOKUP_TEST(a_json_object_is_a_table),
        LOOKUP_TEST(csv_is_a_table_under_its_heading),
        LOOKUP_TEST(many_entries_are_found),
        LOOKUP_TEST(as_many_entries_as_are_allowed_may_stand_in_quotes),
        LOOKUP_TEST(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
