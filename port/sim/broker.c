#include "sim/broker.h"

#include "base/assert.h"
#include "sim/packet.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_BYTES_MAX 1024u
#define TOPIC_BYTES_MAX   64u
#define IN_FLIGHT_MAX     64u

struct message {
    uint16_t packet_id; /* 0: not in flight. */
    bool was_sent;
    bool was_repeated;
    bool is_acknowledged;
};

struct sim_broker {
    struct sim_world *world;
    sim_broker_content content;
    void *owner;
    struct sfe_socket *listener;
    struct sim_line line;
    bool has_session;
    bool is_connected;
    uint16_t receive_maximum;
    uint16_t next_packet_id;
    uint32_t published;
    uint32_t acknowledged;
    uint32_t next;                     /* Message to be sent next on this connection. */
    uint32_t in_flight[IN_FLIGHT_MAX]; /* Numbers, oldest first. */
    uint32_t in_flight_count;
    uint32_t break_permille;
    const char *complaint;
    struct message messages[SIM_BROKER_MESSAGES_MAX];
};

static void complain(struct sim_broker *broker, const char *text)
{
    broker->complaint = broker->complaint == NULL ? text : broker->complaint;
}

/* What is unanswered is sent again on the next connection. */
static void end_connection(struct sim_broker *broker)
{
    sim_line_end(&broker->line);
    broker->is_connected = false;
    for (uint32_t i = 0; i < broker->in_flight_count; i++) {
        broker->messages[broker->in_flight[i]].packet_id = 0;
    }
    broker->in_flight_count = 0;
    broker->next = 0;
}

static void see_connect(struct sim_broker *broker, struct sfe_slice body)
{
    const uint8_t answer[] = {broker->has_session ? 1u : 0u, 0, 0};

    if (body.size < 18 || broker->is_connected) {
        complain(broker, "a malformed or second CONNECT");
        return;
    }
    broker->receive_maximum = (uint16_t)(body.bytes[17] << 8 | body.bytes[18]);
    broker->has_session = true;
    broker->is_connected = true;
    (void)sim_line_add(&broker->line, 0x20, sfe_slice_make(answer, sizeof(answer)));
}

static void see_puback(struct sim_broker *broker, struct sfe_slice body)
{
    if (body.size < 2 || broker->in_flight_count == 0) {
        complain(broker, "a PUBACK for nothing");
        return;
    }
    const uint16_t packet_id = (uint16_t)(body.bytes[0] << 8 | body.bytes[1]);
    const uint32_t number = broker->in_flight[0];
    struct message *message = &broker->messages[number];
    if (message->packet_id != packet_id) {
        complain(broker, "a PUBACK out of order");
        return;
    }
    message->packet_id = 0;
    message->is_acknowledged = true;
    broker->acknowledged++;
    broker->in_flight_count--;
    memmove(&broker->in_flight[0], &broker->in_flight[1],
            broker->in_flight_count * sizeof(broker->in_flight[0]));
}

static void see(struct sim_broker *broker, uint8_t first, struct sfe_slice body)
{
    const uint8_t suback[] = {0, 1, 0, 1};
    const uint8_t unsuback[] = {0, 1, 0, 0};

    switch (first >> 4) {
    case 1:
        see_connect(broker, body);
        break;
    case 4:
        see_puback(broker, body);
        break;
    case 8:
        (void)sim_line_add(&broker->line, 0x90, sfe_slice_make(suback, sizeof(suback)));
        break;
    case 10:
        (void)sim_line_add(&broker->line, 0xb0, sfe_slice_make(unsuback, sizeof(unsuback)));
        break;
    case 12:
        (void)sim_line_add(&broker->line, 0xd0, sfe_slice_make(NULL, 0));
        break;
    case 14:
        end_connection(broker);
        break;
    default:
        complain(broker, "a packet of an unexpected type");
        break;
    }
}

static bool send_next(struct sim_broker *broker)
{
    uint8_t topic_memory[TOPIC_BYTES_MAX];
    uint8_t payload_memory[PAYLOAD_BYTES_MAX];
    uint8_t memory[PAYLOAD_BYTES_MAX + TOPIC_BYTES_MAX + 8u];
    struct sfe_builder topic = sfe_builder_make(topic_memory, sizeof(topic_memory));
    struct sfe_builder payload = sfe_builder_make(payload_memory, sizeof(payload_memory));
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));
    const uint32_t number = broker->next;
    struct message *message = &broker->messages[number];

    broker->next_packet_id = (uint16_t)(broker->next_packet_id % 60000u + 1u);
    broker->content(broker->owner, number, &topic, &payload);
    sfe_builder_add_byte(&body, (uint8_t)(topic.size >> 8));
    sfe_builder_add_byte(&body, (uint8_t)topic.size);
    sfe_builder_add(&body, sfe_builder_slice(&topic));
    sfe_builder_add_byte(&body, (uint8_t)(broker->next_packet_id >> 8));
    sfe_builder_add_byte(&body, (uint8_t)broker->next_packet_id);
    sfe_builder_add_byte(&body, 0);
    sfe_builder_add(&body, sfe_builder_slice(&payload));
    SFE_ASSERT(!body.overflowed);
    if (!sim_line_add(&broker->line, message->was_sent ? 0x3a : 0x32, sfe_builder_slice(&body))) {
        return false;
    }
    message->was_repeated = message->was_sent;
    message->was_sent = true;
    message->packet_id = broker->next_packet_id;
    broker->in_flight[broker->in_flight_count++] = number;
    broker->next++;
    return true;
}

static void send_all(struct sim_broker *broker)
{
    while (broker->next < broker->published && broker->in_flight_count < IN_FLIGHT_MAX &&
           broker->in_flight_count < broker->receive_maximum) {
        if (broker->messages[broker->next].is_acknowledged) {
            broker->next++;
        } else if (!send_next(broker)) {
            return;
        }
    }
}

void sim_broker_turn(struct sim_broker *broker)
{
    struct sim_line *line = &broker->line;
    struct sfe_socket *stream = NULL;
    struct sfe_slice body;
    struct sfe_error err;
    uint8_t first = 0;

    if (line->poller.accept(line->poller.context, broker->listener, &stream, &err) == SFE_OK) {
        end_connection(broker); /* One client: the new connection takes the session over. */
        line->socket = stream;
    }
    if (line->socket == NULL) {
        return;
    }
    if (sim_random_chance(&broker->world->random, broker->break_permille)) {
        sim_net_break(line->net, line->socket);
    }
    const bool stands = sim_line_move(line);
    while (line->socket != NULL && sim_line_take(line, &first, &body)) {
        see(broker, first, body);
    }
    if (!stands && line->socket != NULL) {
        end_connection(broker);
    }
    if (broker->is_connected) {
        send_all(broker);
    }
}

bool sim_broker_publish(struct sim_broker *broker)
{
    if (broker->published == SIM_BROKER_MESSAGES_MAX) {
        return false;
    }
    broker->published++;
    return true;
}

struct sim_broker *sim_broker_open(struct sim_world *world, sim_broker_content content, void *owner)
{
    struct sim_broker *broker = calloc(1, sizeof(*broker));

    SFE_ASSERT(broker != NULL);
    broker->world = world;
    broker->content = content;
    broker->owner = owner;
    return broker;
}

void sim_broker_attach(struct sim_broker *broker, struct sim_net *net, uint16_t port)
{
    broker->line.net = net;
    sim_net_poller(net, &broker->line.poller);
    broker->listener = sim_net_listen(net, port);
}

void sim_broker_detach(struct sim_broker *broker)
{
    end_connection(broker);
    broker->line.poller.close(broker->line.poller.context, broker->listener);
    broker->listener = NULL;
}

void sim_broker_close(struct sim_broker *broker)
{
    free(broker);
}

void sim_broker_break(struct sim_broker *broker, uint32_t permille)
{
    broker->break_permille = permille;
}

uint32_t sim_broker_published(const struct sim_broker *broker)
{
    return broker->published;
}

bool sim_broker_was_repeated(const struct sim_broker *broker, uint32_t number)
{
    SFE_ASSERT(number < broker->published);
    return broker->messages[number].was_repeated;
}

bool sim_broker_is_acknowledged(const struct sim_broker *broker, uint32_t number)
{
    return broker->messages[number].is_acknowledged;
}

uint32_t sim_broker_acknowledged(const struct sim_broker *broker)
{
    return broker->acknowledged;
}

const char *sim_broker_complaint(const struct sim_broker *broker)
{
    return broker->complaint;
}
