/* Paho 1.3.12 makes one callback for each message: of a PUBACK; of a session that ends, for those
 * that were sent; and those that were not sent go out with the next connection, and have their
 * callback then. So a mark is given back by its callback alone: one that was given to the next
 * message before could make a late answer look like that message's. */
#include "paho/publish.h"

#include "base/assert.h"
#include "port/thread.h"

#include <limits.h>
#include <stdlib.h>

/* Of those in flight so many more may wait to be sent from the connection before. */
#define MARKS_PER_MESSAGE 2u
#define FAILURE_CODE_MIN  0x80

struct mark {
    struct publishing *publishing;
    uint64_t tag;
    bool is_used; /* Under the mutex. */
};

struct publishing {
    struct sfe_mqtt_publishing told;
    struct sfe_mutex *mutex;
    struct sfe_mqtt_limits limits; /* Under the mutex. */
    size_t mark_count;
    struct mark marks[];
};

static struct mark *take_mark(struct publishing *publishing, uint64_t tag)
{
    struct mark *taken = NULL;

    sfe_mutex_lock(publishing->mutex);
    for (size_t i = 0; i < publishing->mark_count && taken == NULL; i++) {
        if (!publishing->marks[i].is_used) {
            taken = &publishing->marks[i];
            taken->is_used = true;
            taken->tag = tag;
        }
    }
    sfe_mutex_unlock(publishing->mutex);
    return taken;
}

static void give_mark(struct mark *mark)
{
    struct publishing *publishing = mark->publishing;

    sfe_mutex_lock(publishing->mutex);
    mark->is_used = false;
    sfe_mutex_unlock(publishing->mutex);
}

static void tell(struct mark *mark, int reason, const char *text)
{
    const struct sfe_mqtt_publishing *told = &mark->publishing->told;
    const uint64_t tag = mark->tag;

    give_mark(mark);
    told->on_published(told->owner, tag, reason, text == NULL ? "" : text);
}

static void on_published(void *context, MQTTAsync_successData5 *data)
{
    tell(context, (int)data->reasonCode, NULL);
}

/* The reason of the PUBACK; without one the message was not answered. */
static void on_not_published(void *context, MQTTAsync_failureData5 *data)
{
    const int reason = (int)data->reasonCode;

    if (reason >= FAILURE_CODE_MIN) {
        tell(context, reason, MQTTReasonCode_toString(data->reasonCode));
    } else {
        tell(context, -1, data->message);
    }
}

static void on_published_3(void *context, MQTTAsync_successData *data)
{
    (void)data;
    tell(context, 0, NULL);
}

static void on_not_published_3(void *context, MQTTAsync_failureData *data)
{
    tell(context, -1, data->message);
}

/* Paho does not write there, but its types say it might. */
static MQTTLenString lent(struct sfe_slice text)
{
    MQTTLenString lent = {.len = (int)text.size};
    const void *bytes = text.size == 0 ? "" : (const void *)text.bytes;

    memcpy(&lent.data, &bytes, sizeof(lent.data));
    return lent;
}

static int add_text(MQTTProperties *properties, enum MQTTPropertyCodes code, struct sfe_slice text)
{
    MQTTProperty property = {.identifier = code};

    if (text.size == 0) {
        return 0;
    }
    property.value.data = lent(text);
    return MQTTProperties_add(properties, &property);
}

static int add_properties(MQTTProperties *properties, const struct sfe_mqtt_message *message)
{
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL};
    int result = 0;

    expiry.value.integer4 = message->expiry_s;
    if (message->expiry_s != 0) {
        result = MQTTProperties_add(properties, &expiry);
    }
    if (result == 0) {
        result = add_text(properties, MQTTPROPERTY_CODE_CONTENT_TYPE, message->content_type);
    }
    if (result == 0) {
        result = add_text(properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, message->response_topic);
    }
    if (result == 0) {
        result = add_text(properties, MQTTPROPERTY_CODE_CORRELATION_DATA, message->correlation);
    }
    for (uint32_t i = 0; i < message->property_count && result == 0; i++) {
        MQTTProperty user = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
        user.value.data = lent(message->properties[i].name);
        user.value.value = lent(message->properties[i].value);
        result = MQTTProperties_add(properties, &user);
    }
    return result;
}

static int send_message(MQTTAsync client, const struct sfe_mqtt_message *message, struct mark *mark,
                        bool is_5)
{
    MQTTAsync_message sent = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    const void *payload = message->payload.size == 0 ? "" : (const void *)message->payload.bytes;
    int result = 0;

    memcpy(&sent.payload, &payload, sizeof(sent.payload)); /* It is copied there. */
    sent.payloadlen = (int)message->payload.size;
    sent.qos = message->qos;
    sent.retained = message->is_retained ? 1 : 0;
    response.context = mark;
    if (is_5) {
        response.onSuccess5 = on_published;
        response.onFailure5 = on_not_published;
        result = add_properties(&sent.properties, message);
    } else {
        response.onSuccess = on_published_3;
        response.onFailure = on_not_published_3;
    }
    if (result == 0) {
        result = MQTTAsync_sendMessage(client, message->topic, &sent, &response);
    }
    MQTTProperties_free(&sent.properties);
    return result;
}

enum sfe_code publishing_begin(struct publishing *publishing, MQTTAsync client,
                               const struct sfe_mqtt_message *message, uint64_t tag, bool is_5,
                               struct sfe_error *err)
{
    SFE_ASSERT(message->payload.size <= INT_MAX);
    struct mark *mark = take_mark(publishing, tag);

    if (mark == NULL) {
        return SFE_E_AGAIN;
    }
    const int result = send_message(client, message, mark, is_5);
    if (result == MQTTASYNC_SUCCESS) {
        return SFE_OK;
    }
    give_mark(mark);
    if (result == MQTTASYNC_DISCONNECTED || result == MQTTASYNC_MAX_BUFFERED_MESSAGES ||
        result == MQTTASYNC_NO_MORE_MSGIDS) {
        return SFE_E_AGAIN;
    }
    return sfe_fail(err, SFE_E_NETWORK, "cannot publish: %s (%d)", MQTTAsync_strerror(result),
                    result);
}

static bool has(MQTTProperties *properties, enum MQTTPropertyCodes code)
{
    return properties != NULL && MQTTProperties_hasProperty(properties, code) != 0;
}

void publishing_take_limits(struct publishing *publishing, MQTTProperties *properties)
{
    struct sfe_mqtt_limits limits = {UINT32_MAX, 1, true};

    if (has(properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE)) {
        limits.packet_bytes_max = (uint32_t)MQTTProperties_getNumericValue(
            properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE);
    }
    if (has(properties, MQTTPROPERTY_CODE_MAXIMUM_QOS) &&
        MQTTProperties_getNumericValue(properties, MQTTPROPERTY_CODE_MAXIMUM_QOS) == 0) {
        limits.qos_max = 0;
    }
    if (has(properties, MQTTPROPERTY_CODE_RETAIN_AVAILABLE)) {
        limits.can_retain =
            MQTTProperties_getNumericValue(properties, MQTTPROPERTY_CODE_RETAIN_AVAILABLE) != 0;
    }
    sfe_mutex_lock(publishing->mutex);
    publishing->limits = limits;
    sfe_mutex_unlock(publishing->mutex);
}

void publishing_limits(struct publishing *publishing, struct sfe_mqtt_limits *limits)
{
    sfe_mutex_lock(publishing->mutex);
    *limits = publishing->limits;
    sfe_mutex_unlock(publishing->mutex);
}

enum sfe_code publishing_open(const struct sfe_mqtt_publishing *told,
                              struct publishing **publishing, struct sfe_error *err)
{
    const size_t count = (size_t)MARKS_PER_MESSAGE * told->in_flight_max;
    struct publishing *made = calloc(1, sizeof(*made) + count * sizeof(made->marks[0]));

    SFE_ASSERT(told->in_flight_max > 0 && told->on_published != NULL);
    *publishing = NULL;
    if (made != NULL) {
        made->mutex = sfe_mutex_open();
    }
    if (made == NULL || made->mutex == NULL) {
        free(made);
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for an MQTT session");
    }
    made->told = *told;
    made->mark_count = count;
    for (size_t i = 0; i < count; i++) {
        made->marks[i].publishing = made;
    }
    publishing_take_limits(made, NULL);
    *publishing = made;
    return SFE_OK;
}

void publishing_close(struct publishing *publishing)
{
    if (publishing != NULL) {
        sfe_mutex_close(publishing->mutex);
        free(publishing);
    }
}
