/* How rows of the table of keys are written; for the files that hold them. */
#ifndef SFE_CONFIG_SCHEMA_ROWS_H
#define SFE_CONFIG_SCHEMA_ROWS_H

#include "config/config.h"
#include "config/keys.h"

#define SECOND 1000000000ull
#define MINUTE (60u * SECOND)
#define HOUR   (60u * MINUTE)
#define KIB    1024ull
#define MIB    (1024u * KIB)
#define GIB    (1024u * MIB)

#define ROW(section_, key_, kind_)                                                                 \
    .section = SFE_SECTION_##section_, .key = (key_), .kind = SFE_KEY_##kind_
#define TO(structure, member)                                                                      \
    .offset = offsetof(structure, member), .size = sizeof(((structure *)NULL)->member)
#define COUNTED(structure, member, count)                                                          \
    TO(structure, member), .count_offset = offsetof(structure, count)

#define CONFIG     struct sfe_config
#define CONNECTION struct sfe_config_connection
#define STREAM     struct sfe_config_stream
#define IDENTITY   struct sfe_config_identity
#define INPUT      struct sfe_config_input
#define OUTPUT     struct sfe_config_output
#define RECORD     struct sfe_config_record
#define FIELD      struct sfe_config_field

#endif
