/* Durations ("20ms", "5s", "15m", "2h", "7d") and sizes ("4096", "10MB", "64MiB") as text. Pure;
 * any thread. */
#ifndef SFE_CONFIG_QUANTITY_H
#define SFE_CONFIG_QUANTITY_H

#include "base/bytes.h"

/* Reads a whole number and its unit (ms s m h d) into nanoseconds. False where it is something
 * else or beyond 64 bits. */
bool quantity_read_duration(struct sfe_slice text, uint64_t *duration_ns);

/* Reads a whole number and its unit (none or B; kB MB GB in thousands; KiB MiB GiB in 1024) into
 * bytes. */
bool quantity_read_size(struct sfe_slice text, uint64_t *size_bytes);

/* Reads decimal digits only. */
bool quantity_read_whole(struct sfe_slice text, uint64_t *number);

/* Adds the value in the largest unit that divides it. */
void quantity_add_duration(struct sfe_builder *builder, uint64_t duration_ns);
void quantity_add_size(struct sfe_builder *builder, uint64_t size_bytes);

#endif
