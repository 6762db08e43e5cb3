#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "run/output_kind.h"

static struct sfe_config_connection the_connection;
static const struct sfe_config the_config = {.connections = &the_connection, .connection_count = 1};

static const struct agent_output_kind *const kind = &agent_records_output;

static struct sfe_config_output make_output(enum sfe_output_api api)
{
    return (struct sfe_config_output){.name = "o",
                                      .api = api,
                                      .batch_records = 200,
                                      .requests_in_flight = 4,
                                      .batch_age_ns = 1,
                                      .bulk_from = 2000,
                                      .bulk_records = 10000,
                                      .bulk_age_ns = 60};
}

static void bulk_alone_is_one_slot_of_a_whole_job(void **state)
{
    const struct sfe_config_output output = make_output(SFE_API_BULK);
    struct sfe_output_options sizes = {.name = "o"};

    (void)state;
    kind->sizes(&the_config, &output, false, &sizes);
    assert_int_equal(sizes.slot_count, 1);
    assert_int_equal(sizes.slot_events_max, 10000);
    assert_int_equal(sizes.batch_age_ns, 60);
    assert_true(sizes.is_costly);
    assert_int_equal(sizes.large_slot_events, 0);
    assert_true(sizes.window_events > 10000);
    assert_true(kind->flash_bytes(&the_config, &output) > 10000);
}

static void auto_has_a_large_slot_beside_the_others(void **state)
{
    struct sfe_config_output output = make_output(SFE_API_AUTO);
    const struct sfe_config_output alone = make_output(SFE_API_BULK);
    struct sfe_output_options sizes = {.name = "o"};

    (void)state;
    kind->sizes(&the_config, &output, false, &sizes);
    assert_int_equal(sizes.slot_count, 4);
    assert_int_equal(sizes.batch_age_ns, 1);
    assert_int_equal(sizes.large_slot_events, 10000);
    assert_int_equal(sizes.large_from, 2000);
    assert_true(kind->memory_bytes(&the_config, &output) > kind->memory_bytes(&the_config, &alone));
    output.bulk_records = 500;
    kind->sizes(&the_config, &output, false, &sizes);
    assert_int_equal(sizes.large_from, 500); /* A full job is a backlog. */
}

static void nothing_is_kept_for_bulk_where_it_is_not_used(void **state)
{
    struct sfe_config_output outputs[3] = {make_output(SFE_API_COLLECTIONS),
                                           make_output(SFE_API_AUTO), make_output(SFE_API_AUTO)};

    (void)state;
    outputs[1].bulk_from = 0;
    outputs[2].order_by = "{topic}";
    for (uint32_t i = 0; i < 3; i++) {
        struct sfe_output_options sizes = {.name = "o"};
        kind->sizes(&the_config, &outputs[i], false, &sizes);
        assert_int_equal(sizes.large_slot_events, 0);
        assert_true(kind->flash_bytes(&the_config, &outputs[i]) == 0);
    }
}

static void the_window_holds_several_times_what_may_be_in_flight(void **state)
{
    const enum sfe_output_api apis[] = {SFE_API_COLLECTIONS, SFE_API_COMPOSITE, SFE_API_AUTO};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct sfe_config_output output = make_output(apis[i]);
        struct sfe_output_options sizes = {.name = "o"};
        output.bulk_records = 200;
        kind->sizes(&the_config, &output, false, &sizes);
        assert_true(sizes.window_events >= SFE_WINDOW_EVENTS);
        assert_true(sizes.window_events >= 3 * sizes.slot_count * sizes.slot_events_max);
    }
}

static void memory_is_kept_to_sort_records_only_where_they_name_parents(void **state)
{
    const struct sfe_config_field fields[] = {{.name = "Id__c"}, {.name = "Sale__r.SaleId__c"}};
    struct sfe_config_record record = {.fields = fields, .field_count = 1};
    struct sfe_config_output output = make_output(SFE_API_COMPOSITE);

    (void)state;
    output.records = &record;
    output.record_count = 1;
    const size_t alone = kind->memory_bytes(&the_config, &output);
    record.field_count = 2;
    assert_true(kind->memory_bytes(&the_config, &output) > alone);
}

static void a_rehearsal_shows_records(void **state)
{
    const struct sfe_config_output output = make_output(SFE_API_BULK);
    struct sfe_output_options sizes = {.name = "o"};

    (void)state;
    kind->sizes(&the_config, &output, true, &sizes);
    assert_int_equal(sizes.slot_events_max, 200);
    assert_int_equal(sizes.large_slot_events, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_alone_is_one_slot_of_a_whole_job),
        cmocka_unit_test(auto_has_a_large_slot_beside_the_others),
        cmocka_unit_test(nothing_is_kept_for_bulk_where_it_is_not_used),
        cmocka_unit_test(the_window_holds_several_times_what_may_be_in_flight),
        cmocka_unit_test(memory_is_kept_to_sort_records_only_where_they_name_parents),
        cmocka_unit_test(a_rehearsal_shows_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
