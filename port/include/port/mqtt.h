/* The MQTT client that holds a session: connects, subscribes, keeps alive, publishes. A struct of
 * functions.
 *
 * It connects to the gate on loopback, not to the broker. Incoming PUBLISH packets never reach it:
 * the gate takes them. Callbacks come from a foreign thread and must return at once; they may only
 * set flags and wake a poller.
 */
#ifndef SFE_PORT_MQTT_H
#define SFE_PORT_MQTT_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_mqtt_session; /* Opaque. */

enum sfe_mqtt_event {
    SFE_MQTT_CONNECTED,  /* CONNACK with success; `detail` is 1 when the broker kept our session. */
    SFE_MQTT_REFUSED,    /* CONNACK with failure: `detail` is its reason; or none: negative. */
    SFE_MQTT_LOST,       /* It broke; `detail` is the reason of the broker's DISCONNECT, or 0. */
    SFE_MQTT_SUBSCRIBED, /* SUBACK: every filter granted; `detail` is the lowest QoS granted. */
    SFE_MQTT_NOT_SUBSCRIBED,  /* SUBACK with a failure; `detail` is the reason code. */
    SFE_MQTT_UNSUBSCRIBED,    /* UNSUBACK: the session has none of the filters. */
    SFE_MQTT_NOT_UNSUBSCRIBED /* UNSUBACK with a failure; `detail` is the reason code; negative:
                                 none came. */
};

enum sfe_mqtt_version { SFE_MQTT_5, SFE_MQTT_3_1_1 };

/* What the broker publishes for us when the connection breaks. */
struct sfe_mqtt_will {
    const char *topic; /* Borrowed until close, as the payload is. */
    struct sfe_slice payload;
    uint8_t qos;
    bool is_retained;
};

/* A user property (MQTT 5, section 3.3.2.3.7). */
struct sfe_mqtt_property {
    struct sfe_slice name;
    struct sfe_slice value;
};

/* A message to publish; all of it is borrowed for the call. Texts are UTF-8 without NUL. */
struct sfe_mqtt_message {
    const char *topic;
    struct sfe_slice payload;
    uint8_t qos; /* 0 or 1. */
    bool is_retained;
    /* MQTT 5 alone, as all below. 0: it never expires. */
    uint32_t expiry_s;
    struct sfe_slice content_type; /* Empty: none, as the next two. */
    struct sfe_slice response_topic;
    struct sfe_slice correlation;
    const struct sfe_mqtt_property *properties;
    uint32_t property_count;
};

/* What the broker has told in its CONNACK. */
struct sfe_mqtt_limits {
    uint32_t packet_bytes_max; /* Of one packet; UINT32_MAX: it names no limit. */
    uint8_t qos_max;           /* 0 or 1: what we use at most. */
    bool can_retain;
};

/* What a session that publishes is told. */
struct sfe_mqtt_publishing {
    uint32_t in_flight_max; /* Messages published and not over. */
    /* Foreign thread: a message is over. `reason` is the PUBACK's; 0 with QoS 0 once it is written;
     * negative: no answer came, and the connection is gone. `text` lives for the call. */
    void (*on_published)(void *owner, uint64_t tag, int reason, const char *text);
    void *owner;
};

struct sfe_mqtt_options {
    const char *server_uri; /* "tcp://127.0.0.1:PORT": the gate. */
    const char *client_id;
    const char *username;      /* NULL: none. */
    struct sfe_slice password; /* Borrowed until close. Empty: none. */
    uint32_t keep_alive_s;
    uint32_t session_expiry_s; /* MQTT 5; before it the broker alone decides. */
    uint16_t receive_maximum;  /* MQTT 5. */
    enum sfe_mqtt_version version;
    const struct sfe_mqtt_will *will; /* NULL: none. Copied. */
    /* Foreign thread. `text` lives for the call. */
    void (*on_event)(void *owner, enum sfe_mqtt_event event, int detail, const char *text);
    void *owner;
    /* It publishes. It then begins clean: what it has not told the outcome of is for its owner to
     * publish again. NULL: it does not. Copied. */
    const struct sfe_mqtt_publishing *publishing;
};

struct sfe_mqtt {
    void *context;
    /* Makes a session object; connects nothing. Options are copied but the password. */
    enum sfe_code (*open)(void *context, const struct sfe_mqtt_options *options,
                          struct sfe_mqtt_session **session, struct sfe_error *err);
    /* Begins to connect (the session kept: clean start off, but of one that publishes); the outcome
     * is an event. Not while one is under way. */
    enum sfe_code (*connect)(void *context, struct sfe_mqtt_session *session,
                             struct sfe_error *err);
    /* Subscribes to `filters` with `qos` each; retain handling `retain_handling` (MQTT 5, 3.8.3.1).
     * The outcome is one event. MQTT 3.1.1 has no retain handling: there it is 0. */
    enum sfe_code (*subscribe)(void *context, struct sfe_mqtt_session *session,
                               const char *const *filters, const uint8_t *qos, size_t count,
                               uint8_t retain_handling, struct sfe_error *err);
    /* Ends the subscriptions to `filters`; one that there is not is no failure. The outcome is one
     * event. */
    enum sfe_code (*unsubscribe)(void *context, struct sfe_mqtt_session *session,
                                 const char *const *filters, size_t count, struct sfe_error *err);
    /* Sends DISCONNECT (the session stays with the broker) and waits briefly for it to leave. */
    void (*disconnect)(void *context, struct sfe_mqtt_session *session);
    void (*close)(void *context, struct sfe_mqtt_session *session); /* NULL is allowed. */
    /* Begins to publish; `on_published` follows with `tag`, and may come before the return. Any
     * thread. SFE_E_AGAIN: not connected, or as many are in flight as may be. */
    enum sfe_code (*publish)(void *context, struct sfe_mqtt_session *session,
                             const struct sfe_mqtt_message *message, uint64_t tag,
                             struct sfe_error *err);
    /* Of the connection that was told last. Any thread. */
    void (*limits)(void *context, struct sfe_mqtt_session *session, struct sfe_mqtt_limits *limits);
};

#endif
