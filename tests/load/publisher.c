#include "load/devices.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void drop(struct publisher *publisher)
{
    if (publisher->socket >= 0) {
        (void)close(publisher->socket);
    }
    publisher->socket = -1;
    publisher->is_greeted = false;
    publisher->in_size = 0;
    publisher->out_size = 0;
    publisher->out_sent = 0;
}

void publisher_open(struct publisher *publisher, const struct plan *plan)
{
    memset(publisher, 0, sizeof(*publisher));
    publisher->plan = plan;
    publisher->socket = -1;
    publisher->next = plan->first;
    publisher->acknowledged = plan->first;
}

bool publisher_is_connected(const struct publisher *publisher)
{
    return publisher->socket >= 0;
}

bool publisher_has_room(const struct publisher *publisher)
{
    return publisher->is_greeted &&
           publisher->next - publisher->acknowledged < publisher->plan->window &&
           OUT_BYTES - publisher->out_size > 128u * 1024u;
}

static void add(struct publisher *publisher, const void *bytes, size_t size)
{
    if (size > OUT_BYTES - publisher->out_size) {
        return;
    }
    memcpy(publisher->out + publisher->out_size, bytes, size);
    publisher->out_size += size;
}

static uint16_t packet_id(uint64_t number)
{
    return (uint16_t)(number % 65535u + 1u);
}

static void send_publish(struct publisher *publisher, uint64_t number, bool again)
{
    static char payload[70000];
    char topic[128];
    uint8_t head[8];
    size_t head_size = 0;
    size_t payload_size =
        message_write(publisher->plan, number, topic, sizeof(topic), payload, sizeof(payload));
    size_t topic_size = strlen(topic);
    size_t rest = 2u + topic_size + 2u + payload_size;
    uint16_t id = packet_id(number);

    head[head_size++] = again ? 0x3a : 0x32;
    do {
        uint8_t byte = (uint8_t)(rest & 127u);
        rest >>= 7;
        head[head_size++] = rest != 0 ? (uint8_t)(byte | 128u) : byte;
    } while (rest != 0);
    add(publisher, head, head_size);
    add(publisher, (const uint8_t[]){(uint8_t)(topic_size >> 8), (uint8_t)topic_size}, 2);
    add(publisher, topic, topic_size);
    add(publisher, (const uint8_t[]){(uint8_t)(id >> 8), (uint8_t)id}, 2);
    add(publisher, payload, payload_size);
}

void publisher_publish(struct publisher *publisher, uint64_t number)
{
    publisher->acked[number % (WINDOW_MAX * 2u)] = false;
    send_publish(publisher, number, false);
}

static void take_puback(struct publisher *publisher, uint16_t id)
{
    for (uint64_t number = publisher->acknowledged; number < publisher->next; number++) {
        if (packet_id(number) == id) {
            publisher->acked[number % (WINDOW_MAX * 2u)] = true;
            break;
        }
    }
    while (publisher->acknowledged < publisher->next &&
           publisher->acked[publisher->acknowledged % (WINDOW_MAX * 2u)]) {
        publisher->acknowledged++;
    }
}

/* Only CONNACK and PUBACK come to a publisher: both are four bytes. */
static void take_packets(struct publisher *publisher)
{
    size_t offset = 0;

    while (publisher->in_size - offset >= 4u) {
        const uint8_t *packet = publisher->in + offset;
        if (packet[0] == 0x20) {
            publisher->is_greeted = packet[3] == 0;
        } else if (packet[0] == 0x40) {
            take_puback(publisher, (uint16_t)(packet[2] << 8 | packet[3]));
        }
        offset += 4u;
    }
    memmove(publisher->in, publisher->in + offset, publisher->in_size - offset);
    publisher->in_size -= offset;
}

static void move_out(struct publisher *publisher)
{
    while (publisher->socket >= 0 && publisher->out_sent < publisher->out_size) {
        ssize_t sent = send(publisher->socket, publisher->out + publisher->out_sent,
                            publisher->out_size - publisher->out_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                drop(publisher);
            }
            return;
        }
        publisher->out_sent += (size_t)sent;
    }
    publisher->out_size = 0;
    publisher->out_sent = 0;
}

static void move_in(struct publisher *publisher)
{
    while (publisher->socket >= 0) {
        ssize_t got = recv(publisher->socket, publisher->in + publisher->in_size,
                           sizeof(publisher->in) - publisher->in_size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            drop(publisher);
            return;
        }
        if (got < 0) {
            return;
        }
        publisher->in_size += (size_t)got;
        take_packets(publisher);
    }
}

void publisher_turn(struct publisher *publisher, int wait_ms)
{
    struct pollfd poller = {publisher->socket, POLLIN, 0};

    move_out(publisher);
    if (publisher->socket < 0) {
        return;
    }
    if (publisher->out_sent < publisher->out_size) {
        poller.events = POLLIN | POLLOUT;
    }
    if (poll(&poller, 1, wait_ms) > 0 && poller.revents != 0) {
        move_in(publisher);
    }
    move_out(publisher);
}

bool publisher_connect(struct publisher *publisher)
{
    static const uint8_t CONNECT[] = {0x10, 22, 0,   4,   'M', 'Q', 'T', 'T', 4,   0,   0,   0,
                                      0,    10, 't', 'e', 's', 't', '-', 's', 'i', 't', 'e', 's'};
    uint8_t connect_packet[sizeof(CONNECT)];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(publisher->plan->port)};
    int on = 1;

    memcpy(connect_packet, CONNECT, sizeof(CONNECT));
    connect_packet[9] = 2; /* Clean session: what is unacknowledged is ours to send again. */
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    publisher->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (publisher->socket < 0 ||
        connect(publisher->socket, (struct sockaddr *)&address, sizeof(address)) != 0) {
        drop(publisher);
        return false;
    }
    (void)setsockopt(publisher->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)fcntl(publisher->socket, F_SETFL, O_NONBLOCK);
    add(publisher, connect_packet, sizeof(connect_packet));
    for (int i = 0; i < 100 && publisher->socket >= 0 && !publisher->is_greeted; i++) {
        publisher_turn(publisher, 50);
    }
    if (!publisher->is_greeted) {
        drop(publisher);
        return false;
    }
    publisher->reconnects++;
    for (uint64_t number = publisher->acknowledged; number < publisher->next; number++) {
        if (!publisher->acked[number % (WINDOW_MAX * 2u)]) {
            send_publish(publisher, number, true);
        }
    }
    return true;
}

void publisher_close(struct publisher *publisher)
{
    drop(publisher);
}
