/* The world around an input, in memory: streams that keep what is staged, a clock, and a poller
 * whose sockets are scripted. Included by the tests of this folder, each a program of its own. */
#ifndef SFE_TESTS_UNIT_INPUT_WORLD_H
#define SFE_TESTS_UNIT_INPUT_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/limits.h"
#include "input/intake.h"
#include "port/poller.h"

#include <stdio.h>
#include <stdlib.h>

#define KEPT_MAX 64u

/* One staged event; texts are clipped. */
struct kept_event {
    struct sfe_event event; /* Its slices are gone. */
    char source[33];
    char topic[64];
    char payload[64];
    char annotation[256];
    size_t payload_bytes;
};

struct sfe_stream {
    const char *name;
    uint64_t staged; /* Sequence of the newest. */
    uint64_t durable;
    uint64_t room; /* Events that still fit. */
    uint32_t fill_permille;
    uint32_t event_bytes_max;
    struct kept_event kept[KEPT_MAX]; /* The first ones. */
};

static inline void keep_text(char *text, size_t capacity, struct sfe_slice slice)
{
    size_t size = slice.size < capacity - 1 ? slice.size : capacity - 1;

    if (size != 0) {
        memcpy(text, slice.bytes, size);
    }
    text[size] = '\0';
}

enum sfe_code sfe_stream_stage(struct sfe_stream *stream, const struct sfe_event *event,
                               uint64_t *sequence, struct sfe_error *err)
{
    if (event->payload.size > stream->event_bytes_max) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "event over the limit of the stream");
    }
    if (stream->room == 0) {
        return SFE_E_FULL;
    }
    stream->room--;
    if (stream->staged < KEPT_MAX) {
        struct kept_event *kept = &stream->kept[stream->staged];
        kept->event = *event;
        kept->payload_bytes = event->payload.size;
        keep_text(kept->source, sizeof(kept->source), event->source);
        keep_text(kept->topic, sizeof(kept->topic), event->topic);
        keep_text(kept->payload, sizeof(kept->payload), event->payload);
        keep_text(kept->annotation, sizeof(kept->annotation), event->annotation);
    }
    *sequence = ++stream->staged;
    return SFE_OK;
}

uint32_t sfe_stream_fill_permille(const struct sfe_stream *stream)
{
    return stream->fill_permille;
}

uint64_t sfe_stream_durable(const struct sfe_stream *stream)
{
    return stream->durable;
}

const char *sfe_stream_name(const struct sfe_stream *stream)
{
    return stream->name;
}

/* A socket as its other end sees it. */
#ifndef SOCKET_BYTES
#define SOCKET_BYTES (1024u * 1024u)
#endif

struct sfe_socket {
    uint8_t *to_read; /* What the other end has sent and was not read. */
    size_t read_begin;
    size_t read_end;
    uint8_t *written; /* What was written to the other end. */
    size_t written_size;
    size_t read_step;  /* At most so much a read. */
    size_t write_room; /* Bytes until a write blocks. */
    bool is_open;
    bool is_standing;
    bool is_ended; /* The other end has closed. */
    bool is_broken;
    unsigned watched;
    unsigned watches; /* Calls. */
    unsigned reads;
    unsigned writes;
    sfe_poll_ready ready;
    void *owner;
};

struct input_world {
    struct sfe_arena *arena;
    struct sfe_stream sales;
    struct sfe_stream readings;
    struct sfe_stream dead;
    struct sfe_clock clock;
    uint64_t now_ns;
    int64_t wall_ns;
    enum sfe_clock_quality quality;
    struct sfe_poller poller;
    struct sfe_socket listener;
    struct sfe_socket client;
    struct sfe_socket second_client; /* Accepted while the first stands. */
    struct sfe_socket broker;
    struct sfe_socket probed; /* Connected to while the broker stands. */
    bool client_waits;        /* To be accepted. */
    bool refuses;             /* A connection to the broker fails at once. */
    const char *reached;      /* The host of the last connection. */
    unsigned connects;
    unsigned wakes;
};

static inline uint64_t world_monotonic_ns(void *context)
{
    return ((struct input_world *)context)->now_ns;
}

static inline enum sfe_clock_quality world_wall_ns(void *context, int64_t *unix_ns)
{
    *unix_ns = ((struct input_world *)context)->wall_ns;
    return ((struct input_world *)context)->quality;
}

static inline void world_boot_id(void *context, uint8_t id[16])
{
    (void)context;
    memset(id, 7, 16);
}

static inline void socket_open(struct sfe_socket *socket, bool is_standing)
{
    uint8_t *to_read = socket->to_read;
    uint8_t *written = socket->written;

    memset(socket, 0, sizeof(*socket));
    socket->to_read = to_read != NULL ? to_read : malloc(SOCKET_BYTES);
    socket->written = written != NULL ? written : malloc(SOCKET_BYTES);
    socket->read_step = SIZE_MAX;
    socket->write_room = SIZE_MAX;
    socket->is_open = true;
    socket->is_standing = is_standing;
}

static inline enum sfe_code world_listen(void *context, struct sfe_socket **listener,
                                         uint16_t *port, struct sfe_error *err)
{
    struct input_world *world = context;

    (void)err;
    socket_open(&world->listener, true);
    *listener = &world->listener;
    *port = 4711;
    return SFE_OK;
}

static inline enum sfe_code world_listen_at(void *context, const char *host, uint16_t port,
                                            struct sfe_socket **listener, struct sfe_error *err)
{
    struct input_world *world = context;

    if (world->refuses) {
        return sfe_fail(err, SFE_E_NETWORK, "cannot listen at %s port %u", host, (unsigned)port);
    }
    socket_open(&world->listener, true);
    *listener = &world->listener;
    return SFE_OK;
}

static inline void world_peer(void *context, const struct sfe_socket *stream, uint8_t address[16])
{
    (void)context;
    (void)stream;
    memset(address, 7, 16);
}

static inline enum sfe_code world_accept(void *context, struct sfe_socket *listener,
                                         struct sfe_socket **stream, struct sfe_error *err)
{
    struct input_world *world = context;

    (void)err;
    assert_ptr_equal(listener, &world->listener);
    if (!world->client_waits) {
        return SFE_E_AGAIN;
    }
    world->client_waits = false;
    *stream = world->client.is_open ? &world->second_client : &world->client;
    socket_open(*stream, true);
    return SFE_OK;
}

static inline enum sfe_code world_connect(void *context, const char *host, uint16_t port,
                                          struct sfe_socket **stream, struct sfe_error *err)
{
    struct input_world *world = context;

    assert_true(strcmp(host, "broker.lan") == 0 || strcmp(host, "spare.lan") == 0);
    assert_int_equal(port, 1883);
    world->reached = host;
    world->connects++;
    if (world->refuses) {
        return sfe_fail(err, SFE_E_NETWORK, "no route to host");
    }
    *stream = world->broker.is_open ? &world->probed : &world->broker;
    socket_open(*stream, false);
    return SFE_OK;
}

static inline bool world_connected(void *context, struct sfe_socket *stream)
{
    (void)context;
    return stream->is_standing;
}

static inline enum sfe_io world_read(void *context, struct sfe_socket *stream, void *bytes,
                                     size_t capacity, size_t *count, struct sfe_error *err)
{
    size_t size = stream->read_end - stream->read_begin;

    (void)context;
    assert_true(stream->is_open);
    assert_true(capacity > 0);
    stream->reads++;
    if (size == 0 && stream->is_broken) {
        (void)sfe_fail(err, SFE_E_NETWORK, "connection reset by peer");
        return SFE_IO_FAILED;
    }
    if (size == 0) {
        return stream->is_ended ? SFE_IO_CLOSED : SFE_IO_WOULD_BLOCK;
    }
    size = size < capacity ? size : capacity;
    size = size < stream->read_step ? size : stream->read_step;
    memcpy(bytes, stream->to_read + stream->read_begin, size);
    stream->read_begin += size;
    *count = size;
    return SFE_IO_DATA;
}

static inline enum sfe_io world_write(void *context, struct sfe_socket *stream,
                                      struct sfe_slice bytes, size_t *count, struct sfe_error *err)
{
    size_t size = bytes.size < stream->write_room ? bytes.size : stream->write_room;

    (void)context;
    assert_true(stream->is_open);
    assert_true(stream->is_standing);
    stream->writes++;
    if (stream->is_broken) {
        (void)sfe_fail(err, SFE_E_NETWORK, "broken pipe");
        return SFE_IO_FAILED;
    }
    if (size == 0) {
        return SFE_IO_WOULD_BLOCK;
    }
    assert_true(stream->written_size + size <= SOCKET_BYTES);
    memcpy(stream->written + stream->written_size, bytes.bytes, size);
    stream->written_size += size;
    stream->write_room -= stream->write_room == SIZE_MAX ? 0 : size;
    *count = size;
    return SFE_IO_DATA;
}

static inline void world_close_socket(void *context, struct sfe_socket *socket)
{
    (void)context;
    if (socket != NULL) {
        assert_true(socket->is_open);
        socket->is_open = false;
    }
}

static inline void world_watch(void *context, struct sfe_socket *socket, unsigned events,
                               sfe_poll_ready ready, void *owner)
{
    (void)context;
    assert_true(socket->is_open);
    socket->watched = events;
    socket->watches++;
    socket->ready = ready;
    socket->owner = owner;
}

static inline void world_wake(void *context)
{
    ((struct input_world *)context)->wakes++;
}

static inline unsigned socket_events(const struct sfe_socket *socket)
{
    bool can_read = socket->read_begin < socket->read_end || socket->is_ended;
    unsigned events = (can_read ? SFE_POLL_READ : 0u) |
                      (socket->is_standing && socket->write_room != 0 ? SFE_POLL_WRITE : 0u);

    return (events & socket->watched) | (socket->is_broken ? SFE_POLL_FAILED : 0u);
}

/* What the poller's wait does, again and again until nothing is ready. */
static inline void pump(struct input_world *world)
{
    struct sfe_socket *sockets[] = {&world->listener, &world->client, &world->second_client,
                                    &world->broker, &world->probed};
    bool is_ready = true;

    for (int rounds = 0; is_ready; rounds++) {
        assert_true(rounds < 200000); /* Else it spins. */
        is_ready = false;
        for (size_t i = 0; i < 5; i++) {
            unsigned events = sockets[i]->is_open ? socket_events(sockets[i]) : 0;
            if (sockets[i] == &world->listener && world->client_waits) {
                events = SFE_POLL_READ;
            }
            if (events != 0) {
                is_ready = true;
                sockets[i]->ready(sockets[i]->owner, sockets[i], events);
            }
        }
    }
}

/* The other end sends. */
static inline void send_bytes(struct sfe_socket *socket, struct sfe_slice bytes)
{
    if (socket->read_begin == socket->read_end) {
        socket->read_begin = 0;
        socket->read_end = 0;
    }
    assert_true(socket->read_end + bytes.size <= SOCKET_BYTES);
    memcpy(socket->to_read + socket->read_end, bytes.bytes, bytes.size);
    socket->read_end += bytes.size;
}

/* Takes what was written to the other end, and compares. */
static inline void expect_written(struct sfe_socket *socket, const void *bytes, size_t size)
{
    assert_int_equal(socket->written_size, size);
    if (size != 0) {
        assert_memory_equal(socket->written, bytes, size);
    }
    socket->written_size = 0;
}

#define EXPECT_WRITTEN(socket, literal) expect_written((socket), "" literal, sizeof(literal) - 1)
#define EXPECT_NOTHING(socket)          expect_written((socket), NULL, 0)
#define SEND(socket, literal)           send_bytes((socket), SFE_TEXT(literal))

/* An MQTT 5 PUBLISH; `packet_id` 0: QoS 0. `event_id` NULL: no property. */
static inline void add_publish(struct sfe_builder *out, uint16_t packet_id, const char *topic,
                               struct sfe_slice payload, const char *event_id)
{
    size_t properties = event_id == NULL ? 0 : 5 + 8 + strlen(event_id);
    size_t left = 2 + strlen(topic) + (packet_id == 0 ? 0 : 2) + 1 + properties + payload.size;

    assert_true(properties < 128);
    sfe_builder_add_byte(out, packet_id == 0 ? 0x30 : 0x32);
    do {
        sfe_builder_add_byte(out, (uint8_t)((left & 0x7F) | (left > 0x7F ? 0x80 : 0)));
        left >>= 7;
    } while (left != 0);
    sfe_builder_add_byte(out, (uint8_t)(strlen(topic) >> 8));
    sfe_builder_add_byte(out, (uint8_t)strlen(topic));
    sfe_builder_add_text(out, topic);
    if (packet_id != 0) {
        sfe_builder_add_byte(out, (uint8_t)(packet_id >> 8));
        sfe_builder_add_byte(out, (uint8_t)packet_id);
    }
    sfe_builder_add_byte(out, (uint8_t)properties);
    if (event_id != NULL) {
        sfe_builder_add(out, SFE_TEXT("\x26\x00\x08"
                                      "event-id\x00"));
        sfe_builder_add_byte(out, (uint8_t)strlen(event_id));
        sfe_builder_add_text(out, event_id);
    }
    sfe_builder_add(out, payload);
    assert_false(out->overflowed);
}

static inline void send_publish(struct sfe_socket *socket, uint16_t packet_id, const char *topic,
                                const char *payload)
{
    uint8_t memory[4096];
    struct sfe_builder packet = sfe_builder_make(memory, sizeof(memory));

    add_publish(&packet, packet_id, topic, sfe_slice_text(payload), NULL);
    send_bytes(socket, sfe_builder_slice(&packet));
}

static inline void stream_open(struct sfe_stream *stream, const char *name)
{
    stream->name = name;
    stream->room = UINT64_MAX;
    stream->event_bytes_max = SFE_EVENT_BYTES_MAX_LIMIT;
}

static inline int world_open(void **state)
{
    struct input_world *world = calloc(1, sizeof(*world));
    struct sfe_error err;

    assert_non_null(world);
    assert_int_equal(sfe_arena_open(4u * 1024u * 1024u, &world->arena, &err), SFE_OK);
    stream_open(&world->sales, "sales");
    stream_open(&world->readings, "readings");
    stream_open(&world->dead, "dead");
    world->now_ns = 1000;
    world->wall_ns = INT64_C(1764000000000000000);
    world->quality = SFE_CLOCK_SYNCED;
    world->clock = (struct sfe_clock){world, world_monotonic_ns, world_wall_ns, world_boot_id};
    world->poller = (struct sfe_poller){
        .context = world,
        .listen_loopback = world_listen,
        .listen = world_listen_at,
        .accept = world_accept,
        .peer = world_peer,
        .connect = world_connect,
        .connected = world_connected,
        .read = world_read,
        .write = world_write,
        .close = world_close_socket,
        .watch = world_watch,
        .wake = world_wake,
    };
    *state = world;
    return 0;
}

static inline int world_close(void **state)
{
    struct input_world *world = *state;
    struct sfe_socket *sockets[] = {&world->listener, &world->client, &world->second_client,
                                    &world->broker, &world->probed};

    for (size_t i = 0; i < 5; i++) {
        free(sockets[i]->to_read);
        free(sockets[i]->written);
    }
    sfe_arena_close(world->arena);
    free(world);
    return 0;
}

/* Inputs "tills" (pos/+/sale, to sales), "plant" (plant/#, to readings), "all" (+/+/both, to sales)
 * and "copy" (the same, to readings). */
static inline struct sfe_intake *world_intake(struct input_world *world, uint32_t event_bytes_max)
{
    const struct sfe_intake_route routes[] = {
        {"tills", "pos/+/sale", &world->sales, true, false, {NULL, 0, false}, NULL, NULL, false},
        {"plant", "plant/#", &world->readings, false, true, {NULL, 0, false}, NULL, NULL, false},
        {"all", "+/+/both", &world->sales, false, false, {NULL, 0, false}, NULL, NULL, false},
        {"copy",
         "$share/group/+/+/both",
         &world->readings,
         false,
         false,
         {NULL, 0, false},
         NULL,
         NULL,
         false},
    };
    struct sfe_intake_options options = {
        .routes = routes,
        .route_count = 4,
        .dead = &world->dead,
        .event_bytes_max = event_bytes_max,
        .clock = &world->clock,
        .agent_id = "store-042",
    };
    struct sfe_intake *intake = NULL;
    struct sfe_error err;

    assert_int_equal(sfe_intake_open(&options, world->arena, &intake, &err), SFE_OK);
    return intake;
}

#endif
