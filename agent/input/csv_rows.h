/* Rows of CSV (RFC 4180) and what they become: one JSON object each, all values texts, in the order
 * of the columns. A quote inside a field that does not begin with one stands for itself, as tills
 * write 5" pipe. Lines end with LF or CRLF. Pure; any thread. */
#ifndef SFE_INPUT_CSV_ROWS_H
#define SFE_INPUT_CSV_ROWS_H

#include "base/bytes.h"
#include "base/error.h"

#define CSV_COLUMNS_MAX     512u
#define CSV_NAMES_BYTES_MAX (16u * 1024u)
#define CSV_PROBLEM_BYTES   96u

enum csv_found {
    CSV_MORE, /* The text ends inside the row. */
    CSV_ROW,
    CSV_BAD /* What is given as the row is its first line: what follows may be good again. */
};

struct csv_row {
    struct sfe_slice text; /* Without its line end. */
    size_t size;           /* With it. */
    const char *problem;   /* Of CSV_BAD. */
};

/* Finds the first row of `text`; `at_end`: nothing will follow it. */
enum csv_found csv_rows_find(struct sfe_slice text, bool at_end, uint8_t delimiter,
                             struct csv_row *row);

/* The names of the columns, as `"name":`, escaped. */
struct csv_columns {
    uint8_t delimiter;
    bool is_windows_1252; /* Otherwise UTF-8. */
    uint32_t count;
    uint32_t ends[CSV_COLUMNS_MAX]; /* In names. */
    uint32_t size;
    uint8_t names[CSV_NAMES_BYTES_MAX];
};

/* Takes the names from a row that was found. SFE_E_SYNTAX: one is missing or there twice, or they
 * are no text; SFE_E_TOO_LARGE. */
SFE_MUST_USE enum sfe_code csv_columns_read(struct csv_columns *columns, struct sfe_slice row,
                                            struct sfe_error *err);
/* Adds one name. Fails as above. */
SFE_MUST_USE enum sfe_code csv_columns_add(struct csv_columns *columns, struct sfe_slice name,
                                           struct sfe_error *err);

/* Adds a row that was found as an object. False: it is none, `problem` says why. An overflow of
 * `out` is left for the caller to ask for. An empty field behind the last column is left out. */
bool csv_rows_convert(const struct csv_columns *columns, struct sfe_slice row,
                      struct sfe_builder *out, char problem[CSV_PROBLEM_BYTES]);

#endif
