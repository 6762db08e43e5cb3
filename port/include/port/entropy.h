/* Random bytes fit for keys. A struct of functions: the simulated platform seeds it. Any thread. */
#ifndef SFE_PORT_ENTROPY_H
#define SFE_PORT_ENTROPY_H

#include "base/error.h"

#include <stddef.h>

struct sfe_entropy {
    void *context;
    /* Never blocks: SFE_E_NOT_READY in early boot instead of weak bytes. */
    enum sfe_code (*fill)(void *context, void *bytes, size_t size, struct sfe_error *err);
};

#endif
