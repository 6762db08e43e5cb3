/* What a thread of the agent sleeps on; agent.c opens it, threads.c rings it. */
#ifndef SFE_RUN_BELL_H
#define SFE_RUN_BELL_H

#include "port/thread.h"

#include <stdbool.h>

/* Lets one thread sleep until kicked. `is_kicked` is guarded by the mutex. */
struct agent_bell {
    struct sfe_mutex *mutex;
    struct sfe_condition *condition;
    bool is_kicked;
};

#endif
