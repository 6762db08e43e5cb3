#include "fixture.h"

#include "flow/lookup.h"
#include "flow/where.h"

static struct sfe_map *compile(const char *external_id, const char *each,
                               const struct sfe_map_field *fields, uint32_t count)
{
    const struct sfe_map_options options = {
        .object = "Reading__c",
        .external_id = external_id,
        .each = each,
        .fields = fields,
        .field_count = count,
        .agent_id = "store-042",
    };
    struct sfe_map *map = NULL;
    assert_int_equal(
        sfe_map_compile(&options, fixture.arena, &map, &fixture.bad_field, &fixture.err), SFE_OK);
    return map;
}

/* Record `index` of the fixture's event, or the message. */
static const char *record_at(const struct sfe_map *map, uint32_t index, uint32_t item)
{
    fixture_forget_output();
    memset(&fixture.err, 0, sizeof(fixture.err));
    sfe_builder_add_text(&fixture.out, "[");
    enum sfe_code code = sfe_map_add_record(map, &fixture.subject, index, item, &fixture.out,
                                            &fixture.id, &fixture.err);
    if (code != SFE_OK) {
        assert_int_equal(code, SFE_E_UNMAPPED);
        assert_int_equal(fixture.err.code, SFE_E_UNMAPPED);
        assert_int_equal(fixture.out.size, 1);
        assert_int_equal(fixture.id.size, 0);
        return fixture.err.message;
    }
    fixture.out_memory[fixture.out.size] = '\0'; /* What was dropped may stand behind. */
    return fixture_text() + 1;
}

static const char *record(const struct sfe_map *map)
{
    return record_at(map, 0, sfe_map_item(map, &fixture.subject, 0, SFE_JSON_NONE));
}

/* One field "F" from `from`, applied to `payload`. */
static const char *field(struct sfe_map_field options, const char *payload)
{
    options.name = "F";
    const struct sfe_map *map = compile(NULL, NULL, &options, 1);
    fixture_event(payload);
    return record(map);
}

static void a_record_is_the_members_of_an_object(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "ReadingId__c", .from = "{/id}"},
        {.name = "DeviceId__c", .from = "{topic.1}"},
        {.name = "Value__c", .from = "/value", .type = SFE_MAP_DOUBLE},
        {.name = "At__c", .from = "{time}"},
        {.name = "Kind__c", .constant = "\"edge\""},
        {.name = "Key__c", .from = "{agent}-{/id}-{seq}"},
    };
    const struct sfe_map *map = compile("ReadingId__c", NULL, fields, 6);
    (void)state;
    fixture_event("{\"id\":\"R1\",\"value\":\"21.50\"}");
    assert_string_equal(record(map),
                        "\"ReadingId__c\":\"R1\",\"DeviceId__c\":\"p1\",\"Value__c\":21.50,"
                        "\"At__c\":\"2025-11-24T16:02:03.456Z\",\"Kind__c\":\"edge\","
                        "\"Key__c\":\"store-042-R1-42\"");
    assert_string_equal((const char *)fixture.id_memory, "R1");
}

static void a_reference_to_a_linked_record_goes_by_its_name(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "LineId__c", .from = "/line"},
        {.name = "PosSale__r.SaleId__c", .from = "/sale"},
        {.name = "Sku__c", .from = "/sku", .is_optional = true},
        {.name = "Account.SaleId__c", .from = "/sale"},
        {.name = "Other__r.OtherId__c", .from = "/sale"},
    };
    static const struct sfe_map_link links[] = {
        {"SaleId__c", {(const uint8_t *)"S-1", 3}, {(const uint8_t *)"m0_0", 4}}};
    const struct sfe_map *map = compile("LineId__c", NULL, fields, 5);
    struct sfe_map_linked linked = {&fixture.subject, 0, 0, links, 1, 9};

    (void)state;
    fixture_event("{\"line\":1,\"sale\":\"S-1\"}");
    fixture_forget_output();
    assert_int_equal(sfe_map_add_linked(map, &linked, &fixture.out, &fixture.err), SFE_OK);
    fixture.out_memory[fixture.out.size] = '\0';
    assert_string_equal(fixture_text(),
                        "\"PosSale__c\":\"@{m0_0.id}\",\"AccountId\":\"@{m0_0.id}\","
                        "\"Other__r\":{\"OtherId__c\":\"S-1\"}");
    assert_int_equal(linked.made, 2);
    fixture_event("{\"line\":1,\"sale\":\"S-2\",\"sku\":\"x\"}");
    fixture_forget_output();
    assert_int_equal(sfe_map_add_linked(map, &linked, &fixture.out, &fixture.err), SFE_OK);
    fixture.out_memory[fixture.out.size] = '\0';
    assert_string_equal(fixture_text(), "\"PosSale__r\":{\"SaleId__c\":\"S-2\"},\"Sku__c\":\"x\","
                                        "\"Account\":{\"SaleId__c\":\"S-2\"},"
                                        "\"Other__r\":{\"OtherId__c\":\"S-2\"}");
    assert_int_equal(linked.made, 0);
    fixture_event("{\"line\":1}");
    fixture_forget_output();
    assert_int_equal(sfe_map_add_linked(map, &linked, &fixture.out, &fixture.err), SFE_E_UNMAPPED);
    assert_int_equal(fixture.out.size, 0);
}

static void text_keeps_its_escapes(void **state)
{
    (void)state;
    assert_string_equal(
        field((struct sfe_map_field){.from = "/a"}, "{\"a\":\"x\\u00e9\\n\\ud800\"}"),
        "\"F\":\"x\\u00e9\\n\\ud800\"");
    assert_string_equal(field((struct sfe_map_field){.from = "\"{/a}\"\t"}, "{\"a\":\"\\\"\\/\"}"),
                        "\"F\":\"\\\"\\\"\\/\\\"\\t\"");
}

static void numbers_keep_their_digits(void **state)
{
    static const char *const numbers[] = {"9007199254740993",    "1e3", "0.10", "-0", "1E-7",
                                          "18446744073709551615"};
    char payload[64];
    char expected[64];
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        snprintf(payload, sizeof(payload), "{\"a\":%s}", numbers[i]);
        snprintf(expected, sizeof(expected), "\"F\":%s", numbers[i]);
        assert_string_equal(field((struct sfe_map_field){.from = "/a"}, payload), expected);
        assert_string_equal(
            field((struct sfe_map_field){.from = "/a", .type = SFE_MAP_DOUBLE}, payload), expected);
    }
}

static void a_number_of_400_digits_is_no_double(void **state)
{
    char payload[500];
    (void)state;
    memset(payload, '7', sizeof(payload));
    memcpy(payload, "{\"a\":", 5);
    memcpy(payload + 405, "}", 2);
    assert_string_equal(
        field((struct sfe_map_field){.from = "/a", .type = SFE_MAP_DOUBLE}, payload),
        "F: *************************************... is not within the range of a double");
    assert_int_equal(
        strlen(field((struct sfe_map_field){.from = "/a", .type = SFE_MAP_STRING}, payload)),
        strlen("\"F\":\"\"") + 400);
}

static void without_a_value_there_is_no_record(void **state)
{
    (void)state;
    assert_string_equal(field((struct sfe_map_field){.from = "/a/b"}, "{}"), "F: no value at /a/b");
    assert_string_equal(fixture.err.pointer, "/a/b");
    assert_string_equal(field((struct sfe_map_field){.from = "/a"}, "{\"a\":null}"),
                        "F: no value at /a");
    assert_string_equal(field((struct sfe_map_field){.from = "{/a}-{/b}"}, "{\"a\":1}"),
                        "F: no value at /b");
    assert_string_equal(fixture.err.pointer, "/b");
    assert_string_equal(field((struct sfe_map_field){.from = "{topic.3}"}, "{}"),
                        "F: the topic has no level 3");
    assert_string_equal(
        field((struct sfe_map_field){.from = "x{/a}", .type = SFE_MAP_DOUBLE}, "{}"),
        "F: no value at /a");
}

static void an_optional_field_is_left_out_or_cleared(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "A", .from = "/a", .is_optional = true},
        {.name = "B", .from = "b-{/b}", .is_optional = true},
        {.name = "C", .from = "/c", .type = SFE_MAP_INT, .is_optional = true},
    };
    const struct sfe_map *map = compile(NULL, NULL, fields, 3);
    (void)state;
    fixture_event("{}");
    assert_string_equal(record(map), "");
    fixture_event("{\"b\":1}");
    assert_string_equal(record(map), "\"B\":\"b-1\"");
    fixture_event("{\"a\":null,\"c\":null}");
    assert_string_equal(record(map), "\"A\":null,\"C\":null");
    fixture_event("{\"b\":null,\"c\":3}");
    assert_string_equal(record(map), "\"C\":3");
}

static void an_optional_field_with_a_wrong_value_is_no_record(void **state)
{
    (void)state;
    assert_string_equal(field((struct sfe_map_field){.from = "/a",
                                                     .type = SFE_MAP_DOUBLE,
                                                     .is_optional = true,
                                                     .default_value = "0"},
                              "{\"a\":\"12,50\"}"),
                        "F: \"12,50\" is not a number");
    assert_string_equal(fixture.err.pointer, "/a");
}

static void the_default_stands_for_missing_and_null(void **state)
{
    const struct sfe_map_field options = {.from = "/a", .default_value = "0", .is_optional = true};
    const struct sfe_map_field text = {.from = "x{/a}", .default_value = "\"none\""};
    (void)state;
    assert_string_equal(field(options, "{}"), "\"F\":0");
    assert_string_equal(field(options, "{\"a\":null}"), "\"F\":0");
    assert_string_equal(field(options, "{\"a\":5}"), "\"F\":5");
    assert_string_equal(field(text, "{}"), "\"F\":\"none\"");
    assert_string_equal(field(text, "{\"a\":1}"), "\"F\":\"x1\"");
}

static void a_payload_that_is_not_json_maps_only_without_pointers(void **state)
{
    (void)state;
    assert_string_equal(field((struct sfe_map_field){.from = "{payload}"}, "21.5 \"C\""),
                        "\"F\":\"21.5 \\\"C\\\"\"");
    assert_non_null(
        strstr(field((struct sfe_map_field){.from = "/a", .default_value = "1"}, "21.5 C"),
               "F: the payload is not JSON (line 1"));
    assert_string_equal(
        field((struct sfe_map_field){.from = "{payload}", .type = SFE_MAP_DOUBLE}, "21.5"),
        "\"F\":21.5");
    assert_string_equal(
        field((struct sfe_map_field){.from = "{payload}", .type = SFE_MAP_BOOLEAN}, "ON"),
        "\"F\":true");
}

static void text_made_of_parts_can_be_converted(void **state)
{
    (void)state;
    assert_string_equal(field((struct sfe_map_field){.from = "{/a}{/b}", .type = SFE_MAP_INT},
                              "{\"a\":\"1\\u0032\",\"b\":3}"),
                        "\"F\":123");
    assert_string_equal(
        field((struct sfe_map_field){.from = "{/d}T{/t}Z", .type = SFE_MAP_DATETIME},
              "{\"d\":\"2026-11-24\",\"t\":\"10:15:00\"}"),
        "\"F\":\"2026-11-24T10:15:00.000Z\"");
    char payload[2000];
    memset(payload, '1', sizeof(payload));
    memcpy(payload, "{\"a\":\"", 6);
    memcpy(payload + 1997, "\"}", 3);
    assert_string_equal(
        field((struct sfe_map_field){.from = "{/a}{/a}", .type = SFE_MAP_INT}, payload),
        "F: text of more than 1024 bytes is of no such type");
}

static void objects_become_text_only_where_text_is_asked_for(void **state)
{
    (void)state;
    assert_string_equal(field((struct sfe_map_field){.from = "/a"}, "{\"a\":{\"b\":1}}"),
                        "F: an object is not one value");
    assert_string_equal(
        field((struct sfe_map_field){.from = "/a", .type = SFE_MAP_STRING}, "{\"a\":{\"b\":1}}"),
        "\"F\":\"{\\\"b\\\":1}\"");
    assert_string_equal(
        field((struct sfe_map_field){.from = "x{/a}", .type = SFE_MAP_STRING}, "{\"a\":[1]}"),
        "F: an array cannot stand within text");
}

static void fields_of_one_reference_share_an_object(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "P__r.A", .from = "/a", .is_optional = true},
        {.name = "V", .from = "/v", .is_optional = true},
        {.name = "P__r.B", .from = "/b", .is_optional = true},
        {.name = "Q__r.A", .from = "/q", .is_optional = true},
    };
    const struct sfe_map *map = compile(NULL, NULL, fields, 4);
    (void)state;
    fixture_event("{\"a\":1,\"b\":2,\"v\":3,\"q\":4}");
    assert_string_equal(record(map), "\"P__r\":{\"A\":1,\"B\":2},\"V\":3,\"Q__r\":{\"A\":4}");
    fixture_event("{\"b\":2,\"q\":4}");
    assert_string_equal(record(map), "\"P__r\":{\"B\":2},\"Q__r\":{\"A\":4}");
    fixture_event("{\"a\":1}");
    assert_string_equal(record(map), "\"P__r\":{\"A\":1}");
    fixture_event("{\"v\":3}");
    assert_string_equal(record(map), "\"V\":3");
    fixture_event("{\"a\":null,\"v\":3}");
    assert_string_equal(record(map), "\"P__r\":{\"A\":null},\"V\":3");
    fixture_event("{}");
    assert_string_equal(record(map), "");
}

static const char *external_id(const char *payload)
{
    static const struct sfe_map_field fields[] = {{.name = "V", .constant = "1"},
                                                  {.name = "Id", .from = "/id"}};
    const struct sfe_map *map = compile("Id", NULL, fields, 2);
    fixture_event(payload);
    const char *made = record(map);
    if (fixture.err.code != SFE_OK) {
        static char message[256];
        snprintf(message, sizeof(message), "%s", made);
        fixture_forget_output();
        assert_int_equal(
            sfe_map_add_external_id(map, &fixture.subject, 0, 0, &fixture.id, &fixture.err),
            SFE_E_UNMAPPED);
        assert_string_equal(fixture.err.message, message);
        assert_int_equal(fixture.id.size, 0);
        return message;
    }
    char with_record[256];
    memcpy(with_record, fixture.id_memory, sizeof(with_record));
    fixture_forget_output();
    assert_int_equal(
        sfe_map_add_external_id(map, &fixture.subject, 0, 0, &fixture.id, &fixture.err), SFE_OK);
    assert_memory_equal(fixture.id_memory, with_record, sizeof(with_record));
    return (const char *)fixture.id_memory;
}

static void the_external_id_is_text_or_a_number(void **state)
{
    (void)state;
    assert_string_equal(external_id("{\"id\":\"R-1\"}"), "R-1");
    assert_string_equal(external_id("{\"id\":9007199254740993}"), "9007199254740993");
    assert_string_equal(external_id("{\"id\":\"\\u00e9\\/\\\"\"}"), "\xc3\xa9/\"");
    assert_string_equal(external_id("{\"id\":true}"), "Id: an external ID is text or a number");
    assert_string_equal(external_id("{\"id\":[1]}"), "Id: an array is not one value");
}

static void the_external_id_is_trimmed_and_never_empty(void **state)
{
    (void)state;
    assert_string_equal(external_id("{\"id\":\" R-1\\t\"}"), "R-1");
    assert_string_equal(external_id("{\"id\":\"\"}"), "Id: the external ID is empty");
    assert_string_equal(external_id("{\"id\":\" \\n \"}"), "Id: the external ID is empty");
    assert_string_equal(external_id("{\"id\":null}"), "Id: no value at /id");
    assert_string_equal(external_id("{}"), "Id: no value at /id");
    assert_string_equal(fixture.err.pointer, "/id");
}

static void an_external_id_is_never_optional(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "Id", .from = "/id", .is_optional = true}};
    const struct sfe_map *map = compile("Id", NULL, fields, 1);
    (void)state;
    fixture_event("{}");
    assert_string_equal(record(map), "Id: no value at /id");
    fixture_event("{\"id\":null}");
    assert_string_equal(record(map), "Id: no value at /id");
}

static void the_external_id_is_at_most_255_bytes(void **state)
{
    static char payload[8000];
    (void)state;
    for (size_t i = 0; i < 256; i++) {
        memcpy(payload + 7 + i * 6, "\\u0041", 6);
    }
    memcpy(payload, "{\"id\":\"", 7);
    memcpy(payload + 7 + 255 * 6, "\"}", 3);
    assert_int_equal(strlen(external_id(payload)), 255);
    memcpy(payload + 7 + 255 * 6, "\\u0041", 6);
    memcpy(payload + 7 + 256 * 6, "\"}", 3);
    assert_string_equal(external_id(payload), "Id: the external ID is longer than 255 bytes");
    for (size_t size = 1580; size < 1620; size++) {
        memset(payload + 7, 'x', size);
        memcpy(payload + 7 + size, "\"}", 3);
        assert_string_equal(external_id(payload), "Id: the external ID is longer than 255 bytes");
    }
}

static const struct sfe_map_field line_fields[] = {
    {.name = "LineId__c", .from = "{/sale_id}-{item:/no}"},
    {.name = "PosSale__r.SaleId__c", .from = "{/sale_id}"},
    {.name = "Sku__c", .from = "{item:/sku}"},
    {.name = "Place__c", .from = "{index}"},
};

static void each_element_makes_a_record(void **state)
{
    const struct sfe_map *map = compile("LineId__c", "/lines", line_fields, 4);
    uint32_t count = 99;
    (void)state;
    fixture_event(
        "{\"sale_id\":\"S-1\",\"lines\":[{\"no\":1,\"sku\":\"A\"},{\"no\":2,\"sku\":\"B\","
        "\"x\":[[]]},{\"no\":3,\"sku\":\"C\"}]}");
    assert_int_equal(sfe_map_count(map, &fixture.subject, &count, &fixture.err), SFE_OK);
    assert_int_equal(count, 3);
    uint32_t item = sfe_map_item(map, &fixture.subject, 0, SFE_JSON_NONE);
    assert_string_equal(record_at(map, 0, item),
                        "\"LineId__c\":\"S-1-1\",\"PosSale__r\":{\"SaleId__c\":\"S-1\"},"
                        "\"Sku__c\":\"A\",\"Place__c\":0");
    assert_string_equal((const char *)fixture.id_memory, "S-1-1");
    item = sfe_map_item(map, &fixture.subject, 1, item);
    item = sfe_map_item(map, &fixture.subject, 2, item);
    assert_string_equal(record_at(map, 2, item),
                        "\"LineId__c\":\"S-1-3\",\"PosSale__r\":{\"SaleId__c\":\"S-1\"},"
                        "\"Sku__c\":\"C\",\"Place__c\":2");
    assert_int_equal(sfe_map_item(map, &fixture.subject, 2, SFE_JSON_NONE), item);
    assert_int_equal(sfe_map_item(map, &fixture.subject, 3, item), SFE_JSON_NONE);
    assert_int_equal(sfe_map_item(map, &fixture.subject, 3, SFE_JSON_NONE), SFE_JSON_NONE);
}

static void a_mistake_in_an_element_names_its_place(void **state)
{
    const struct sfe_map *map = compile("LineId__c", "/lines", line_fields, 4);
    (void)state;
    fixture_event("{\"sale_id\":\"S-1\",\"lines\":[{\"no\":1,\"sku\":\"A\"},{\"no\":2}]}");
    uint32_t item = sfe_map_item(map, &fixture.subject, 1, SFE_JSON_NONE);
    assert_string_equal(record_at(map, 1, item), "Sku__c: no value at /lines/1/sku");
    assert_string_equal(fixture.err.pointer, "/lines/1/sku");
}

static void elements_may_be_plain_values(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "K", .from = "{/sn}.{index}"},
                                                  {.name = "T", .from = "{item}"}};
    const struct sfe_map *map = compile("K", "/temp", fields, 2);
    uint32_t count = 0;
    (void)state;
    fixture_event("{\"sn\":\"LOG-7\",\"temp\":[20.1,\"x\",null,20.40]}");
    assert_int_equal(sfe_map_count(map, &fixture.subject, &count, &fixture.err), SFE_OK);
    assert_int_equal(count, 4);
    uint32_t item = sfe_map_item(map, &fixture.subject, 0, SFE_JSON_NONE);
    assert_string_equal(record_at(map, 0, item), "\"K\":\"LOG-7.0\",\"T\":20.1");
    item = sfe_map_item(map, &fixture.subject, 1, item);
    assert_string_equal(record_at(map, 1, item), "\"K\":\"LOG-7.1\",\"T\":\"x\"");
    item = sfe_map_item(map, &fixture.subject, 2, item);
    assert_string_equal(record_at(map, 2, item), "T: no value at /temp/2");
    item = sfe_map_item(map, &fixture.subject, 3, item);
    assert_string_equal(record_at(map, 3, item), "\"K\":\"LOG-7.3\",\"T\":20.40");
}

static void the_whole_payload_may_be_the_array(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "T", .from = "{item:/t}"}};
    const struct sfe_map *map = compile(NULL, "", fields, 1);
    uint32_t count = 0;
    (void)state;
    fixture_event("[{\"t\":1},{\"t\":2}]");
    assert_int_equal(sfe_map_count(map, &fixture.subject, &count, &fixture.err), SFE_OK);
    assert_int_equal(count, 2);
    assert_string_equal(record_at(map, 1, sfe_map_item(map, &fixture.subject, 1, SFE_JSON_NONE)),
                        "\"T\":2");
}

static void without_an_array_there_are_no_records(void **state)
{
    static const char *const none[] = {"{}", "{\"lines\":null}", "{\"lines\":[]}"};
    static const char *const wrong[] = {"{\"lines\":{}}", "{\"lines\":1}", "{\"lines\":\"\"}",
                                        "not json", ""};
    const struct sfe_map *map = compile("LineId__c", "/lines", line_fields, 4);
    uint32_t count = 99;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture_event(none[i]);
        assert_int_equal(sfe_map_count(map, &fixture.subject, &count, &fixture.err), SFE_OK);
        assert_int_equal(count, 0);
        assert_int_equal(sfe_map_item(map, &fixture.subject, 0, SFE_JSON_NONE), SFE_JSON_NONE);
    }
    for (size_t i = 0; i < 5; i++) {
        fixture_event(wrong[i]);
        assert_int_equal(sfe_map_count(map, &fixture.subject, &count, &fixture.err),
                         SFE_E_UNMAPPED);
        assert_int_equal(count, 0);
    }
}

static void without_each_there_is_one_record_of_the_root(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "T", .from = "{topic.1}"}};
    const struct sfe_map *map = compile(NULL, NULL, fields, 1);
    uint32_t count = 0;
    (void)state;
    fixture_event("not json");
    assert_int_equal(sfe_map_count(map, &fixture.subject, &count, &fixture.err), SFE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(sfe_map_item(map, &fixture.subject, 0, SFE_JSON_NONE), 0);
    assert_string_equal(record(map), "\"T\":\"p1\"");
}

static void what_does_not_fit_is_not_there(void **state)
{
    const struct sfe_map *map = compile("LineId__c", "/lines", line_fields, 4);
    (void)state;
    fixture_event("{\"sale_id\":\"S-1\",\"lines\":[{\"no\":1,\"sku\":\"A\"}]}");
    uint32_t item = sfe_map_item(map, &fixture.subject, 0, SFE_JSON_NONE);
    const size_t whole = strlen(record_at(map, 0, item));
    for (size_t capacity = 1; capacity <= whole; capacity++) {
        fixture_forget_output();
        struct sfe_builder out = sfe_builder_make(fixture.out_memory, capacity);
        sfe_builder_add_text(&out, "[");
        assert_int_equal(
            sfe_map_add_record(map, &fixture.subject, 0, item, &out, &fixture.id, &fixture.err),
            SFE_E_FULL);
        assert_int_equal(out.size, 1);
        assert_false(out.overflowed);
        assert_int_equal(fixture.id.size, 0);
    }
}

static void a_missing_value_after_an_overflow_is_still_an_overflow(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "A", .from = "/a"}, {.name = "B", .from = "x{/b}", .is_optional = true}};
    const struct sfe_map *map = compile(NULL, NULL, fields, 2);
    (void)state;
    fixture_event("{\"a\":\"0123456789\"}");
    struct sfe_builder out = sfe_builder_make(fixture.out_memory, 10);
    assert_int_equal(
        sfe_map_add_record(map, &fixture.subject, 0, 0, &out, &fixture.id, &fixture.err),
        SFE_E_FULL);
    assert_int_equal(out.size, 0);
}

static void an_optional_field_left_out_at_the_very_end_needs_no_room(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "A", .from = "/a"}, {.name = "LongName__c", .from = "/b", .is_optional = true}};
    const struct sfe_map *map = compile(NULL, NULL, fields, 2);
    (void)state;
    fixture_event("{\"a\":1}");
    struct sfe_builder out = sfe_builder_make(fixture.out_memory, 5);
    assert_int_equal(
        sfe_map_add_record(map, &fixture.subject, 0, 0, &out, &fixture.id, &fixture.err), SFE_OK);
    assert_memory_equal(out.bytes, "\"A\":1", 5);
}

static void a_subject_has_its_identity(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "Id", .from = "{id}"}};
    const struct sfe_map *map = compile("Id", NULL, fields, 1);
    (void)state;
    fixture_event("{\"a\":1}");
    record(map);
    uint8_t memory[32];
    struct sfe_builder wanted = sfe_builder_make(memory, sizeof(memory));
    sfe_event_add_identity(&fixture.event, &wanted);
    assert_int_equal(fixture.id.size, 32);
    assert_memory_equal(fixture.id.bytes, memory, 32);
}

static enum sfe_code add_scaled(const struct sfe_map_field *field, const char *payload)
{
    struct sfe_map *map = NULL;
    const struct sfe_map_options options = {.object = "R__c", .fields = field, .field_count = 1};
    assert_int_equal(
        sfe_map_compile(&options, fixture.arena, &map, &fixture.bad_field, &fixture.err), SFE_OK);
    fixture_event(payload);
    fixture_forget_output();
    return sfe_map_add_record(map, &fixture.subject, 0, 0, &fixture.out, &fixture.id, &fixture.err);
}

static void a_number_is_scaled_and_moved_exactly(void **state)
{
    struct sfe_map_field field = {.name = "V", .from = "/v", .scale = "0.1", .offset = "-40"};
    (void)state;
    assert_int_equal(add_scaled(&field, "{\"v\":615}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"V\":21.5");
    assert_int_equal(add_scaled(&field, "{\"v\":\"615\"}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"V\":21.5");
    field.type = SFE_MAP_STRING;
    assert_int_equal(add_scaled(&field, "{\"v\":6.15e2}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"V\":\"21.5\"");
    field.from = "{/v}{/v}";
    assert_int_equal(add_scaled(&field, "{\"v\":12}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"V\":\"81.2\"");
    field.type = SFE_MAP_INT;
    assert_int_equal(add_scaled(&field, "{\"v\":10}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"V\":61");
    assert_int_equal(add_scaled(&field, "{\"v\":12}"), SFE_E_UNMAPPED);
    assert_string_equal(fixture.err.message, "V: 81.2 is not an integer of 64 bits");
}

static void what_is_no_number_cannot_be_scaled(void **state)
{
    struct sfe_map_field field = {.name = "V", .from = "/v", .scale = "2"};
    (void)state;
    assert_int_equal(add_scaled(&field, "{\"v\":\"12,5\"}"), SFE_E_UNMAPPED);
    assert_string_equal(fixture.err.message, "V: \"12,5\" is not a number");
    assert_int_equal(add_scaled(&field, "{\"v\":true}"), SFE_E_UNMAPPED);
    assert_int_equal(add_scaled(&field, "{\"v\":[1]}"), SFE_E_UNMAPPED);
    assert_int_equal(add_scaled(&field, "{\"v\":1e40}"), SFE_E_UNMAPPED);
    assert_string_equal(fixture.err.message, "V: 1e40 is not a number of at most 40 digits");
    assert_int_equal(add_scaled(&field, "{}"), SFE_E_UNMAPPED);
    field.default_value = "0";
    assert_int_equal(add_scaled(&field, "{\"v\":null}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"V\":0");
    field.from = "{time}";
    assert_int_equal(add_scaled(&field, "{}"), SFE_E_UNMAPPED);
}

static struct sfe_where *condition_on(const struct sfe_where_node *node)
{
    struct sfe_where *where = NULL;
    uint32_t bad_node = 0;
    assert_int_equal(sfe_where_compile(node, 1, fixture.arena, &where, &bad_node, &fixture.err),
                     SFE_OK);
    return where;
}

static void conditional_fields(struct sfe_map_field fields[4])
{
    static const struct sfe_where_node over = {SFE_WHERE_GT, 1, "/v", "80"};
    fields[0] = (struct sfe_map_field){.name = "Id__c", .from = "{/id}"};
    fields[1] = (struct sfe_map_field){
        .name = "Level__c", .constant = "\"high\"", .condition = condition_on(&over)};
    fields[2] = (struct sfe_map_field){.name = "Parent__r.Id__c",
                                       .from = "/p",
                                       .default_value = "\"none\"",
                                       .condition = condition_on(&over)};
    fields[3] = (struct sfe_map_field){
        .name = "V__c", .from = "/v", .type = SFE_MAP_DOUBLE, .condition = condition_on(&over)};
}

static enum sfe_code add_conditional(const char *payload)
{
    struct sfe_map_field fields[4];
    struct sfe_map *map = NULL;
    conditional_fields(fields);
    const struct sfe_map_options options = {.object = "R__c",
                                            .external_id = "Id__c",
                                            .fields = fields,
                                            .field_count = 4,
                                            .agent_id = "a"};
    if (sfe_map_compile(&options, fixture.arena, &map, &fixture.bad_field, &fixture.err) !=
        SFE_OK) {
        fail_msg("%s", fixture.err.message);
    }
    fixture_event(payload);
    fixture_forget_output();
    return sfe_map_add_record(map, &fixture.subject, 0, 0, &fixture.out, &fixture.id, &fixture.err);
}

static void a_field_whose_conditions_hold_has_its_value(void **state)
{
    (void)state;
    assert_int_equal(add_conditional("{\"id\":\"1\",\"v\":80.5,\"p\":\"P\"}"), SFE_OK);
    assert_string_equal(fixture_text(), "\"Id__c\":\"1\",\"Level__c\":\"high\","
                                        "\"Parent__r\":{\"Id__c\":\"P\"},\"V__c\":80.5");
}

static void a_field_whose_conditions_do_not_hold_is_its_default_or_left_out(void **state)
{
    (void)state;
    assert_int_equal(add_conditional("{\"id\":\"1\",\"v\":80,\"p\":\"P\"}"), SFE_OK);
    fixture.out_memory[fixture.out.size] = 0; /* What was taken back lies behind. */
    assert_string_equal(fixture_text(), "\"Id__c\":\"1\",\"Parent__r\":{\"Id__c\":\"none\"}");
}

static void a_field_whose_conditions_cannot_be_judged_makes_no_record(void **state)
{
    (void)state;
    assert_int_equal(add_conditional("{\"id\":\"1\",\"v\":\"90\"}"), SFE_E_UNMAPPED);
    assert_string_equal(fixture.err.message, "Level__c: if: /v: the value is not a number");
    assert_string_equal(fixture.err.pointer, "/v");
    assert_int_equal(fixture.out.size, 0);
}

/* "F" by cases on /u: F, then C, then what `rest` says. */
static const char *field_by_cases(struct sfe_map_field rest, const char *payload)
{
    static const struct sfe_where_node is_f = {SFE_WHERE_EQ, 1, "/u", "\"F\""};
    static const struct sfe_where_node is_over = {SFE_WHERE_GT, 1, "/v", "80"};
    const struct sfe_map_field cases[] = {
        {.from = "/v",
         .type = SFE_MAP_DOUBLE,
         .scale = "0.5",
         .offset = "-16",
         .condition = condition_on(&is_f)},
        {.constant = "\"high\"", .type = SFE_MAP_STRING, .condition = condition_on(&is_over)},
        {.from = "{/v} of {/w}"},
    };
    rest.cases = cases;
    rest.case_count = rest.case_count == 0 ? 2 : 3;
    return field(rest, payload);
}

static void a_field_is_the_first_case_that_holds(void **state)
{
    (void)state;
    assert_string_equal(field_by_cases((struct sfe_map_field){0}, "{\"u\":\"F\",\"v\":100}"),
                        "\"F\":34");
    assert_string_equal(field_by_cases((struct sfe_map_field){0}, "{\"u\":\"C\",\"v\":100}"),
                        "\"F\":\"high\"");
}

static void a_field_of_which_no_case_holds_is_its_last_its_default_or_nothing(void **state)
{
    static const char low[] = "{\"v\":1,\"w\":2}";
    (void)state;
    assert_string_equal(field_by_cases((struct sfe_map_field){.case_count = 1}, low),
                        "\"F\":\"1 of 2\"");
    assert_string_equal(
        field_by_cases((struct sfe_map_field){.default_value = "7", .type = SFE_MAP_STRING}, low),
        "\"F\":\"7\"");
    assert_string_equal(field_by_cases((struct sfe_map_field){.is_optional = true}, low), "");
    assert_string_equal(field_by_cases((struct sfe_map_field){0}, low),
                        "F: no case holds, and there is no else");
}

static void a_case_that_fails_ends_the_choice(void **state)
{
    (void)state;
    assert_string_equal(
        field_by_cases((struct sfe_map_field){.case_count = 1}, "{\"u\":\"F\",\"v\":\"x\"}"),
        "F: \"x\" is not a number");
    assert_string_equal(fixture.err.pointer, "/v");
    assert_string_equal(
        field_by_cases((struct sfe_map_field){.case_count = 1}, "{\"u\":1,\"v\":\"x\"}"),
        "F: case 2: /v: the value is not a number");
    assert_string_equal(field_by_cases((struct sfe_map_field){.case_count = 1}, "{\"v\":1}"),
                        "F: no value at /w");
}

static void the_parent_is_the_first_reference_by_external_id(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "LineId__c", .from = "{/id}"},
        {.name = "PosSale__r.SaleId__c", .from = "{/sale}", .is_optional = true},
        {.name = "Store__r.StoreId__c", .from = "{/store}"},
    };
    const struct sfe_map *map = compile("LineId__c", NULL, fields, 3);

    (void)state;
    fixture_event("{\"id\":\"L\",\"sale\":\"S-1\",\"store\":\"7\"}");
    fixture_forget_output();
    assert_int_equal(sfe_map_add_parent(map, &fixture.subject, 0, 0, &fixture.out, &fixture.err),
                     SFE_OK);
    assert_int_equal(fixture.out.size, 5);
    assert_memory_equal(fixture.out.bytes, "\"S-1\"", 5);
    fixture_event("{\"id\":\"L\",\"store\":\"7\"}");
    fixture_forget_output();
    assert_int_equal(sfe_map_add_parent(map, &fixture.subject, 0, 0, &fixture.out, &fixture.err),
                     SFE_OK);
    assert_int_equal(fixture.out.size, 0);
}

static void a_map_without_references_has_no_parent(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "ReadingId__c", .from = "{/id}"}};
    const struct sfe_map *map = compile("ReadingId__c", NULL, fields, 1);

    (void)state;
    fixture_event("{\"id\":\"R\"}");
    fixture_forget_output();
    assert_int_equal(sfe_map_add_parent(map, &fixture.subject, 0, 0, &fixture.out, &fixture.err),
                     SFE_OK);
    assert_int_equal(fixture.out.size, 0);
}

static void a_lookup_gives_what_stands_in_the_table(void **state)
{
    struct sfe_lookup_table table;
    (void)state;
    assert_int_equal(sfe_lookup_read(SFE_TEXT("{\"1\":\"12.50\",\"true\":7,\"B-x\":null}"),
                                     fixture.arena, &table, &fixture.err),
                     SFE_OK);
    const struct sfe_map_field plain = {.from = "/v", .lookup = &table};
    const struct sfe_map_field number = {.from = "/v", .lookup = &table, .type = SFE_MAP_DOUBLE};
    const struct sfe_map_field text = {.from = "{/v|upper}-x", .lookup = &table};
    const struct sfe_map_field other = {.from = "/v", .lookup = &table, .default_value = "\"?\""};
    const struct sfe_map_field none = {.from = "/v", .lookup = &table, .is_optional = true};
    assert_string_equal(field(plain, "{\"v\":1}"), "\"F\":\"12.50\"");
    assert_string_equal(field(plain, "{\"v\":\"1\"}"), "\"F\":\"12.50\"");
    assert_string_equal(field(plain, "{\"v\":true}"), "\"F\":7");
    assert_string_equal(field(number, "{\"v\":1}"), "\"F\":12.50");
    assert_string_equal(field(text, "{\"v\":\"b\"}"), "\"F\":null");
    assert_string_equal(field(other, "{\"v\":2}"), "\"F\":\"?\"");
    assert_string_equal(field(other, "{}"), "\"F\":\"?\"");
    assert_string_equal(field(none, "{\"v\":2}"), "");
    assert_string_equal(field(plain, "{\"v\":2}"), "F: \"2\" is not in the lookup table");
    assert_string_equal(field(plain, "{\"v\":[]}"), "F: an object or array is looked up nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_number_is_scaled_and_moved_exactly),
        TEST(what_is_no_number_cannot_be_scaled),
        TEST(a_field_whose_conditions_hold_has_its_value),
        TEST(a_field_whose_conditions_do_not_hold_is_its_default_or_left_out),
        TEST(a_field_whose_conditions_cannot_be_judged_makes_no_record),
        TEST(a_field_is_the_first_case_that_holds),
        TEST(a_field_of_which_no_case_holds_is_its_last_its_default_or_nothing),
        TEST(a_case_that_fails_ends_the_choice),
        TEST(a_record_is_the_members_of_an_object),
        TEST(a_lookup_gives_what_stands_in_the_table),
        TEST(a_reference_to_a_linked_record_goes_by_its_name),
        TEST(text_keeps_its_escapes),
        TEST(numbers_keep_their_digits),
        TEST(a_number_of_400_digits_is_no_double),
        TEST(without_a_value_there_is_no_record),
        TEST(an_optional_field_is_left_out_or_cleared),
        TEST(an_optional_field_with_a_wrong_value_is_no_record),
        TEST(the_default_stands_for_missing_and_null),
        TEST(a_payload_that_is_not_json_maps_only_without_pointers),
        TEST(text_made_of_parts_can_be_converted),
        TEST(objects_become_text_only_where_text_is_asked_for),
        TEST(fields_of_one_reference_share_an_object),
        TEST(the_external_id_is_text_or_a_number),
        TEST(the_external_id_is_trimmed_and_never_empty),
        TEST(an_external_id_is_never_optional),
        TEST(the_external_id_is_at_most_255_bytes),
        TEST(each_element_makes_a_record),
        TEST(a_mistake_in_an_element_names_its_place),
        TEST(elements_may_be_plain_values),
        TEST(the_whole_payload_may_be_the_array),
        TEST(without_an_array_there_are_no_records),
        TEST(without_each_there_is_one_record_of_the_root),
        TEST(what_does_not_fit_is_not_there),
        TEST(a_missing_value_after_an_overflow_is_still_an_overflow),
        TEST(an_optional_field_left_out_at_the_very_end_needs_no_room),
        TEST(the_parent_is_the_first_reference_by_external_id),
        TEST(a_map_without_references_has_no_parent),
        TEST(a_subject_has_its_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
