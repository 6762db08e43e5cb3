/* Where a value of the configuration stands in its file. */
#ifndef SFE_CONFIG_PLACE_H
#define SFE_CONFIG_PLACE_H

#include <stdint.h>

/* Where a value stands, so that who finds it wrong later can say so. */
struct sfe_config_place {
    const char *pointer; /* RFC 6901, into the file. */
    uint32_t line;
    uint32_t column;
    const char *file; /* The main file, or one of conf.d; NULL: the main file. */
};

#endif
