#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/room.h"

#include "run/parts.h"
#include "stream/segment.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)

static struct sfe_config_stream streams[3];
static struct sfe_config config;

static int begin(void **state)
{
    (void)state;
    memset(streams, 0, sizeof(streams));
    for (uint32_t i = 0; i < 3; i++) {
        streams[i].quota_bytes = 64 * MIB;
        streams[i].segment_bytes = MIB;
    }
    streams[0].name = "sales";
    streams[0].priority = 1;
    streams[1].name = "telemetry";
    streams[2].name = "dead";
    streams[2].quota_bytes = 16 * MIB;
    config = (struct sfe_config){.streams = streams, .stream_count = 3, .dead_stream = 2};
    return 0;
}

/* What no quota counts. */
static uint64_t beside(uint64_t segments_bytes)
{
    return SFE_SEGMENTS_ASIDE_MAX * segments_bytes + 2u * 4096u +
           sfe_cursor_log_flash_bytes(AGENT_OUTPUTS_MAX, SFE_STREAMS_MAX + 1u);
}

static void without_a_quota_each_may_take_its_own_and_a_segment(void **state)
{
    (void)state;
    assert_int_equal(sfe_room_bytes_max(&config), (64 + 64 + 16 + 3) * MIB + beside(3 * MIB));
}

static void with_one_it_is_that_and_a_segment(void **state)
{
    (void)state;
    config.agent.quota_bytes = 100 * MIB;
    streams[1].segment_bytes = 4 * MIB;
    assert_int_equal(sfe_room_bytes_max(&config), 104 * MIB + beside(6 * MIB));
    config.agent.quota_bytes = 1000 * MIB;
    assert_int_equal(sfe_room_bytes_max(&config), (64 + 64 + 16 + 6) * MIB + beside(6 * MIB));
}

static void the_room_of_the_dead_letters_is_kept_against_all(void **state)
{
    (void)state;
    assert_int_equal(sfe_room_share(&config, 2).priority, SFE_QUOTA_PRIORITY_MOST);
    assert_int_equal(sfe_room_share(&config, 0).priority, 1);
}

static void a_quota_that_leaves_a_stream_too_little_names_it_and_the_least(void **state)
{
    struct sfe_error err;
    (void)state;
    config.agent.quota_bytes = (64 + 16 + 4) * MIB;
    assert_int_equal(sfe_room_check(&config, &err), SFE_OK);
    config.agent.quota_bytes--;
    assert_int_equal(sfe_room_check(&config, &err), SFE_E_CONFIG);
    assert_non_null(strstr(err.message, "\"telemetry\""));
    assert_non_null(strstr(err.message, "at least 86016KiB"));
    config.agent.quota_bytes = 0;
    assert_int_equal(sfe_room_check(&config, &err), SFE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_quota_each_may_take_its_own_and_a_segment, begin),
        cmocka_unit_test_setup(with_one_it_is_that_and_a_segment, begin),
        cmocka_unit_test_setup(the_room_of_the_dead_letters_is_kept_against_all, begin),
        cmocka_unit_test_setup(a_quota_that_leaves_a_stream_too_little_names_it_and_the_least,
                               begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
