/* The flash thread's half of an output to files: file.h says in which order what is done. */
#ifndef SFE_OUTPUT_FILE_WRITER_H
#define SFE_OUTPUT_FILE_WRITER_H

#include "target/file.h"
#include "target/file_place.h"

#include <stdatomic.h>

struct file_writer {
    const struct sfe_file_output_options *options;
    struct sfe_slice heading; /* Of a csv file; else empty. */
    struct file_place place;  /* As noted. */
    struct file_place next;   /* To be noted, while owes_note. */
    uint64_t target, layout;  /* What a place of ours says. */
    char note[FILE_PLACE_NAME_BYTES];
    char part[SFE_FILE_NAME_BYTES];
    struct sfe_storage directory; /* Within a turn. */
    uint64_t born_ns;             /* When the active file was 0 old, while its length is not 0. */
    bool has_born;
    bool is_ready;   /* The files are as noted. */
    bool owes_note;  /* `next` may or may not be on flash. */
    bool is_failing; /* It was told. */
    _Atomic uint64_t active_bytes, closed, removed, removed_bytes;
};

/* What a turn is to write: the lines, the last event whose line is among them, and what was passed
 * by then. */
struct file_batch {
    struct sfe_slice lines;
    uint64_t last;
    const struct file_passed *passed;
};

/* Makes names and hashes; nothing is opened. */
void file_writer_make(const struct sfe_file_output_options *options, struct sfe_slice heading,
                      struct file_writer *writer);

/* SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code file_writer_load(struct file_writer *writer, uint64_t durable,
                                            struct sfe_error *err);

/* What was left undone before: a note. False where it could not be made up for: nothing else may be
 * done. */
bool file_writer_settle(struct file_writer *writer);

/* Writes and syncs a batch, and then owes its note. On failure nothing of it counts. */
SFE_MUST_USE enum sfe_code file_writer_write(struct file_writer *writer,
                                             const struct file_batch *batch, uint64_t now_ns,
                                             struct sfe_error *err);

/* Closes the active file when it is old enough; returns when that is due (UINT64_MAX: never). */
uint64_t file_writer_mind_age(struct file_writer *writer, uint64_t now_ns);

#endif
