/* Events as bytes inside a frame, one after the other until the frame's end:
 *
 *   u8      flags: bits 0-2 SFE_EVENT_..., bits 3-4 clock quality, bit 5 an annotation follows,
 *           bit 6 an identity follows, bit 7 zero
 *   text    source; with a sender SOURCE@SENDER, split at the first @ that has text on both sides
 *   text    topic
 *   varint  zigzag: arrival in microseconds since 1970, rounded down, less that of the event before
 *           (less 0 for the first)
 *   varint  payload size, then the payload
 *   varint  annotation size, then the annotation (bit 5)
 *   16      identity (bit 6)
 *
 * A text is varint 0, its size as varint and its bytes where it is new, or varint N for the N-th
 * new text of the frame. Texts are numbered from 1 in the order in which they stand; those behind
 * the 256th and those over 65,535 bytes get no number.
 */
#include "event/event.h"

#include "base/assert.h"

#define FLAGS_PUBLIC       (SFE_EVENT_RETAINED | SFE_EVENT_REPEATED | SFE_EVENT_EXCERPT)
#define FLAG_QUALITY_SHIFT 3u
#define FLAG_QUALITY_MASK  0x18u
#define FLAG_ANNOTATION    0x20u
#define FLAG_GIVEN         0x40u
#define FLAG_RESERVED      0x80u

#define MICROSECONDS_MAX (INT64_MAX / 1000)
#define VARINT_BYTES_MAX 10u

/* A slot holds the text's number in its low bits and some of its hash above, so that most texts
 * that differ are told apart without being compared. */
#define SLOT_COUNT       (2u * SFE_EVENT_SHARED_MAX)
#define SLOT_NUMBER_MASK 0x1ffu
#define SLOT_PROBES_MAX  8u

_Static_assert((SLOT_COUNT & (SLOT_COUNT - 1u)) == 0, "slots are found by masking");
_Static_assert(SFE_EVENT_SHARED_MAX <= SLOT_NUMBER_MASK, "a number fits its part of a slot");
_Static_assert(SFE_CLOCK_SYNCED <= (FLAG_QUALITY_MASK >> FLAG_QUALITY_SHIFT), "quality fits");

/* Source and sender are names, of SFE_NAME_BYTES_MAX; a longer text goes without its sender. */
#define ORIGIN_BYTES_MAX 128u
#define ORIGIN_MARK      '@'

/* A text looked up: its number (0: new), and where it would be entered. */
struct lookup {
    uint32_t number;
    uint32_t hash;
};

void sfe_event_encoder_begin(struct sfe_event_encoder *encoder)
{
    SFE_ASSERT(encoder != NULL);
    encoder->base_ns = 0;
    encoder->count = 0;
    memset(encoder->slots, 0, sizeof(encoder->slots));
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80u) {
        value >>= 7;
        size++;
    }
    return size;
}

static uint8_t *put_varint(uint8_t *place, uint64_t value)
{
    while (value >= 0x80u) {
        *place++ = (uint8_t)(value | 0x80u);
        value >>= 7;
    }
    *place++ = (uint8_t)value;
    return place;
}

static uint8_t *put_bytes(uint8_t *place, struct sfe_slice slice)
{
    if (slice.size != 0) {
        memcpy(place, slice.bytes, slice.size);
    }
    return place + slice.size;
}

/* Quick rather than strong: probes are bounded, so texts made to collide cost bytes in the frame,
 * not time. */
static uint32_t text_hash(struct sfe_slice text)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    uint64_t hash = text.size * factor;
    uint64_t word = 0;
    size_t offset = 0;
    for (; text.size - offset >= sizeof(word); offset += sizeof(word)) {
        memcpy(&word, text.bytes + offset, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    word = 0;
    if (text.size != offset) {
        memcpy(&word, text.bytes + offset, text.size - offset);
    }
    hash = (hash ^ word) * factor;
    return (uint32_t)(hash >> 32);
}

static uint16_t slot_tag(uint32_t hash)
{
    return (uint16_t)((hash >> 16) & (uint16_t)~SLOT_NUMBER_MASK);
}

static struct lookup find_text(const struct sfe_event_encoder *encoder, const uint8_t *body,
                               struct sfe_slice text)
{
    struct lookup found = {0, text_hash(text)};
    uint16_t tag = slot_tag(found.hash);
    for (uint32_t probe = 0; probe < SLOT_PROBES_MAX; probe++) {
        uint16_t slot = encoder->slots[(found.hash + probe) & (SLOT_COUNT - 1u)];
        if (slot == 0) {
            return found;
        }
        if ((slot & (uint16_t)~SLOT_NUMBER_MASK) != tag) {
            continue;
        }
        uint32_t number = slot & SLOT_NUMBER_MASK;
        const struct sfe_event_shared *shared = &encoder->shared[number - 1];
        if (sfe_slice_equal(sfe_slice_make(body + shared->offset, shared->size), text)) {
            found.number = number;
            return found;
        }
    }
    return found;
}

static bool gets_number(size_t size, uint32_t count)
{
    return size <= UINT16_MAX && count < SFE_EVENT_SHARED_MAX;
}

/* The decoder has no hash table and numbers every new text: so does the encoder, also where no slot
 * is free nearby. */
static void enter_text(struct sfe_event_encoder *encoder, struct lookup lookup, size_t offset,
                       size_t size)
{
    if (!gets_number(size, encoder->count)) {
        return;
    }
    SFE_ASSERT(offset <= UINT32_MAX);
    encoder->shared[encoder->count++] = (struct sfe_event_shared){(uint32_t)offset, (uint16_t)size};
    for (uint32_t probe = 0; probe < SLOT_PROBES_MAX; probe++) {
        uint16_t *slot = &encoder->slots[(lookup.hash + probe) & (SLOT_COUNT - 1u)];
        if (*slot == 0) {
            *slot = (uint16_t)(slot_tag(lookup.hash) | encoder->count);
            return;
        }
    }
}

static size_t text_size(struct lookup lookup, struct sfe_slice text)
{
    return lookup.number != 0 ? varint_size(lookup.number) : 1 + varint_size(text.size) + text.size;
}

static uint8_t *put_text(struct sfe_event_encoder *encoder, const uint8_t *body, uint8_t *place,
                         struct lookup lookup, struct sfe_slice text)
{
    if (lookup.number != 0) {
        return put_varint(place, lookup.number);
    }
    *place++ = 0;
    place = put_varint(place, text.size);
    enter_text(encoder, lookup, (size_t)(place - body), text.size);
    return put_bytes(place, text);
}

static int64_t microseconds_down(int64_t ns)
{
    int64_t us = ns / 1000;
    return ns % 1000 < 0 && us > -MICROSECONDS_MAX ? us - 1 : us;
}

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t value)
{
    int64_t half = (int64_t)(value >> 1);
    return (value & 1u) != 0 ? -half - 1 : half;
}

static uint8_t event_flags(const struct sfe_event *event)
{
    SFE_ASSERT((event->flags & ~FLAGS_PUBLIC) == 0);
    SFE_ASSERT(event->clock_quality <= SFE_CLOCK_SYNCED);
    unsigned flags = event->flags | ((unsigned)event->clock_quality << FLAG_QUALITY_SHIFT);
    if (event->annotation.size != 0) {
        flags |= FLAG_ANNOTATION;
    }
    if (event->identity_kind == SFE_IDENTITY_GIVEN) {
        flags |= FLAG_GIVEN;
    }
    return (uint8_t)flags;
}

/* The source, with its sender where there is one, which `memory` then holds. */
static struct sfe_slice join_origin(const struct sfe_event *event, uint8_t memory[ORIGIN_BYTES_MAX])
{
    struct sfe_builder out = sfe_builder_make(memory, ORIGIN_BYTES_MAX);

    if (event->sender.size == 0 || event->source.size == 0 ||
        event->source.size + 1u + event->sender.size > ORIGIN_BYTES_MAX) {
        return event->source;
    }
    sfe_builder_add(&out, event->source);
    sfe_builder_add_byte(&out, ORIGIN_MARK);
    sfe_builder_add(&out, event->sender);
    return sfe_builder_slice(&out);
}

static void split_origin(struct sfe_event *event)
{
    const struct sfe_slice text = event->source;
    const uint8_t *mark = text.size < 3 ? NULL : memchr(text.bytes + 1, ORIGIN_MARK, text.size - 2);

    if (mark != NULL && text.size <= ORIGIN_BYTES_MAX) {
        event->source = sfe_slice_part(text, 0, (size_t)(mark - text.bytes));
        event->sender = sfe_slice_part(text, (size_t)(mark - text.bytes) + 1u, text.size);
    }
}

enum sfe_code sfe_event_encode(struct sfe_event_encoder *encoder, const struct sfe_event *event,
                               struct sfe_builder *body)
{
    const uint8_t flags = event_flags(event);
    const bool is_given = (flags & FLAG_GIVEN) != 0;
    const bool is_annotated = (flags & FLAG_ANNOTATION) != 0;
    uint8_t memory[ORIGIN_BYTES_MAX];
    const struct sfe_slice origin = join_origin(event, memory);
    const struct lookup source = find_text(encoder, body->bytes, origin);
    const struct lookup topic = find_text(encoder, body->bytes, event->topic);
    const int64_t us = microseconds_down(event->received_ns);
    const uint64_t step = zigzag(us - encoder->base_ns / 1000);

    size_t size = 1 + text_size(source, origin) + text_size(topic, event->topic) +
                  varint_size(step) + varint_size(event->payload.size) + event->payload.size;
    if (is_annotated) {
        size += varint_size(event->annotation.size) + event->annotation.size;
    }
    if (is_given) {
        size += sizeof(event->identity.bytes);
    }
    if (body->overflowed || size > sfe_builder_room(body)) {
        return SFE_E_FULL; /* Asked before, so that the builder does not remember an overflow. */
    }

    uint8_t *place = sfe_builder_reserve(body, size);
    const uint8_t *end = place + size;
    *place++ = flags;
    place = put_text(encoder, body->bytes, place, source, origin);
    place = put_text(encoder, body->bytes, place, topic, event->topic);
    place = put_varint(place, step);
    place = put_varint(place, event->payload.size);
    place = put_bytes(place, event->payload);
    if (is_annotated) {
        place = put_varint(place, event->annotation.size);
        place = put_bytes(place, event->annotation);
    }
    if (is_given) {
        place =
            put_bytes(place, sfe_slice_make(event->identity.bytes, sizeof(event->identity.bytes)));
    }
    SFE_ASSERT(place == end);
    encoder->base_ns = us * 1000;
    return SFE_OK;
}

size_t sfe_event_encoded_bytes_max(const struct sfe_event *event)
{
    return 1 + 2 * (1 + VARINT_BYTES_MAX) + 3 * VARINT_BYTES_MAX + event->source.size + 1 +
           event->sender.size + event->topic.size + event->payload.size + event->annotation.size +
           sizeof(event->identity.bytes);
}

void sfe_event_decoder_begin(struct sfe_event_decoder *decoder, struct sfe_slice body,
                             uint64_t sequence)
{
    SFE_ASSERT(decoder != NULL);
    decoder->body = body;
    decoder->offset = 0;
    decoder->base_ns = 0;
    decoder->sequence = sequence;
    decoder->count = 0;
}

/* A size and so many bytes. */
static struct sfe_slice take_sized(struct sfe_reader *reader)
{
    uint64_t size = sfe_reader_varint(reader);
    if (size > reader->rest.size) {
        reader->failed = true;
        size = 0;
    }
    return sfe_reader_take(reader, (size_t)size);
}

/* `count` is the number of texts known so far; new ones are entered behind it. */
static struct sfe_slice take_text(struct sfe_event_decoder *decoder, struct sfe_reader *reader,
                                  uint32_t *count)
{
    uint64_t number = sfe_reader_varint(reader);
    if (number > *count) {
        reader->failed = true;
    }
    if (reader->failed) {
        return sfe_slice_make(NULL, 0);
    }
    if (number != 0) {
        const struct sfe_event_shared *shared = &decoder->shared[number - 1];
        return sfe_slice_part(decoder->body, shared->offset, shared->size);
    }
    struct sfe_slice text = take_sized(reader);
    if (!reader->failed && gets_number(text.size, *count)) {
        size_t offset = decoder->body.size - reader->rest.size - text.size;
        if (offset > UINT32_MAX) {
            reader->failed = true;
            return text;
        }
        decoder->shared[(*count)++] =
            (struct sfe_event_shared){(uint32_t)offset, (uint16_t)text.size};
    }
    return text;
}

static int64_t take_time(struct sfe_reader *reader, int64_t base_ns)
{
    int64_t step = unzigzag(sfe_reader_varint(reader));
    int64_t base_us = base_ns / 1000;
    /* |base_us| <= MICROSECONDS_MAX, so neither difference below leaves 64 bits. */
    if (step > MICROSECONDS_MAX - base_us || step < -MICROSECONDS_MAX - base_us) {
        reader->failed = true;
        return 0;
    }
    return (base_us + step) * 1000;
}

enum sfe_code sfe_event_decode(struct sfe_event_decoder *decoder, struct sfe_event *event,
                               struct sfe_error *err)
{
    SFE_ASSERT(decoder->offset <= decoder->body.size);
    SFE_ASSERT(decoder->count <= SFE_EVENT_SHARED_MAX);
    if (decoder->offset == decoder->body.size) {
        return SFE_E_END;
    }
    struct sfe_reader reader = sfe_reader_make(
        sfe_slice_part(decoder->body, decoder->offset, decoder->body.size - decoder->offset));
    uint32_t count = decoder->count;
    const unsigned flags = sfe_reader_u8(&reader);
    const unsigned quality = (flags & FLAG_QUALITY_MASK) >> FLAG_QUALITY_SHIFT;

    *event = (struct sfe_event){0};
    event->sequence = decoder->sequence;
    event->flags = (uint8_t)(flags & FLAGS_PUBLIC);
    event->clock_quality = (uint8_t)quality;
    event->source = take_text(decoder, &reader, &count);
    split_origin(event);
    event->topic = take_text(decoder, &reader, &count);
    event->received_ns = take_time(&reader, decoder->base_ns);
    event->payload = take_sized(&reader);
    if ((flags & FLAG_ANNOTATION) != 0) {
        event->annotation = take_sized(&reader);
    }
    if ((flags & FLAG_GIVEN) != 0) {
        event->identity_kind = SFE_IDENTITY_GIVEN;
        struct sfe_slice identity = sfe_reader_take(&reader, sizeof(event->identity.bytes));
        put_bytes(event->identity.bytes, identity);
    }
    if (reader.failed || (flags & FLAG_RESERVED) != 0 || quality > SFE_CLOCK_SYNCED) {
        return sfe_fail(err, SFE_E_CORRUPT, "no event at byte %zu of a frame", decoder->offset);
    }
    decoder->offset = decoder->body.size - reader.rest.size;
    decoder->base_ns = event->received_ns;
    decoder->sequence++;
    decoder->count = count;
    return SFE_OK;
}
