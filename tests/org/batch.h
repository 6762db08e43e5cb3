/* The records of one call while they are read, checked and put: one draft each.
 *
 * Order of the steps: every record is read (a broken one may refuse the whole call), then each is
 * looked up and checked, then the good ones are put. So nothing is written before all was checked.
 */
#ifndef SFE_TESTS_ORG_BATCH_H
#define SFE_TESTS_ORG_BATCH_H

#include "buffer.h"
#include "table.h"

struct contention;
struct faults;

/* Why one record was not written. */
struct failure {
    const char *code;    /* NULL: no failure. */
    uint32_t message_at; /* In batch->messages. */
    uint32_t message_size;
    const struct field *field; /* NULL: none named. */
};

struct draft {
    struct object *object;
    struct record *record; /* NULL until found or created. */
    uint32_t values_at;    /* In batch->values; one a field. */
    bool found;            /* An update of `record`. */
    bool created;
    struct failure failure;
};

struct batch_slot {
    uint64_t hash;
    uint32_t draft; /* Plus 1; 0 is an empty slot. */
    uint32_t field; /* Its number: two fields may hold the same text. */
};

struct batch {
    const struct schema *schema;
    struct table *table;
    struct faults *faults;
    struct contention *contention;
    bool bad_field_in_record; /* A wrong field fails its record, not the call. */
    bool grants_wishes;       /* Values may ask for an error. */
    const struct sfe_json *json;
    struct draft *drafts; /* Owned, as all below. */
    uint32_t count;
    uint32_t capacity;
    struct value *values;
    size_t value_count;
    size_t value_capacity;
    struct buffer text_memory;
    struct sfe_builder text; /* Unescaped texts, in text_memory. */
    struct buffer messages;
    struct batch_slot *seen;
    uint32_t seen_mask;
    uint32_t seen_capacity;
    struct failure refusal; /* Of the whole call. */
    uint16_t refusal_status;
};

/* Starts over, for at most `count` records out of `json`. */
void batch_begin(struct batch *batch, const struct sfe_json *json, uint32_t count);

/* Adds a draft of `object`; room was made by batch_begin. */
struct draft *batch_add(struct batch *batch, struct object *object);

static inline struct value *draft_values(const struct batch *batch, const struct draft *draft)
{
    return batch->values + draft->values_at;
}

/* Notes the first failure of a record; later ones are dropped. */
void batch_fail(struct batch *batch, struct draft *draft, const char *code,
                const struct field *field, const char *format, ...) SFE_PRINTF(5, 6);

/* Refuses the whole call. Returns false, for `return batch_refuse(...)`. */
bool batch_refuse(struct batch *batch, uint16_t status, const char *code, const char *format, ...)
    SFE_PRINTF(4, 5);

/* Refuses the call for a wrong field or JSON type in a record, or fails that record alone where the
 * org was told so; true where reading may go on. */
bool batch_refuse_field(struct batch *batch, struct draft *draft, const char *code,
                        const char *format, ...) SFE_PRINTF(4, 5);

static inline struct sfe_slice batch_message(const struct batch *batch,
                                             const struct failure *failure)
{
    return sfe_slice_make(batch->messages.bytes + failure->message_at, failure->message_size);
}

/* Reads one record's members into `draft`. `id` takes the text of a member "Id", where the call has
 * one; NULL where an Id must not stand there. False: the call is refused. */
bool record_read(struct batch *batch, struct draft *draft, uint32_t token, struct sfe_slice *id);

/* Reads one value of `field`. False: the call is refused. */
bool value_read(struct batch *batch, struct draft *draft, const struct field *field,
                uint32_t token);

/* The text of string `token`, unescaped; lives as long as the batch. */
struct sfe_slice batch_text(struct batch *batch, uint32_t token);

/* Looks the record up by external ID `key` (its value is in the draft) and checks what depends on
 * that: required fields, unique values, locks. */
void draft_find(struct batch *batch, struct draft *draft, const struct field *key);

struct org;

/* Looks the record of an update up by its Id, or fails it. */
void draft_find_id(struct org *org, struct draft *draft, struct sfe_slice id);

/* The same checks for a record that is new (draft->record NULL) or was found by Id. */
void draft_check(struct batch *batch, struct draft *draft, const struct field *key);

/* Fails every draft whose external ID stands twice. */
void batch_check_keys(struct batch *batch, const struct field *key);

/* Puts the good ones; with `all_or_none` nothing if one is bad. */
void batch_put(struct batch *batch, bool all_or_none);

void batch_close(struct batch *batch);

#endif
