/* From an event to a JSON document: objects and arrays as they are written in the configuration,
 * with values as in a map (flow/map.h) at their ends. Compiled once, then pure; no heap, no
 * recursion. A value that is left out takes its name with it.
 */
#ifndef SFE_FLOW_SHAPE_H
#define SFE_FLOW_SHAPE_H

#include "flow/map.h"

struct sfe_shape;

enum sfe_shape_kind { SFE_SHAPE_OBJECT, SFE_SHAPE_ARRAY, SFE_SHAPE_VALUE };

/* Nodes stand in the order of the document, each before what is inside it. */
struct sfe_shape_node {
    enum sfe_shape_kind kind;
    const char *name;           /* Of the member; NULL at the root and inside an array. */
    uint32_t next;              /* Index of the node behind this one and all that is inside it. */
    struct sfe_map_field field; /* Of a VALUE; its name is for messages. */
};

#define SFE_SHAPE_DEPTH_MAX 16u

/* Compiles; everything is copied into the arena but the conditions of fields. SFE_E_CONFIG with the
 * mistake in the message, and *bad_node. */
SFE_MUST_USE enum sfe_code sfe_shape_compile(const struct sfe_shape_node *nodes, uint32_t count,
                                             const char *agent_id, struct sfe_arena *arena,
                                             struct sfe_shape **shape, uint32_t *bad_node,
                                             struct sfe_error *err);

/* Adds the document of the event. A root that is left out is null. Errors as of sfe_map_add_record;
 * the builder is as before then. */
SFE_MUST_USE enum sfe_code sfe_shape_add(const struct sfe_shape *shape,
                                         const struct sfe_map_subject *subject,
                                         struct sfe_builder *out, struct sfe_error *err);

/* Values of the whole document. */
uint32_t sfe_shape_value_count(const struct sfe_shape *shape);

/* The name of value `index`'s member; NULL: it has none. */
const char *sfe_shape_value_name(const struct sfe_shape *shape, uint32_t index);

/* Adds value `index` as plain text, at most SFE_SHAPE_TEXT_BYTES_MAX of JSON, or sets *is_left_out.
 * SFE_E_UNMAPPED, SFE_E_FULL. */
#define SFE_SHAPE_TEXT_BYTES_MAX 1024u
SFE_MUST_USE enum sfe_code sfe_shape_add_text(const struct sfe_shape *shape, uint32_t index,
                                              const struct sfe_map_subject *subject,
                                              struct sfe_builder *out, bool *is_left_out,
                                              struct sfe_error *err);

#endif
