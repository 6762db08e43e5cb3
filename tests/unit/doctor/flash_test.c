#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sfe_finding findings[4];
static uint32_t count;

static void report(void *reader, const struct sfe_finding *finding)
{
    (void)reader;
    assert_true(count < 4);
    findings[count++] = *finding;
}

static enum sfe_code no_open(void *context, const char *name, enum sfe_storage_open how,
                             struct sfe_file **file, struct sfe_error *err)
{
    (void)context;
    (void)how;
    *file = NULL;
    return sfe_fail(err, SFE_E_PERMISSION, "cannot open '%s': read-only", name);
}

/* Looks at a real directory with streams of `quota`; `is_read_only`: nothing can be created. */
static void look(uint64_t quota, bool is_read_only)
{
    char folder[] = "/tmp/sfedge-doctor-XXXXXX";
    const struct sfe_config_stream stream = {
        .name = "s", .quota_bytes = quota, .segment_bytes = 65536};
    struct sfe_platform platform;
    struct sfe_error err;

    count = 0;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(sfe_platform_open(folder, &platform, &err), SFE_OK);
    if (is_read_only) {
        platform.storage.open = no_open;
    }
    const struct sfe_config config = {
        .agent = {.state = folder}, .streams = &stream, .stream_count = 1};
    const struct sfe_doctor_options options = {
        .config = &config, .platform = &platform, .report = report};
    sfe_doctor_flash(&options);
    sfe_platform_close(&platform);
    assert_int_equal(rmdir(folder), 0); /* Nothing was left behind. */
}

static void room_and_sync_are_told_and_nothing_is_left_behind(void **state)
{
    (void)state;
    look(1u << 20, false);
    assert_int_equal(count, 2);
    assert_int_equal(findings[0].level, SFE_FINDING_OK);
    assert_non_null(strstr(findings[1].message, "durable after"));
}

static void quotas_over_the_room_there_is_are_a_warning(void **state)
{
    (void)state;
    look(UINT64_C(1) << 60, false);
    assert_int_equal(findings[0].level, SFE_FINDING_WARN);
    assert_non_null(strstr(findings[0].fix, "quotas"));
}

static void a_directory_that_cannot_be_written_to_is_a_failure(void **state)
{
    (void)state;
    look(1u << 20, true);
    assert_int_equal(findings[1].level, SFE_FINDING_FAIL);
    assert_int_equal(findings[1].code, SFE_E_PERMISSION);
    assert_non_null(strstr(findings[1].fix, "mount"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_and_sync_are_told_and_nothing_is_left_behind),
        cmocka_unit_test(quotas_over_the_room_there_is_are_a_warning),
        cmocka_unit_test(a_directory_that_cannot_be_written_to_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
