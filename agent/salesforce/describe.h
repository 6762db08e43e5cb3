/* Reads what an org says of one of its objects (API sheet, section 2: describe), field by field.
 *
 * Such an answer has some 100 KiB, up to some MiB: nothing is kept of it, and each field alone is
 * parsed, so that tokens are needed for the largest field (that with the longest list of values),
 * not for the answer. Pure; any thread.
 */
#ifndef SFE_SALESFORCE_DESCRIBE_H
#define SFE_SALESFORCE_DESCRIBE_H

#include "base/bytes.h"
#include "base/json_reader.h"

struct sfe_describe_field {
    struct sfe_slice name;
    struct sfe_slice type;         /* "string", "double", "picklist", … */
    struct sfe_slice relationship; /* "Parent__r"; empty: none. */
    struct sfe_slice parent;       /* Object that is referred to, the first one; empty: none. */
    uint32_t length;               /* Characters, of text. */
    uint32_t precision;            /* Digits in all, of a number; */
    uint32_t scale;                /* of these right of the point. */
    uint32_t digits;               /* Digits, of a whole number. */
    bool is_external_id;
    bool is_id_lookup; /* Can be found by, as external IDs can. */
    bool is_unique;
    bool is_case_sensitive;
    bool is_createable;
    bool is_updateable;
    bool is_nillable;
    bool is_defaulted; /* Without a value the org sets one. */
    bool is_calculated;
    bool is_auto_number;
    bool is_restricted; /* Of a picklist: it takes no other values. */
    const struct sfe_json *json;
    uint32_t values; /* picklistValues in `json`; SFE_JSON_NONE: none. */
};

struct sfe_describe_object {
    bool is_createable;
    bool is_updateable;
    uint32_t field_count;
};

/* Called for each field, in the order of the answer; `field` and its slices live for the call. */
typedef void (*sfe_describe_visit)(void *visitor, const struct sfe_describe_field *field);

struct sfe_describe_reader {
    struct sfe_json_token *tokens; /* Borrowed. */
    uint32_t capacity;
    sfe_describe_visit visit;
    void *visitor;
};

/* Reads a whole answer. SFE_E_PROTOCOL: it is none (cut short, a page, no list of fields);
 * SFE_E_TOO_LARGE: a field needs more tokens. Fields may have been told before. */
SFE_MUST_USE enum sfe_code sfe_describe_read(struct sfe_slice text,
                                             const struct sfe_describe_reader *reader,
                                             struct sfe_describe_object *object,
                                             struct sfe_error *err);

/* True where `value` is one of the field's active values. */
bool sfe_describe_has_value(const struct sfe_describe_field *field, struct sfe_slice value);

#endif
