/* Which events an output takes: conditions compiled once from the configuration into a table, then
 * judged on the parsed event. No I/O, no clock, no heap, no recursion.
 *
 * A condition compares one value (at a JSON pointer of the payload, or the topic) with a constant:
 *   eq ne        of one type and equal; null, true and false too. Numbers exactly as written,
 *                whatever their digits; text by its bytes.
 *   lt le gt ge  numbers with numbers, text with text by its bytes.
 *   matches      text in which the regular expression is found (flow/pattern.h).
 *   exists       whether there is a value; null is one.
 * Without a value, all but `ne` and `exists` do not hold; nor do lt le gt ge matches of null.
 *
 * An event cannot be judged where a condition that decides needs JSON and the payload is none,
 * where lt le gt ge compare different types, where `matches` meets what is no text, or text of more
 * than SFE_WHERE_TEXT_BYTES_MAX (for lt le gt ge only where it has escapes). all, any and not know
 * that: all of a condition that does not hold and one that cannot be judged does not hold, any of
 * one that holds and one that cannot be judged holds.
 */
#ifndef SFE_FLOW_WHERE_H
#define SFE_FLOW_WHERE_H

#include "flow/map.h"

struct sfe_arena;
struct sfe_where;

#define SFE_WHERE_TEXT_BYTES_MAX 4096u

/* The same order as in the configuration; run/ translates. */
enum sfe_where_kind {
    SFE_WHERE_ALL,
    SFE_WHERE_ANY,
    SFE_WHERE_NOT,
    SFE_WHERE_EQ,
    SFE_WHERE_NE,
    SFE_WHERE_LT,
    SFE_WHERE_LE,
    SFE_WHERE_GT,
    SFE_WHERE_GE,
    SFE_WHERE_MATCHES,
    SFE_WHERE_EXISTS
};

/* A tree in a table: each node is followed by what is inside it. */
struct sfe_where_node {
    enum sfe_where_kind kind;
    uint32_t next;       /* The node behind this one and all that is inside it. */
    const char *at;      /* A pointer, or "topic"; NULL: all, any, not. */
    const char *operand; /* JSON text of a scalar of the right type; NULL: as above. */
};

/* Compiles; everything is copied into the arena. `nodes` holds one tree. Errors: SFE_E_CONFIG with
 * *bad_node set, SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_where_compile(const struct sfe_where_node *nodes, uint32_t count,
                                             struct sfe_arena *arena, struct sfe_where **where,
                                             uint32_t *bad_node, struct sfe_error *err);

/* Lets what eq and ne compare with be a template of the sender: text with {…} in it becomes what
 * {topic}, {topic.N}, {source}, {identity} and {agent} are of the event. A number is then
 * equal where it is written like that text; where there is no such level, or no identity, the event
 * cannot be judged. Called once, after sfe_where_compile. Errors as there: SFE_E_CONFIG of any
 * other template. */
SFE_MUST_USE enum sfe_code sfe_where_refer(struct sfe_where *where, const char *agent_id,
                                           struct sfe_arena *arena, uint32_t *bad_node,
                                           struct sfe_error *err);

/* Judges an event; a NULL `where` takes every one. SFE_OK: it is taken. SFE_E_SKIPPED: it is not.
 * SFE_E_UNMAPPED: it cannot be judged; err says why. One thread at a time for each `where`, which
 * holds the scratch memory. */
SFE_MUST_USE enum sfe_code sfe_where_judge(struct sfe_where *where,
                                           const struct sfe_map_subject *subject,
                                           struct sfe_error *err);

/* One condition as it was judged. */
struct sfe_where_step {
    const char *at;        /* NULL: all, any, not. */
    const char *condition; /* "gt" */
    const char *operand;
    uint32_t depth;           /* In how many others it stands. */
    struct sfe_builder found; /* The caller's, emptied: JSON of the value; empty: none. */
    enum sfe_code code;       /* As of sfe_where_judge. */
    struct sfe_error err;     /* Of a comparison that cannot be judged. */
};

/* How many conditions there are; they come in the order of the configuration. */
uint32_t sfe_where_node_count(const struct sfe_where *where);

/* Explains node `node` of an event that sfe_where_judge has just judged. */
void sfe_where_explain(const struct sfe_where *where, uint32_t node,
                       const struct sfe_map_subject *subject, struct sfe_where_step *step);

#endif
