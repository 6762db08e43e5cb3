/* Compiled templates, as map.c uses them. What may stand in a template: flow/map.h. */
#ifndef SFE_FLOW_TEMPLATE_H
#define SFE_FLOW_TEMPLATE_H

#include "flow/map.h"
#include "flow/pointer.h"
#include "flow/text_function.h"
#include "flow/value.h"

enum flow_part_kind {
    FLOW_PART_LITERAL, /* Also {agent}, known when the template is compiled. */
    FLOW_PART_POINTER,
    FLOW_PART_ITEM,
    FLOW_PART_TOPIC,
    FLOW_PART_TOPIC_LEVEL,
    FLOW_PART_TIME,
    FLOW_PART_SEQUENCE,
    FLOW_PART_IDENTITY,
    FLOW_PART_INDEX,
    FLOW_PART_SOURCE,
    FLOW_PART_SENDER,
    FLOW_PART_PAYLOAD,
    FLOW_PART_PAYLOAD_BASE64
};

struct flow_part {
    enum flow_part_kind kind;
    uint32_t level;                  /* Of TOPIC_LEVEL. */
    struct sfe_slice literal;        /* Plain. */
    struct sfe_slice inside;         /* The literal as inside a JSON string. */
    struct flow_pointer pointer;     /* Of POINTER and ITEM. */
    struct flow_functions functions; /* Applied to its text; none: its value as it is. */
};

struct sfe_template {
    const struct flow_part *parts;
    uint32_t count;
};

/* What a template is applied to. */
struct flow_place {
    const struct sfe_map_subject *subject;
    const char *each; /* The pointer to the array the item is in, or NULL. */
    uint32_t item;    /* Token of the element. */
    uint32_t index;   /* Its place in the array. */
};

/* Holds short texts made on the way while a value refers to them. */
#define FLOW_SCRATCH_BYTES FLOW_FUNCTION_BYTES_MAX
struct flow_scratch {
    uint8_t bytes[FLOW_SCRATCH_BYTES];
};

/* Compiles; copies everything into the arena. Without `has_each`, {item} is a mistake. Errors:
 * SFE_E_CONFIG, SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code flow_template_compile(struct sfe_slice text, const char *agent_id,
                                                 bool has_each, struct sfe_arena *arena,
                                                 struct sfe_template **compiled,
                                                 struct sfe_error *err);

/* True for a template that is one part and nothing else. */
static inline bool flow_template_is_alone(const struct sfe_template *compiled)
{
    return compiled->count == 1;
}

/* The template's value: of its only part, or text made of all. Absent where any part is absent or,
 * beside others, null. `value` may point into `scratch`. Errors: SFE_E_UNMAPPED. */
SFE_MUST_USE enum sfe_code flow_template_value(const struct sfe_template *compiled,
                                               const struct flow_place *place,
                                               struct flow_scratch *scratch,
                                               struct flow_value *value, struct sfe_error *err);

/* ENCODED: values percent-encoded (RFC 3986, all but unreserved bytes), literals as they stand; an
 * empty value is refused. */
enum flow_form { FLOW_PLAIN, FLOW_INSIDE_STRING, FLOW_ENCODED };

/* Adds the text of all parts. *is_absent where one had no value: what was added then is for the
 * caller to drop. */
SFE_MUST_USE enum sfe_code flow_template_add(const struct sfe_template *compiled,
                                             const struct flow_place *place, enum flow_form form,
                                             struct sfe_builder *out, bool *is_absent,
                                             struct sfe_error *err);

/* Records that the template has no value, and where one was looked for. Returns SFE_E_UNMAPPED. */
enum sfe_code flow_template_absent(const struct sfe_template *compiled,
                                   const struct flow_place *place, struct sfe_error *err);

/* Records why the payload is not JSON, without a word of it. Returns SFE_E_UNMAPPED. */
enum sfe_code flow_fail_not_json(const struct sfe_map_subject *subject, struct sfe_error *err);

/* Adds to an error where in the payload the template looks first. */
void flow_template_locate(const struct sfe_template *compiled, const struct flow_place *place,
                          struct sfe_error *err);

/* Records "unknown part {…}; did you mean {…}?". Returns SFE_E_CONFIG. */
enum sfe_code flow_part_unknown(struct sfe_slice name, struct sfe_error *err);

#endif
