/* The connection on which one output publishes, as its cloud thread sees it.
 *
 * Made and ended by the edge thread, answered by threads of the MQTT client, used by the cloud
 * thread: what each of them says lies here, under one mutex, until the cloud thread's next turn.
 * Each slot has at most one message under way, so that nothing ever overflows.
 */
#ifndef SFE_OUTPUT_MQTT_LINK_H
#define SFE_OUTPUT_MQTT_LINK_H

#include "base/error.h"
#include "port/mqtt.h"

#include <stdbool.h>

struct sfe_arena;
struct sfe_mqtt_link;

struct sfe_mqtt_link_options {
    const struct sfe_mqtt *mqtt; /* Borrowed, as all pointers here. */
    uint32_t slot_count;
    void (*wake_cloud)(void *owner); /* Any thread. */
    void (*wake_edge)(void *owner);  /* Cloud thread. */
    void *owner;
};

/* What it takes from the arena. Pure. */
size_t sfe_mqtt_link_memory_bytes(uint32_t slot_count);

/* Opens the link of a connection that does not stand yet. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_mqtt_link_open(const struct sfe_mqtt_link_options *options,
                                              struct sfe_arena *arena, struct sfe_mqtt_link **link,
                                              struct sfe_error *err);

/* For the options of the session that publishes; the owner is the link. What ends without an answer
 * ends with the connection: that is waited for. */
void sfe_mqtt_link_on_published(void *link, uint64_t tag, int reason, const char *text);

/* Edge thread: the connection stands; with `session` NULL it does not, `why` and the reason of the
 * broker's DISCONNECT, or 0. */
void sfe_mqtt_link_set(void *link, struct sfe_mqtt_session *session, const struct sfe_error *why,
                       int reason);

/* Edge thread: should the connection be ended? Said once. */
bool sfe_mqtt_link_wants_end(void *link, struct sfe_error *why);

/* All below: cloud thread. */

struct mqtt_link_state {
    bool is_up;
    uint64_t losses; /* So often it was lost: what was under way before is not answered any more. */
    int reason;      /* Of the last loss. */
    struct sfe_mqtt_limits limits;
    struct sfe_error why; /* It is not up. */
};

void mqtt_link_state(struct sfe_mqtt_link *link, struct mqtt_link_state *state);

/* SFE_E_AGAIN: not now. */
SFE_MUST_USE enum sfe_code mqtt_link_publish(struct sfe_mqtt_link *link, uint32_t slot,
                                             const struct sfe_mqtt_message *message,
                                             struct sfe_error *err);

/* How a message ended that was answered: by the PUBACK's reason. */
struct mqtt_outcome {
    int reason;
    char text[48]; /* "not authorized"; printable. */
};

/* True where the slot's message is over: then it is forgotten, and the slot free. */
bool mqtt_link_take(struct sfe_mqtt_link *link, uint32_t slot, struct mqtt_outcome *outcome);

/* What the slot waits for is not waited for any more. */
void mqtt_link_forget(struct sfe_mqtt_link *link, uint32_t slot);

/* Asks the edge thread to end the connection. */
void mqtt_link_complain(struct sfe_mqtt_link *link, const struct sfe_error *why);

/* After the session is closed. NULL is allowed. */
void sfe_mqtt_link_close(struct sfe_mqtt_link *link);

#endif
