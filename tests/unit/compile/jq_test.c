#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "compile/compile.h"
#include "port/jq.h"

static void a_result_always_fits_into_the_answer_and_its_event(void **state)
{
    const struct sfe_config_output output = {
        .jq = {.program = ".", .time_ns = 1500000000u, .memory_bytes = 1u << 30}};
    struct sfe_config config = {.agent = {.event_bytes_max = 256 * 1024}};
    struct sfe_jq_options options = sfe_compile_jq_options(&config, &output);

    (void)state;
    assert_int_equal(options.cpu_ms, 1500);
    assert_int_equal(options.memory_bytes, 1u << 30);
    assert_true(options.result_bytes_max < SFE_ANSWER_BYTES_MAX - 16u);
    assert_true(options.result_bytes_max > SFE_ANSWER_BYTES_MAX - 256u);
    config.agent.event_bytes_max = 8192;
    options = sfe_compile_jq_options(&config, &output);
    assert_int_equal(options.result_bytes_max, 8192 - 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_always_fits_into_the_answer_and_its_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
