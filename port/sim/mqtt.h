/* The platform's MQTT client: connects to the gate, subscribes, pings; its callbacks come in its
 * own turn. One session. */
#ifndef SFE_PORT_SIM_MQTT_H
#define SFE_PORT_SIM_MQTT_H

#include "port/mqtt.h"
#include "sim/net.h"

struct sim_mqtt;

struct sim_mqtt *sim_mqtt_open(struct sim_world *world, struct sim_net *net);
void sim_mqtt_close(struct sim_mqtt *mqtt); /* NULL is allowed. */
void sim_mqtt_port(struct sim_mqtt *mqtt, struct sfe_mqtt *port);
void sim_mqtt_turn(struct sim_mqtt *mqtt);

#endif
