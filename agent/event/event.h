/* The envelope: what an event is, in memory and as bytes inside a frame on flash.
 *
 * An event is a message as it came (topic and payload, raw) and what only the moment of its arrival
 * knows: source, time with its quality, identity. Mapping happens when it is read. All slices are
 * borrowed.
 */
#ifndef SFE_EVENT_EVENT_H
#define SFE_EVENT_EVENT_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "port/clock.h"

/* Where the identity of an event comes from. */
enum sfe_identity_kind {
    SFE_IDENTITY_CONTENT, /* Hash of topic and payload: not stored, made again when read. */
    SFE_IDENTITY_GIVEN    /* Carried by the message or made at arrival; stored. */
};

#define SFE_EVENT_RETAINED 1u /* The broker sent it as retained: old news. */
#define SFE_EVENT_REPEATED 2u /* MQTT DUP: sent before, which is not to say we have it. */
#define SFE_EVENT_EXCERPT  4u /* The payload is only the first bytes of one over the limit. */

struct sfe_event {
    uint64_t sequence;     /* In its stream; given when staged, from 1, without gaps. */
    uint8_t flags;         /* SFE_EVENT_... */
    uint8_t clock_quality; /* enum sfe_clock_quality at arrival. */
    enum sfe_identity_kind identity_kind;
    int64_t received_ns; /* Unix time; with SFE_CLOCK_UNSET monotonic time of the segment's boot.
                            Kept in whole microseconds: the encoder rounds down. */
    struct sfe_hash128 identity;
    struct sfe_slice source;  /* The input's name. */
    struct sfe_slice topic;   /* MQTT topic or what plays its part. */
    struct sfe_slice payload; /* Raw bytes. */
    /* JSON object or empty: why it is a dead letter, what an answer said. */
    struct sfe_slice annotation;
    /* Name of the identity that sent it; empty: none is known. It goes with a source alone; neither
       has an @ in it. */
    struct sfe_slice sender;
};

/* Fills event->identity for SFE_IDENTITY_CONTENT from topic and payload, and the sender where one
 * is known. */
void sfe_event_identify(struct sfe_event *event);

/* The identity, made where it is not given: hashing the payload costs as much as parsing it. */
struct sfe_hash128 sfe_event_identity(const struct sfe_event *event);

/* Adds the identity as 32 hexadecimal digits: the value of {id}. */
void sfe_event_add_identity(const struct sfe_event *event, struct sfe_builder *builder);

/* Events of one frame share what they repeat: source and topic are written once in a frame and then
 * referred to. The encoder lives as long as the frame is being filled, the decoder as long as it is
 * walked; both are small and need no memory. */
#define SFE_EVENT_SHARED_MAX 256u

struct sfe_event_shared {
    uint32_t offset; /* Of the text inside the frame's body. */
    uint16_t size;
};

struct sfe_event_encoder {
    int64_t base_ns; /* Times are written as differences to the one before. */
    uint32_t count;  /* Of shared texts; the table forgets nothing and takes no more when full. */
    struct sfe_event_shared shared[SFE_EVENT_SHARED_MAX];
    uint16_t slots[2 * SFE_EVENT_SHARED_MAX]; /* Hash table over them. */
};

/* Begins a frame: the first event's time is written as a difference to 0. */
void sfe_event_encoder_begin(struct sfe_event_encoder *encoder);

/* Adds `event` to `body` (which must hold the frame's body from offset 0), copying topic, payload
 * and annotation this once. On SFE_E_FULL nothing was added. The sequence is not written: it
 * follows from the frame. */
SFE_MUST_USE enum sfe_code sfe_event_encode(struct sfe_event_encoder *encoder,
                                            const struct sfe_event *event,
                                            struct sfe_builder *body);

/* Upper bound of what `event` takes in a frame. */
size_t sfe_event_encoded_bytes_max(const struct sfe_event *event);

struct sfe_event_decoder {
    struct sfe_slice body;
    size_t offset;
    int64_t base_ns;
    uint64_t sequence; /* Of the next event. */
    uint32_t count;
    struct sfe_event_shared shared[SFE_EVENT_SHARED_MAX];
};

/* Begins to walk a frame's body (borrowed) whose first event has `sequence`. */
void sfe_event_decoder_begin(struct sfe_event_decoder *decoder, struct sfe_slice body,
                             uint64_t sequence);

/* The next event; its slices point into the body. SFE_E_END after the last; SFE_E_CORRUPT where the
 * bytes make no event (any bytes at all are safe). Identity is filled when stored; call
 * sfe_event_identify otherwise, when it is wanted. */
SFE_MUST_USE enum sfe_code sfe_event_decode(struct sfe_event_decoder *decoder,
                                            struct sfe_event *event, struct sfe_error *err);

#endif
