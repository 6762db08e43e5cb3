/* How far the files of an output hold its events: a small file in the state directory,
 * "file-OUTPUT.STREAM", replaced whole for each batch (kept_file.h). The bytes: see file_place.c.
 * Flash thread, or before it runs.
 */
#ifndef SFE_OUTPUT_FILE_PLACE_H
#define SFE_OUTPUT_FILE_PLACE_H

#include "base/bytes.h"
#include "port/storage.h"

#define FILE_PASSED_MAX       64u
#define FILE_PLACE_BYTES_MAX  640u
#define FILE_PLACE_NAME_BYTES 96u

/* Events that came to their turn and got no line, because none could be made: the last of them, in
 * no order. 0: none. */
struct file_passed {
    uint64_t sequences[FILE_PASSED_MAX];
    uint32_t next;
};

struct file_place {
    uint64_t target; /* Hash of directory and name; 0: there is no file. */
    uint64_t layout; /* Hash of format and heading. */
    uint64_t serial; /* The number that the active file gets when it is closed. */
    uint64_t length; /* Of the active file: what is beyond counts for nothing. */
    uint64_t age_ns; /* Of the active file, while agents were running. */
    uint64_t last;   /* Every event up to this one has its line, or was passed; 0: none. */
    bool is_csv;
    struct file_passed passed;
};

void file_place_pass(struct file_passed *passed, uint64_t sequence);
/* It has a line after all. */
void file_place_unpass(struct file_passed *passed, uint64_t sequence);

/* True where the files hold the event, or its turn is over otherwise for good. */
bool file_place_holds(const struct file_place *place, uint64_t sequence);

/* Of the state directory's file; `name` has FILE_PLACE_NAME_BYTES. */
void file_place_name(const char *output, const char *stream, char *name);

/* Loads what was noted, and makes durable that it stands there. What is damaged, or is of an older
 * stream that had more events than `durable`, counts as nothing: *is_lost. SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code file_place_load(const struct sfe_storage *state, const char *name,
                                           uint64_t durable, struct file_place *place,
                                           bool *is_lost, struct sfe_error *err);

/* After a failure the new one or the one before may be there: try again before anything of the file
 * that either of them counts on is changed. */
SFE_MUST_USE enum sfe_code file_place_save(const struct sfe_storage *state, const char *name,
                                           const struct file_place *place, struct sfe_error *err);

#endif
