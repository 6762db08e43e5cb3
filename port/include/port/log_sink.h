/* Where finished log lines go (stderr, with the journal's <n> prefix where stderr is the journal).
 * Chosen by the linker. Any thread; no allocation; never blocks long. */
#ifndef SFE_PORT_LOG_SINK_H
#define SFE_PORT_LOG_SINK_H

#include <stddef.h>

/* Writes one line (no newline in it). `priority` is syslog's: 3 error, 4 warning, 6 info, 7 debug.
 */
void sfe_log_sink_write(int priority, const char *line, size_t size);

#endif
