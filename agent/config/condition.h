/* Conditions of the configuration. Plain data. */
#ifndef SFE_CONFIG_CONDITION_H
#define SFE_CONFIG_CONDITION_H

#include "config/place.h"

#include <stdint.h>

enum sfe_condition_kind {
    SFE_CONDITION_ALL,
    SFE_CONDITION_ANY,
    SFE_CONDITION_NOT,
    SFE_CONDITION_EQ,
    SFE_CONDITION_NE,
    SFE_CONDITION_LT,
    SFE_CONDITION_LE,
    SFE_CONDITION_GT,
    SFE_CONDITION_GE,
    SFE_CONDITION_MATCHES,
    SFE_CONDITION_EXISTS
};

/* `where` as a tree in a table: each condition is followed by what is inside it. An object of
 * conditions is all of them, a list behind `in` is any of its elements. */
struct sfe_config_condition {
    enum sfe_condition_kind kind;
    uint32_t next;       /* The condition behind this one and all that is inside it. */
    const char *at;      /* A pointer, or "topic"; NULL: all, any, not. */
    const char *operand; /* JSON text of a scalar of the right type; NULL: as above. */
    struct sfe_config_place place;
};

#endif
