#include "base/assert.h"

#include "port/log_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES     256
#define PRIORITY_ERROR 3

_Noreturn void sfe_assert_failed(const char *file, uint32_t line, const char *text)
{
    char report[LINE_BYTES];
    int size = snprintf(report, sizeof(report),
                        "level=error msg=\"broken invariant\" file=%s line=%" PRIu32 " text=\"%s\"",
                        file, line, text);

    if (size >= LINE_BYTES) {
        size = LINE_BYTES - 1;
    }
    if (size > 0) {
        sfe_log_sink_write(PRIORITY_ERROR, report, (size_t)size);
    }
    abort();
}
