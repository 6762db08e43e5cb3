/* The target that writes: each event it takes is one line of a file (file_line.h). NAME.part grows;
 * full or old enough it becomes NAME-0000000001.ndjson (or .csv), and so on, and the oldest of
 * these go beyond what is kept.
 *
 * Exactly once over all files. Lines come in the order of the stream, a batch at a time, and each
 * batch goes through these steps on the flash thread, one after the other:
 *   1 lines are written behind the noted length; 2 fdatasync, and of the directory for a new file;
 *   3 the place is noted (file_place.h): file, length, last event; 4 the events are settled, and
 *   the cursor is saved later.
 * A crash after 1 or 2: the file is cut back to the noted length, the events come again, and are
 * written. After 3: the events come again until the cursor is saved, are known by the note, and
 * are settled without a line. A power cut in 3 leaves either note, and the lines stand for both. A
 * note that was not saved for sure is saved again before anything else is done, so that no note
 * that may be there counts on what was cut away. To close a file: it is renamed; the directory is
 * synced; the next file is noted, empty. A crash in between finds no active file under a note that
 * has one: then it is closed, and the next is noted. A crash before the rename lasted finds all as
 * it was. A new file has a note before it has a line, so what is behind the noted length is never
 * taken for ours. An event of which no line can be made is a dead letter, and may be settled after
 * those behind it: the note names the last 64 of these, so that they are not taken for written. A
 * file that is found without a note (the state directory was lost) is closed as it is, without its
 * torn last line.
 *
 * Directory and files are opened anew for each batch: what became of them meanwhile (another file
 * system, somebody who takes or cuts the active file) is seen. A failure settles nothing: the batch
 * is SFE_SLOT_AGAIN, the output waits, and tries again.
 *
 * The cloud thread fills the one batch and hands it over; it is the flash thread's until it is
 * done.
 */
#ifndef SFE_OUTPUT_FILE_H
#define SFE_OUTPUT_FILE_H

#include "base/log.h"
#include "flow/map.h"
#include "output/target.h"
#include "port/storage.h"

#define SFE_FILE_NAME_BYTES 200u

struct sfe_file_output;

struct sfe_file_output_options {
    const char *output; /* Borrowed, as all pointers here. */
    const char *stream;
    const char *directory;
    char name[SFE_FILE_NAME_BYTES - 32u]; /* How files are called. */
    /* Opens and closes the directory. Flash thread. */
    enum sfe_code (*open_directory)(void *owner, const char *path, struct sfe_storage *storage,
                                    struct sfe_error *err);
    void (*close_directory)(struct sfe_storage *storage);
    const struct sfe_storage *state;
    bool is_csv;
    const struct sfe_map *map; /* NULL: the payload; not with is_csv. */
    struct sfe_where *where;   /* NULL: every event. */
    uint64_t rotate_bytes;
    uint64_t rotate_age_ns;
    uint32_t keep_files;
    uint64_t keep_bytes;
    uint32_t event_bytes_max;
    struct sfe_log *log;
    void (*on_handed)(void *owner);  /* There is work for flash. Cloud thread. */
    void (*on_written)(void *owner); /* It is done. Flash thread. */
    void *owner;
};

struct sfe_file_facts {
    uint64_t active_bytes;
    uint64_t closed;  /* Files closed since open. */
    uint64_t removed; /* Closed files removed since open, because others were to be kept. */
    uint64_t removed_bytes;
};

/* What it takes from the arena; what its files and its note take on flash at most. Pure. */
size_t sfe_file_output_memory_bytes(const struct sfe_file_output_options *options);
uint64_t sfe_file_output_flash_bytes(const struct sfe_file_output_options *options);

/* Fills in `target`. SFE_E_NO_MEMORY; SFE_E_TOO_LARGE: a heading without end. */
SFE_MUST_USE enum sfe_code sfe_file_output_open(const struct sfe_file_output_options *options,
                                                struct sfe_arena *arena,
                                                struct sfe_file_output **output,
                                                struct sfe_target *target, struct sfe_error *err);

/* Loads what the last run has noted of a stream that is durable up to `durable`. Once, before the
 * target is used; main thread, while flash and cloud pause. SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_file_output_begin(struct sfe_file_output *output, uint64_t durable,
                                                 struct sfe_error *err);

/* Writes what was handed over, closes what is old; returns when to come again at the latest
 * (UINT64_MAX: when something is handed over). Flash thread. */
uint64_t sfe_file_output_flash_turn(struct sfe_file_output *output, uint64_t now_ns);

/* The lines that are handed over and not written yet; for a rehearsal, which shows them. */
bool sfe_file_output_pending(const struct sfe_file_output *output, struct sfe_slice *lines);

/* Any thread. */
void sfe_file_output_facts(const struct sfe_file_output *output, struct sfe_file_facts *facts);

#endif
