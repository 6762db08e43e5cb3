/* Reads `where` of an output: conditions within each other, into a table. And what the schema says
 * of them. Main thread. */
#ifndef SFE_CONFIG_WHERE_H
#define SFE_CONFIG_WHERE_H

#include "base/json_writer.h"
#include "config/load.h"

/* Reads `token` into the structure at `base`; what is wrong with it is recorded. What a regular
 * expression says is not looked into. */
void where_read(struct config_load *load, const struct config_key *row, uint32_t token, void *base);

/* Adds the definitions "where", "condition" and "topic-condition" to a schema's $defs. */
void where_add_schema(struct sfe_json_writer *writer);

#endif
