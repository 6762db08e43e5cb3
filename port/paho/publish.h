/* What a session publishes: each message has a mark, which says whose it is when it is over. */
#ifndef SFE_PORT_PAHO_PUBLISH_H
#define SFE_PORT_PAHO_PUBLISH_H

#include "port/mqtt.h"

#include <MQTTAsync.h>

struct publishing;

/* `told` is copied. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code publishing_open(const struct sfe_mqtt_publishing *told,
                                           struct publishing **publishing, struct sfe_error *err);

/* As publish of struct sfe_mqtt. */
SFE_MUST_USE enum sfe_code publishing_begin(struct publishing *publishing, MQTTAsync client,
                                            const struct sfe_mqtt_message *message, uint64_t tag,
                                            bool is_5, struct sfe_error *err);

/* What a CONNACK says; NULL: nothing, as in MQTT 3.1.1. Paho's thread. */
void publishing_take_limits(struct publishing *publishing, MQTTProperties *properties);
void publishing_limits(struct publishing *publishing, struct sfe_mqtt_limits *limits);

/* After the client is destroyed: no callback is under way. NULL is allowed. */
void publishing_close(struct publishing *publishing);

#endif
