#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sfe_finding last;

static void report(void *reader, const struct sfe_finding *finding)
{
    (void)reader;
    last = *finding;
}

static void look(const char *directory)
{
    const struct sfe_config_input input = {
        .name = "drop", .type = SFE_INPUT_FILES, .files = {.directory = directory}};
    const struct sfe_config config = {.inputs = &input, .input_count = 1};
    const struct sfe_doctor_options options = {.config = &config, .report = report};

    memset(&last, 0, sizeof(last));
    sfe_doctor_files(&options, 0);
}

static void a_folder_is_good_or_missing_or_not_to_be_written_to(void **state)
{
    char path[] = "/tmp/sfedge-doctor-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(path));
    look(path);
    assert_int_equal(last.level, SFE_FINDING_OK);
    assert_int_equal(rmdir(path), 0); /* So nothing is left in it. */
    look(path);
    assert_int_equal(last.level, SFE_FINDING_FAIL);
    assert_int_equal(last.code, SFE_E_NOT_FOUND);
    assert_string_equal(last.setting, "/inputs/drop/directory");
    assert_non_null(strstr(last.fix, "mount"));
    look("/proc"); /* Not even root may write there. */
    assert_int_equal(last.level, SFE_FINDING_FAIL);
    assert_non_null(strstr(last.message, ".sfedge-doctor"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_good_or_missing_or_not_to_be_written_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
