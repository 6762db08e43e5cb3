/* What the org knows: objects, their fields, and where their records are. Read once from
 * objects.json. */
#ifndef SFE_TESTS_ORG_SCHEMA_H
#define SFE_TESTS_ORG_SCHEMA_H

#include "base/json_reader.h"

#include "index.h"
#include "pool.h"

#define FIELDS_MAX      500u /* Of one object. */
#define OBJECTS_MAX     200u
#define ORDER_CASES_MAX 10u
#define ID_BYTES        18u

enum field_type {
    FIELD_STRING,
    FIELD_TEXTAREA,
    FIELD_EMAIL,
    FIELD_PHONE,
    FIELD_URL,
    FIELD_PICKLIST,
    FIELD_BOOLEAN,
    FIELD_INT,
    FIELD_DOUBLE,
    FIELD_CURRENCY,
    FIELD_PERCENT,
    FIELD_DATE,
    FIELD_DATETIME,
    FIELD_REFERENCE
};

struct object;

struct field {
    const char *name;
    uint32_t name_size;
    uint16_t number; /* Its place in object->fields. */
    enum field_type type;
    uint32_t length;    /* Characters, of text. */
    uint32_t precision; /* Digits in all, of a number. */
    uint32_t scale;     /* Digits right of the point. */
    bool required;
    bool external_id;
    bool unique;
    bool case_sensitive;
    bool restricted; /* Of a picklist: no other value than those listed. */
    bool read_only;
    bool calculated;     /* A formula: read-only as well. */
    const char **values; /* Of a picklist. */
    uint32_t value_count;
    const char *parent_name; /* Of a reference: the object it points to. */
    struct object *parent;
    const char *relationship; /* Of a reference: "PosSale__r". */
    uint32_t relationship_size;
    struct index index; /* Of an external ID or unique field: hash of the value to record. */
};

struct record {
    uint32_t number;     /* Its place in object->records; the Id is made from it. */
    uint32_t capacity;   /* Bytes behind `block`. */
    uint64_t created_us; /* Wall clock. */
    uint64_t changed_us; /* And when it was last changed, or deleted. */
    bool deleted;
    bool undone;    /* Created by a call that was taken back: never was. */
    uint8_t *block; /* u32 end of each field's value, then the values. */
};

struct order_case {
    const char *key;
    const char *id;
    double sequence;
    double highest; /* What had been created before, with the same key. */
};

/* The order in which records of one key were created; for the audit only. */
struct order {
    const struct field *key; /* NULL: not watched. */
    const struct field *sequence;
    struct index index; /* Hash of the key's value to a place in `highest`. */
    double *highest;
    uint32_t key_count;
    uint32_t key_capacity;
    uint64_t watched; /* Records that had both fields. */
    uint64_t out_of_order;
    struct order_case cases[ORDER_CASES_MAX];
    uint32_t case_count;
};

struct object {
    const char *name;
    uint32_t name_size;
    bool is_event;    /* Named X__e: created only, and published. */
    char prefix[3];   /* First characters of its records' Ids. */
    bool has_changes; /* Each change of a record is an event of its own ("change_events"). */
    bool no_create;   /* The user may not. */
    bool no_update;
    struct field *fields;
    uint16_t field_count;
    const struct field *first_external_id; /* Names the record in lists; may be NULL. */
    uint16_t unique_count;                 /* Fields with an index. */
    uint16_t *required;                    /* Numbers of the required fields. */
    uint16_t required_count;
    uint16_t expected[FIELDS_MAX]; /* Field met at this place of the last record: a guess. */
    struct record **records;
    uint32_t record_count;
    uint32_t record_capacity;
    struct order order;
    uint64_t created;
    uint64_t repeats; /* Updates that changed nothing. */
    uint64_t changed; /* Updates that changed something. */
    uint64_t deleted;
};

struct schema {
    struct object *objects;
    uint32_t object_count;
};

/* Reads `json`. On failure err->pointer and err->message say what is wrong. */
SFE_MUST_USE enum sfe_code schema_load(struct schema *schema, struct pool *pool,
                                       const struct sfe_json *json, struct sfe_error *err);

/* By name, A-Z as a-z, as the API takes names; NULL if there is none. */
struct object *schema_object(const struct schema *schema, struct sfe_slice name);
struct field *schema_field(struct object *object, struct sfe_slice name);
struct field *schema_relationship(struct object *object, struct sfe_slice name);

/* True where `a` and `b` are equal but for the case of A-Z. */
bool text_equal_caseless(struct sfe_slice a, struct sfe_slice b);

const char *field_type_name(enum field_type type);
bool field_is_text(enum field_type type);
bool field_is_number(enum field_type type);

void schema_close(struct schema *schema);

#endif
