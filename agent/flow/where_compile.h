/* The compiled form of `where`, between where_compile.c, which makes it, and where.c, which uses
 * it.
 */
#ifndef SFE_FLOW_WHERE_COMPILE_H
#define SFE_FLOW_WHERE_COMPILE_H

#include "flow/pattern.h"
#include "flow/pointer.h"
#include "flow/value.h"
#include "flow/where.h"

struct where_node {
    enum sfe_where_kind kind;
    uint32_t next;
    uint32_t depth;
    const char *at;
    const char *operand_json;
    const struct flow_pointer *pointer; /* Shared by neighbours at one place. NULL: the topic. */
    struct flow_value operand;          /* Its text plain. */
    struct flow_pattern pattern;        /* Of MATCHES. */
    struct sfe_template *reference;     /* In place of the operand; NULL: none. */
};

struct sfe_where {
    struct where_node *nodes;
    uint32_t count;
    uint8_t *answers;  /* One a node, of the event at hand. */
    uint8_t *text;     /* SFE_WHERE_TEXT_BYTES_MAX of scratch. */
    uint8_t *referred; /* As much, where there are references. */
};

static inline bool where_is_comparison(enum sfe_where_kind kind)
{
    return kind >= SFE_WHERE_EQ;
}

#endif
