/* Cuts a file into what becomes one event each: rows of CSV, lines of NDJSON, the elements of a
 * JSON array or the one JSON object. It is given the file piece by piece and holds a place in it.
 * Pure; any thread. */
#ifndef SFE_INPUT_FILE_RECORDS_H
#define SFE_INPUT_FILE_RECORDS_H

#include "base/json_reader.h"
#include "base/limits.h"
#include "input/csv_rows.h"

enum file_format { FILE_CSV, FILE_JSON, FILE_NDJSON };

enum file_step {
    FILE_MORE,   /* More of the file is needed. */
    FILE_RECORD, /* A record, good or not. */
    FILE_PASSED, /* Something that is none: a blank line, the names of the columns. */
    FILE_END,    /* Nothing but white space is left. */
    FILE_BROKEN  /* The file is none of its format: `problem` says why. */
};

struct file_record {
    struct sfe_slice text;  /* As it stands in the file; of one that is too long its beginning. */
    struct sfe_slice event; /* The payload that it becomes; where it is bad, the text. */
    uint64_t size;          /* Of all of it. */
    uint64_t line;          /* Where it begins, from 1. */
    size_t consumed;        /* Bytes of what was given; with FILE_PASSED too. */
    bool is_bad;
    bool is_too_large;
    char problem[CSV_PROBLEM_BYTES];
};

struct file_records_options {
    enum file_format format;
    uint32_t event_bytes_max;
    uint8_t *event;                /* Memory for one event of CSV; else NULL. */
    struct sfe_json_token *tokens; /* Scratch to check JSON; of CSV NULL. */
    uint32_t token_capacity;
    struct csv_columns *columns; /* Of CSV. */
    bool has_names;              /* Of CSV: the columns have names; otherwise the first line has. */
};

struct file_records {
    struct file_records_options options;
    uint64_t line;
    bool has_begun; /* The byte order mark is behind us. */
    bool has_columns;
    bool has_value; /* JSON: its first byte was looked at, as is_array tells. */
    bool is_array;
    bool is_done;        /* JSON: the last value is behind us. */
    bool may_have_value; /* JSON: behind the bracket or a comma. */
    bool may_close;
    uint64_t long_bytes; /* Of a line that is passed over; 0: of none. */
    uint64_t long_line;
    size_t excerpt_bytes;
    uint8_t excerpt[SFE_EVENT_EXCERPT_BYTES];
};

/* Begins a file. */
void file_records_begin(struct file_records *records, const struct file_records_options *options);

/* The next of `text`, which follows what was consumed. `at_end`: nothing follows it. `is_full`: no
 * more can be given at once. Only with neither it may answer FILE_MORE. */
enum file_step file_records_next(struct file_records *records, struct sfe_slice text, bool at_end,
                                 bool is_full, struct file_record *record);

#endif
