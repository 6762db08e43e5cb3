/* Reads the result files of a bulk job (successful and failed rows, API sheet, section 4) piece by
 * piece as they come: RFC 4180, any line end, columns found by their names in the header. Constant
 * memory; pure; one thread.
 *
 * The order of rows is not that of the upload: a row is known by its external ID. */
#ifndef SFE_BULK_RESULTS_H
#define SFE_BULK_RESULTS_H

#include "base/bytes.h"
#include "base/limits.h"

/* An external ID as it was sent, with blanks around it; longer is none of ours. */
#define BULK_ID_TEXT_BYTES 1024u
/* Of sf__Error so much is kept. */
#define BULK_ERROR_BYTES 1024u

/* One row. Slices live for the call. */
struct bulk_result {
    struct sfe_slice id;     /* Trimmed; empty: not there, or longer than any of ours. */
    struct sfe_slice record; /* sf__Id; empty: none. */
    struct sfe_slice error;  /* sf__Error: "CODE:message:fields --"; empty in successful rows. */
};

enum bulk_quoting {
    BULK_PLAIN,    /* Outside of quotes, or before them. */
    BULK_QUOTED,   /* Within them. */
    BULK_QUOTE_MET /* A quote within: the end, or the first of two. */
};

struct bulk_results {
    const char *id_column;
    void (*on_row)(void *owner, const struct bulk_result *result);
    void *owner;
    uint64_t rows;
    uint32_t column; /* Of the field at hand. */
    uint32_t columns;
    uint32_t id_at; /* UINT32_MAX: not found. */
    uint32_t error_at;
    uint32_t record_at;
    enum bulk_quoting quoting;
    bool is_header;
    bool is_row_begun;
    bool failed;
    struct sfe_builder name; /* Of a column, in the header. */
    struct sfe_builder id;
    struct sfe_builder error;
    struct sfe_builder record;
    uint8_t name_memory[128];
    uint8_t id_memory[BULK_ID_TEXT_BYTES];
    uint8_t error_memory[BULK_ERROR_BYTES];
    uint8_t record_memory[32];
};

/* Begins a file; `id_column` (borrowed) is the external ID's field, found whatever its case. */
void bulk_results_begin(struct bulk_results *results, const char *id_column,
                        void (*on_row)(void *owner, const struct bulk_result *result), void *owner);

/* Takes the next bytes. False once it is no such file: then nothing of it counts. */
bool bulk_results_take(struct bulk_results *results, struct sfe_slice bytes);

/* After the last byte. False where the file breaks off within a row or has no such columns; an
 * empty file is one without rows. */
bool bulk_results_end(struct bulk_results *results);

/* Takes sf__Error apart: "CODE:message:Field1 Field2 --"; the message may have colons of its own.
 */
struct bulk_failure {
    struct sfe_slice code;
    struct sfe_slice message;
    struct sfe_slice fields;
};

void bulk_failure_read(struct sfe_slice text, struct bulk_failure *failure);

#endif
