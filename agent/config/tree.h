/* Reads a tree: objects and lists with values at their ends (`body`, `headers`), into a table. And
 * what the schema says of it. Main thread. */
#ifndef SFE_CONFIG_TREE_H
#define SFE_CONFIG_TREE_H

#include "base/json_writer.h"
#include "config/load.h"

/* Reads `token` into the structure at `base`; values that are written as objects are jobs of the
 * walk (section.h). What is wrong is recorded. */
void tree_read(struct config_load *load, const struct config_key *row, uint32_t token, void *base);

/* Adds the definition "tree" to a schema's $defs. */
void tree_add_schema(struct sfe_json_writer *writer);

#endif
