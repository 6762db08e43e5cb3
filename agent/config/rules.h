/* Which keys of one object exclude or need each other: checked by `check`, said in the schema. Main
 * thread. */
#ifndef SFE_CONFIG_RULES_H
#define SFE_CONFIG_RULES_H

#include "base/json_writer.h"
#include "config/load.h"

/* Records what the section at `token`, an entry of type `type`, has too much or too little. */
void rules_check(struct config_load *load, enum config_section section, uint32_t token,
                 struct sfe_slice type);

/* Adds the rules of the section as a member "allOf" of the object being written; nothing where it
 * has none. Rules that check.c holds in code are added too, where a schema can say them. */
void rules_add_schema(struct sfe_json_writer *writer, enum config_section section,
                      struct sfe_slice type);

#endif
