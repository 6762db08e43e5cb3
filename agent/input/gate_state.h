/* What the files of the gate share: its state, and their functions on it.
 *
 * gate.c: connections. gate_broker.c: what comes from the broker. gate_relay.c: bytes from the
 * client, and on their way out. gate_acknowledge.c: what is owed to the broker. gate_link.c: the
 * connection to the broker, secured or not. Edge thread.
 */
#ifndef SFE_INPUT_GATE_STATE_H
#define SFE_INPUT_GATE_STATE_H

#include "base/limits.h"
#include "input/gate.h"
#include "input/mqtt_packet.h"

/* One read: some 300 messages of 200 bytes. */
#define GATE_READ_BYTES (64u * 1024u)
/* Towards the broker; acknowledgements that find no room stay in their ring. */
#define GATE_OUT_BYTES (16u * 1024u)
/* Of these the client may not take the last, so that acknowledgements always get on. */
#define GATE_OUT_RESERVE (4u * 1024u)
/* Towards the client. */
#define GATE_CLIENT_BYTES (64u * 1024u)
/* A body from the broker, but of a message: it is passed on whole. */
#define GATE_PACKET_BYTES_MAX (32u * 1024u)
/* The inbox holds one read, and a message of the largest payload with its topic and properties. */
#define GATE_INBOX_BYTES(event_bytes_max) (GATE_READ_BYTES + (event_bytes_max) + 64u * 1024u)
/* CONNECT up to its protocol level: header, the name "MQTT" and its length, and the level. */
#define GATE_OPENING_BYTES_MAX (MQTT_HEADER_BYTES_MAX + 7u)
/* One record of TLS (RFC 8446, section 5.1). */
#define GATE_RECORD_BYTES_MAX (16u * 1024u)
/* A message's streams, and the dead letters. */
#define GATE_RECEIPTS_MAX (SFE_STREAMS_MAX + 1u)

/* Bytes that wait to be written: a bounded buffer that is taken from at the front. */
struct gate_pipe {
    uint8_t *bytes;
    size_t begin;
    size_t end;
    size_t capacity;
    bool is_held; /* The last write would have blocked: wait for SFE_POLL_WRITE. */
};

struct gate_side {
    struct sfe_socket *socket; /* NULL: none. */
    unsigned watched;          /* What the poller was last asked for. */
    struct gate_pipe out;      /* Bytes to this side. */
};

/* What came from the broker and is not yet dealt with: whole packets but for the last. */
struct gate_inbox {
    uint8_t *bytes;
    size_t begin;
    size_t end;
    size_t capacity;
    size_t passed; /* Packets before it have been looked at; those passed on have type 0 now. */
    size_t kept;   /* Of a message over the limit at the front: its head and first bytes. */
    uint64_t skip_bytes; /* Of that message: what is still to come, and is not kept. */
};

struct gate_acknowledgement {
    uint16_t packet_id;
    uint16_t receipt_count;
};

/* What is taken and unanswered, oldest first. A receipt without a stream is the taker's. */
struct gate_pending {
    const struct sfe_mqtt_taker *taker; /* NULL: none. */
    struct gate_acknowledgement *acknowledgements;
    struct sfe_receipt *receipts; /* Of all of them, one after the other. */
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
    uint32_t receipt_capacity;
    uint32_t receipt_first;
    uint32_t receipt_count;
};

struct gate {
    struct gate_options options;
    struct sfe_socket *listener;
    struct gate_side client;
    struct gate_side broker;
    struct gate_inbox inbox;
    struct gate_pending pending;
    struct mqtt_border border; /* Of the bytes from client to broker. */
    uint8_t level;             /* MQTT_LEVEL_..., told by the client's CONNECT; 0: not yet. */
    uint8_t opening[GATE_OPENING_BYTES_MAX]; /* The first bytes of CONNECT. */
    uint8_t opening_bytes;
    bool is_secured;  /* The connection to the broker uses TLS, which has begun. */
    unsigned awaited; /* Events for which the handshake of TLS waits. */
    bool is_standing; /* The connection to the broker stands, TLS included. */
    bool is_answered; /* CONNACK, whatever it says. */
    bool is_accepted; /* CONNACK with success. */
    bool is_waiting;  /* The message at the front has to wait, for whatever reason. */
    bool is_blocked;  /* It waits for room in a stream. */
    bool is_stopping;
    uint32_t pings_answered; /* By us: so many PINGRESP of the broker are surplus. */
    uint32_t progress;       /* Of the message at the front, see struct sfe_message. */
    struct sfe_receipt receipts[GATE_RECEIPTS_MAX]; /* Of the message at the front. */
    uint8_t end_reason;   /* What a failure is called in MQTT; 0: a protocol error. */
    struct sfe_error why; /* Of the end or refusal; code SFE_OK: none yet. */
    uint64_t received;
    uint64_t acknowledged;
};

/* What the ring takes from the arena. Pure. */
size_t gate_pending_memory_bytes(uint16_t receive_maximum);

static inline size_t gate_pipe_size(const struct gate_pipe *pipe)
{
    return pipe->end - pipe->begin;
}

static inline size_t gate_pipe_room(const struct gate_pipe *pipe)
{
    return pipe->capacity - gate_pipe_size(pipe);
}

/* gate_relay.c */

/* Adds `bytes` whole, or nothing: false where there is no room. */
bool gate_pipe_add(struct gate_pipe *pipe, struct sfe_slice bytes);

/* Writes what waits for `side`, as far as it goes without waiting. Errors: SFE_E_NETWORK. */
SFE_MUST_USE enum sfe_code gate_flush(struct gate *gate, struct gate_side *side,
                                      struct sfe_error *err);

/* True while there is room for the client's bytes. */
bool gate_client_has_room(const struct gate *gate);

/* Reads from the client once and passes on. `has_data`: something came. Errors: SFE_E_NETWORK,
 * SFE_E_PROTOCOL; SFE_E_END where the client ended in order. */
SFE_MUST_USE enum sfe_code gate_client_receive(struct gate *gate, bool *has_data,
                                               struct sfe_error *err);

/* gate_broker.c */

/* True while there is room for the broker's bytes. */
bool gate_broker_has_room(const struct gate *gate);

/* Reads from the broker once and deals with it. As gate_client_receive. */
SFE_MUST_USE enum sfe_code gate_broker_receive(struct gate *gate, bool *has_data,
                                               struct sfe_error *err);

/* Deals with what is in the inbox, as far as there is room for it. */
SFE_MUST_USE enum sfe_code gate_broker_take(struct gate *gate, struct sfe_error *err);

/* gate_link.c */

/* Moves the connection to the broker on until it stands. Errors: SFE_E_NETWORK, SFE_E_TLS. */
SFE_MUST_USE enum sfe_code gate_link_move_on(struct gate *gate, struct sfe_error *err);

/* Events that the connection waits for until it stands. */
unsigned gate_link_awaits(const struct gate *gate);

/* As the poller's, through TLS where the side is secured. */
enum sfe_io gate_side_read(struct gate *gate, struct gate_side *side, struct sfe_builder *bytes,
                           struct sfe_error *err);
enum sfe_io gate_side_write(struct gate *gate, struct gate_side *side, struct sfe_slice bytes,
                            size_t *count, struct sfe_error *err);

/* True where bytes of the broker wait of which the poller does not tell. */
bool gate_link_has_more(const struct gate *gate);

/* Ends TLS, before the broker's socket is closed. */
void gate_link_end(struct gate *gate);

/* Adds "host:port" of the broker. */
void gate_link_name(const struct gate *gate, char *text, size_t capacity);

/* gate_acknowledge.c */

SFE_MUST_USE enum sfe_code gate_pending_open(struct gate_pending *pending, uint16_t receive_maximum,
                                             struct sfe_arena *arena, struct sfe_error *err);

/* Forgets everything: the connection is gone, and the broker will send it again. */
void gate_pending_clear(struct gate_pending *pending);

/* True where one more message may be taken without regard to how many streams take it. */
bool gate_pending_has_room(const struct gate_pending *pending);

/* Enters a message whose receipts are given; there is room for it. */
void gate_pending_add(struct gate_pending *pending, uint16_t packet_id,
                      const struct sfe_receipt *receipts, uint32_t receipt_count);

/* True where the oldest message may be answered. */
bool gate_pending_is_due(const struct gate_pending *pending);

/* Moves every acknowledgement that is due, from the oldest on, to what is written to the broker. */
void gate_acknowledge(struct gate *gate);

#endif
