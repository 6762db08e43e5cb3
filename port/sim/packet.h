/* MQTT 5 packets of the simulated client and broker: only what these two say. */
#ifndef SFE_PORT_SIM_PACKET_H
#define SFE_PORT_SIM_PACKET_H

#include "sim/net.h"

#define SIM_PACKET_BYTES_MAX 65536u

/* What has come on one connection and is not yet a whole packet, and what waits to leave. */
struct sim_line {
    struct sim_net *net;
    struct sfe_poller poller;
    struct sfe_socket *socket; /* NULL: none. */
    size_t in_size;
    size_t out_size;
    uint8_t in[SIM_PACKET_BYTES_MAX];
    uint8_t out[SIM_PACKET_BYTES_MAX];
};

/* Puts a packet behind what waits: first byte, remaining length, body. False: no room. */
bool sim_line_add(struct sim_line *line, uint8_t first, struct sfe_slice body);

/* Writes what waits and reads what has come. False where the connection has ended. */
bool sim_line_move(struct sim_line *line);

/* The next whole packet; false where there is none. It lives until the next call. */
bool sim_line_take(struct sim_line *line, uint8_t *first, struct sfe_slice *body);

/* Closes the connection and forgets what was on it. */
void sim_line_end(struct sim_line *line);

#endif
