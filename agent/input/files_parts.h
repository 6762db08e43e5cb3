/* What the files of the files input share. Private to them. */
#ifndef SFE_INPUT_FILES_PARTS_H
#define SFE_INPUT_FILES_PARTS_H

#include "input/files.h"
#include "input/files_place.h"

#include <stdatomic.h>

#define FILES_SECOND_NS    UINT64_C(1000000000)
#define FILES_LOOK_NS      FILES_SECOND_NS         /* Between two looks at the folder. */
#define FILES_PLACE_NS     (FILES_SECOND_NS / 5u)  /* Until the first place in a file is noted. */
#define FILES_AGAIN_NS     (10u * FILES_SECOND_NS) /* After what did not work. */
#define FILES_BLOCKED_NS   (FILES_SECOND_NS / 20u)
#define FILES_READ_BYTES   (64u * 1024u) /* A turn. */
#define FILES_NAMES_TURN   64u           /* Looked at in a turn. */
#define FILES_CANDIDATES   128u
#define FILES_PROBLEMS     16u /* That a report tells of. */
#define FILES_REPORT_BYTES (8u * 1024u)
#define FILES_OLDEST       32u /* Removed from `done` at once. */
#define FILES_WAITS_MAX    2u  /* The stream, and the dead letters. */

struct files_candidate {
    char name[SFE_FOLDER_NAME_BYTES];
    struct sfe_folder_entry entry;
    uint64_t since_ns;      /* Unchanged. */
    uint64_t not_before_ns; /* It could not be opened. */
};

/* Those of the lowest names, in their order. */
struct files_table {
    uint32_t count;
    struct files_candidate items[FILES_CANDIDATES];
};

struct files_waits {
    uint32_t count;
    struct sfe_receipt items[FILES_WAITS_MAX];
};

struct files_problem {
    uint64_t line;
    char text[CSV_PROBLEM_BYTES];
};

struct files_old {
    char name[SFE_FOLDER_NAME_BYTES];
    int64_t changed_ns;
    uint64_t size;
};

/* What the flash thread is asked to do. Whose turn it is says `state`: asked is flash's, all else
 * is edge's. */
enum files_job_state { FILES_JOB_NONE, FILES_JOB_ASKED, FILES_JOB_READY };

struct files_job {
    atomic_int state;
    bool is_finish; /* Moves the file; otherwise saves the place. */
    struct files_place place;
    struct sfe_folder *folder;
    char name[SFE_FOLDER_NAME_BYTES];
    bool is_failed;
    bool has_place; /* It is forgotten with the file. */
    uint64_t size;  /* Of the file as it was read. */
    size_t report_bytes;
    uint8_t report[FILES_REPORT_BYTES];
    uint32_t moved; /* Since `done` was last looked through. */
    struct files_old oldest[FILES_OLDEST];
    enum sfe_code code;
    struct sfe_error err;
    bool has_grown;
};

enum files_state {
    FILES_IDLE,
    FILES_LISTING,
    FILES_READING,
    FILES_DRAINING, /* All is read, not all is durable. */
    FILES_FINISHING /* The flash thread moves it. */
};

enum files_pass {
    FILES_CHECK,  /* Nothing is taken: is it of its format? */
    FILES_FOLLOW, /* Nothing is taken: up to the place of before. */
    FILES_TAKE
};

/* The file at hand. */
struct files_current {
    char name[SFE_FOLDER_NAME_BYTES];
    struct sfe_folder_file *file;
    enum files_pass pass;
    struct file_records records;
    struct file_record record; /* Where has_record: cut out and not staged yet. */
    bool has_record;
    bool at_end;
    size_t begin, end; /* Of what is in the buffer and not consumed. */
    uint64_t offset;   /* In the file, of `begin`. */
    uint64_t behind;   /* Of the byte behind the last record taken: where a place is. */
    bool has_ended;    /* Nothing was read since its end was seen last. */
    struct sfe_hash128 seed, chain;
    struct files_waits waits;
    bool is_failed;
    uint64_t line, events, refused;
    uint64_t failed_line;
    char reason[CSV_PROBLEM_BYTES];
    uint32_t problem_count;
    struct files_problem problems[FILES_PROBLEMS];
};

struct files_source {
    struct sfe_files_source_options options;
    enum files_state state;
    uint64_t due_ns;
    struct sfe_folder *folder;
    struct sfe_folder_list *list;
    struct files_table *table, *next; /* Of the last look, and of the one under way. */
    uint64_t seen, waiting;
    uint8_t *buffer;
    size_t capacity;
    struct file_records_options records;
    struct files_current current;
    struct files_place place;  /* On flash; empty: none. */
    struct files_place wanted; /* To be saved once its waits are durable; empty: none. */
    struct files_waits wanted_waits;
    uint64_t place_ns; /* When the next is wanted. */
    struct files_job *job;
    bool is_loaded, is_stopping, is_blocked;
    bool gives_up; /* The last place could not be noted: what comes after it is taken again. */
    bool cannot_move;
    uint64_t received, done, failed, refused, grown_after;
    struct sfe_error last_error;
};

/* files_scan.c */
bool files_name_matches(const char *pattern, const char *name);
/* Looks at some names; true when all were seen and the table is the new one. */
bool files_scan_step(struct files_source *self, uint64_t now_ns);
/* The first that is complete; NULL: none is. */
struct files_candidate *files_scan_choose(struct files_source *self, uint64_t now_ns);
void files_scan_forget(struct files_source *self, const struct files_candidate *candidate);
/* The name of the marker beside `name`, where there is one. */
bool files_marker(struct sfe_folder *folder, const char *name, char marker[SFE_FOLDER_NAME_BYTES]);

/* files_read.c: opens a candidate; false: not now. Reads and stages; SFE_OK: more is to be read;
 * SFE_E_FULL; SFE_E_END: all of it is staged, or it is failed; SFE_E_STORAGE. */
bool files_read_begin(struct files_source *self, struct files_candidate *candidate,
                      uint64_t now_ns);
enum sfe_code files_read_step(struct files_source *self, struct sfe_error *err);
void files_read_close(struct files_source *self);
bool files_is_durable(const struct files_waits *waits);

/* files_keep.c: flash thread. */
void files_keep(struct files_job *job, const struct sfe_files_source_options *options);

#endif
