/* Asks whether a host takes connections on a port: TCP, and nothing said. Edge thread. */
#ifndef SFE_INPUT_PROBE_H
#define SFE_INPUT_PROBE_H

#include "port/poller.h"

/* Zeroed, with a poller, to begin. */
struct probe {
    struct sfe_poller *poller;
    struct sfe_socket *socket; /* Of the attempt under way; NULL: none. */
    bool has_answered;         /* Since probe_begin. */
};

/* Begins an attempt; one that is under way is given up. `host` is borrowed for the call. */
void probe_begin(struct probe *probe, const char *host, uint16_t port);

/* Gives up what is under way and forgets the answer. */
void probe_end(struct probe *probe);

#endif
