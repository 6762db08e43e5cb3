/* Damaged places of a stream as lines of JSON, with their bytes, for who wants to look into them.
 */
#ifndef SFE_CLI_EXPORT_DAMAGE_H
#define SFE_CLI_EXPORT_DAMAGE_H

#include "port/process.h"
#include "stream/walk.h"

struct export_damage {
    const struct sfe_storage *storage;
    const char *stream;
    struct sfe_output_file *file;
    struct sfe_builder *scratch;
    uint64_t count;           /* Places written. */
    struct sfe_error failure; /* Of the first that could not be written. */
};

/* Writes one place; `owner` is a struct export_damage. Fits struct sfe_stream_walk_options. Does
 * nothing after a failure. */
void export_damage_tell(void *owner, const struct sfe_stream_damage *damage);

/* "header", "bytes", "seal" or "events". */
const char *export_damage_kind(enum sfe_stream_damage_kind kind);

#endif
