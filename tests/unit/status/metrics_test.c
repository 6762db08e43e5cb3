#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/metrics.h"

#include <stdio.h>
#include <string.h>

static char text[262144];

static const char *write_metrics(const struct sfe_status *status, struct sfe_slice trouble)
{
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);

    sfe_metrics_add(status, trouble, &out);
    assert_false(out.overflowed);
    text[out.size] = '\0';
    return text;
}

static void assert_line(const char *line)
{
    const char *place = strstr(text, line);

    if (place == NULL) {
        print_error("missing: %s", line);
    }
    assert_non_null(place);
    assert_true(place == text || place[-1] == '\n');
}

static void each_part_has_its_own_series_below_one_heading(void **state)
{
    struct sfe_status_output outputs[2] = {{.name = "sales", .stream = "till"},
                                           {.name = "readings", .stream = "plant"}};
    struct sfe_status status = {.agent_id = "store-1", .outputs = outputs, .output_count = 2};

    (void)state;
    outputs[0].facts.delivered = 12345678901;
    outputs[1].facts.held = 4;
    outputs[1].facts.state = SFE_OUTPUT_WAITING;
    outputs[1].facts.oldest_ns = 1000000000;
    status.now_ns = 91500000000;
    (void)write_metrics(&status, (struct sfe_slice){NULL, 0});
    assert_line("# HELP sfedge_output_delivered_events_total Events delivered.\n"
                "# TYPE sfedge_output_delivered_events_total counter\n"
                "sfedge_output_delivered_events_total{output=\"sales\",stream=\"till\"} "
                "12345678901\n"
                "sfedge_output_delivered_events_total{output=\"readings\",stream=\"plant\"} 0\n"
                "# HELP ");
    assert_line("sfedge_output_held_events{output=\"readings\",stream=\"plant\"} 4\n");
    assert_line("sfedge_output_state{output=\"readings\",stream=\"plant\",state=\"waiting\"} 1\n");
    assert_line("sfedge_output_state{output=\"readings\",stream=\"plant\",state=\"idle\"} 0\n");
    assert_line("sfedge_output_oldest_age_seconds{output=\"readings\",stream=\"plant\"} 90\n");
    assert_line("sfedge_output_oldest_age_seconds{output=\"sales\",stream=\"till\"} 0\n");
    assert_line("sfedge_ready 1\n");
    assert_null(strstr(text, "sfedge_stream_")); /* No headings of parts that are not there. */
}

static void what_is_not_known_is_left_out(void **state)
{
    struct sfe_status status = {.agent_id = "store-1"};

    (void)state;
    (void)write_metrics(&status, SFE_TEXT("it stands still"));
    assert_null(strstr(text, "sfedge_memory_heap_bytes"));
    assert_null(strstr(text, "sfedge_flash_size_bytes"));
    assert_null(strstr(text, "sfedge_flash_available_bytes"));
    assert_null(strstr(text, "sfedge_reload_last"));
    assert_line("sfedge_ready 0\n");
    status.heap_bytes = 77;
    status.flash_total_bytes = 5;
    status.reload.when_ns = 1764000123456000000;
    (void)write_metrics(&status, SFE_TEXT("it stands still"));
    assert_line("sfedge_memory_heap_bytes 77\n");
    assert_line("sfedge_flash_available_bytes 0\n"); /* That is known, and the worst of all. */
    assert_line("sfedge_reload_last_timestamp_seconds 1764000123\n");
    assert_line("sfedge_reload_last_successful 0\n");
}

static void flags_and_narrow_numbers_are_read_as_what_they_are(void **state)
{
    struct sfe_status_stream stream = {.name = "till"};
    struct sfe_status status = {.agent_id = "store-1", .streams = &stream, .stream_count = 1};

    (void)state;
    memset(&stream.facts, 0xff, sizeof(stream.facts));
    stream.facts.is_full = true;
    stream.facts.is_failing = false;
    stream.facts.damaged_places = 3;
    (void)write_metrics(&status, (struct sfe_slice){NULL, 0});
    assert_line("sfedge_stream_full{stream=\"till\"} 1\n");
    assert_line("sfedge_stream_failing{stream=\"till\"} 0\n");
    assert_line("sfedge_stream_damaged_places{stream=\"till\"} 3\n");
    assert_line("sfedge_stream_syncs_total{stream=\"till\"} 18446744073709551615\n");
}

static void labels_are_escaped_and_two_sources_of_one_name_are_two_series(void **state)
{
    struct sfe_status_link links[2] = {{.source.connection = "site"},
                                       {.source.connection = "site"}};
    struct sfe_status status = {.agent_id = "a\"b\\c\nx", .links = links, .link_count = 2};

    (void)state;
    links[1].source.received = 5;
    (void)write_metrics(&status, (struct sfe_slice){NULL, 0});
    assert_line("sfedge_build_info{agent=\"a\\\"b\\\\c\\nx\",version=\"");
    assert_line("sfedge_source_received_total{connection=\"site\",source=\"1\"} 0\n");
    assert_line("sfedge_source_received_total{connection=\"site\",source=\"2\"} 5\n");
}

/* The longest names and the longest numbers. */
static void the_most_that_parts_can_take_fits_into_what_is_said(void **state)
{
    static struct sfe_status_output outputs[16];
    static struct sfe_status_link links[16];
    static struct sfe_status_stream streams[16];
    static struct sfe_status_org orgs[16];
    static struct sfe_status_input inputs[16];
    static char name[SFE_NAME_BYTES_MAX + 1];
    struct sfe_status status = {.agent_id = name,
                                .outputs = outputs,
                                .links = links,
                                .streams = streams,
                                .orgs = orgs,
                                .inputs = inputs};

    (void)state;
    memset(name, 'n', SFE_NAME_BYTES_MAX);
    memset(outputs, 0xff, sizeof(outputs));
    memset(links, 0xff, sizeof(links));
    for (uint32_t i = 0; i < 16; i++) {
        memset(&outputs[i].facts, 0x7f, sizeof(outputs[i].facts));
        outputs[i].facts.state = SFE_OUTPUT_IDLE;
        outputs[i].name = name;
        outputs[i].stream = name;
        memset(&links[i].source.is_connected, 1, sizeof(bool));
        memset(&links[i].source.is_blocked, 1, sizeof(bool));
        links[i].source.connection = name;
        streams[i].name = name;
        orgs[i].connection = name;
        inputs[i].facts.name = name;
    }
    size_t before = strlen(write_metrics(&status, SFE_TEXT("x")));
    assert_true(before <= sfe_metrics_bytes_max(0));
    for (uint32_t count = 1; count <= 16; count++) {
        status.output_count = count;
        status.link_count = count;
        status.stream_count = count;
        status.org_count = count;
        status.input_count = count;
        assert_true(strlen(write_metrics(&status, SFE_TEXT("x"))) <=
                    sfe_metrics_bytes_max(5 * count));
    }
    status.link_count = 0;
    status.stream_count = 0;
    status.org_count = 0;
    status.input_count = 0;
    for (uint32_t count = 1; count <= 16; count++) {
        status.output_count = count; /* No other part takes more. */
        assert_true(strlen(write_metrics(&status, SFE_TEXT("x"))) <= sfe_metrics_bytes_max(count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_has_its_own_series_below_one_heading),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(flags_and_narrow_numbers_are_read_as_what_they_are),
        cmocka_unit_test(labels_are_escaped_and_two_sources_of_one_name_are_two_series),
        cmocka_unit_test(the_most_that_parts_can_take_fits_into_what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
