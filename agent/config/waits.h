/* What an output's events wait for: part of outputs.h. Plain data. */
#ifndef SFE_CONFIG_WAITS_H
#define SFE_CONFIG_WAITS_H

#include "config/condition.h"

#include <stdint.h>

struct sfe_config_waits {
    uint32_t stream; /* `for`: of confirmations; UINT32_MAX: none. */
    const char *key; /* Template; NULL: events do not wait. */
    struct sfe_config_place key_place;
    const char *their_key; /* The same of a confirmation; NULL: as `key`. */
    struct sfe_config_place their_key_place;
    const struct sfe_config_condition *where; /* Which are confirmations; NULL: all. */
    uint32_t where_count;
    uint64_t within_ns; /* From the event's arrival on. */
    int32_t late;       /* Stream for those that get none in time; -1: dead letters. */
    uint32_t keep;      /* Events from the oldest that waits on; confirmations without an event. */
};

#endif
