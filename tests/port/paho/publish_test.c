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

#define PATIENCE_NS  (UINT64_C(20) * 1000000000u)
#define PACKET_MAX   512u
#define MESSAGES_MAX 8u

/* A broker of one connection at a time: answers CONNECT and, as told, PUBLISH. */
struct broker {
    int listener;
    uint16_t port;
    struct sfe_thread *thread;
    bool is_old;                 /* MQTT 3.1.1. */
    atomic_int reason;           /* Of each PUBACK; -1: it ends the connection instead. */
    uint8_t connect[PACKET_MAX]; /* Read only when the broker has stopped, as all below. */
    uint8_t publish[MESSAGES_MAX][PACKET_MAX];
    size_t publish_size[MESSAGES_MAX];
    uint8_t publish_head[MESSAGES_MAX];
    uint32_t publish_count;
};

struct rig {
    struct broker broker;
    struct sfe_mqtt mqtt;
    struct sfe_mqtt_session *session;
    struct sfe_error err;
    struct sfe_mutex *mutex;
    struct sfe_condition *changed;
    uint32_t ups, downs; /* Under the mutex, as below. */
    uint64_t tags[MESSAGES_MAX];
    int reasons[MESSAGES_MAX];
    uint32_t over;
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

/* The first byte of one packet, or 0 at the end. */
static uint8_t read_packet(int fd, uint8_t *body, size_t *size)
{
    uint8_t head[2];
    uint8_t more = 0;

    if (!read_whole(fd, head, 2) || ((head[1] & 0x80u) != 0 && !read_whole(fd, &more, 1))) {
        return 0;
    }
    *size = (head[1] & 0x7fu) | (size_t)more << 7;
    return *size <= PACKET_MAX && read_whole(fd, body, *size) ? head[0] : 0;
}

static void write_bytes(int fd, const uint8_t *bytes, size_t size)
{
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    (void)sent;
}

/* MQTT 5: it takes packets of 1000 bytes and QoS 1, and retains nothing. */
static void answer_connect(const struct broker *broker, int fd)
{
    static const uint8_t old[] = {0x20, 2, 0, 0};
    static const uint8_t now[] = {0x20, 12, 0, 0, 9, 0x25, 0, 0x27, 0, 0, 3, 0xe8, 0x24, 1};

    write_bytes(fd, broker->is_old ? old : now, broker->is_old ? sizeof(old) : sizeof(now));
}

static bool answer_publish(struct broker *broker, int fd, uint8_t head, const uint8_t *body)
{
    const size_t at = 2u + body[1];
    const uint8_t puback[] = {0x40, broker->is_old || broker->reason == 0 ? 2 : 3, body[at],
                              body[at + 1u], (uint8_t)broker->reason};

    if (broker->reason < 0) {
        return false;
    }
    if ((head & 6u) != 0) {
        write_bytes(fd, puback, puback[1] + 2u);
    }
    return true;
}

static void serve_one(struct broker *broker, int fd)
{
    uint8_t body[PACKET_MAX];
    size_t size = 0;

    for (;;) {
        const uint8_t head = read_packet(fd, body, &size);
        if (head == 0 || head >> 4 == 14) {
            return;
        }
        if (head >> 4 == 1) {
            memcpy(broker->connect, body, size);
            answer_connect(broker, fd);
        } else if (head >> 4 == 3 && broker->publish_count < MESSAGES_MAX) {
            const uint32_t number = broker->publish_count++;
            memcpy(broker->publish[number], body, size);
            broker->publish_size[number] = size;
            broker->publish_head[number] = head;
            if (!answer_publish(broker, fd, head, body)) {
                return;
            }
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

    memset(&address, 0, sizeof(address));
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rig->broker.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(rig->broker.listener >= 0);
    assert_int_equal(bind(rig->broker.listener, &address.any, size), 0);
    assert_int_equal(listen(rig->broker.listener, 4), 0);
    assert_int_equal(getsockname(rig->broker.listener, &address.any, &size), 0);
    rig->broker.port = ntohs(address.ipv4.sin_port);
    assert_int_equal(
        sfe_thread_start("broker", 65536, serve, &rig->broker, &rig->broker.thread, &rig->err),
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

    (void)detail;
    (void)text;
    sfe_mutex_lock(rig->mutex);
    rig->ups += event == SFE_MQTT_CONNECTED;
    rig->downs += event == SFE_MQTT_LOST;
    sfe_condition_signal(rig->changed);
    sfe_mutex_unlock(rig->mutex);
}

static void on_published(void *owner, uint64_t tag, int reason, const char *text)
{
    struct rig *rig = owner;

    assert_non_null(text);
    sfe_mutex_lock(rig->mutex);
    if (rig->over < MESSAGES_MAX) {
        rig->tags[rig->over] = tag;
        rig->reasons[rig->over++] = reason;
    }
    sfe_condition_signal(rig->changed);
    sfe_mutex_unlock(rig->mutex);
}

static void wait_for(struct rig *rig, const uint32_t *count, uint32_t wanted)
{
    const uint64_t until_ns = sfe_posix_now_ns() + PATIENCE_NS;

    sfe_mutex_lock(rig->mutex);
    while (*count < wanted && sfe_posix_now_ns() < until_ns) {
        (void)sfe_condition_wait(rig->changed, rig->mutex, until_ns);
    }
    const bool has_come = *count >= wanted;
    sfe_mutex_unlock(rig->mutex);
    assert_true(has_come);
}

static int open_rig_with(void **state, enum sfe_mqtt_version version)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    const struct sfe_mqtt_publishing publishing = {4, on_published, rig};
    char uri[64];

    assert_non_null(rig);
    rig->mutex = sfe_mutex_open();
    rig->changed = sfe_condition_open();
    rig->broker.is_old = version == SFE_MQTT_3_1_1;
    start_broker(rig);
    (void)snprintf(uri, sizeof(uri), "tcp://127.0.0.1:%u", (unsigned)rig->broker.port);
    const struct sfe_mqtt_options options = {.server_uri = uri,
                                             .client_id = "sfedge-1-out-o",
                                             .keep_alive_s = 30,
                                             .session_expiry_s = 86400,
                                             .receive_maximum = 1,
                                             .version = version,
                                             .on_event = on_event,
                                             .owner = rig,
                                             .publishing = &publishing};
    sfe_paho_mqtt(&rig->mqtt);
    assert_int_equal(rig->mqtt.open(rig->mqtt.context, &options, &rig->session, &rig->err), SFE_OK);
    *state = rig;
    return 0;
}

static int open_rig(void **state)
{
    return open_rig_with(state, SFE_MQTT_5);
}

static int open_old_rig(void **state)
{
    return open_rig_with(state, SFE_MQTT_3_1_1);
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
    const uint32_t ups = rig->ups;

    assert_int_equal(rig->mqtt.connect(rig->mqtt.context, rig->session, &rig->err), SFE_OK);
    wait_for(rig, &rig->ups, ups + 1u);
}

static enum sfe_code publish(struct rig *rig, uint8_t qos, uint64_t tag)
{
    static const struct sfe_mqtt_property property = {SFE_TEXT("event-id"), SFE_TEXT("0af1")};
    const struct sfe_mqtt_message message = {.topic = "cmd/1",
                                             .payload = SFE_TEXT("go"),
                                             .qos = qos,
                                             .is_retained = true,
                                             .expiry_s = 60,
                                             .content_type = SFE_TEXT("text/x"),
                                             .response_topic = SFE_TEXT("re"),
                                             .correlation = SFE_TEXT("c"),
                                             .properties = &property,
                                             .property_count = 1};

    return rig->mqtt.publish(rig->mqtt.context, rig->session, &message, tag, &rig->err);
}

static void leave(struct rig *rig)
{
    rig->mqtt.disconnect(rig->mqtt.context, rig->session);
    rig->mqtt.close(rig->mqtt.context, rig->session);
    rig->session = NULL;
    stop_broker(rig);
}

/* MQTT 5, section 3.3. */
static void a_message_goes_out_with_all_its_properties_and_its_answer_is_told(void **state)
{
    static const uint8_t expiry[] = {0x02, 0, 0, 0, 60};
    static const uint8_t type[] = {0x03, 0, 6, 't', 'e', 'x', 't', '/', 'x'};
    static const uint8_t response[] = {0x08, 0, 2, 'r', 'e', 0x09, 0, 1, 'c'};
    static const uint8_t user[] = {0x26, 0,   8, 'e', 'v', 'e', 'n', 't', '-',
                                   'i',  'd', 0, 4,   '0', 'a', 'f', '1'};
    struct rig *rig = *state;

    connect_rig(rig);
    assert_int_equal(publish(rig, 1, 0x1234567890u), SFE_OK);
    wait_for(rig, &rig->over, 1);
    assert_true(rig->tags[0] == 0x1234567890u);
    assert_int_equal(rig->reasons[0], 0);
    leave(rig);
    const uint8_t *packet = rig->broker.publish[0];
    const size_t size = rig->broker.publish_size[0];
    assert_int_equal(rig->broker.publish_head[0], 0x33); /* QoS 1, retained. */
    assert_memory_equal(packet, "\0\5cmd/1", 7);
    assert_non_null(memmem(packet, size, expiry, sizeof(expiry)));
    assert_non_null(memmem(packet, size, type, sizeof(type)));
    assert_non_null(memmem(packet, size, response, sizeof(response)));
    assert_non_null(memmem(packet, size, user, sizeof(user)));
    assert_memory_equal(packet + size - 2u, "go", 2);
}

static void a_refusal_is_told_by_its_reason(void **state)
{
    struct rig *rig = *state;

    rig->broker.reason = 0x87;
    connect_rig(rig);
    assert_int_equal(publish(rig, 1, 1), SFE_OK);
    wait_for(rig, &rig->over, 1);
    assert_int_equal(rig->reasons[0], 0x87);
}

static void a_session_that_publishes_begins_clean(void **state)
{
    static const uint8_t expiry[] = {17, 0, 0, 0, 0};
    struct rig *rig = *state;

    connect_rig(rig);
    leave(rig);
    assert_int_equal(rig->broker.connect[7] & 2, 2);
    assert_non_null(memmem(rig->broker.connect + 10, 9, expiry, sizeof(expiry)));
}

static void the_brokers_limits_are_those_of_its_connack(void **state)
{
    struct rig *rig = *state;
    struct sfe_mqtt_limits limits;

    rig->mqtt.limits(rig->mqtt.context, rig->session, &limits);
    assert_true(limits.packet_bytes_max == UINT32_MAX);
    assert_int_equal(limits.qos_max, 1);
    connect_rig(rig);
    rig->mqtt.limits(rig->mqtt.context, rig->session, &limits);
    assert_int_equal(limits.packet_bytes_max, 1000);
    assert_int_equal(limits.qos_max, 1);
    assert_false(limits.can_retain);
}

static void a_message_on_a_connection_that_breaks_has_no_answer_and_is_not_sent_again(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(publish(rig, 1, 1), SFE_E_AGAIN); /* Not connected. */
    rig->broker.reason = -1;
    connect_rig(rig);
    assert_int_equal(publish(rig, 1, 7), SFE_OK);
    wait_for(rig, &rig->downs, 1);
    wait_for(rig, &rig->over, 1);
    assert_true(rig->tags[0] == 7);
    assert_true(rig->reasons[0] < 0);
    rig->broker.reason = 0;
    connect_rig(rig);
    assert_int_equal(publish(rig, 1, 8), SFE_OK);
    wait_for(rig, &rig->over, 2);
    assert_true(rig->tags[1] == 8);
    leave(rig);
    assert_int_equal(rig->broker.publish_count, 2);
    assert_int_equal(rig->broker.publish_head[1] & 8, 0); /* No DUP of the first. */
}

static void qos_0_is_over_once_it_is_written(void **state)
{
    struct rig *rig = *state;

    connect_rig(rig);
    assert_int_equal(publish(rig, 0, 3), SFE_OK);
    wait_for(rig, &rig->over, 1);
    assert_int_equal(rig->reasons[0], 0);
}

static void mqtt_3_1_1_has_no_properties(void **state)
{
    static const uint8_t tail[] = {'c', 'm', 'd', '/', '1'};
    struct rig *rig = *state;

    connect_rig(rig);
    assert_int_equal(publish(rig, 1, 3), SFE_OK);
    wait_for(rig, &rig->over, 1);
    assert_int_equal(rig->reasons[0], 0);
    leave(rig);
    assert_int_equal(rig->broker.publish_size[0], 2 + sizeof(tail) + 2 + 2);
    assert_int_equal(rig->broker.connect[7] & 2, 2); /* Clean session. */
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_message_goes_out_with_all_its_properties_and_its_answer_is_told),
        RIG_TEST(a_refusal_is_told_by_its_reason),
        RIG_TEST(a_session_that_publishes_begins_clean),
        RIG_TEST(the_brokers_limits_are_those_of_its_connack),
        RIG_TEST(a_message_on_a_connection_that_breaks_has_no_answer_and_is_not_sent_again),
        RIG_TEST(qos_0_is_over_once_it_is_written),
        cmocka_unit_test_setup_teardown(mqtt_3_1_1_has_no_properties, open_old_rig, close_rig),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
