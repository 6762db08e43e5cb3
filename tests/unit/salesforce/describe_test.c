#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "salesforce/describe.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENS 256u

static struct sfe_json_token tokens[TOKENS];
static struct sfe_error err;

struct seen {
    uint32_t count;
    char names[256];
    struct sfe_describe_field last;
    bool has_a;
    bool has_b;
    bool has_old;
};

static void on_field(void *visitor, const struct sfe_describe_field *field)
{
    struct seen *seen = visitor;
    struct sfe_builder names = {(uint8_t *)seen->names, strlen(seen->names),
                                sizeof(seen->names) - 1u, false};

    sfe_builder_add(&names, field->name);
    sfe_builder_add_byte(&names, ' ');
    seen->count++;
    seen->last = *field;
    seen->has_a = sfe_describe_has_value(field, SFE_TEXT("a\"b"));
    seen->has_b = sfe_describe_has_value(field, SFE_TEXT("b"));
    seen->has_old = sfe_describe_has_value(field, SFE_TEXT("old"));
}

static enum sfe_code read_text(const char *text, struct seen *seen,
                               struct sfe_describe_object *object)
{
    const struct sfe_describe_reader reader = {tokens, TOKENS, on_field, seen};

    *seen = (struct seen){0};
    return sfe_describe_read(sfe_slice_text(text), &reader, object, &err);
}

static const char WHOLE[] =
    " {\"childRelationships\":[{\"field\":\"]}\\\"\"},[]], \"createable\" : true,\n"
    "\"fields\":[{\"name\":\"Id\",\"type\":\"id\",\"length\":18},"
    "{\"name\":\"Kind__c\",\"type\":\"picklist\",\"length\":255,\"precision\":18,\"scale\":6,"
    "\"digits\":9,\"externalId\":true,\"idLookup\":true,\"unique\":true,\"caseSensitive\":true,"
    "\"createable\":true,\"updateable\":true,\"nillable\":true,\"defaultedOnCreate\":true,"
    "\"calculated\":true,\"autoNumber\":true,\"restrictedPicklist\":true,"
    "\"picklistValues\":[{\"active\":true,\"value\":\"a\\\"b\"},{\"active\":false,"
    "\"value\":\"old\"}],\"referenceTo\":[\"Parent__c\",\"Other__c\"],"
    "\"relationshipName\":\"Parent__r\"}],\"name\":\"X__c\",\"updateable\":false,\"urls\":{}} ";

static void every_field_is_told_and_all_else_is_passed_over(void **state)
{
    struct seen seen;
    struct sfe_describe_object object;

    (void)state;
    assert_int_equal(read_text(WHOLE, &seen, &object), SFE_OK);
    assert_int_equal(object.field_count, 2);
    assert_true(object.is_createable);
    assert_false(object.is_updateable);
    assert_string_equal(seen.names, "Id Kind__c ");
    assert_int_equal(seen.last.length, 255);
    assert_int_equal(seen.last.precision, 18);
    assert_int_equal(seen.last.scale, 6);
    assert_int_equal(seen.last.digits, 9);
    assert_true(seen.last.is_external_id && seen.last.is_id_lookup && seen.last.is_unique);
    assert_true(seen.last.is_case_sensitive && seen.last.is_createable && seen.last.is_updateable &&
                seen.last.is_nillable && seen.last.is_defaulted);
    assert_true(seen.last.is_calculated && seen.last.is_auto_number && seen.last.is_restricted);
    assert_true(sfe_slice_equal(seen.last.parent, SFE_TEXT("Parent__c")));
    assert_true(sfe_slice_equal(seen.last.relationship, SFE_TEXT("Parent__r")));
}

static void only_active_values_count(void **state)
{
    struct seen seen;
    struct sfe_describe_object object;

    (void)state;
    assert_int_equal(read_text(WHOLE, &seen, &object), SFE_OK);
    assert_true(seen.has_a);
    assert_false(seen.has_b);
    assert_false(seen.has_old);
}

static void an_answer_cut_anywhere_is_refused(void **state)
{
    const size_t size = sizeof(WHOLE) - 2u; /* Without the blank at its end. */
    char *part = malloc(size + 1u);
    struct seen seen;
    struct sfe_describe_object object;

    (void)state;
    assert_non_null(part);
    for (size_t cut = 0; cut < size; cut++) {
        memcpy(part, WHOLE, cut);
        part[cut] = '\0';
        assert_int_equal(read_text(part, &seen, &object), SFE_E_PROTOCOL);
    }
    free(part);
}

static void what_is_no_description_is_refused(void **state)
{
    static const char *const texts[] = {
        "<html>",
        "[]",
        "{}",
        "{\"fields\":[]}",
        "{\"fields\":{}}",
        "{\"fields\":[1]}",
        "{\"fields\":[{\"type\":\"id\"}]}",
        "{\"fields\":[{\"name\":\"Id\"}]} {",
        "{\"fields\":[{\"name\":\"Id\",}]}",
    };
    struct seen seen;
    struct sfe_describe_object object;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_text(texts[i], &seen, &object), SFE_E_PROTOCOL);
    }
}

static void tokens_are_needed_for_one_field_and_not_for_all(void **state)
{
    const size_t capacity = 1u << 20;
    char *memory = malloc(capacity);
    struct sfe_builder text = sfe_builder_make(memory, capacity - 1u);
    struct seen seen;
    struct sfe_describe_object object;

    (void)state;
    assert_non_null(memory);
    sfe_builder_add_text(&text, "{\"fields\":[{\"name\":\"F\",\"type\":\"string\"}");
    for (unsigned i = 0; i < 20000u; i++) {
        sfe_builder_add_text(&text, ",{\"name\":\"F\",\"type\":\"string\",\"length\":80}");
    }
    sfe_builder_add_text(&text, "]}");
    assert_false(text.overflowed);
    memory[text.size] = '\0';
    assert_int_equal(read_text(memory, &seen, &object), SFE_OK);
    assert_int_equal(seen.count, 20001);
    sfe_builder_rewind(&text, 0);
    sfe_builder_add_text(&text, "{\"fields\":[{\"name\":\"F\",\"picklistValues\":[0");
    for (unsigned i = 0; i < TOKENS; i++) {
        sfe_builder_add_text(&text, ",0");
    }
    sfe_builder_add_text(&text, "]}]}");
    memory[text.size] = '\0';
    assert_int_equal(read_text(memory, &seen, &object), SFE_E_TOO_LARGE);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_told_and_all_else_is_passed_over),
        cmocka_unit_test(only_active_values_count),
        cmocka_unit_test(an_answer_cut_anywhere_is_refused),
        cmocka_unit_test(what_is_no_description_is_refused),
        cmocka_unit_test(tokens_are_needed_for_one_field_and_not_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
