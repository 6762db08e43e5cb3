#include "output/answer_event.h"

#include "base/assert.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/time_format.h"

#define TIME_BYTES 40u
#define ID_BYTES   32u

static void put_text(struct sfe_json_writer *writer, const char *name, const char *text)
{
    if (text[0] != '\0') {
        sfe_json_put_text(writer, name, sfe_slice_text(text));
    }
}

static bool has_time(const struct sfe_event *event, const struct answer_origin *origin)
{
    return event->clock_quality != SFE_CLOCK_UNSET || origin->time_is_known;
}

static struct sfe_slice outcome_of(const struct answer_origin *origin)
{
    if (origin->is_late) {
        return SFE_TEXT("late");
    }
    return origin->reason == NULL ? SFE_TEXT("done") : SFE_TEXT("dead");
}

static void put_event(struct sfe_json_writer *writer, const struct sfe_event *event,
                      const struct answer_origin *origin)
{
    uint8_t id_memory[ID_BYTES];
    uint8_t time_memory[TIME_BYTES];
    struct sfe_builder id = sfe_builder_make(id_memory, sizeof(id_memory));
    struct sfe_builder time = sfe_builder_make(time_memory, sizeof(time_memory));

    sfe_event_add_identity(event, &id);
    sfe_json_begin_object(writer, "event");
    sfe_json_put_text(writer, "id", sfe_builder_slice(&id));
    sfe_json_put_text(writer, "stream", sfe_slice_text(origin->stream));
    sfe_json_put_u64(writer, "seq", event->sequence);
    if (event->source.size != 0) {
        sfe_json_put_text(writer, "source", event->source);
    }
    if (has_time(event, origin)) {
        sfe_time_add_datetime(&time, origin->time_ns);
        sfe_json_put_text(writer, "time", sfe_builder_slice(&time));
    }
    sfe_json_end_object(writer);
}

static void put_error(struct sfe_json_writer *writer, const struct sfe_error *reason,
                      bool with_words)
{
    sfe_json_begin_object(writer, "error");
    put_text(writer, "reason", sfe_code_name(reason->code));
    if (with_words) {
        put_text(writer, "message", reason->message);
    }
    put_text(writer, "api_code", reason->api_code);
    if (reason->http_status != 0) {
        sfe_json_put_u64(writer, "http_status", reason->http_status);
    }
    if (with_words) {
        put_text(writer, "pointer", reason->pointer);
        put_text(writer, "where", reason->where);
    }
    sfe_json_end_object(writer);
}

/* One level deeper it must still be one that can be read. */
static void put_payload(struct sfe_json_writer *writer, struct sfe_slice payload)
{
    const struct sfe_slice mark = SFE_TEXT("\xef\xbb\xbf");

    if (payload.size >= mark.size && memcmp(payload.bytes, mark.bytes, mark.size) == 0) {
        payload = sfe_slice_part(payload, mark.size, payload.size - mark.size);
    }
    if (sfe_json_is_value(payload, SFE_JSON_DEPTH_MAX - 1u)) {
        sfe_json_put_raw(writer, "payload", payload);
        return;
    }
    sfe_json_put_text(writer, "payload_base64", SFE_TEXT(""));
    if (!writer->out->overflowed) {
        writer->out->size--; /* Its closing quote. */
        sfe_builder_add_base64(writer->out, payload);
        sfe_builder_add_byte(writer->out, '"');
    }
}

/* Ends the object behind the payload. False where that did not fit. */
static bool end_with_payload(struct sfe_json_writer *writer, struct sfe_slice payload)
{
    const struct sfe_json_writer before = *writer;
    const size_t mark = writer->out->size;

    put_payload(writer, payload);
    sfe_json_end_object(writer);
    if (!writer->out->overflowed) {
        return true;
    }
    sfe_builder_rewind(writer->out, mark);
    *writer = before;
    return false;
}

/* All that goes before the payload. */
static void put_head(struct sfe_json_writer *writer, const struct sfe_event *event,
                     const struct answer_origin *origin, enum answer_event_cut cut)
{
    sfe_json_begin_object(writer, NULL);
    put_event(writer, event, origin);
    sfe_json_put_text(writer, "output", sfe_slice_text(origin->output));
    sfe_json_put_text(writer, "outcome", outcome_of(origin));
    sfe_json_put_u64(writer, "attempts", origin->attempts);
    if (origin->reason != NULL) {
        put_error(writer, origin->reason, cut < ANSWER_EVENT_LEAST);
    }
    if (origin->dead_sequence != 0) {
        sfe_json_put_u64(writer, "dead", origin->dead_sequence);
    }
    if (origin->is_answer_cut || (origin->answer.size != 0 && cut >= ANSWER_EVENT_NO_ANSWER)) {
        sfe_json_put_bool(writer, "answer_left_out", true);
    } else if (origin->answer.size != 0) {
        sfe_json_put_raw(writer, "answer", origin->answer);
    }
}

/* False where it does not fit. */
static bool put_all(const struct sfe_event *event, const struct answer_origin *origin,
                    enum answer_event_cut cut, struct sfe_builder *payload)
{
    struct sfe_json_writer writer = sfe_json_writer_make(payload);

    sfe_builder_rewind(payload, 0);
    put_head(&writer, event, origin, cut);
    if (cut == ANSWER_EVENT_WHOLE) {
        return !payload->overflowed && end_with_payload(&writer, event->payload);
    }
    sfe_json_put_bool(&writer, "payload_left_out", true);
    sfe_json_end_object(&writer);
    return !payload->overflowed;
}

static struct sfe_hash128 identity_of(const struct sfe_event *event,
                                      const struct answer_origin *origin)
{
    const struct sfe_slice parts[] = {
        SFE_TEXT("answer"),
        sfe_slice_make(event->identity.bytes, sizeof(event->identity.bytes)),
        sfe_slice_text(origin->output),
        outcome_of(origin),
    };

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

enum answer_event_cut answer_event_make(struct sfe_event *event, const struct answer_origin *origin,
                                        enum answer_event_cut cut, struct sfe_builder *payload,
                                        struct sfe_event *made)
{
    SFE_ASSERT(payload->capacity >= ANSWER_EVENT_BYTES_MIN && cut <= ANSWER_EVENT_LEAST);
    sfe_event_identify(event);
    while (!put_all(event, origin, cut, payload)) {
        SFE_ASSERT(cut < ANSWER_EVENT_LEAST);
        cut = (enum answer_event_cut)((int)cut + 1);
    }
    *made = (struct sfe_event){
        .identity_kind = SFE_IDENTITY_GIVEN,
        .identity = identity_of(event, origin),
        .source = sfe_slice_text(origin->output),
        .payload = sfe_builder_slice(payload),
    };
    if (cut < ANSWER_EVENT_LEAST) {
        made->topic = event->topic;
    }
    return cut;
}
