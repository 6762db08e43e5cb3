/* Byte streams inside the process: the agent's poller on one side, the simulated parts of a site on
 * the other. Reads and writes are cut into pieces by chance. */
#ifndef SFE_PORT_SIM_NET_H
#define SFE_PORT_SIM_NET_H

#include "port/poller.h"
#include "sim/world.h"

struct sim_net;

struct sim_net *sim_net_open(struct sim_world *world);
void sim_net_close(struct sim_net *net); /* NULL is allowed. */

/* The agent's view. */
void sim_net_poller(struct sim_net *net, struct sfe_poller *poller);

/* The others'. `listen`: who connects to `port` gets there. `dial`: to a listener of the agent's;
 * NULL where there is none. */
struct sfe_socket *sim_net_listen(struct sim_net *net, uint16_t port);
struct sfe_socket *sim_net_dial(struct sim_net *net, uint16_t port);

/* The cable is pulled: both ends fail, and what was under way is gone. */
void sim_net_break(struct sim_net *net, struct sfe_socket *socket);

#endif
