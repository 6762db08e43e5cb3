#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "run/output_kind.h"

static const struct sfe_config config = {.agent = {.event_bytes_max = 64 * 1024}};

static void memory_is_bounded_by_what_is_configured(void **state)
{
    struct sfe_config_output output = {
        .name = "o", .jq = {.program = ".", .time_ns = 1000000000u, .memory_bytes = 32u << 20}};
    struct sfe_output_options sizes = {.name = "o"};

    (void)state;
    const size_t bytes = agent_jq_output.library_bytes(&config, &output);
    assert_true(bytes > 32u << 20);
    output.jq.memory_bytes *= 2u;
    assert_int_equal(agent_jq_output.library_bytes(&config, &output), bytes + (32u << 20));
    agent_jq_output.sizes(&config, &output, false, &sizes);
    assert_int_equal(sizes.slot_events_max, 1);
    assert_true(agent_jq_output.memory_bytes(&config, &output) >
                (size_t)sizes.slot_count * config.agent.event_bytes_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bounded_by_what_is_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
