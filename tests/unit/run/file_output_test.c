#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "run/output_kind.h"

static const struct sfe_config config = {.agent = {.event_bytes_max = 64 * 1024}};
static const struct agent_output_kind *const kind = &agent_file_output;

static void one_batch_at_a_time_keeps_the_order(void **state)
{
    const struct sfe_config_output output = {.name = "o", .batch_age_ns = 5};
    struct sfe_output_options sizes = {.name = "o"};

    (void)state;
    kind->sizes(&config, &output, false, &sizes);
    assert_int_equal(sizes.slot_count, 1);
    assert_true(sizes.slot_events_max <= sizes.window_events);
    assert_int_equal(sizes.batch_age_ns, 5);
}

static void memory_and_flash_are_bounded_by_what_is_configured(void **state)
{
    const struct sfe_config_output lines = {
        .name = "o", .file = {.rotate_bytes = 1u << 20, .keep_bytes = 10u << 20}};
    struct sfe_config_output rows = lines;

    (void)state;
    rows.file.format = SFE_FILE_CSV;
    assert_true(kind->memory_bytes(&config, &rows) > kind->memory_bytes(&config, &lines));
    assert_true(kind->flash_bytes(&config, &lines) > UINT64_C(12) << 20);
    assert_true(kind->flash_bytes(&config, &lines) < UINT64_C(13) << 20);
    rows.file.rotate_bytes = 1; /* A batch may be larger than a file. */
    assert_true(kind->flash_bytes(&config, &rows) > (UINT64_C(10) << 20) + 2u * 64u * 1024u);
    assert_int_equal(kind->library_bytes(&config, &lines), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_at_a_time_keeps_the_order),
        cmocka_unit_test(memory_and_flash_are_bounded_by_what_is_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
