/* A broker with one persistent session that is subscribed to everything: sends each message until
 * it is acknowledged, in order, with at most as many in flight as the client allows. */
#ifndef SFE_PORT_SIM_BROKER_H
#define SFE_PORT_SIM_BROKER_H

#include "sim/net.h"

#define SIM_BROKER_MESSAGES_MAX 2048u

struct sim_broker;

/* Says what message `number` is: topic and payload. */
typedef void (*sim_broker_content)(void *owner, uint32_t number, struct sfe_builder *topic,
                                   struct sfe_builder *payload);

struct sim_broker *sim_broker_open(struct sim_world *world, sim_broker_content content,
                                   void *owner);
void sim_broker_close(struct sim_broker *broker); /* NULL is allowed. */

/* Listens at `port` of a (new) network. */
void sim_broker_attach(struct sim_broker *broker, struct sim_net *net, uint16_t port);
/* The network is about to go. */
void sim_broker_detach(struct sim_broker *broker);

/* One more message to be sent; false when the books are full. */
bool sim_broker_publish(struct sim_broker *broker);
void sim_broker_turn(struct sim_broker *broker);
/* How often a connection breaks, in a turn. */
void sim_broker_break(struct sim_broker *broker, uint32_t permille);

uint32_t sim_broker_published(const struct sim_broker *broker);
bool sim_broker_is_acknowledged(const struct sim_broker *broker, uint32_t number);
/* Sent more than once: the agent cannot know that it has it already. */
bool sim_broker_was_repeated(const struct sim_broker *broker, uint32_t number);
uint32_t sim_broker_acknowledged(const struct sim_broker *broker);
/* What the agent did that MQTT forbids; NULL: nothing. */
const char *sim_broker_complaint(const struct sim_broker *broker);

#endif
