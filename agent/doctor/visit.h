/* One visit to a broker: TCP, TLS where it is asked for, CONNECT, a SUBSCRIBE for each filter, and
 * a goodbye (MQTT 5, sections 3.1 to 3.14; MQTT 3.1.1 as well). For the files of this module. */
#ifndef SFE_DOCTOR_VISIT_H
#define SFE_DOCTOR_VISIT_H

#include "config/config.h"
#include "input/mqtt_packet.h"
#include "port/platform.h"

/* What a visit needs in memory. */
#define VISIT_BYTES 45056u

/* How far it came: where one failed, that is the stage it failed in. */
enum visit_stage { VISIT_TCP, VISIT_TLS, VISIT_CONNECT, VISIT_SUBSCRIBE };

struct visit {
    /* To be set; all is borrowed for the visit. */
    const struct sfe_platform *platform;
    const struct sfe_config_mqtt *config;
    const struct sfe_config_broker *broker;
    struct sfe_tls_session *tls_session; /* Where the broker asks for TLS. */
    struct sfe_slice password;           /* A secret. */
    uint8_t *memory;                     /* VISIT_BYTES; held the password: to be wiped. */
    /* Found. */
    enum visit_stage stage;
    enum sfe_code code; /* SFE_OK: the broker answered, be it that it refuses. */
    struct sfe_error err;
    uint8_t level; /* MQTT_LEVEL_...: what CONNECT asked for. */
    struct mqtt_connack connack;
    struct sfe_tls_facts tls;
    /* Inner. */
    struct sfe_socket *stream;
    bool is_ready;
    bool is_secured;
    struct sfe_builder out;
    struct sfe_builder in;
    size_t taken; /* Of `in`: the packet that was taken last. */
    size_t skip;  /* Bytes to come of a packet that nobody wants. */
    uint16_t packet_id;
};

/* Connects and says CONNECT under a client id of its own, which ends no session. Blocks, 10 seconds
 * at most for each step. To be ended by visit_end, whatever came of it. */
void visit_begin(struct visit *visit);

/* After a CONNACK that accepts: asks for `filter`, of which nothing is kept when the visit ends.
 * *reason is the broker's answer: the QoS granted, or 0x80 and above. */
SFE_MUST_USE enum sfe_code visit_subscribe(struct visit *visit, const char *filter, uint8_t qos,
                                           uint8_t *reason);

void visit_end(struct visit *visit);

#endif
