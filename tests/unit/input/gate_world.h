/* A gate in its world, connected. */
#ifndef SFE_TESTS_UNIT_INPUT_GATE_WORLD_H
#define SFE_TESTS_UNIT_INPUT_GATE_WORLD_H

#include "unit/input/input_world.h"

#include "input/gate_state.h"

#define CONNECT_5 "\x10\x0d\x00\x04MQTT\x05\x00\x00\x3c\x00\x00\x00"
#define CONNECT_3 "\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00"
#define CONNACK_5 "\x20\x03\x00\x00\x00"
#define CONNACK_3 "\x20\x02\x00\x00"
#define PINGREQ   "\xc0\x00"
#define PINGRESP  "\xd0\x00"

/* TLS that is none: "hi" goes out, "ho" must come, then bytes pass as they are; but what has left
 * the stream may wait in a record of up to RECORD_BYTES. */
#define RECORD_BYTES 1000u

struct sfe_tls_session {
    struct sfe_tls_carrier carrier;
    char host[32];
    uint8_t record[RECORD_BYTES];
    size_t begin;
    size_t end;
    size_t unsent; /* Of the write that would have blocked. */
    bool has_said;
    bool is_refused; /* The handshake fails. */
    unsigned opens;
    unsigned begins;
    unsigned ends;
};

static inline enum sfe_code fake_tls_open(void *context, const struct sfe_tls_options *options,
                                          struct sfe_tls_session **session, struct sfe_error *err)
{
    struct sfe_tls_session *self = context;

    (void)options;
    (void)err;
    self->opens++;
    *session = self;
    return SFE_OK;
}

static inline void fake_tls_close(void *context, struct sfe_tls_session *session)
{
    (void)context;
    session->opens--;
}

static inline enum sfe_code fake_tls_begin(void *context, struct sfe_tls_session *session,
                                           const char *host, const struct sfe_tls_carrier *carrier,
                                           struct sfe_error *err)
{
    (void)context;
    (void)err;
    assert_null(session->carrier.stream);
    session->carrier = *carrier;
    session->has_said = false;
    session->begin = 0;
    session->end = 0;
    session->unsent = 0;
    session->begins++;
    (void)snprintf(session->host, sizeof(session->host), "%s", host);
    return SFE_OK;
}

static inline enum sfe_code fake_tls_handshake(void *context, struct sfe_tls_session *session,
                                               unsigned *events, struct sfe_error *err)
{
    const struct sfe_poller *poller = session->carrier.poller;
    size_t count = 0;
    enum sfe_io io;

    (void)context;
    if (session->is_refused) {
        return sfe_fail(err, SFE_E_TLS, "the certificate is for another");
    }
    if (!session->has_said) {
        io = poller->write(poller->context, session->carrier.stream, SFE_TEXT("hi"), &count, err);
        *events = SFE_POLL_WRITE;
        session->has_said = io == SFE_IO_DATA;
        if (io == SFE_IO_WOULD_BLOCK) {
            return SFE_E_AGAIN;
        }
    }
    *events = SFE_POLL_READ;
    while (session->end < 2) {
        io = poller->read(poller->context, session->carrier.stream, session->record + session->end,
                          2 - session->end, &count, err);
        if (io == SFE_IO_WOULD_BLOCK) {
            return SFE_E_AGAIN;
        }
        if (io != SFE_IO_DATA) {
            return sfe_fail(err, SFE_E_NETWORK, "ended during the handshake");
        }
        session->end += count;
    }
    session->end = 0;
    return memcmp(session->record, "ho", 2) == 0 ? SFE_OK : sfe_fail(err, SFE_E_TLS, "no TLS");
}

static inline enum sfe_io fake_tls_read(void *context, struct sfe_tls_session *session, void *bytes,
                                        size_t capacity, size_t *count, struct sfe_error *err)
{
    const struct sfe_poller *poller = session->carrier.poller;
    size_t size;

    (void)context;
    *count = 0;
    if (session->begin == session->end) {
        enum sfe_io io = poller->read(poller->context, session->carrier.stream, session->record,
                                      RECORD_BYTES, &size, err);
        if (io != SFE_IO_DATA) {
            return io;
        }
        session->begin = 0;
        session->end = size;
    }
    size = session->end - session->begin;
    size = size < capacity ? size : capacity;
    memcpy(bytes, session->record + session->begin, size);
    session->begin += size;
    *count = size;
    return SFE_IO_DATA;
}

static inline enum sfe_io fake_tls_write(void *context, struct sfe_tls_session *session,
                                         struct sfe_slice bytes, size_t *count,
                                         struct sfe_error *err)
{
    const struct sfe_poller *poller = session->carrier.poller;
    enum sfe_io io;

    (void)context;
    assert_true(bytes.size >= session->unsent);
    io = poller->write(poller->context, session->carrier.stream, bytes, count, err);
    session->unsent = io == SFE_IO_WOULD_BLOCK ? bytes.size : 0;
    return io;
}

static inline bool fake_tls_has_more(void *context, const struct sfe_tls_session *session)
{
    (void)context;
    return session->begin != session->end;
}

static inline void fake_tls_facts(void *context, const struct sfe_tls_session *session,
                                  struct sfe_tls_facts *facts)
{
    (void)context;
    (void)session;
    *facts = (struct sfe_tls_facts){.version = "TLSv1.2"};
}

static inline void fake_tls_end(void *context, struct sfe_tls_session *session)
{
    (void)context;
    assert_non_null(session->carrier.stream);
    assert_true(session->carrier.stream->is_open); /* Goodbye is said before the socket closes. */
    session->carrier.stream = NULL;
    session->begin = 0;
    session->end = 0;
    session->ends++;
}

static inline struct sfe_tls fake_tls(struct sfe_tls_session *session)
{
    return (struct sfe_tls){.context = session,
                            .open = fake_tls_open,
                            .close = fake_tls_close,
                            .begin = fake_tls_begin,
                            .handshake = fake_tls_handshake,
                            .read = fake_tls_read,
                            .write = fake_tls_write,
                            .has_more = fake_tls_has_more,
                            .facts = fake_tls_facts,
                            .end = fake_tls_end};
}

static inline struct gate *world_gate_with(struct input_world *world,
                                           const struct gate_options *more)
{
    struct gate_options options = *more;
    struct gate *gate = NULL;
    struct sfe_error err;
    uint16_t port = 0;

    options.host = "broker.lan";
    options.port = 1883;
    options.intake = world_intake(world, options.event_bytes_max);
    options.poller = &world->poller;
    assert_int_equal(gate_open(&options, world->arena, &gate, &port, &err), SFE_OK);
    assert_int_equal(port, 4711);
    return gate;
}

static inline struct gate *world_gate(struct input_world *world, uint16_t receive_maximum,
                                      uint32_t event_bytes_max)
{
    struct gate_options options = {
        .receive_maximum = receive_maximum,
        .event_bytes_max = event_bytes_max,
    };

    return world_gate_with(world, &options);
}

/* The client connects, the broker is reached, CONNECT passes. */
static inline void begin_session(struct input_world *world)
{
    world->client_waits = true;
    pump(world);
    SEND(&world->client, CONNECT_5);
    pump(world);
    world->broker.is_standing = true;
    pump(world);
    EXPECT_WRITTEN(&world->broker, CONNECT_5);
}

static inline struct gate *connected_gate(struct input_world *world, uint16_t receive_maximum,
                                          uint32_t event_bytes_max)
{
    struct gate *gate = world_gate(world, receive_maximum, event_bytes_max);

    begin_session(world);
    SEND(&world->broker, CONNACK_5);
    pump(world);
    EXPECT_WRITTEN(&world->client, CONNACK_5);
    return gate;
}

static inline uint64_t acknowledged(const struct gate *gate)
{
    struct gate_facts facts;

    gate_facts(gate, &facts);
    return facts.acknowledged;
}

static inline uint64_t unacknowledged(const struct gate *gate)
{
    struct gate_facts facts;

    gate_facts(gate, &facts);
    return facts.unacknowledged;
}

static inline void expect_ended(const struct input_world *world, const struct gate *gate,
                                enum sfe_code code, const char *message)
{
    assert_false(world->broker.is_open);
    assert_false(world->client.is_open);
    assert_true(world->listener.is_open);
    assert_int_equal(gate_reason(gate)->code, code);
    assert_string_equal(gate_reason(gate)->message, message);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

#endif
