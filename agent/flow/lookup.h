/* A table that a field's value is looked up in. Made once, then only read; any thread. */
#ifndef SFE_FLOW_LOOKUP_H
#define SFE_FLOW_LOOKUP_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_arena;

/* Entries of one table, and bytes of the file it is in. */
#define SFE_LOOKUP_ENTRIES_MAX 10000u
#define SFE_LOOKUP_BYTES_MAX   (512u * 1024u)

struct sfe_lookup_entry {
    struct sfe_slice key;  /* Plain text. */
    struct sfe_slice json; /* The value, JSON. */
};

struct sfe_lookup_table {
    struct sfe_lookup_entry *entries; /* In the order of their keys' bytes; none twice. */
    uint32_t count;
    uint64_t digest; /* Of the file it was read from, for who compares. */
};

/* Reads a table: a JSON object whose values are single values, or CSV (RFC 4180, one separator of
 * comma, semicolon and tab, UTF-8) of two columns under a heading, whose values are text. `text` is
 * borrowed for as long as the table. SFE_E_CONFIG says what is wrong, with line and column;
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_lookup_read(struct sfe_slice text, struct sfe_arena *arena,
                                           struct sfe_lookup_table *lookup, struct sfe_error *err);

/* The entry of `key`; NULL: there is none. */
const struct sfe_lookup_entry *sfe_lookup_find(const struct sfe_lookup_table *lookup,
                                               struct sfe_slice key);

#endif
