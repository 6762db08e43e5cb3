/* The MQTT input: one broker connection and its subscriptions, held by the platform's MQTT client
 * through a gate.
 *
 * The gate (gate.h) relays the connection, takes each incoming PUBLISH itself, and acknowledges it
 * once its events are durable. This file keeps the session: connects with jittered back-off, to one
 * broker after the other, subscribes, says why not. While another broker stands in for the first,
 * that one is asked now and then whether it is back; if so, the connection returns to it.
 *
 * An output publishes on a connection of its own, which is kept the same way.
 */
#ifndef SFE_INPUT_MQTT_H
#define SFE_INPUT_MQTT_H

#include "base/bytes.h"
#include "base/log.h"
#include "input/intake.h"
#include "input/mqtt_former.h"
#include "input/mqtt_taker.h"
#include "input/source.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/mqtt.h"
#include "port/poller.h"
#include "port/tls.h"

struct sfe_mqtt_broker {
    const char *host; /* Name, IPv4 or IPv6 address. */
    uint16_t port;
    bool is_tls;
};

struct sfe_mqtt_subscription {
    const char *filter;
    uint8_t qos;
};

/* Who publishes on a connection that subscribes to nothing. */
struct sfe_mqtt_user {
    struct sfe_mqtt_publishing publishing;
    /* Edge thread: the connection stands, or with `session` NULL it does no longer: `why`, with the
     * reason of the broker's DISCONNECT, or 0. */
    void (*on_link)(void *owner, struct sfe_mqtt_session *session, const struct sfe_error *why,
                    int reason);
    /* Asked in every turn of the edge thread: should it end, so that it is made anew? Says why. */
    bool (*wants_end)(void *owner, struct sfe_error *why);
    void *owner;
};

struct sfe_mqtt_source_options {
    const char *connection; /* Name. Borrowed, as all pointers here, for the life of the source. */
    const struct sfe_mqtt_broker *brokers; /* The first is preferred, the others stand in for it. */
    uint32_t broker_count;
    const char *client_id;
    const char *username;      /* NULL: none. */
    struct sfe_slice password; /* Borrowed. */
    uint32_t keep_alive_s;
    uint32_t session_expiry_s;
    uint16_t receive_maximum;
    enum sfe_mqtt_version version;
    const struct sfe_mqtt_will *will; /* NULL: none. Borrowed for the open; its texts for life. */
    struct sfe_tls_options tls_files; /* Where a broker is_tls. */
    uint32_t event_bytes_max;
    const struct sfe_mqtt_subscription *subscriptions; /* Filters, each once. */
    uint32_t subscription_count;
    struct sfe_mqtt_former *former; /* To be unsubscribed, none of the above; NULL: nothing. */
    struct sfe_intake *intake; /* NULL, and no taker: a message that comes ends the connection. */
    const struct sfe_mqtt_taker *taker; /* Instead of an intake; NULL: none. */
    const struct sfe_mqtt_user *user;   /* NULL: none. Borrowed for life. */
    struct sfe_poller *poller;
    const struct sfe_mqtt *mqtt;
    const struct sfe_tls *tls; /* NULL where no broker is_tls. */
    const struct sfe_clock *clock;
    const struct sfe_entropy *entropy;
    struct sfe_log *log;
};

/* What a source with these options takes from the arena. Pure. */
size_t sfe_mqtt_source_memory_bytes(const struct sfe_mqtt_source_options *options);

/* Opens the gate's listener and the session object; connects with the first turn. Memory from
 * `arena`. */
SFE_MUST_USE enum sfe_code sfe_mqtt_source_open(const struct sfe_mqtt_source_options *options,
                                                struct sfe_arena *arena, struct sfe_source *source,
                                                struct sfe_error *err);

#endif
