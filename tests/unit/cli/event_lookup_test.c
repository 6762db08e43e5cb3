#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "cli/event_lookup.h"

#include <string.h>

static const uint32_t FROM[] = {0};
static const struct sfe_config_field SALE[] = {{.name = "Id__c", .from = "{/sale}"}};
static const struct sfe_config_field LINE[] = {{.name = "Id__c", .from = "{/sale}-{item:/no}"}};
static const struct sfe_config_record RECORDS[] = {
    {.object = "Sale__c", .external_id = "Id__c", .fields = SALE, .field_count = 1},
    {.object = "Line__c",
     .external_id = "Id__c",
     .each = "/lines",
     .fields = LINE,
     .field_count = 1},
};
static const struct sfe_config_output OUTPUT = {
    .name = "crm", .from = FROM, .from_count = 1, .records = RECORDS, .record_count = 2};
static const struct sfe_config_stream STREAMS[] = {{.name = "sales"}, {.name = "dead"}};
static const struct sfe_config CONFIG = {.path = "sfedge.json",
                                         .agent = {.id = "test"},
                                         .streams = STREAMS,
                                         .stream_count = 2,
                                         .outputs = &OUTPUT,
                                         .output_count = 1};

static struct sfe_arena *arena;
static struct sfe_lookup *lookup;
static struct sfe_compiled compiled;

static int setup(void **state)
{
    struct sfe_error err;

    (void)state;
    memset(&compiled, 0, sizeof(compiled));
    if (sfe_arena_open(8u << 20, &arena, &err) != SFE_OK ||
        sfe_compile(&CONFIG, arena, NULL, NULL, &compiled, &err) != SFE_OK) {
        return -1;
    }
    return sfe_lookup_open(&compiled, arena, &lookup, &err) == SFE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

static bool matches(uint32_t stream, const char *payload, const char *id)
{
    struct sfe_event event = {.topic = SFE_TEXT("pos/1"), .payload = sfe_slice_text(payload)};

    return sfe_lookup_matches(lookup, stream, &event, sfe_slice_text(id));
}

static void an_event_is_found_by_the_id_of_each_of_its_records(void **state)
{
    static const char payload[] = "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2}]}";

    (void)state;
    assert_true(matches(0, payload, "S-1"));
    assert_true(matches(0, payload, "s-1")); /* As in Salesforce. */
    assert_true(matches(0, payload, "S-1-2"));
    assert_false(matches(0, payload, "S-1-3"));
    assert_false(matches(0, payload, "S"));
    assert_false(matches(0, payload, ""));
}

static void streams_that_no_output_reads_have_none(void **state)
{
    (void)state;
    assert_false(matches(1, "{\"sale\":\"S-1\"}", "S-1"));
}

static void what_cannot_be_mapped_matches_nothing_and_harms_nothing(void **state)
{
    (void)state;
    assert_false(matches(0, "no JSON", "S-1"));
    assert_false(matches(0, "{\"sale\":null,\"lines\":7}", "S-1"));
    assert_true(matches(0, "{\"sale\":\"S-1\",\"lines\":7}", "S-1"));
    assert_true(matches(0, "{\"sale\":\"S-1\",\"lines\":[{},{\"no\":2}]}", "S-1-2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_found_by_the_id_of_each_of_its_records, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(streams_that_no_output_reads_have_none, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_mapped_matches_nothing_and_harms_nothing,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
