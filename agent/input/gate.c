#include "input/gate_state.h"

#include "base/arena.h"
#include "base/assert.h"

/* Nothing is told to the broker: the connection broke, or the client has said it. */
#define END_SILENT      0xFFu
#define WATCHED_NOTHING (~0u)

static void on_client(void *owner, struct sfe_socket *socket, unsigned events);
static void on_broker(void *owner, struct sfe_socket *socket, unsigned events);

static void close_side(struct gate *gate, struct gate_side *side)
{
    gate->options.poller->close(gate->options.poller->context, side->socket);
    side->socket = NULL;
    side->watched = WATCHED_NOTHING;
    side->out.begin = 0;
    side->out.end = 0;
    side->out.is_held = false;
}

/* Writes what goes without waiting: a refusal to the client, acknowledgements to the broker. */
static void write_last(struct gate *gate, uint8_t reason)
{
    struct sfe_error ignored;
    uint8_t memory[MQTT_HEADER_BYTES_MAX];
    struct sfe_builder packet = sfe_builder_make(memory, sizeof(memory));

    /* MQTT 3.1.1 has no reasons. */
    if (reason != END_SILENT && gate->is_accepted && mqtt_border_reached(&gate->border) &&
        (reason == 0 || gate->level >= MQTT_LEVEL_5)) {
        mqtt_disconnect_add(&packet, reason);
        (void)gate_pipe_add(&gate->broker.out, sfe_builder_slice(&packet));
    }
    if (gate->is_standing) {
        (void)!gate_flush(gate, &gate->broker, &ignored);
    }
    (void)!gate_flush(gate, &gate->client, &ignored);
}

/* Ends the connection and forgets all that belongs to it; the broker sends again what was not
 * answered. */
static void end_connection(struct gate *gate, uint8_t reason, const struct sfe_error *why)
{
    if (why->code != SFE_OK && gate->why.code == SFE_OK) {
        gate->why = *why;
    }
    if (gate->broker.socket != NULL && gate->client.socket != NULL) {
        write_last(gate, reason);
    }
    gate_link_end(gate);
    close_side(gate, &gate->client);
    close_side(gate, &gate->broker);
    gate_pending_clear(&gate->pending);
    gate->inbox.begin = 0;
    gate->inbox.end = 0;
    gate->inbox.passed = 0;
    gate->inbox.kept = 0;
    gate->inbox.skip_bytes = 0;
    memset(&gate->border, 0, sizeof(gate->border));
    gate->level = 0;
    gate->opening_bytes = 0;
    gate->is_standing = false;
    gate->is_answered = false;
    gate->is_accepted = false;
    gate->is_waiting = false;
    gate->is_blocked = false;
    gate->pings_answered = 0;
    gate->progress = 0;
    gate->end_reason = 0;
}

static void watch(struct gate *gate, struct gate_side *side, unsigned events, sfe_poll_ready ready)
{
    const struct sfe_poller *poller = gate->options.poller;

    if (side->watched != events) {
        side->watched = events;
        poller->watch(poller->context, side->socket, events, ready, gate);
    }
}

static bool may_read_broker(const struct gate *gate)
{
    return gate_broker_has_room(gate) && !gate->client.out.is_held;
}

static void watch_both(struct gate *gate)
{
    unsigned client = gate_client_has_room(gate) ? SFE_POLL_READ : 0u;
    unsigned broker;

    if (gate->is_standing) {
        broker = (may_read_broker(gate) ? SFE_POLL_READ : 0u) |
                 (gate->broker.out.is_held ? SFE_POLL_WRITE : 0u);
    } else {
        broker = gate_link_awaits(gate);
    }
    client |= gate->client.out.is_held ? SFE_POLL_WRITE : 0u;
    watch(gate, &gate->client, client, on_client);
    watch(gate, &gate->broker, broker, on_broker);
}

static uint8_t reason_of(const struct gate *gate, enum sfe_code code)
{
    if (code != SFE_E_PROTOCOL) {
        return END_SILENT;
    }
    return gate->end_reason != 0 ? gate->end_reason : MQTT_REASON_PROTOCOL_ERROR;
}

/* The client left in order; where the broker kept it waiting, that is why. */
static void client_left(const struct gate *gate, struct sfe_error *err)
{
    char name[96];

    gate_link_name(gate, name, sizeof(name));
    if (!gate->is_standing) {
        (void)sfe_fail(err, SFE_E_TIMEOUT, "cannot connect to %s: %s", name,
                       gate->is_secured ? "no end of the TLS handshake" : "no answer");
    } else if (!gate->is_answered) {
        (void)sfe_fail(err, SFE_E_TIMEOUT, "%s does not answer CONNECT", name);
    } else {
        (void)sfe_fail(err, SFE_E_NETWORK, "the MQTT client left");
    }
}

static enum sfe_code write_to_broker(struct gate *gate, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    uint64_t before;

    do {
        before = gate->acknowledged;
        gate_acknowledge(gate);
        code = gate->is_standing ? gate_flush(gate, &gate->broker, err) : SFE_OK;
    } while (code == SFE_OK && gate->acknowledged != before);
    return code;
}

/* What TLS has read ahead while there was no room. */
static enum sfe_code take_more(struct gate *gate, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    bool has_data = true;

    while (code == SFE_OK && has_data && gate_link_has_more(gate) && may_read_broker(gate)) {
        code = gate_broker_receive(gate, &has_data, err);
        if (code == SFE_OK) {
            code = write_to_broker(gate, err);
        }
        if (code == SFE_OK) {
            code = gate_flush(gate, &gate->client, err);
        }
    }
    return code;
}

/* After all that was read is dealt with: writes in one go what became due, or ends a connection
 * that failed. */
static void settle(struct gate *gate, enum sfe_code code, struct sfe_error *err)
{
    while (code == SFE_OK) {
        uint64_t before = gate->acknowledged;

        code = write_to_broker(gate, err);
        if (code != SFE_OK || !gate->is_waiting || gate->acknowledged == before) {
            break;
        }
        code = gate_broker_take(gate, err); /* What waited for this has room now. */
    }
    if (code == SFE_OK) {
        code = gate_flush(gate, &gate->client, err);
    }
    if (code == SFE_OK) {
        code = take_more(gate, err);
    }
    if (code == SFE_OK) {
        watch_both(gate);
        return;
    }
    if (code == SFE_E_END) {
        client_left(gate, err);
    }
    end_connection(gate, reason_of(gate, code), err);
}

static void on_client(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct gate *gate = owner;
    struct sfe_error err = {0};
    enum sfe_code code = SFE_OK;
    bool has_data = false;

    SFE_ASSERT(socket == gate->client.socket);
    if ((events & SFE_POLL_WRITE) != 0) {
        gate->client.out.is_held = false;
        code = gate_flush(gate, &gate->client, &err);
        if (code == SFE_OK) {
            code = gate_broker_take(gate, &err);
        }
    }
    if (code == SFE_OK && (events & (SFE_POLL_READ | SFE_POLL_FAILED)) != 0) {
        code = gate_client_receive(gate, &has_data, &err);
    }
    if (code == SFE_OK && !has_data && (events & SFE_POLL_FAILED) != 0) {
        code = sfe_fail(&err, SFE_E_NETWORK, "the connection to the MQTT client broke");
    }
    settle(gate, code, &err);
}

static void on_broker(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct gate *gate = owner;
    struct sfe_error err = {0};
    enum sfe_code code = SFE_OK;
    bool has_data = false;

    SFE_ASSERT(socket == gate->broker.socket);
    if (!gate->is_standing) {
        code = gate_link_move_on(gate, &err);
    }
    if ((events & SFE_POLL_WRITE) != 0 && gate->is_standing) {
        gate->broker.out.is_held = false;
    }
    if (code == SFE_OK && gate->is_standing && (events & (SFE_POLL_READ | SFE_POLL_FAILED)) != 0) {
        code = gate_broker_receive(gate, &has_data, &err);
    }
    if (code == SFE_OK && !has_data && (events & SFE_POLL_FAILED) != 0) {
        code = sfe_fail(&err, SFE_E_NETWORK, "the connection broke");
    }
    settle(gate, code, &err);
}

/* Takes a new connection of the client and begins one to the broker. */
static void begin_connection(struct gate *gate, struct sfe_socket *client)
{
    const struct sfe_poller *poller = gate->options.poller;
    struct sfe_error err = {0};

    if (gate->is_stopping) {
        poller->close(poller->context, client);
        return;
    }
    end_connection(gate, END_SILENT, &err);
    gate->client.socket = client;
    if (poller->connect(poller->context, gate->options.host, gate->options.port,
                        &gate->broker.socket, &err) != SFE_OK) {
        gate->broker.socket = NULL;
        end_connection(gate, END_SILENT, &err);
        return;
    }
    watch_both(gate);
}

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct gate *gate = owner;
    const struct sfe_poller *poller = gate->options.poller;
    struct sfe_socket *client = NULL;
    struct sfe_error err = {0};

    (void)events;
    SFE_ASSERT(socket == gate->listener);
    while (poller->accept(poller->context, socket, &client, &err) == SFE_OK) {
        begin_connection(gate, client);
    }
}

static enum sfe_code take_memory(struct gate *gate, struct sfe_arena *arena, struct sfe_error *err)
{
    struct {
        uint8_t **bytes;
        size_t *capacity;
        size_t size;
    } parts[] = {
        {&gate->inbox.bytes, &gate->inbox.capacity,
         GATE_INBOX_BYTES(gate->options.event_bytes_max)},
        {&gate->client.out.bytes, &gate->client.out.capacity, GATE_CLIENT_BYTES},
        {&gate->broker.out.bytes, &gate->broker.out.capacity, GATE_OUT_BYTES},
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        *parts[i].bytes = sfe_arena_take(arena, parts[i].size, err);
        if (*parts[i].bytes == NULL) {
            return err->code;
        }
        *parts[i].capacity = parts[i].size;
    }
    gate->pending.taker = gate->options.taker;
    return gate_pending_open(&gate->pending, gate->options.receive_maximum, arena, err);
}

size_t gate_memory_bytes(uint32_t event_bytes_max, uint16_t receive_maximum)
{
    return sfe_arena_cost(sizeof(struct gate)) + sfe_arena_cost(GATE_INBOX_BYTES(event_bytes_max)) +
           sfe_arena_cost(GATE_CLIENT_BYTES) + sfe_arena_cost(GATE_OUT_BYTES) +
           gate_pending_memory_bytes(receive_maximum);
}

enum sfe_code gate_open(const struct gate_options *options, struct sfe_arena *arena,
                        struct gate **gate, uint16_t *port, struct sfe_error *err)
{
    const struct sfe_poller *poller = options->poller;
    struct gate *self = sfe_arena_take(arena, sizeof(*self), err);
    enum sfe_code code;

    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->client.watched = WATCHED_NOTHING;
    self->broker.watched = WATCHED_NOTHING;
    code = take_memory(self, arena, err);
    if (code != SFE_OK) {
        return code;
    }
    code = poller->listen_loopback(poller->context, &self->listener, port, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot listen for the MQTT client");
    }
    poller->watch(poller->context, self->listener, SFE_POLL_READ, on_listener, self);
    *gate = self;
    return SFE_OK;
}

void gate_use(struct gate *gate, const char *host, uint16_t port, bool is_tls)
{
    SFE_ASSERT(!is_tls || gate->options.tls_session != NULL);
    gate->options.host = host;
    gate->options.port = port;
    gate->options.is_tls = is_tls;
}

bool gate_turn(struct gate *gate)
{
    struct sfe_error err = {0};

    if (gate->client.socket != NULL) {
        gate_acknowledge(gate); /* First: it makes room for what waits. */
        settle(gate, gate_broker_take(gate, &err), &err);
    }
    return gate->is_blocked;
}

void gate_stop(struct gate *gate)
{
    gate->is_stopping = true;
}

bool gate_is_quiet(const struct gate *gate)
{
    return gate->pending.count == 0 && gate_pipe_size(&gate->broker.out) == 0;
}

void gate_facts(const struct gate *gate, struct gate_facts *facts)
{
    facts->is_connected = gate->is_accepted;
    facts->is_blocked = gate->is_blocked;
    facts->received = gate->received;
    facts->acknowledged = gate->acknowledged;
    facts->unacknowledged = gate->pending.count;
}

void gate_end(struct gate *gate, uint8_t reason, const struct sfe_error *why)
{
    end_connection(gate, reason, why);
}

const struct sfe_error *gate_reason(const struct gate *gate)
{
    return &gate->why;
}

void gate_forget_reason(struct gate *gate)
{
    memset(&gate->why, 0, sizeof(gate->why));
}

void gate_close(struct gate *gate)
{
    const struct sfe_error in_order = {0};

    end_connection(gate, 0, &in_order);
    gate->options.poller->close(gate->options.poller->context, gate->listener);
    gate->listener = NULL;
}
