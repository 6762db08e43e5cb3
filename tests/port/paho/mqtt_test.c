#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "posix/posix.h"
#include "port/thread.h"
#include "real_platform.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_NS (UINT64_C(20) * 1000000000u)
#define EVENTS_MAX  16u
#define PACKET_MAX  512u

enum packet { CONNECT = 1, CONNACK = 2, SUBSCRIBE = 8, SUBACK = 9, PINGREQ = 12, DISCONNECT = 14 };

/* A broker that answers as told, one connection after the other, and keeps what it got. */
struct broker {
    int listener;
    uint16_t port;
    struct sfe_thread *thread;
    /* May be changed between two connections or requests. */
    atomic_uchar session_present;
    atomic_uchar connack_reason;
    atomic_uchar suback_reasons[4];
    atomic_size_t suback_count;
    atomic_bool cuts_at_connect;
    atomic_int disconnects_after_connack; /* A reason for DISCONNECT; -1: does not. */
    /* Read only when the broker has stopped. */
    uint8_t connect[PACKET_MAX];
    size_t connect_size;
    uint8_t subscribe[PACKET_MAX];
    size_t subscribe_size;
    bool got_disconnect;
};

struct seen {
    enum sfe_mqtt_event event;
    int detail;
};

struct rig {
    struct broker broker;
    struct sfe_mqtt mqtt;
    struct sfe_mqtt_session *session;
    struct sfe_error err;
    struct sfe_mutex *mutex;
    struct sfe_condition *changed;
    struct seen seen[EVENTS_MAX]; /* Under the mutex, as below. */
    size_t seen_count;
    size_t taken; /* By the test alone. */
};

static bool read_whole(int fd, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, bytes, size);
        if (got <= 0) {
            return false;
        }
        bytes += got;
        size -= (size_t)got;
    }
    return true;
}

/* One packet's body; its type, or 0 at the end. Our packets are short: one or two bytes of length.
 */
static int read_packet(int fd, uint8_t *body, size_t *size)
{
    uint8_t head[2];
    if (!read_whole(fd, head, 2)) {
        return 0;
    }
    *size = head[1] & 0x7fu;
    if ((head[1] & 0x80u) != 0) {
        uint8_t more;
        if (!read_whole(fd, &more, 1)) {
            return 0;
        }
        *size |= (size_t)more << 7;
    }
    return *size <= PACKET_MAX && read_whole(fd, body, *size) ? head[0] >> 4 : 0;
}

static void send_bytes(int fd, const uint8_t *bytes, size_t size)
{
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    (void)sent;
}

/* Answers CONNECT; false when the connection is to be cut. */
static bool answer_connect(struct broker *broker, int fd)
{
    bool is_old = broker->connect[6] == 4;
    const uint8_t connack[] = {CONNACK << 4, is_old ? 2 : 3, broker->session_present,
                               broker->connack_reason, 0};
    if (broker->cuts_at_connect) {
        return false;
    }
    send_bytes(fd, connack, is_old ? sizeof(connack) - 1 : sizeof(connack));
    if (broker->disconnects_after_connack >= 0) {
        const uint8_t disconnect[] = {DISCONNECT << 4, 2,
                                      (uint8_t)broker->disconnects_after_connack, 0};
        send_bytes(fd, disconnect, sizeof(disconnect));
        return false;
    }
    return broker->connack_reason == 0;
}

static void answer_subscribe(struct broker *broker, int fd)
{
    uint8_t suback[16] = {SUBACK << 4, (uint8_t)(3 + broker->suback_count), broker->subscribe[0],
                          broker->subscribe[1], 0};
    size_t count = broker->suback_count;
    size_t head = broker->connect[6] == 4 ? 4 : 5; /* MQTT 3.1.1 has no properties. */
    suback[1] = (uint8_t)(head - 2 + count);
    for (size_t i = 0; i < count; i++) {
        suback[head + i] = broker->suback_reasons[i];
    }
    send_bytes(fd, suback, head + count);
}

static void serve_one(struct broker *broker, int fd)
{
    static const uint8_t pingresp[] = {0xd0, 0};
    uint8_t body[PACKET_MAX];
    size_t size = 0;
    for (;;) {
        int type = read_packet(fd, body, &size);
        if (type == CONNECT) {
            memcpy(broker->connect, body, size);
            broker->connect_size = size;
            if (!answer_connect(broker, fd)) {
                return;
            }
        } else if (type == SUBSCRIBE) {
            memcpy(broker->subscribe, body, size);
            broker->subscribe_size = size;
            answer_subscribe(broker, fd);
        } else if (type == PINGREQ) {
            send_bytes(fd, pingresp, sizeof(pingresp));
        } else {
            broker->got_disconnect = broker->got_disconnect || type == DISCONNECT;
            return;
        }
    }
}

static void serve(void *argument)
{
    struct broker *broker = argument;
    for (;;) {
        int fd = accept(broker->listener, NULL, NULL);
        if (fd < 0) {
            return;
        }
        serve_one(broker, fd);
        (void)close(fd);
    }
}

static void start_broker(struct rig *rig)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
    } address;
    socklen_t size = sizeof(address.ipv4);
    struct broker *broker = &rig->broker;
    memset(&address, 0, sizeof(address));
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    broker->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(broker->listener >= 0);
    assert_int_equal(bind(broker->listener, &address.any, size), 0);
    assert_int_equal(listen(broker->listener, 4), 0);
    assert_int_equal(getsockname(broker->listener, &address.any, &size), 0);
    broker->port = ntohs(address.ipv4.sin_port);
    broker->disconnects_after_connack = -1;
    assert_int_equal(sfe_thread_start("broker", 65536, serve, broker, &broker->thread, &rig->err),
                     SFE_OK);
}

static void stop_broker(struct rig *rig)
{
    if (rig->broker.thread != NULL) {
        (void)shutdown(rig->broker.listener, SHUT_RDWR);
        sfe_thread_join(rig->broker.thread);
        (void)close(rig->broker.listener);
        rig->broker.thread = NULL;
    }
}

static void on_event(void *owner, enum sfe_mqtt_event event, int detail, const char *text)
{
    struct rig *rig = owner;
    assert_non_null(text);
    sfe_mutex_lock(rig->mutex);
    if (rig->seen_count < EVENTS_MAX) {
        rig->seen[rig->seen_count++] = (struct seen){event, detail};
    }
    sfe_condition_signal(rig->changed);
    sfe_mutex_unlock(rig->mutex);
}

/* The next event must be `event`; its detail. */
static int wait_for(struct rig *rig, enum sfe_mqtt_event event)
{
    uint64_t until_ns = sfe_posix_now_ns() + PATIENCE_NS;
    sfe_mutex_lock(rig->mutex);
    while (rig->seen_count == rig->taken && sfe_posix_now_ns() < until_ns) {
        (void)sfe_condition_wait(rig->changed, rig->mutex, until_ns);
    }
    bool has_come = rig->seen_count > rig->taken;
    struct seen seen = has_come ? rig->seen[rig->taken++] : (struct seen){0};
    sfe_mutex_unlock(rig->mutex);
    assert_true(has_come);
    assert_int_equal(seen.event, event);
    return seen.detail;
}

static int open_rig_with(void **state, enum sfe_mqtt_version version,
                         const struct sfe_mqtt_will *will)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    char uri[64];
    assert_non_null(rig);
    rig->mutex = sfe_mutex_open();
    rig->changed = sfe_condition_open();
    start_broker(rig);
    (void)snprintf(uri, sizeof(uri), "tcp://127.0.0.1:%u", (unsigned)rig->broker.port);
    struct sfe_mqtt_options options = {.server_uri = uri,
                                       .client_id = "sfedge-store-042",
                                       .username = "gateway",
                                       .password = SFE_TEXT("pass\0word"),
                                       .keep_alive_s = 30,
                                       .session_expiry_s = 86400,
                                       .receive_maximum = 1000,
                                       .version = version,
                                       .will = will,
                                       .on_event = on_event,
                                       .owner = rig};
    sfe_paho_mqtt(&rig->mqtt);
    assert_int_equal(rig->mqtt.open(rig->mqtt.context, &options, &rig->session, &rig->err), SFE_OK);
    memset(uri, 'x', sizeof(uri)); /* It was copied. */
    *state = rig;
    return 0;
}

static int open_rig(void **state)
{
    return open_rig_with(state, SFE_MQTT_5, NULL);
}

static int open_old_rig(void **state)
{
    return open_rig_with(state, SFE_MQTT_3_1_1, NULL);
}

static int open_rig_with_will(void **state)
{
    const struct sfe_mqtt_will will = {"status/site", SFE_TEXT("gone"), 1, true};
    return open_rig_with(state, SFE_MQTT_3_1_1, &will);
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    rig->mqtt.close(rig->mqtt.context, rig->session);
    stop_broker(rig);
    sfe_condition_close(rig->changed);
    sfe_mutex_close(rig->mutex);
    free(rig);
    return 0;
}

static void connect_rig(struct rig *rig)
{
    assert_int_equal(rig->mqtt.connect(rig->mqtt.context, rig->session, &rig->err), SFE_OK);
}

static enum sfe_code subscribe_two(struct rig *rig)
{
    static const char *const filters[] = {"plant/+/telemetry", "pos/#"};
    static const uint8_t qos[] = {1, 0};
    return rig->mqtt.subscribe(rig->mqtt.context, rig->session, filters, qos, 2, 2, &rig->err);
}

/* MQTT 5, section 3.1: name, version 5, flags, keep-alive, properties, client id, user name,
 * password. */
static void connect_asks_for_a_session_that_stays(void **state)
{
    static const uint8_t head[] = {0, 4, 'M', 'Q', 'T', 'T', 5, 0xc0, 0, 30, 8};
    static const uint8_t expiry[] = {17, 0x00, 0x01, 0x51, 0x80};
    static const uint8_t maximum[] = {33, 0x03, 0xe8};
    static const uint8_t tail[] = "\0\x10"
                                  "sfedge-store-042\0\7gateway\0\x09pass\0word";
    struct rig *rig = *state;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    rig->mqtt.disconnect(rig->mqtt.context, rig->session);
    rig->mqtt.close(rig->mqtt.context, rig->session);
    rig->session = NULL;
    stop_broker(rig);
    const uint8_t *packet = rig->broker.connect;
    assert_memory_equal(packet, head, sizeof(head));
    assert_non_null(memmem(packet + 11, 8, expiry, sizeof(expiry)));
    assert_non_null(memmem(packet + 11, 8, maximum, sizeof(maximum)));
    assert_int_equal(rig->broker.connect_size, 11 + 8 + sizeof(tail) - 1);
    assert_memory_equal(packet + 19, tail, sizeof(tail) - 1);
    assert_true(rig->broker.got_disconnect);
    assert_int_equal(rig->seen_count, 1); /* A leave of our own is no loss. */
}

static void session_that_the_broker_kept_is_told(void **state)
{
    struct rig *rig = *state;
    rig->broker.session_present = 1;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 1);
}

static void refusal_brings_its_reason_and_may_be_tried_again(void **state)
{
    struct rig *rig = *state;
    rig->broker.connack_reason = 0x87; /* Not authorized. */
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_REFUSED), 0x87);
    rig->broker.connack_reason = 0;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
}

static void cut_instead_of_an_answer_is_a_refusal_without_reason(void **state)
{
    struct rig *rig = *state;
    rig->broker.cuts_at_connect = true;
    connect_rig(rig);
    assert_true(wait_for(rig, SFE_MQTT_REFUSED) < 0);
}

static void nobody_there_is_a_refusal_without_reason(void **state)
{
    struct rig *rig = *state;
    stop_broker(rig);
    connect_rig(rig);
    assert_true(wait_for(rig, SFE_MQTT_REFUSED) < 0);
}

static void broken_connection_is_lost_once_and_can_be_made_again(void **state)
{
    struct rig *rig = *state;
    rig->broker.disconnects_after_connack = 0x8e; /* Session taken over. */
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    assert_int_equal(wait_for(rig, SFE_MQTT_LOST), 0x8e);
    rig->broker.disconnects_after_connack = -1;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
}

static void subscribe_asks_as_told_and_tells_the_lowest_grant(void **state)
{
    static const uint8_t filters[] = "\0\x11plant/+/telemetry\x21\0\5pos/#\x20";
    struct rig *rig = *state;
    rig->broker.suback_count = 2;
    rig->broker.suback_reasons[0] = 1;
    rig->broker.suback_reasons[1] = 0;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    assert_int_equal(subscribe_two(rig), SFE_OK);
    assert_int_equal(wait_for(rig, SFE_MQTT_SUBSCRIBED), 0);
    rig->mqtt.close(rig->mqtt.context, rig->session);
    rig->session = NULL;
    stop_broker(rig);
    assert_int_equal(rig->broker.subscribe_size, 3 + sizeof(filters) - 1);
    assert_memory_equal(rig->broker.subscribe + 3, filters, sizeof(filters) - 1);
}

static void one_filter_refused_among_others_is_not_subscribed(void **state)
{
    struct rig *rig = *state;
    rig->broker.suback_count = 2;
    rig->broker.suback_reasons[0] = 1;
    rig->broker.suback_reasons[1] = 0x87;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    assert_int_equal(subscribe_two(rig), SFE_OK);
    assert_int_equal(wait_for(rig, SFE_MQTT_NOT_SUBSCRIBED), 0x87);
}

static void only_filter_refused_is_not_subscribed(void **state)
{
    static const char *const filters[] = {"pos/#"};
    static const uint8_t qos[] = {1};
    struct rig *rig = *state;
    rig->broker.suback_count = 1;
    rig->broker.suback_reasons[0] = 0x8f;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            rig->mqtt.subscribe(rig->mqtt.context, rig->session, filters, qos, 1, 0, &rig->err),
            SFE_OK);
        if (i == 0) {
            assert_int_equal(wait_for(rig, SFE_MQTT_NOT_SUBSCRIBED), 0x8f);
            rig->broker.suback_reasons[0] = 1;
        } else {
            assert_int_equal(wait_for(rig, SFE_MQTT_SUBSCRIBED), 1);
        }
    }
}

static void answer_for_another_number_of_filters_is_not_subscribed(void **state)
{
    struct rig *rig = *state;
    rig->broker.suback_count = 3;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    assert_int_equal(subscribe_two(rig), SFE_OK);
    assert_int_equal(wait_for(rig, SFE_MQTT_NOT_SUBSCRIBED), 0x82);
}

static void subscribe_without_a_connection_fails_at_once(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(subscribe_two(rig), SFE_E_NETWORK);
    rig->mqtt.disconnect(rig->mqtt.context, rig->session);
    rig->mqtt.close(rig->mqtt.context, NULL);
}

/* MQTT 3.1.1, section 3.1: the session is kept, and there are no properties. */
static void old_version_connects_without_properties_and_keeps_its_session(void **state)
{
    static const uint8_t packet[] = "\0\4MQTT\4\xc0\0\x1e\0\x10"
                                    "sfedge-store-042\0\7gateway\0\x09pass\0word";
    struct rig *rig = *state;
    rig->broker.session_present = 1;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 1);
    rig->mqtt.disconnect(rig->mqtt.context, rig->session);
    rig->mqtt.close(rig->mqtt.context, rig->session);
    rig->session = NULL;
    stop_broker(rig);
    assert_int_equal(rig->broker.connect_size, sizeof(packet) - 1);
    assert_memory_equal(rig->broker.connect, packet, sizeof(packet) - 1);
    assert_true(rig->broker.got_disconnect);
}

static void old_version_brings_refusals_and_losses(void **state)
{
    struct rig *rig = *state;
    rig->broker.connack_reason = 5;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_REFUSED), 5);
    rig->broker.cuts_at_connect = true;
    connect_rig(rig);
    assert_true(wait_for(rig, SFE_MQTT_REFUSED) < 0);
}

static void old_version_subscribes_and_tells_a_refusal(void **state)
{
    static const char *const filters[] = {"pos/#"};
    static const uint8_t qos[] = {1};
    struct rig *rig = *state;
    rig->broker.suback_count = 1;
    rig->broker.suback_reasons[0] = 1;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    assert_int_equal(
        rig->mqtt.subscribe(rig->mqtt.context, rig->session, filters, qos, 1, 1, &rig->err),
        SFE_OK);
    assert_int_equal(wait_for(rig, SFE_MQTT_SUBSCRIBED), 1);
    rig->broker.suback_reasons[0] = 0x80;
    assert_int_equal(
        rig->mqtt.subscribe(rig->mqtt.context, rig->session, filters, qos, 1, 1, &rig->err),
        SFE_OK);
    assert_int_equal(wait_for(rig, SFE_MQTT_NOT_SUBSCRIBED), 0x80);
    rig->broker.suback_count = 2;
    rig->broker.suback_reasons[1] = 0;
    assert_int_equal(subscribe_two(rig), SFE_OK);
    assert_int_equal(wait_for(rig, SFE_MQTT_NOT_SUBSCRIBED), 0x80);
}

static void will_is_left_with_the_broker(void **state)
{
    static const uint8_t will[] = "\0\x0bstatus/site\0\4gone";
    struct rig *rig = *state;
    connect_rig(rig);
    assert_int_equal(wait_for(rig, SFE_MQTT_CONNECTED), 0);
    rig->mqtt.close(rig->mqtt.context, rig->session);
    rig->session = NULL;
    stop_broker(rig);
    assert_int_equal(rig->broker.connect[7], 0xc0 | 0x2c); /* Will, QoS 1, retained. */
    assert_non_null(memmem(rig->broker.connect, rig->broker.connect_size, will, sizeof(will) - 1));
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(connect_asks_for_a_session_that_stays),
        RIG_TEST(session_that_the_broker_kept_is_told),
        RIG_TEST(refusal_brings_its_reason_and_may_be_tried_again),
        RIG_TEST(cut_instead_of_an_answer_is_a_refusal_without_reason),
        RIG_TEST(nobody_there_is_a_refusal_without_reason),
        RIG_TEST(broken_connection_is_lost_once_and_can_be_made_again),
        RIG_TEST(subscribe_asks_as_told_and_tells_the_lowest_grant),
        RIG_TEST(one_filter_refused_among_others_is_not_subscribed),
        RIG_TEST(only_filter_refused_is_not_subscribed),
        RIG_TEST(answer_for_another_number_of_filters_is_not_subscribed),
        RIG_TEST(subscribe_without_a_connection_fails_at_once),
        cmocka_unit_test_setup_teardown(
            old_version_connects_without_properties_and_keeps_its_session, open_old_rig, close_rig),
        cmocka_unit_test_setup_teardown(old_version_brings_refusals_and_losses, open_old_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(old_version_subscribes_and_tells_a_refusal, open_old_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(will_is_left_with_the_broker, open_rig_with_will,
                                        close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
