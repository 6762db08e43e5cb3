#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/doctor.h"

#include <string.h>

static struct sfe_finding last;
static enum sfe_clock_quality quality;

static void report(void *reader, const struct sfe_finding *finding)
{
    (void)reader;
    last = *finding;
}

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    (void)context;
    *unix_ns = INT64_C(1764000123456789000);
    return quality;
}

static void look(enum sfe_clock_quality given)
{
    const struct sfe_platform platform = {.clock = {.wall_ns = wall_ns}};
    const struct sfe_doctor_options options = {.platform = &platform, .report = report};

    quality = given;
    sfe_doctor_clock(&options);
}

static void a_synchronised_clock_is_well(void **state)
{
    (void)state;
    look(SFE_CLOCK_SYNCED);
    assert_int_equal(last.level, SFE_FINDING_OK);
    assert_non_null(strstr(last.message, "2025-11-24T16:02:03.456Z"));
}

static void a_clock_that_nobody_vouches_for_is_a_warning_with_its_fix(void **state)
{
    (void)state;
    look(SFE_CLOCK_COASTING);
    assert_int_equal(last.level, SFE_FINDING_WARN);
    assert_non_null(strstr(last.fix, "NTP"));
    look(SFE_CLOCK_UNSET);
    assert_int_equal(last.level, SFE_FINDING_WARN);
    assert_non_null(strstr(last.message, "not set"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_synchronised_clock_is_well),
        cmocka_unit_test(a_clock_that_nobody_vouches_for_is_a_warning_with_its_fix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
