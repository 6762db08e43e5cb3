/* Between org_plan.c, which looks at names and permissions, plan_value.c, which looks at values,
 * and org_metadata.c. */
#ifndef SFE_SALESFORCE_ORG_PLAN_PARTS_H
#define SFE_SALESFORCE_ORG_PLAN_PARTS_H

#include "salesforce/org_plan.h"

/* What a mapping puts into a field, as far as can be said before there is a value. */
enum plan_kind {
    PLAN_ANY, /* Whatever the payload holds. */
    PLAN_TEXT,
    PLAN_DECIMAL,
    PLAN_WHOLE,
    PLAN_BOOLEAN,
    PLAN_DATE,
    PLAN_DATETIME,
    PLAN_NULL
};

/* A finding in the making. */
struct plan_teller {
    struct sfe_plan_record *record;
    const struct sfe_plan_listener *listener;
    uint32_t field;
};

/* Tells one finding; `fix` is taken as it stands. */
void plan_tell(const struct plan_teller *teller, bool is_failure, const char *fix,
               const char *format, ...) SFE_PRINTF(4, 5);

enum plan_kind plan_kind_of(const struct sfe_map_field *field);

/* Characters that the value has at least. */
uint32_t plan_length_min(const struct sfe_map_field *field);

/* Does the mapping's value fit a field with these facts? Tells what does not. */
void plan_check_value(const struct plan_teller *teller, const struct sfe_map_field *field,
                      const struct sfe_plan_facts *facts);

/* The text of a constant, unescaped, in `memory`; false where it is no text. */
bool plan_constant_text(const char *constant, struct sfe_builder *memory, struct sfe_slice *text);

/* True where the org takes a value with that field as text that it should better be made: see
 * plan_check_value, which leaves it to the record as a whole. */
bool plan_is_loose_text(const struct sfe_map_field *field, const struct sfe_plan_facts *facts);

/* The part before the dot of "Parent__r.Ext__c" (or the whole), and that behind it (or nothing). */
struct sfe_slice plan_front(const char *name);
struct sfe_slice plan_behind(const char *name);

/* A custom name of no package ("Value__c", "Parent__r"), which can be made and be part of a path.
 */
bool plan_is_ours(const char *name);

/* True where the names are the same for the API, which takes A-Z as a-z. */
bool plan_same_name(struct sfe_slice a, struct sfe_slice b);

#endif
