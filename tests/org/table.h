/* The records of one object: created, updated in part, found by external ID or by Id. */
#ifndef SFE_TESTS_ORG_TABLE_H
#define SFE_TESTS_ORG_TABLE_H

#include "schema.h"

enum value_state {
    VALUE_UNTOUCHED, /* Not in the request: keeps what is stored. */
    VALUE_NULL,
    VALUE_SET
};

struct value {
    const uint8_t *bytes; /* Borrowed until the record is put. */
    uint32_t size;
    uint32_t state; /* enum value_state */
};

enum change { CHANGE_CREATED, CHANGE_REPEATED, CHANGE_CHANGED, CHANGE_DELETED };

/* What can be taken back: kept while a composite call is all or none. */
struct journal_entry {
    struct object *object;
    struct record *record;
    uint8_t *block;
    uint32_t capacity;
    enum change change;
};

struct journal {
    struct journal_entry *entries; /* Owned. */
    uint32_t count;
    uint32_t capacity;
    bool active;
};

struct table {
    struct pool pool;
    struct journal journal;
    /* Told of each change once it stands; NULL: nobody is. */
    void (*on_change)(void *owner, const struct object *object, const struct record *record,
                      enum change change);
    void *owner;
};

/* The stored value of a field; empty for null. */
struct sfe_slice record_value(const struct object *object, const struct record *record,
                              const struct field *field);

/* Hash of a value of `field`, in its own sense of equality. */
uint64_t field_hash(const struct field *field, struct sfe_slice text);

/* Finds the record whose `field` equals `text`; *matches counts them (up to 2). NULL if none. */
struct record *table_find(const struct object *object, const struct field *field,
                          struct sfe_slice text, uint64_t hash, uint32_t *matches);

/* Creates a record (`*record` NULL) or updates it. `values` has one element a field. */
enum change table_put(struct table *table, struct object *object, struct record **record,
                      const struct value *values);

void table_delete(struct table *table, struct object *object, struct record *record);

/* Writes the 18 characters of a record's Id. */
void record_id(const struct object *object, const struct record *record, char id[ID_BYTES]);

/* The record of an Id of 15 or 18 characters, deleted ones too; NULL if there is none. */
struct record *table_find_id(const struct schema *schema, struct sfe_slice id,
                             struct object **object);

/* True where `text` has the form of an Id; with 18 characters the last three must fit. */
bool id_is_well_formed(struct sfe_slice text);

/* All or none over several puts: begin, then keep or undo. */
void journal_begin(struct table *table);
void journal_keep(struct table *table);
void journal_undo(struct table *table);

void table_close(struct table *table);

#endif
