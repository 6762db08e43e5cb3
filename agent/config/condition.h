/* Conditions of the configuration, and where in its files something stands. Plain data. */
#ifndef SFE_CONFIG_CONDITION_H
#define SFE_CONFIG_CONDITION_H

#include <stdint.h>

/* Where a value stands, so that who finds it wrong later can say so. */
struct sfe_config_place {
    const char *pointer; /* RFC 6901, into the file. */
    uint32_t line;
    uint32_t column;
    const char *file; /* The main file, or one of conf.d; NULL: the main file. */
};

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
