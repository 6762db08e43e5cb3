/* One value on its way from an event to a field: what it is, and as which JSON it leaves. Numbers
 * stay text throughout. */
#ifndef SFE_FLOW_VALUE_H
#define SFE_FLOW_VALUE_H

#include "base/bytes.h"
#include "base/json_reader.h"
#include "flow/map.h"

enum flow_value_kind {
    FLOW_VALUE_ABSENT,
    FLOW_VALUE_NULL,
    FLOW_VALUE_FALSE,
    FLOW_VALUE_TRUE,
    FLOW_VALUE_NUMBER, /* `text` in JSON's number grammar. */
    FLOW_VALUE_STRING, /* `text` as inside a JSON string, well-formed. */
    FLOW_VALUE_TEXT,   /* `text` plain, any bytes. */
    FLOW_VALUE_BASE64, /* The base64 of `text`. */
    FLOW_VALUE_TIME,   /* `time_ns`. */
    FLOW_VALUE_OBJECT, /* `text` from bracket to bracket. */
    FLOW_VALUE_ARRAY
};

struct flow_value {
    enum flow_value_kind kind;
    bool is_escaped; /* A STRING with at least one backslash. */
    struct sfe_slice text;
    int64_t time_ns;
};

/* The value of a token; SFE_JSON_NONE is absent. Borrows from the document. */
struct flow_value flow_value_of(const struct sfe_json *json, uint32_t token);

/* What a value shall become. */
struct flow_type {
    enum sfe_map_type type;
    enum sfe_time_unit unit;
    const struct sfe_time_zone *zone; /* Of times without one, and of days; NULL: none, and UTC. */
};

/* Adds the value as JSON of `type`; never absent nor null. SFE_E_UNMAPPED where it is no such
 * thing, with a message that begins with the value ("\"12,50\" is not a number"); part of it may
 * have been added then. Overflow is the builder's. */
SFE_MUST_USE enum sfe_code flow_value_add(const struct flow_value *value,
                                          const struct flow_type *type, struct sfe_builder *out,
                                          struct sfe_error *err);

/* Makes a number of it: value * scale + offset (flow/decimal.h), as text in `memory` of at least
 * FLOW_DECIMAL_BYTES_MAX. Errors as above. */
SFE_MUST_USE enum sfe_code flow_value_scale(struct flow_value *value, struct sfe_slice scale,
                                            struct sfe_slice offset, struct sfe_builder *memory,
                                            struct sfe_error *err);

/* Adds the value as inside a JSON string, or as plain text. Only scalars (not absent, null, object,
 * array). */
void flow_value_add_inside(const struct flow_value *value, struct sfe_builder *out);
void flow_value_add_plain(const struct flow_value *value, struct sfe_builder *out);

/* Adds plain text of what stands inside a JSON string. */
void flow_add_unescaped(struct sfe_slice inside, struct sfe_builder *out);

#endif
