/* Compares one record of a mapping with what the org says of its object: what is missing, what
 * would be refused, and what to do. Pure; any thread.
 *
 * One record is compared in three steps: open, read (or missing), and read_parent for each field
 * that is a reference (`parent` is then set). What was found stays in the record, for the metadata
 * that makes good what is missing (org_metadata.h).
 */
#ifndef SFE_SALESFORCE_ORG_PLAN_H
#define SFE_SALESFORCE_ORG_PLAN_H

#include "flow/map.h"
#include "salesforce/describe.h"

/* API names have at most 80 characters, a namespace, and a NUL. */
#define SFE_PLAN_NAME_BYTES 100u

struct sfe_arena;

struct sfe_plan_finding {
    bool is_failure; /* Else a warning: it works, for some values. */
    uint32_t field;  /* Index into the mapping's fields; their number: the record as a whole. */
    char message[320];
    char fix[224];
};

/* Called for each finding; it lives for the call. */
typedef void (*sfe_plan_report)(void *reader, const struct sfe_plan_finding *finding);

struct sfe_plan_listener {
    struct sfe_json_token *tokens; /* Borrowed: for the largest field. */
    uint32_t capacity;
    sfe_plan_report report;
    void *reader;
};

/* What the org says of one field. */
struct sfe_plan_facts {
    char name[SFE_PLAN_NAME_BYTES];
    char type[24];
    char parent[SFE_PLAN_NAME_BYTES]; /* Of a reference: the object it points to; else empty. */
    uint32_t length;
    uint32_t whole_digits; /* Left of the point, of a number. */
    bool is_external_id;
    bool is_unique;
    bool is_case_sensitive;
    bool is_createable;
    bool is_updateable;
    bool is_nillable;
    bool is_defaulted;
    bool is_computed; /* A formula or an auto number: nobody writes it. */
    bool is_restricted;
};

/* One field of the mapping beside the org's. */
struct sfe_plan_field {
    bool is_conditional; /* Set after open: the mapping has it behind a condition. */
    bool is_found;       /* The field, or of a reference the field that holds it. */
    bool lacks_permission;
    struct sfe_plan_facts facts;
    bool is_key_found; /* Of a reference: the parent's field. */
    struct sfe_plan_facts key;
    char unknown_value[64]; /* A constant that the picklist does not have; else empty. */
    char nearest[SFE_PLAN_NAME_BYTES];
    uint32_t nearest_distance;
};

struct sfe_plan_record {
    const struct sfe_map_options *wanted; /* Borrowed. */
    struct sfe_plan_field *fields;        /* One for each of wanted->fields. */
    bool is_read;                         /* The org has the object; else it is missing. */
    bool lacks_permission;                /* To create or to update. */
    uint32_t failures;
};

/* Begins with a record; `wanted` is borrowed. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_plan_open(const struct sfe_map_options *wanted,
                                         struct sfe_arena *arena, struct sfe_plan_record *record,
                                         struct sfe_error *err);

/* The org's description of the object, as it came. Errors as of sfe_describe_read: then nothing of
 * what was told counts. */
SFE_MUST_USE enum sfe_code sfe_plan_read(struct sfe_plan_record *record, struct sfe_slice text,
                                         const struct sfe_plan_listener *listener,
                                         struct sfe_error *err);

/* The org has no such object, or not for this user. */
void sfe_plan_missing(struct sfe_plan_record *record, const struct sfe_plan_listener *listener);

/* The description of the object that field `index`, a reference, points to. Errors as above. */
SFE_MUST_USE enum sfe_code sfe_plan_read_parent(struct sfe_plan_record *record, uint32_t index,
                                                struct sfe_slice text,
                                                const struct sfe_plan_listener *listener,
                                                struct sfe_error *err);

#endif
