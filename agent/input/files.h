/* The files input: takes the events out of files that others put into a folder.
 *
 * A file is taken when it is complete: size and times have not changed for `settle`, and where
 * `needs_marker` a file NAME.done or NAME.ok stands beside it. Names that begin with a dot or end
 * in .tmp, .part, .filepart or .crdownload are never looked at, and only regular files are. Files
 * are taken in the order of their names, one at a time.
 *
 * What is no event goes to the dead letters with its line; the rest of the file goes on. When every
 * event of a file is durable it moves to the folder `done` inside, or to `failed` where it is none
 * of its format, with a report NAME.report.json. A file of JSON is looked through whole before
 * anything of it is taken.
 *
 * The identity of an event is a hash of the agent, the input, the file's name, and all records of
 * the file up to it. So the same file dropped twice, and a file that has grown, have the effect of
 * one; two equal rows are two events. Where `by_arrival`, the file's inode and time of change are
 * in it too: each file that comes is new.
 *
 * Power cut and crash: the place in a large file is noted once a second, after the events before it
 * are durable; what is taken again has the same identity.
 *
 * Memory does not depend on the size of a file or of the folder. The edge thread reads and lists so
 * much a turn; the flash thread writes, moves and syncs.
 */
#ifndef SFE_INPUT_FILES_H
#define SFE_INPUT_FILES_H

#include "base/log.h"
#include "input/file_records.h"
#include "input/intake.h"
#include "input/source.h"
#include "port/clock.h"
#include "port/storage.h"

struct sfe_files_source_options {
    const char *input; /* Name. Borrowed, as all pointers here, for the life of the source. */
    const char *agent_id;
    const char *directory;
    const char *pattern; /* Of names: '*' any text, '?' one byte; a-z matches A-Z too. */
    enum file_format format;
    uint8_t delimiter; /* Of CSV, as the next three. */
    bool is_windows_1252;
    const char *const *columns; /* Names; none: the first line of a file has them. */
    uint32_t column_count;
    bool needs_marker;
    bool by_arrival;
    uint64_t settle_ns;
    const char *done; /* Names of folders inside. */
    const char *failed;
    uint32_t keep_done; /* Files in `done`, and their bytes; the oldest go. 0: none is kept. */
    uint64_t keep_done_bytes;
    uint32_t event_bytes_max;
    struct sfe_intake *intake;         /* With one route, which takes INPUT/NAME. */
    const struct sfe_storage *storage; /* The state directory. */
    const struct sfe_clock *clock;
    struct sfe_log *log;
    void (*wake_flash)(void *owner);
    void (*wake_edge)(void *owner);
    void *owner;
};

/* What a source with these options takes from the arena. Pure. */
size_t sfe_files_source_memory_bytes(const struct sfe_files_source_options *options);

/* Takes its memory from `arena`; looks at nothing before the first turn. SFE_E_NO_MEMORY;
 * SFE_E_CONFIG: the names of the columns cannot be used. */
SFE_MUST_USE enum sfe_code sfe_files_source_open(const struct sfe_files_source_options *options,
                                                 struct sfe_arena *arena, struct sfe_source *source,
                                                 struct sfe_error *err);

#endif
