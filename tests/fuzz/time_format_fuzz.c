/* Whatever the bytes: what is accepted is written as a time that is accepted and means the same. */
#include "base/time_format.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static int64_t floor_ms(int64_t unix_ns)
{
    int64_t ms = unix_ns / 1000000;
    return unix_ns % 1000000 < 0 ? ms - 1 : ms;
}

static void check(int64_t unix_ns)
{
    uint8_t memory[64];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;
    int64_t again = 0;

    sfe_time_add_date(&builder, unix_ns);
    demand(sfe_time_is_date(sfe_builder_slice(&builder)), "a written date is one");
    builder = sfe_builder_make(memory, sizeof(memory));
    sfe_time_add_datetime(&builder, unix_ns);
    demand(builder.size == 24, "a written time has 24 bytes");
    /* The first millisecond that there is began before it. */
    if (unix_ns < INT64_MIN + 1000000) {
        return;
    }
    demand(sfe_time_parse(sfe_builder_slice(&builder), SFE_TIME_AUTO, NULL, &again, &err) == SFE_OK,
           "a written time is read");
    demand(floor_ms(unix_ns) == floor_ms(again), "a written time is the same to the millisecond");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfe_slice text = sfe_slice_make(data, size);
    struct sfe_error err;
    int64_t unix_ns = 0;
    int64_t unix_s = 0;

    for (int unit = SFE_TIME_AUTO; unit <= SFE_TIME_RFC3339; unit++) {
        if (sfe_time_parse(text, (enum sfe_time_unit)unit, NULL, &unix_ns, &err) == SFE_OK) {
            check(unix_ns);
        } else {
            demand(err.code == SFE_E_SYNTAX && err.message[0] != '\0', "a refusal says why");
        }
    }
    if (sfe_time_parse_http(text, &unix_s, &err) == SFE_OK) {
        demand(size == 29, "an HTTP date has 29 bytes");
    }
    (void)sfe_time_is_date(text);
    return 0;
}
