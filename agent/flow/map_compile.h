/* The compiled form of a record, between map_compile.c, which makes it, and map.c, which uses it.
 */
#ifndef SFE_FLOW_MAP_COMPILE_H
#define SFE_FLOW_MAP_COMPILE_H

#include "flow/map.h"
#include "flow/pointer.h"
#include "flow/template.h"

/* Heads begin with a comma, are escaped, and end behind the colon: ,"Value__c": or
 * ,"Parent__r":{"Id__c": */
struct map_field {
    const char *name;
    struct sfe_slice head;
    struct sfe_slice head_in_group;  /* The same where the reference's object is open: ,"Id__c": */
    const struct sfe_template *from; /* NULL: constant_json holds. */
    struct sfe_slice constant_json;  /* Of the field's type already. */
    struct sfe_slice default_json;   /* The same; empty: none. */
    struct flow_type form;
    uint32_t group; /* Fields of the same reference stand together and share a number from 1; 0: no
                       reference. */
    const struct sfe_lookup_table *lookup; /* Its JSON of the field's type already; NULL: none. */
    bool is_optional;
    bool is_scaled;
    bool takes_any;              /* Objects and arrays as well. */
    struct sfe_slice scale;      /* Empty: 1. */
    struct sfe_slice offset;     /* Empty: 0. */
    struct sfe_where *condition; /* NULL: none. */
    struct map_field *cases;     /* Values with conditions; they have no heads and no cases. */
    uint32_t case_count;         /* 0: the field itself is the value. */
};

struct sfe_map {
    const char *object;
    const char *each; /* NULL: one record an event. */
    struct flow_pointer each_pointer;
    const struct map_field *fields;
    const struct map_field *id_field; /* NULL: the record has no external ID. */
    uint32_t field_count;
};

/* Adds one field's value as JSON, or sets *is_left_out: what a record is made of, for who wants to
 * see it alone. Errors as of sfe_map_add_record. */
SFE_MUST_USE enum sfe_code map_add_field_value(const struct map_field *field,
                                               const struct flow_place *place,
                                               struct sfe_builder *out, bool *is_left_out,
                                               struct sfe_error *err);

/* The case whose value the field is: SFE_OK with *chosen, which is the field itself where it has
 * none. SFE_E_SKIPPED: none holds. SFE_E_UNMAPPED: one before cannot be judged. */
SFE_MUST_USE enum sfe_code map_choose_case(const struct map_field *field,
                                           const struct flow_place *place,
                                           const struct map_field **chosen, struct sfe_error *err);

#endif
