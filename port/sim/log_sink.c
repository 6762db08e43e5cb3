#include "port/log_sink.h"

#include <stdio.h>

void sfe_log_sink_write(int priority, const char *line, size_t size)
{
    (void)fprintf(stderr, "<%d>%.*s\n", priority, (int)size, line);
}
