/* What an input is: something on the edge thread that offers events to the intake and answers its
 * sender when they are durable. */
#ifndef SFE_INPUT_SOURCE_H
#define SFE_INPUT_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* State of a source's link, for `status`. */
struct sfe_source_facts {
    const char *connection;  /* Name. */
    bool is_connected;       /* Connected and subscribed. */
    bool is_blocked;         /* Holds a message back because a stream is full. */
    uint64_t received;       /* Messages taken from the wire since open. */
    uint64_t acknowledged;   /* PUBACK sent. */
    uint64_t unacknowledged; /* Taken and waiting for flash. */
    uint64_t reconnects;
    struct sfe_error last_error; /* code SFE_OK: none yet. */
};

struct sfe_source {
    void *context;
    /* Does what is due, never waits; returns the monotonic time of its next turn (UINT64_MAX: only
     * when woken). Called also after each rise of a durable sequence. Edge thread. */
    uint64_t (*turn)(void *context, uint64_t now_ns);
    /* Stops taking; what is taken is still acknowledged by later turns. Edge thread. */
    void (*stop)(void *context);
    /* True when nothing taken is left unacknowledged. Edge thread. */
    bool (*is_quiet)(void *context);
    /* Edge thread. */
    void (*facts)(void *context, struct sfe_source_facts *facts);
    /* Says goodbye to the other side and releases. Edge thread, after the last turn. */
    void (*close)(void *context);
};

#endif
