/* The whole platform as one value, handed to the agent at open. */
#ifndef SFE_PORT_PLATFORM_H
#define SFE_PORT_PLATFORM_H

#include "port/clock.h"
#include "port/crypto.h"
#include "port/entropy.h"
#include "port/http.h"
#include "port/mqtt.h"
#include "port/poller.h"
#include "port/storage.h"
#include "port/tls.h"

struct sfe_platform {
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_storage storage; /* Over the state directory. */
    struct sfe_poller poller;   /* Of the edge thread. */
    struct sfe_http http;       /* Of the cloud thread. */
    struct sfe_mqtt mqtt;
    struct sfe_crypto crypto;
    struct sfe_tls tls; /* Of the edge thread. */
};

/* Opens the real platform. `state_directory` must exist (sfe_process_claim_directory). On failure
 * nothing is left open. */
SFE_MUST_USE enum sfe_code sfe_platform_open(const char *state_directory,
                                             struct sfe_platform *platform, struct sfe_error *err);
void sfe_platform_close(struct sfe_platform *platform);

#endif
