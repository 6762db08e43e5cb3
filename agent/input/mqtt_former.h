/* Subscriptions that the broker's session may still have from a configuration before, and that
 * nobody wants any more: their messages would end as dead letters. They are ended after each
 * connect until that succeeded. Edge thread. */
#ifndef SFE_INPUT_MQTT_FORMER_H
#define SFE_INPUT_MQTT_FORMER_H

#include "base/limits.h"
#include "base/log.h"
#include "port/mqtt.h"

#include <stdbool.h>

/* Of all filters, with their NULs. */
#define SFE_MQTT_FORMER_BYTES 4096u

/* Zeroed to begin. */
struct sfe_mqtt_former {
    char text[SFE_MQTT_FORMER_BYTES]; /* Filters, each with its NUL. */
    uint32_t bytes;
    uint32_t count;
    bool is_tried; /* On this connection. */
};

/* Adds a filter, copied; one that is there is not added again. False: there is no room for it. */
bool sfe_mqtt_former_add(struct sfe_mqtt_former *former, const char *filter);

/* Walks them: the one behind `before` (NULL: the first); NULL: there is none. */
const char *sfe_mqtt_former_next(const struct sfe_mqtt_former *former, const char *before);

/* A connection begins. NULL is allowed, as below. */
static inline void mqtt_former_connected(struct sfe_mqtt_former *former)
{
    if (former != NULL) {
        former->is_tried = false;
    }
}

/* Begins to end them on a connection that stands. SFE_E_END: there is nothing to do. */
SFE_MUST_USE enum sfe_code mqtt_former_begin(struct sfe_mqtt_former *former,
                                             const struct sfe_mqtt *mqtt,
                                             struct sfe_mqtt_session *session,
                                             struct sfe_error *err);

/* The outcome: `detail` 0 is success, above it the broker's reason, below it none came. They are
 * forgotten where it is success and `is_only_broker`: brokers that stand in for each other have a
 * session each. A failure is the connection's end; what the broker refuses is none, it is logged
 * and tried again on the next connection. */
SFE_MUST_USE enum sfe_code mqtt_former_end(struct sfe_mqtt_former *former, bool is_only_broker,
                                           int detail, const char *text, struct sfe_log *log,
                                           struct sfe_error *err);

#endif
