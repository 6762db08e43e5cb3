/* MQTT 5 and 3.1.1 sessions by the Paho asynchronous client, which has callbacks of their own for
 * each.
 *
 * Paho makes every callback while it holds its one lock, and nearly every call of ours takes that
 * lock. So a callback may take our mutex, and we never call Paho while holding it; and once
 * MQTTAsync_destroy has returned no callback is under way. */
#include "port/thread.h"
#include "real_platform.h"

#include "base/assert.h"
#include "base/limits.h"
#include "paho/publish.h"

#include <MQTTAsync.h>
#include <limits.h>
#include <stdlib.h>

#define FILTERS_MAX        SFE_INPUTS_MAX
#define PAHO_OUT_OF_MEMORY (-99) /* PAHO_MEMORY_ERROR of its private headers. */
#define CONNECT_TIMEOUT_S  30
#define LEAVE_TIMEOUT_MS   500
#define LEAVE_WAIT_NS      UINT64_C(1000000000)
#define FAILURE_CODE_MIN   0x80 /* MQTT 5, section 2.4: reason codes from here on are failures. */

struct sfe_mqtt_session {
    MQTTAsync client;
    struct sfe_mqtt_options
        options; /* server_uri and client_id are Paho's copies, not kept here. */
    char *username;
    struct sfe_mqtt_will will;     /* Where options.will is not NULL. */
    struct publishing *publishing; /* NULL: it publishes nothing. */
    size_t filter_count;           /* Of the SUBSCRIBE under way. */
    bool is_up;                    /* Callbacks only: CONNECTED was told, LOST was not. */
    struct sfe_mutex *mutex;
    struct sfe_condition *changed;
    bool has_left;  /* Under the mutex: the DISCONNECT is out, or will never be. */
    bool is_closed; /* Under the mutex: no event goes out any more. */
};

static void tell(struct sfe_mqtt_session *session, enum sfe_mqtt_event event, int detail,
                 const char *text)
{
    sfe_mutex_lock(session->mutex);
    bool is_closed = session->is_closed;
    sfe_mutex_unlock(session->mutex);
    if (!is_closed) {
        session->options.on_event(session->options.owner, event, detail, text == NULL ? "" : text);
    }
}

static const char *reason_text(int reason)
{
    return reason >= 0 ? MQTTReasonCode_toString((enum MQTTReasonCodes)reason) : NULL;
}

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
    struct sfe_mqtt_session *session = context;
    session->is_up = true;
    if (session->publishing != NULL) {
        publishing_take_limits(session->publishing, &data->properties);
    }
    tell(session, SFE_MQTT_CONNECTED, data->alt.connect.sessionPresent != 0 ? 1 : 0, NULL);
}

/* Paho 1.3.12 hands the CONNACK's reason over as `code`; other versions as `reasonCode`. Negative:
 * there was no CONNACK. */
static void on_not_connected(void *context, MQTTAsync_failureData5 *data)
{
    struct sfe_mqtt_session *session = context;
    int reason = data->code;
    if ((int)data->reasonCode >= FAILURE_CODE_MIN) {
        reason = (int)data->reasonCode;
    } else if (reason >= 0 && reason < FAILURE_CODE_MIN) {
        reason = MQTTASYNC_FAILURE;
    }
    const char *text = reason_text(reason);
    tell(session, SFE_MQTT_REFUSED, reason, text != NULL ? text : data->message);
}

static void lose(struct sfe_mqtt_session *session, int reason)
{
    if (session->is_up) {
        session->is_up = false;
        tell(session, SFE_MQTT_LOST, reason, reason != 0 ? reason_text(reason) : NULL);
    }
}

/* The broker says why it leaves. Paho 1.3.12 does not call on_lost after it; another version may.
 */
static void on_disconnect_packet(void *context, MQTTProperties *properties,
                                 enum MQTTReasonCodes reason)
{
    (void)properties;
    lose(context, (int)reason);
}

static void on_lost(void *context, char *cause)
{
    (void)cause; /* Always NULL in 1.3.12. */
    lose(context, 0);
}

/* The gate takes every PUBLISH, so none comes here. One that did would be dropped unacknowledged by
 * us but acknowledged by Paho whatever we return; 1 at least does not make it call again. */
static int on_message(void *context, char *topic, int topic_size, MQTTAsync_message *message)
{
    (void)context;
    (void)topic_size;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_subscribed(void *context, MQTTAsync_successData5 *data)
{
    struct sfe_mqtt_session *session = context;
    size_t count = data->alt.sub.reasonCodeCount > 0 ? (size_t)data->alt.sub.reasonCodeCount : 0;
    int lowest = (int)data->reasonCode;
    int failure = lowest >= FAILURE_CODE_MIN ? lowest : 0;
    if (count != session->filter_count || (count > 1 && data->alt.sub.reasonCodes == NULL)) {
        tell(session, SFE_MQTT_NOT_SUBSCRIBED, MQTTREASONCODE_PROTOCOL_ERROR,
             "the answer names another number of filters");
        return;
    }
    for (size_t i = 0; count > 1 && i < count; i++) {
        int reason = (int)data->alt.sub.reasonCodes[i];
        if (reason >= FAILURE_CODE_MIN && failure == 0) {
            failure = reason;
        }
        lowest = reason < lowest ? reason : lowest;
    }
    if (failure != 0) {
        tell(session, SFE_MQTT_NOT_SUBSCRIBED, failure, reason_text(failure));
    } else {
        tell(session, SFE_MQTT_SUBSCRIBED, lowest, NULL);
    }
}

static void on_not_subscribed(void *context, MQTTAsync_failureData5 *data)
{
    struct sfe_mqtt_session *session = context;
    int reason = (int)data->reasonCode >= FAILURE_CODE_MIN ? (int)data->reasonCode : data->code;
    const char *text = reason_text(reason);
    tell(session, SFE_MQTT_NOT_SUBSCRIBED, reason, text != NULL ? text : data->message);
}

static void on_connected_3(void *context, MQTTAsync_successData *data)
{
    struct sfe_mqtt_session *session = context;
    session->is_up = true;
    tell(session, SFE_MQTT_CONNECTED, data->alt.connect.sessionPresent != 0 ? 1 : 0, NULL);
}

/* `code` is the return code of the CONNACK (MQTT 3.1.1, section 3.2.2.3); negative: none came. */
static void on_not_connected_3(void *context, MQTTAsync_failureData *data)
{
    int reason = data->code == 0 ? MQTTASYNC_FAILURE : data->code;
    tell(context, SFE_MQTT_REFUSED, reason, data->message);
}

static void on_subscribed_3(void *context, MQTTAsync_successData *data)
{
    struct sfe_mqtt_session *session = context;
    int lowest = data->alt.qos;
    int failure = 0;
    if (session->filter_count > 1) {
        lowest = data->alt.qosList == NULL ? FAILURE_CODE_MIN : data->alt.qosList[0];
        for (size_t i = 0; data->alt.qosList != NULL && i < session->filter_count; i++) {
            int qos = data->alt.qosList[i];
            failure = qos >= FAILURE_CODE_MIN ? qos : failure;
            lowest = qos < lowest ? qos : lowest;
        }
    }
    failure = lowest >= FAILURE_CODE_MIN ? lowest : failure;
    tell(session, failure != 0 ? SFE_MQTT_NOT_SUBSCRIBED : SFE_MQTT_SUBSCRIBED,
         failure != 0 ? failure : lowest, NULL);
}

static void on_not_subscribed_3(void *context, MQTTAsync_failureData *data)
{
    tell(context, SFE_MQTT_NOT_SUBSCRIBED, data->code, data->message);
}

/* No subscription existed (0x11) is as good as success. */
static void on_unsubscribed(void *context, MQTTAsync_successData5 *data)
{
    struct sfe_mqtt_session *session = context;
    size_t count =
        data->alt.unsub.reasonCodeCount > 0 ? (size_t)data->alt.unsub.reasonCodeCount : 0;
    int failure = (int)data->reasonCode >= FAILURE_CODE_MIN ? (int)data->reasonCode : 0;
    for (size_t i = 0; count > 1 && data->alt.unsub.reasonCodes != NULL && i < count; i++) {
        int reason = (int)data->alt.unsub.reasonCodes[i];
        failure = reason >= FAILURE_CODE_MIN ? reason : failure;
    }
    tell(session, failure != 0 ? SFE_MQTT_NOT_UNSUBSCRIBED : SFE_MQTT_UNSUBSCRIBED, failure,
         failure != 0 ? reason_text(failure) : NULL);
}

static void on_not_unsubscribed(void *context, MQTTAsync_failureData5 *data)
{
    int reason = (int)data->reasonCode >= FAILURE_CODE_MIN ? (int)data->reasonCode : data->code;
    const char *text = reason_text(reason);
    reason = reason == 0 ? MQTTASYNC_FAILURE : reason;
    tell(context, SFE_MQTT_NOT_UNSUBSCRIBED, reason, text != NULL ? text : data->message);
}

static void on_unsubscribed_3(void *context, MQTTAsync_successData *data)
{
    (void)data;
    tell(context, SFE_MQTT_UNSUBSCRIBED, 0, NULL);
}

static void on_not_unsubscribed_3(void *context, MQTTAsync_failureData *data)
{
    int reason = data->code == 0 ? MQTTASYNC_FAILURE : data->code;
    tell(context, SFE_MQTT_NOT_UNSUBSCRIBED, reason, data->message);
}

static void mark_left(struct sfe_mqtt_session *session)
{
    sfe_mutex_lock(session->mutex);
    session->has_left = true;
    sfe_condition_signal(session->changed);
    sfe_mutex_unlock(session->mutex);
}

static void on_left(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    mark_left(context);
}

static void on_not_left(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    mark_left(context);
}

static void on_left_3(void *context, MQTTAsync_successData *data)
{
    (void)data;
    mark_left(context);
}

static void on_not_left_3(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    mark_left(context);
}

static enum sfe_code fail(struct sfe_error *err, int result, const char *what)
{
    const char *why = MQTTAsync_strerror(result);
    enum sfe_code code = SFE_E_NETWORK;
    if (result == PAHO_OUT_OF_MEMORY) {
        code = SFE_E_NO_MEMORY;
    } else if (result == MQTTASYNC_BAD_UTF8_STRING || result == MQTTASYNC_BAD_PROTOCOL) {
        code = SFE_E_CONFIG;
    }
    return sfe_fail(err, code, "%s: %s (%d)", what, why == NULL ? "unknown error" : why, result);
}

static void mqtt_close(void *context, struct sfe_mqtt_session *session)
{
    (void)context;
    if (session == NULL) {
        return;
    }
    if (session->mutex != NULL) {
        sfe_mutex_lock(session->mutex);
        session->is_closed = true;
        sfe_mutex_unlock(session->mutex);
    }
    if (session->client != NULL) {
        MQTTAsync_destroy(&session->client);
    }
    publishing_close(session->publishing);
    sfe_condition_close(session->changed);
    sfe_mutex_close(session->mutex);
    free(session->username);
    free(session);
}

static enum sfe_code make_client(struct sfe_mqtt_session *session,
                                 const struct sfe_mqtt_options *options, struct sfe_error *err)
{
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
    if (options->version == SFE_MQTT_3_1_1) {
        create.MQTTVersion = MQTTVERSION_3_1_1;
    }
    if (options->publishing != NULL) {
        create.maxBufferedMessages = (int)options->publishing->in_flight_max;
    }
    int result =
        MQTTAsync_createWithOptions(&session->client, options->server_uri, options->client_id,
                                    MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
    if (result == MQTTASYNC_SUCCESS) {
        result = MQTTAsync_setCallbacks(session->client, session, on_lost, on_message, NULL);
    }
    if (result == MQTTASYNC_SUCCESS) {
        result = MQTTAsync_setDisconnected(session->client, session, on_disconnect_packet);
    }
    return result == MQTTASYNC_SUCCESS ? SFE_OK : fail(err, result, "cannot make an MQTT session");
}

static enum sfe_code mqtt_open(void *context, const struct sfe_mqtt_options *options,
                               struct sfe_mqtt_session **session, struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(options->on_event != NULL);
    SFE_ASSERT(options->password.size <= INT_MAX);
    *session = NULL;
    struct sfe_mqtt_session *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for an MQTT session");
    }
    made->options = *options;
    made->options.server_uri = NULL;
    made->options.client_id = NULL;
    if (options->will != NULL) {
        made->will = *options->will;
        made->options.will = &made->will;
    }
    made->username = options->username == NULL ? NULL : strdup(options->username);
    made->options.username = made->username;
    made->mutex = sfe_mutex_open();
    made->changed = sfe_condition_open();
    enum sfe_code code = SFE_OK;
    if (made->mutex == NULL || made->changed == NULL ||
        (options->username != NULL && made->username == NULL)) {
        code = sfe_fail(err, SFE_E_NO_MEMORY, "no memory for an MQTT session");
    } else if (options->publishing != NULL) {
        code = publishing_open(options->publishing, &made->publishing, err);
    }
    made->options.publishing = NULL; /* It was copied. */
    if (code == SFE_OK) {
        code = make_client(made, options, err);
    }
    if (code != SFE_OK) {
        mqtt_close(NULL, made);
        return code;
    }
    *session = made;
    return SFE_OK;
}

static int add_number(MQTTProperties *properties, enum MQTTPropertyCodes code, uint32_t number)
{
    MQTTProperty property = {.identifier = code};
    if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM) {
        property.value.integer2 = (unsigned short)number;
    } else {
        property.value.integer4 = number;
    }
    return MQTTProperties_add(properties, &property);
}

/* The members that both versions have. */
static void fill_connect(struct sfe_mqtt_session *session, MQTTAsync_connectOptions *connect,
                         MQTTAsync_willOptions *will)
{
    const struct sfe_mqtt_options *options = &session->options;
    SFE_ASSERT(options->keep_alive_s <= UINT16_MAX);
    connect->keepAliveInterval = (int)options->keep_alive_s;
    connect->connectTimeout = CONNECT_TIMEOUT_S;
    connect->automaticReconnect = 0;
    connect->username = options->username;
    connect->binarypwd.len = (int)options->password.size;
    connect->binarypwd.data = options->password.size == 0 ? NULL : options->password.bytes;
    connect->context = session;
    if (options->will != NULL) {
        SFE_ASSERT(options->will->payload.size <= UINT16_MAX);
        will->topicName = options->will->topic;
        will->payload.len = (int)options->will->payload.size;
        will->payload.data =
            options->will->payload.size == 0 ? "" : (const void *)options->will->payload.bytes;
        will->qos = options->will->qos;
        will->retained = options->will->is_retained ? 1 : 0;
        connect->will = will;
    }
}

static int connect_5(struct sfe_mqtt_session *session)
{
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    fill_connect(session, &connect, &will);
    /* The initializer says 1: the session would be lost with every connect. */
    connect.cleanstart = session->publishing != NULL ? 1 : 0;
    connect.onSuccess5 = on_connected;
    connect.onFailure5 = on_not_connected;
    connect.connectProperties = &properties;
    int result = add_number(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
                            session->publishing != NULL ? 0 : session->options.session_expiry_s);
    if (result == 0) {
        result = add_number(&properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM,
                            session->options.receive_maximum);
    }
    if (result == 0) {
        result = MQTTAsync_connect(session->client, &connect);
    }
    MQTTProperties_free(&properties);
    return result;
}

static int connect_3(struct sfe_mqtt_session *session)
{
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    fill_connect(session, &connect, &will);
    connect.MQTTVersion = MQTTVERSION_3_1_1;
    connect.cleansession =
        session->publishing != NULL ? 1 : 0; /* The initializer says 1, as above. */
    connect.onSuccess = on_connected_3;
    connect.onFailure = on_not_connected_3;
    return MQTTAsync_connect(session->client, &connect);
}

static enum sfe_code mqtt_connect(void *context, struct sfe_mqtt_session *session,
                                  struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(session->options.receive_maximum > 0);
    /* Takes Paho's lock, and so waits until the callback that told of the last connection's end is
     * over: what Paho does after it would forget the callbacks of a new one. */
    if (MQTTAsync_isConnected(session->client) != 0) {
        return sfe_fail(err, SFE_E_REFUSED, "the MQTT session is connected already");
    }
    int result =
        session->options.version == SFE_MQTT_3_1_1 ? connect_3(session) : connect_5(session);
    return result == MQTTASYNC_SUCCESS ? SFE_OK : fail(err, result, "cannot begin to connect");
}

static enum sfe_code mqtt_subscribe(void *context, struct sfe_mqtt_session *session,
                                    const char *const *filters, const uint8_t *qos, size_t count,
                                    uint8_t retain_handling, struct sfe_error *err)
{
    (void)context;
    union {
        const char *from[FILTERS_MAX];
        char *to[FILTERS_MAX]; /* Paho copies them, but its type says it might write there. */
    } topics;
    int levels[FILTERS_MAX];
    MQTTSubscribe_options options[FILTERS_MAX];
    MQTTSubscribe_options one = MQTTSubscribe_options_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    SFE_ASSERT(count > 0);
    SFE_ASSERT(retain_handling <= 2);
    if (count > FILTERS_MAX) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "%zu filters are more than %u", count, FILTERS_MAX);
    }
    one.retainHandling = retain_handling;
    for (size_t i = 0; i < count; i++) {
        topics.from[i] = filters[i];
        levels[i] = qos[i];
        options[i] = one;
    }
    session->filter_count = count;
    response.context = session;
    if (session->options.version == SFE_MQTT_3_1_1) {
        response.onSuccess = on_subscribed_3;
        response.onFailure = on_not_subscribed_3;
    } else {
        response.onSuccess5 = on_subscribed;
        response.onFailure5 = on_not_subscribed;
        response.subscribeOptions = one;
        response.subscribeOptionsList = options;
        response.subscribeOptionsCount = (int)count;
    }
    int result = MQTTAsync_subscribeMany(session->client, (int)count, topics.to, levels, &response);
    return result == MQTTASYNC_SUCCESS ? SFE_OK : fail(err, result, "cannot begin to subscribe");
}

static enum sfe_code mqtt_unsubscribe(void *context, struct sfe_mqtt_session *session,
                                      const char *const *filters, size_t count,
                                      struct sfe_error *err)
{
    (void)context;
    union {
        const char *from[FILTERS_MAX];
        char *to[FILTERS_MAX]; /* As above. */
    } topics;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    SFE_ASSERT(count > 0 && count <= FILTERS_MAX);
    memcpy(topics.from, filters, count * sizeof(topics.from[0]));
    response.context = session;
    if (session->options.version == SFE_MQTT_3_1_1) {
        response.onSuccess = on_unsubscribed_3;
        response.onFailure = on_not_unsubscribed_3;
    } else {
        response.onSuccess5 = on_unsubscribed;
        response.onFailure5 = on_not_unsubscribed;
    }
    int result = MQTTAsync_unsubscribeMany(session->client, (int)count, topics.to, &response);
    return result == MQTTASYNC_SUCCESS ? SFE_OK : fail(err, result, "cannot begin to unsubscribe");
}

static enum sfe_code mqtt_publish(void *context, struct sfe_mqtt_session *session,
                                  const struct sfe_mqtt_message *message, uint64_t tag,
                                  struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(session->publishing != NULL);
    return publishing_begin(session->publishing, session->client, message, tag,
                            session->options.version == SFE_MQTT_5, err);
}

static void mqtt_limits(void *context, struct sfe_mqtt_session *session,
                        struct sfe_mqtt_limits *limits)
{
    (void)context;
    SFE_ASSERT(session->publishing != NULL);
    publishing_limits(session->publishing, limits);
}

static void mqtt_disconnect(void *context, struct sfe_mqtt_session *session)
{
    (void)context;
    MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer5;
    MQTTAsync_disconnectOptions leave_3 = MQTTAsync_disconnectOptions_initializer;
    struct sfe_clock clock;
    sfe_posix_clock(&clock);
    uint64_t until_ns = sfe_clock_monotonic_ns(&clock) + LEAVE_WAIT_NS;
    leave.onSuccess5 = on_left;
    leave.onFailure5 = on_not_left;
    leave_3.onSuccess = on_left_3;
    leave_3.onFailure = on_not_left_3;
    if (session->options.version == SFE_MQTT_3_1_1) {
        leave = leave_3;
    }
    leave.timeout = LEAVE_TIMEOUT_MS;
    leave.context = session;
    sfe_mutex_lock(session->mutex);
    session->has_left = false;
    sfe_mutex_unlock(session->mutex);
    if (MQTTAsync_disconnect(session->client, &leave) != MQTTASYNC_SUCCESS) {
        return; /* Not connected. */
    }
    sfe_mutex_lock(session->mutex);
    bool in_time = true;
    while (!session->has_left && in_time) {
        in_time = sfe_condition_wait(session->changed, session->mutex, until_ns);
    }
    sfe_mutex_unlock(session->mutex);
}

void sfe_paho_mqtt(struct sfe_mqtt *mqtt)
{
    SFE_ASSERT(mqtt != NULL);
    *mqtt = (struct sfe_mqtt){.context = NULL,
                              .open = mqtt_open,
                              .connect = mqtt_connect,
                              .subscribe = mqtt_subscribe,
                              .unsubscribe = mqtt_unsubscribe,
                              .publish = mqtt_publish,
                              .limits = mqtt_limits,
                              .disconnect = mqtt_disconnect,
                              .close = mqtt_close};
}
