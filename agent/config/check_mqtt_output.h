/* What no table says of outputs of type mqtt. Main thread. */
#ifndef SFE_CONFIG_CHECK_MQTT_OUTPUT_H
#define SFE_CONFIG_CHECK_MQTT_OUTPUT_H

#include "config/load.h"

/* Records what is wrong with the output at `entry`. */
void check_mqtt_output(struct config_load *load, const struct sfe_config_output *output,
                       uint32_t entry);

/* True where both may be connected to the same broker. */
bool check_have_broker_in_common(const struct sfe_config_mqtt *one,
                                 const struct sfe_config_mqtt *other);

/* True where a topic made by `topic`, a template, may be one that `filter` takes. */
bool check_topic_may_meet(const char *topic, const char *filter);

#endif
