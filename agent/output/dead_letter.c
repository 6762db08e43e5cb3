#include "output/dead_letter.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"

static void put_text(struct sfe_json_writer *writer, const char *name, const char *text)
{
    if (text[0] != '\0') {
        sfe_json_put_text(writer, name, sfe_slice_text(text));
    }
}

static void put_annotation(uint64_t sequence, const struct dead_letter_origin *origin,
                           const struct sfe_error *reason, struct sfe_builder *annotation)
{
    struct sfe_json_writer writer = sfe_json_writer_make(annotation);

    sfe_json_begin_object(&writer, NULL);
    put_text(&writer, "reason", sfe_code_name(reason->code));
    put_text(&writer, "message", reason->message);
    put_text(&writer, "api_code", reason->api_code);
    if (reason->http_status != 0) {
        sfe_json_put_u64(&writer, "http_status", reason->http_status);
    }
    put_text(&writer, "pointer", reason->pointer);
    put_text(&writer, "output", origin->output);
    put_text(&writer, "stream", origin->stream);
    sfe_json_put_u64(&writer, "sequence", sequence);
    sfe_json_put_u64(&writer, "attempts", origin->attempts);
    sfe_json_end_object(&writer);
}

void dead_letter_make(struct sfe_event *event, const struct dead_letter_origin *origin,
                      const struct sfe_error *reason, struct sfe_builder *annotation,
                      struct sfe_event *letter)
{
    SFE_ASSERT(annotation->capacity >= DEAD_LETTER_ANNOTATION_BYTES);

    if (event->identity_kind == SFE_IDENTITY_CONTENT) {
        sfe_event_identify(event);
    }
    *letter = *event;
    letter->sequence = 0;
    /* The letter may be cut or put right by hand; it stays the same event. */
    letter->identity_kind = SFE_IDENTITY_GIVEN;
    if (event->clock_quality == SFE_CLOCK_UNSET && origin->time_is_known) {
        letter->received_ns = origin->time_ns;
        letter->clock_quality = SFE_CLOCK_COASTING;
    }
    sfe_builder_rewind(annotation, 0);
    put_annotation(event->sequence, origin, reason, annotation);
    SFE_ASSERT(!annotation->overflowed);
    letter->annotation = sfe_builder_slice(annotation);
}

void dead_letter_shorten(struct sfe_event *letter)
{
    if (letter->payload.size > SFE_EVENT_EXCERPT_BYTES) {
        letter->payload = sfe_slice_part(letter->payload, 0, SFE_EVENT_EXCERPT_BYTES);
        letter->flags |= SFE_EVENT_EXCERPT;
    }
}
