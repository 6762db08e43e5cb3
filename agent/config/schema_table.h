/* The one table of keys: drives the parser, `check`, the JSON Schema and the manual page. */
#ifndef SFE_CONFIG_SCHEMA_TABLE_H
#define SFE_CONFIG_SCHEMA_TABLE_H

#include "base/bytes.h"

/* Adds the JSON Schema (2020-12) of the configuration file. */
void sfe_config_add_schema(struct sfe_builder *builder);

/* Adds the options part of the manual page sfedge.json(5), one paragraph a key, in roff. */
void sfe_config_add_manual(struct sfe_builder *builder);

#endif
