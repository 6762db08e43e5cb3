#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/time_zone.h"
#include "compile/parts.h"

#include <string.h>

static struct sfe_arena *arena;

static int open_arena(void **state)
{
    struct sfe_error err;

    (void)state;
    return sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

static enum sfe_code compiled(const char *written, const char **zone, struct sfe_error *err)
{
    struct compiler compiler = {.arena = arena};

    return compile_zone(&compiler, written, zone, err);
}

static void a_rule_is_taken_as_it_is_written(void **state)
{
    static const char *const rules[] = {"CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30", "UTC0"};
    const char *zone = "";
    struct sfe_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        assert_int_equal(compiled(rules[i], &zone, &err), SFE_OK);
        assert_string_equal(zone, rules[i]);
    }
    assert_int_equal(compiled(NULL, &zone, &err), SFE_OK);
    assert_null(zone);
}

static void a_name_is_looked_up_in_the_systems_data(void **state)
{
    const char *zone = NULL;
    struct sfe_time_zone read;
    struct sfe_error err;

    (void)state;
    assert_int_equal(compiled("Europe/Berlin", &zone, &err), SFE_OK);
    assert_string_equal(zone, "CET-1CEST,M3.5.0,M10.5.0/3");
    assert_int_equal(compiled("America/New_York", &zone, &err), SFE_OK);
    assert_int_equal(sfe_time_zone_parse(sfe_slice_text(zone), &read, &err), SFE_OK);
    assert_int_equal(read.standard_s, -5 * 3600);
}

static void what_is_no_name_reads_no_file(void **state)
{
    static const char *const wrong[] = {
        "../../../etc/passwd", "/etc/localtime", "Europe/Atlantis", "Europe", "a\nb",
        "Europe/Berlin.old"};
    const char *zone = NULL;
    struct sfe_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(compiled(wrong[i], &zone, &err), SFE_E_CONFIG);
        assert_non_null(strstr(err.message, "time zone"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_is_taken_as_it_is_written, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_name_is_looked_up_in_the_systems_data, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(what_is_no_name_reads_no_file, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
