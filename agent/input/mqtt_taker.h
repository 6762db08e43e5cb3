/* Who takes the messages of a connection instead of an intake: what it answers is not an event, and
 * is kept nowhere. Edge thread. */
#ifndef SFE_INPUT_MQTT_TAKER_H
#define SFE_INPUT_MQTT_TAKER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Slices are borrowed for the call. */
struct sfe_mqtt_taken {
    struct sfe_slice topic;
    struct sfe_slice payload;        /* Where it is over the connection's limit: its first bytes. */
    uint64_t payload_bytes;          /* Of the whole payload. */
    struct sfe_slice response_topic; /* As the sender wrote it: any bytes. Empty: none. */
    struct sfe_slice correlation;
    bool is_retained;
};

struct sfe_mqtt_taker {
    /* Takes a message, whatever it is; never waits. Returns its number, from 1, without gaps; 0:
     * not now, it comes again. */
    uint64_t (*take)(void *owner, const struct sfe_mqtt_taken *message);
    /* All messages up to this number may be acknowledged. Never goes back. */
    uint64_t (*settled)(void *owner);
    void *owner;
};

#endif
