#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/quantity.h"

static const struct {
    const char *text;
    uint64_t duration_ns;
} durations[] = {
    {"5s", 5000000000u},      {"20ms", 20000000u},
    {"15m", 900000000000u},   {"2h", 7200000000000u},
    {"7d", 604800000000000u}, {"0s", 0},
    {"007s", 7000000000u},    {"213503d", 18446659200000000000u},
};

static const struct {
    const char *text;
    uint64_t size_bytes;
} sizes[] = {
    {"64MiB", 67108864u}, {"256KiB", 262144u},
    {"10MB", 10000000u},  {"4096", 4096u},
    {"1kB", 1000u},       {"1KB", 1000u},
    {"7B", 7u},           {"2GiB", 2147483648u},
    {"3GB", 3000000000u}, {"0", 0},
};

static const char *const no_durations[] = {
    "",     "5",    "s",   "5 s",  "5S",   "-5s",     "+5s",
    "1.5s", "5sec", "5us", "1h5m", "0x5s", "213504d", "18446744073709551616ms"};

static const char *const no_sizes[] = {"",
                                       "MiB",
                                       "64 MiB",
                                       "64mib",
                                       "-1",
                                       "1.5MB",
                                       "64TiB",
                                       "1e3",
                                       "18446744073709551616",
                                       "17179869184GiB"};

static void durations_are_read_exactly(void **state)
{
    uint64_t duration_ns = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        assert_true(quantity_read_duration(sfe_slice_text(durations[i].text), &duration_ns));
        assert_true(duration_ns == durations[i].duration_ns);
    }
}

static void sizes_are_read_exactly(void **state)
{
    uint64_t size_bytes = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_true(quantity_read_size(sfe_slice_text(sizes[i].text), &size_bytes));
        assert_true(size_bytes == sizes[i].size_bytes);
    }
}

static void anything_else_is_no_duration(void **state)
{
    uint64_t duration_ns;

    (void)state;
    for (size_t i = 0; i < sizeof(no_durations) / sizeof(no_durations[0]); i++) {
        assert_false(quantity_read_duration(sfe_slice_text(no_durations[i]), &duration_ns));
    }
}

static void anything_else_is_no_size(void **state)
{
    uint64_t size_bytes;

    (void)state;
    for (size_t i = 0; i < sizeof(no_sizes) / sizeof(no_sizes[0]); i++) {
        assert_false(quantity_read_size(sfe_slice_text(no_sizes[i]), &size_bytes));
    }
}

static void assert_written(const struct sfe_builder *builder, const char *text)
{
    assert_int_equal(builder->size, strlen(text));
    assert_memory_equal(builder->bytes, text, builder->size);
}

static void quantities_are_written_in_the_largest_whole_unit(void **state)
{
    char memory[64];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    quantity_add_duration(&builder, 0);
    sfe_builder_add_text(&builder, " ");
    quantity_add_duration(&builder, 64800000000000u);
    sfe_builder_add_text(&builder, " ");
    quantity_add_duration(&builder, 1500000000u);
    sfe_builder_add_text(&builder, " ");
    quantity_add_size(&builder, 0);
    sfe_builder_add_text(&builder, " ");
    quantity_add_size(&builder, 786432u);
    sfe_builder_add_text(&builder, " ");
    quantity_add_size(&builder, 1000000u);
    sfe_builder_add_text(&builder, " ");
    quantity_add_size(&builder, 1099511627776u);
    assert_written(&builder, "0s 18h 1500ms 0 768KiB 1000000 1024GiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_exactly),
        cmocka_unit_test(sizes_are_read_exactly),
        cmocka_unit_test(anything_else_is_no_duration),
        cmocka_unit_test(anything_else_is_no_size),
        cmocka_unit_test(quantities_are_written_in_the_largest_whole_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
