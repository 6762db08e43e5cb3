/* Shows a mapping step by step: what each part of a field's template found, and what became of it.
 * The same functions make the records. Pure; any thread. */
#ifndef SFE_FLOW_EXPLAIN_H
#define SFE_FLOW_EXPLAIN_H

#include "flow/map.h"

/* One field of one record. The builders are the caller's and are emptied by each call. */
struct sfe_map_step {
    const char *field; /* "Value__c". */
    const char *type;  /* As in the configuration: "auto", "double", … */
    uint32_t chosen;   /* Of a field with cases: the number of the one it is, or that cannot
                          be judged, from 1; 0: none. */
    bool is_left_out;  /* Optional, and without a value. */
    /* A JSON object of what each part of the template found: {"/value":21.5,"topic.1":"p1"}. A
     * part without a value is not in it. */
    struct sfe_builder found;
    struct sfe_builder result; /* JSON of the value; empty where left out or failed. */
    struct sfe_error err;      /* code SFE_OK: it has a value or is left out. */
};

/* The conditions of field number `field`; NULL: none. */
struct sfe_where *sfe_map_field_condition(const struct sfe_map *map, uint32_t field);

/* How many values field number `field` chooses among, `else` with the rest; 0: it has no cases. The
 * conditions of value `index` from 0; NULL: it always holds. */
uint32_t sfe_map_field_case_count(const struct sfe_map *map, uint32_t field);
struct sfe_where *sfe_map_case_condition(const struct sfe_map *map, uint32_t field, uint32_t index);

/* How many fields the map has; they come in the order in which they stand in a record. */
uint32_t sfe_map_field_count(const struct sfe_map *map);

/* Explains field number `field` of record `index` (element token `item`). What does not fit into a
 * builder is left away there. */
void sfe_map_explain(const struct sfe_map *map, uint32_t field,
                     const struct sfe_map_subject *subject, uint32_t index, uint32_t item,
                     struct sfe_map_step *step);

#endif
