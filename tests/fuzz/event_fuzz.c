/* Any bytes as a frame's body: the decoder stays within them, ends, and what it finds can be
 * encoded and found again. */
#include "event/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void require_within(struct sfe_slice body, struct sfe_slice part)
{
    REQUIRE(part.size == 0 || (part.bytes >= body.bytes && part.size <= body.size &&
                               part.bytes - body.bytes <= (ptrdiff_t)(body.size - part.size)));
}

static void require_same(const struct sfe_event *a, const struct sfe_event *b)
{
    REQUIRE(a->flags == b->flags && a->clock_quality == b->clock_quality);
    REQUIRE(a->received_ns == b->received_ns && a->identity_kind == b->identity_kind);
    REQUIRE(memcmp(&a->identity, &b->identity, sizeof(a->identity)) == 0);
    REQUIRE(sfe_slice_equal(a->source, b->source) && sfe_slice_equal(a->topic, b->topic));
    REQUIRE(sfe_slice_equal(a->payload, b->payload));
    REQUIRE(sfe_slice_equal(a->annotation, b->annotation));
}

/* A frame of one event, after one that fills the tables. */
static void round_trip(const struct sfe_event *event)
{
    static uint8_t memory[256 * 1024];
    struct sfe_event_encoder encoder;
    struct sfe_event_decoder decoder;
    struct sfe_event read;
    struct sfe_error err;
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));
    sfe_event_encoder_begin(&encoder);
    for (int i = 0; i < 2; i++) {
        const size_t before = body.size;
        if (sfe_event_encode(&encoder, event, &body) != SFE_OK) {
            REQUIRE(body.size == before &&
                    sfe_builder_room(&body) < sfe_event_encoded_bytes_max(event));
            return;
        }
        REQUIRE(body.size - before <= sfe_event_encoded_bytes_max(event));
    }
    sfe_event_decoder_begin(&decoder, sfe_builder_slice(&body), event->sequence);
    for (int i = 0; i < 2; i++) {
        REQUIRE(sfe_event_decode(&decoder, &read, &err) == SFE_OK);
        require_same(event, &read);
    }
    REQUIRE(sfe_event_decode(&decoder, &read, &err) == SFE_E_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfe_slice body = sfe_slice_make(data, size);
    struct sfe_event_decoder decoder;
    struct sfe_event event;
    struct sfe_error err;
    enum sfe_code code = SFE_OK;
    sfe_event_decoder_begin(&decoder, body, 1);
    for (uint64_t sequence = 1; code == SFE_OK; sequence++) {
        const size_t before = decoder.offset;
        code = sfe_event_decode(&decoder, &event, &err);
        if (code != SFE_OK) {
            REQUIRE(code == SFE_E_CORRUPT || (code == SFE_E_END && before == size));
            break;
        }
        REQUIRE(event.sequence == sequence && decoder.offset > before);
        require_within(body, event.source);
        require_within(body, event.topic);
        require_within(body, event.payload);
        require_within(body, event.annotation);
        round_trip(&event);
    }
    return 0;
}
