/* A broker that takes every message, and tells the audience of it as of a request. */
#include "run/rehearsal_parts.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

/* One session: an output's. */
struct session {
    struct sfe_mqtt_publishing publishing;
};

static enum sfe_code open_session(void *context, const struct sfe_mqtt_options *options,
                                  struct sfe_mqtt_session **session, struct sfe_error *err)
{
    struct rehearsal_broker *books = context;
    struct session *made = sfe_arena_take(books->arena, sizeof(*made), err);

    if (made == NULL) {
        return err->code;
    }
    made->publishing = *options->publishing;
    *session = (struct sfe_mqtt_session *)made;
    return SFE_OK;
}

static void put_payload(struct rehearsal_broker *books, struct sfe_json_writer *writer,
                        struct sfe_slice payload)
{
    struct sfe_error ignored;
    struct sfe_json json;

    if (sfe_json_parse(payload, 0, books->tokens, SFE_JSON_TOKENS_MAX, &json, &ignored) == SFE_OK) {
        sfe_json_put_raw(writer, "payload", payload);
    } else {
        sfe_json_put_text(writer, "payload", payload);
    }
}

static void put_text(struct sfe_json_writer *writer, const char *name, struct sfe_slice text)
{
    if (text.size != 0) {
        sfe_json_put_text(writer, name, text);
    }
}

static void put_message(struct rehearsal_broker *books, const struct sfe_mqtt_message *message)
{
    struct sfe_json_writer writer = sfe_json_writer_make(&books->body);

    sfe_builder_rewind(&books->body, 0);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_u64(&writer, "qos", message->qos);
    sfe_json_put_bool(&writer, "retain", message->is_retained);
    if (message->expiry_s != 0) {
        sfe_json_put_u64(&writer, "expiry_s", message->expiry_s);
    }
    put_text(&writer, "content_type", message->content_type);
    put_text(&writer, "response_topic", message->response_topic);
    put_text(&writer, "correlation", message->correlation);
    if (message->property_count > 0) {
        sfe_json_begin_array(&writer, "properties");
        for (uint32_t i = 0; i < message->property_count; i++) {
            sfe_json_begin_array(&writer, NULL);
            sfe_json_put_text(&writer, NULL, message->properties[i].name);
            sfe_json_put_text(&writer, NULL, message->properties[i].value);
            sfe_json_end_array(&writer);
        }
        sfe_json_end_array(&writer);
    }
    put_payload(books, &writer, message->payload);
    sfe_json_end_object(&writer);
}

static enum sfe_code publish(void *context, struct sfe_mqtt_session *session,
                             const struct sfe_mqtt_message *message, uint64_t tag,
                             struct sfe_error *err)
{
    struct rehearsal_broker *books = context;
    const struct session *publisher = (const struct session *)(const void *)session;
    struct sfe_rehearsal_request request = {.method = "PUBLISH", .path = message->topic};

    (void)err;
    put_message(books, message);
    if (!books->body.overflowed) {
        request.body = sfe_builder_slice(&books->body);
    }
    books->audience->on_request(books->audience->reader, &request);
    publisher->publishing.on_published(publisher->publishing.owner, tag, 0, "");
    return SFE_OK;
}

static void limits(void *context, struct sfe_mqtt_session *session, struct sfe_mqtt_limits *told)
{
    (void)context;
    (void)session;
    *told = (struct sfe_mqtt_limits){UINT32_MAX, 1, true};
}

static void close_session(void *context, struct sfe_mqtt_session *session)
{
    (void)context;
    (void)session;
}

size_t rehearsal_broker_bytes(uint32_t event_bytes_max)
{
    return 8u * (size_t)event_bytes_max + 128u * 1024u;
}

enum sfe_code rehearsal_broker_open(struct rehearsal_broker *books, uint32_t event_bytes_max,
                                    struct sfe_arena *arena, struct sfe_mqtt *mqtt,
                                    struct sfe_error *err)
{
    const size_t body_bytes = rehearsal_broker_bytes(event_bytes_max);
    uint8_t *body = sfe_arena_take(arena, body_bytes, err);

    books->arena = arena;
    books->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*books->tokens), err);
    if (body == NULL || books->tokens == NULL) {
        return err->code;
    }
    books->body = sfe_builder_make(body, body_bytes);
    *mqtt = (struct sfe_mqtt){
        .context = books,
        .open = open_session,
        .close = close_session,
        .publish = publish,
        .limits = limits,
    };
    return SFE_OK;
}
