/* What the configuration says of inputs that answer questions; a part of config.h. */
#ifndef SFE_CONFIG_CONFIG_ASK_H
#define SFE_CONFIG_CONFIG_ASK_H

#include "config/outputs.h"

/* A table and its key, or a query and its org. */
struct sfe_config_ask {
    const char *prefix; /* `answers_below`; default "answer/". */
    const char *table;  /* Path; NULL: none. */
    struct sfe_config_place table_place;
    const char *key; /* Template. */
    struct sfe_config_place key_place;
    const char *query; /* NULL: none. */
    struct sfe_config_place query_place;
    uint32_t org;                 /* Index into connections; UINT32_MAX: none. */
    bool priority;                /* `priority`; default false. */
    uint64_t within_ns;           /* `within`; default 2s. */
    uint32_t in_flight;           /* `in_flight`; default 16, 1 to 64. */
    uint32_t rate;                /* `rate`; default 100; 0: no bound. */
    uint32_t question_bytes_max;  /* `question_max`; default 4KiB. */
    uint32_t answer_bytes_max;    /* `answer_max`; default 16KiB. */
    struct sfe_config_record map; /* No field: what was found, as it is. */
};

#endif
