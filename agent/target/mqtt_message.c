#include "target/mqtt_message.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/limits.h"
#include "flow/template.h"
#include "flow/where.h"

#include <inttypes.h>

#define ORDER_SEED      0x7366656467652d70u
#define ORDER_BYTES     1024u
#define PROPERTY_TOKENS 64u
#define SECOND_NS       INT64_C(1000000000)

size_t sfe_mqtt_output_payload_bytes_max(uint32_t event_bytes_max)
{
    return 2u * (size_t)event_bytes_max + 4096u;
}

size_t mqtt_maker_memory_bytes(const struct sfe_mqtt_output_options *options)
{
    return sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           sfe_arena_cost(MQTT_TOPIC_BYTES_MAX + 1u) +
           sfe_arena_cost(sfe_mqtt_output_payload_bytes_max(options->event_bytes_max)) +
           sfe_arena_cost(MQTT_TEXTS_BYTES_MAX) + 2u * sfe_arena_cost(MQTT_PROPERTIES_BYTES_MAX) +
           sfe_arena_cost(ORDER_BYTES);
}

enum sfe_code mqtt_maker_open(const struct sfe_mqtt_output_options *options,
                              struct sfe_arena *arena, struct mqtt_maker *maker,
                              struct sfe_error *err)
{
    const size_t payload = sfe_mqtt_output_payload_bytes_max(options->event_bytes_max);

    maker->options = options;
    maker->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*maker->tokens), err);
    if (maker->tokens == NULL ||
        sfe_arena_take_builder(arena, MQTT_TOPIC_BYTES_MAX + 1u, &maker->topic, err) != SFE_OK ||
        sfe_arena_take_builder(arena, payload, &maker->payload, err) != SFE_OK ||
        sfe_arena_take_builder(arena, MQTT_TEXTS_BYTES_MAX, &maker->texts, err) != SFE_OK ||
        sfe_arena_take_builder(arena, MQTT_PROPERTIES_BYTES_MAX, &maker->properties_json, err) !=
            SFE_OK ||
        sfe_arena_take_builder(arena, MQTT_PROPERTIES_BYTES_MAX, &maker->properties_text, err) !=
            SFE_OK ||
        sfe_arena_take_builder(arena, ORDER_BYTES, &maker->order, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    return SFE_OK;
}

/* An event that can never go: whatever is wrong with its text. */
static enum sfe_code unfit(const char *what, enum sfe_code code, struct sfe_error *err)
{
    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "%s is too long", what);
    }
    return sfe_within(err, "%s", what);
}

/* What is written in the topic itself was looked at when it was compiled. */
static enum sfe_code check_value(const struct flow_part *part, struct sfe_slice value,
                                 bool is_first, struct sfe_error *err)
{
    if (value.size == 0) {
        return sfe_fail(err, SFE_E_UNMAPPED, "topic: a value in it is empty");
    }
    if (is_first && value.bytes[0] == '$') {
        return sfe_fail(err, SFE_E_UNMAPPED, "topic: it would begin with $, which is the broker's");
    }
    for (size_t i = 0; i < value.size; i++) {
        const uint8_t byte = value.bytes[i];
        if (byte == '+' || byte == '#' || byte < 0x20 || byte == 0x7f ||
            (byte == '/' && part->kind != FLOW_PART_TOPIC)) {
            return sfe_fail(err, SFE_E_UNMAPPED,
                            "topic: a value in it holds a byte 0x%02x; allowed: no + # / and no "
                            "control characters",
                            byte);
        }
    }
    return SFE_OK;
}

static enum sfe_code make_topic(struct mqtt_maker *maker, struct sfe_error *err)
{
    const struct sfe_template *topic = maker->options->topic;
    struct sfe_builder *out = &maker->topic;

    sfe_builder_rewind(out, 0);
    out->capacity = MQTT_TOPIC_BYTES_MAX;
    for (uint32_t i = 0; i < topic->count; i++) {
        const struct sfe_template part = {&topic->parts[i], 1};
        const size_t begin = out->size;
        enum sfe_code code = sfe_template_add(&part, &maker->subject, out, err);
        if (code == SFE_OK && out->overflowed) {
            code = SFE_E_FULL;
        }
        if (code != SFE_OK) {
            return unfit("topic", code, err);
        }
        const struct sfe_slice value = sfe_slice_part(sfe_builder_slice(out), begin, out->size);
        if (topic->parts[i].kind != FLOW_PART_LITERAL &&
            check_value(&topic->parts[i], value, begin == 0, err) != SFE_OK) {
            return err->code;
        }
    }
    if (!sfe_utf8_valid(sfe_builder_slice(out))) {
        return sfe_fail(err, SFE_E_UNMAPPED, "topic: it is not UTF-8");
    }
    out->capacity++;
    out->bytes[out->size] = 0;
    maker->message.topic = (const char *)out->bytes;
    return SFE_OK;
}

static enum sfe_code find_order(struct mqtt_maker *maker, uint64_t *order_key,
                                struct sfe_error *err)
{
    struct sfe_slice text = sfe_builder_slice(&maker->topic);

    if (maker->options->order_by != NULL) {
        sfe_builder_rewind(&maker->order, 0);
        enum sfe_code code =
            sfe_template_add(maker->options->order_by, &maker->subject, &maker->order, err);
        if (code == SFE_OK && maker->order.overflowed) {
            code = SFE_E_FULL;
        }
        if (code != SFE_OK) {
            return unfit("order_by", code, err);
        }
        text = sfe_builder_slice(&maker->order);
    }
    const uint64_t hash = sfe_hash64(ORDER_SEED, text);
    *order_key = hash == 0 ? 1 : hash;
    return SFE_OK;
}

enum sfe_code mqtt_maker_begin(struct mqtt_maker *maker, struct sfe_event *event, int64_t time_ns,
                               uint64_t *order_key, struct sfe_error *err)
{
    *order_key = 0;
    memset(&maker->message, 0, sizeof(maker->message));
    sfe_map_subject_make(event, time_ns, maker->tokens, SFE_JSON_TOKENS_MAX, &maker->subject);
    enum sfe_code code = sfe_where_judge(maker->options->where, &maker->subject, err);
    if (code == SFE_OK) {
        code = make_topic(maker, err);
    }
    return code == SFE_OK ? find_order(maker, order_key, err) : code;
}

/* The members of the one object that `map` makes. */
static enum sfe_code add_record(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                struct sfe_builder *out, struct sfe_error *err)
{
    const uint32_t item = sfe_map_item(map, subject, 0, SFE_JSON_NONE);

    return sfe_map_add_record(map, subject, 0, item, out, NULL, err);
}

static enum sfe_code make_payload(struct mqtt_maker *maker, struct sfe_error *err)
{
    const struct sfe_mqtt_output_options *options = maker->options;
    struct sfe_builder *out = &maker->payload;
    enum sfe_code code = SFE_OK;

    if (options->empty_when != NULL) {
        code = sfe_where_judge(options->empty_when, &maker->subject, err);
        if (code == SFE_OK) {
            maker->message.payload = SFE_TEXT("");
            return SFE_OK;
        }
        if (code != SFE_E_SKIPPED) {
            return unfit("empty_when", code, err);
        }
    }
    if (options->payload == NULL && options->map == NULL) {
        maker->message.payload = maker->subject.event->payload;
        return SFE_OK;
    }
    sfe_builder_rewind(out, 0);
    if (options->map != NULL) {
        sfe_builder_add_byte(out, '{');
        code = add_record(options->map, &maker->subject, out, err);
        sfe_builder_add_byte(out, '}');
    } else {
        code = sfe_template_add(options->payload, &maker->subject, out, err);
    }
    if (code == SFE_OK && out->overflowed) {
        code = SFE_E_FULL;
    }
    maker->message.payload = sfe_builder_slice(out);
    return code == SFE_OK ? SFE_OK : unfit("payload", code, err);
}

/* A text of the message; without a template, none. */
static enum sfe_code make_text(struct mqtt_maker *maker, const struct sfe_template *from,
                               const char *what, struct sfe_slice *text, struct sfe_error *err)
{
    struct sfe_builder *out = &maker->texts;
    const size_t begin = out->size;

    if (from == NULL) {
        return SFE_OK;
    }
    enum sfe_code code = sfe_template_add(from, &maker->subject, out, err);
    if (code == SFE_OK && out->overflowed) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        return unfit(what, code, err);
    }
    *text = sfe_slice_part(sfe_builder_slice(out), begin, out->size);
    if (!sfe_utf8_valid(*text) || memchr(text->bytes, 0, text->size) != NULL) {
        return sfe_fail(err, SFE_E_UNMAPPED, "%s: it is not UTF-8 without NUL", what);
    }
    return SFE_OK;
}

static enum sfe_code make_texts(struct mqtt_maker *maker, struct sfe_error *err)
{
    const struct sfe_mqtt_output_options *options = maker->options;
    struct sfe_mqtt_message *message = &maker->message;

    sfe_builder_rewind(&maker->texts, 0);
    enum sfe_code code =
        make_text(maker, options->content_type, "content_type", &message->content_type, err);
    if (code == SFE_OK) {
        code = make_text(maker, options->response_topic, "response_topic", &message->response_topic,
                         err);
    }
    if (code == SFE_OK && message->response_topic.size != 0 &&
        (memchr(message->response_topic.bytes, '+', message->response_topic.size) != NULL ||
         memchr(message->response_topic.bytes, '#', message->response_topic.size) != NULL)) {
        code = sfe_fail(err, SFE_E_UNMAPPED, "response_topic: a topic has no + and no #");
    }
    if (code == SFE_OK) {
        code = make_text(maker, options->correlation, "correlation", &message->correlation, err);
    }
    return code;
}

/* Takes the properties out of a JSON object of texts. */
static enum sfe_code read_properties(struct mqtt_maker *maker, struct sfe_error *err)
{
    struct sfe_json_token tokens[PROPERTY_TOKENS];
    struct sfe_builder *text = &maker->properties_text;
    struct sfe_json json;

    if (sfe_json_parse(sfe_builder_slice(&maker->properties_json), 0, tokens, PROPERTY_TOKENS,
                       &json, err) != SFE_OK) {
        return sfe_within(err, "properties");
    }
    for (uint32_t key = sfe_json_first(&json, 0); key != SFE_JSON_NONE;
         key = sfe_json_next(&json, 0, key)) {
        const enum sfe_json_kind kind = sfe_json_kind(&json, key + 1u);
        struct sfe_mqtt_property *property = &maker->properties[maker->message.property_count++];
        const size_t begin = text->size;
        SFE_ASSERT(maker->message.property_count <= MQTT_PROPERTIES_MAX);
        property->name = sfe_json_raw(&json, key);
        if (kind == SFE_JSON_STRING) {
            sfe_json_add_text(&json, key + 1u, text);
        } else {
            sfe_builder_add(text, sfe_json_raw(&json, key + 1u));
        }
        property->value = sfe_slice_part(sfe_builder_slice(text), begin, text->size);
        if (memchr(property->value.bytes, 0, property->value.size) != NULL) {
            return sfe_fail(err, SFE_E_UNMAPPED, "properties: a value holds NUL");
        }
    }
    return text->overflowed ? sfe_fail(err, SFE_E_TOO_LARGE, "properties are too long") : SFE_OK;
}

static enum sfe_code make_properties(struct mqtt_maker *maker, struct sfe_error *err)
{
    struct sfe_builder *out = &maker->properties_json;
    struct sfe_builder identity = sfe_builder_make(maker->identity, sizeof(maker->identity));

    maker->message.properties = maker->properties;
    if (maker->options->has_event_id) {
        sfe_event_add_identity(maker->subject.event, &identity);
        maker->properties[maker->message.property_count++] =
            (struct sfe_mqtt_property){SFE_TEXT("event-id"), sfe_builder_slice(&identity)};
    }
    if (maker->options->properties == NULL) {
        return SFE_OK;
    }
    sfe_builder_rewind(out, 0);
    sfe_builder_rewind(&maker->properties_text, 0);
    sfe_builder_add_byte(out, '{');
    enum sfe_code code = add_record(maker->options->properties, &maker->subject, out, err);
    sfe_builder_add_byte(out, '}');
    if (code == SFE_OK && out->overflowed) {
        code = SFE_E_FULL;
    }
    return code == SFE_OK ? read_properties(maker, err) : unfit("properties", code, err);
}

/* What is left of an event's time. A clock that is unset judges nothing. */
static enum sfe_code make_expiry(struct mqtt_maker *maker, struct sfe_error *err)
{
    const struct sfe_mqtt_output_options *options = maker->options;
    const int64_t expiry_ns = (int64_t)options->expiry_ns;
    int64_t now_ns = 0;
    int64_t age_ns = 0;

    if (expiry_ns == 0) {
        return SFE_OK;
    }
    if (options->clock->wall_ns(options->clock->context, &now_ns) != SFE_CLOCK_UNSET &&
        now_ns > maker->subject.time_ns) {
        age_ns = now_ns - maker->subject.time_ns;
    }
    if (age_ns >= expiry_ns) {
        return sfe_fail(err, SFE_E_UNMAPPED, "it has expired: it is %" PRId64 " s old",
                        age_ns / SECOND_NS);
    }
    const int64_t left_s = (expiry_ns - age_ns + SECOND_NS - 1) / SECOND_NS;
    maker->message.expiry_s = left_s > (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
    return SFE_OK;
}

static uint64_t text_bytes(struct sfe_slice text)
{
    return text.size == 0 ? 0 : 3u + text.size;
}

static uint64_t with_length(uint64_t bytes)
{
    return bytes + 1u + (bytes > 127u) + (bytes > 16383u) + (bytes > 2097151u);
}

uint64_t mqtt_message_packet_bytes(const struct sfe_mqtt_message *message, bool is_5)
{
    uint64_t bytes =
        2u + strlen(message->topic) + (message->qos == 0 ? 0 : 2u) + message->payload.size;
    uint64_t properties = (message->expiry_s == 0 ? 0 : 5u) + text_bytes(message->content_type) +
                          text_bytes(message->response_topic) + text_bytes(message->correlation);

    for (uint32_t i = 0; i < message->property_count; i++) {
        properties += 5u + message->properties[i].name.size + message->properties[i].value.size;
    }
    if (is_5) {
        bytes += with_length(properties);
    }
    return 1u + with_length(bytes);
}

enum sfe_code mqtt_maker_finish(struct mqtt_maker *maker, const struct sfe_mqtt_limits *limits,
                                struct sfe_error *err)
{
    enum sfe_code code = make_expiry(maker, err);

    maker->message.qos = maker->options->qos;
    maker->message.is_retained = maker->options->is_retained;
    if (code == SFE_OK) {
        code = make_payload(maker, err);
    }
    if (code == SFE_OK && maker->options->is_5) {
        code = make_texts(maker, err);
    }
    if (code == SFE_OK && maker->options->is_5) {
        code = make_properties(maker, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const uint64_t bytes = mqtt_message_packet_bytes(&maker->message, maker->options->is_5);
    if (bytes > limits->packet_bytes_max) {
        return sfe_fail(err, SFE_E_TOO_LARGE,
                        "the packet has %" PRIu64 " bytes, and the broker takes %" PRIu32, bytes,
                        limits->packet_bytes_max);
    }
    return SFE_OK;
}

enum sfe_code sfe_mqtt_output_check_topic(const struct sfe_template *topic, struct sfe_error *err)
{
    for (uint32_t i = 0; i < topic->count; i++) {
        const struct flow_part *part = &topic->parts[i];
        if (part->kind != FLOW_PART_LITERAL) {
            continue;
        }
        if (memchr(part->literal.bytes, '+', part->literal.size) != NULL ||
            memchr(part->literal.bytes, '#', part->literal.size) != NULL) {
            return sfe_fail(err, SFE_E_CONFIG,
                            "a message has a topic without wildcards; allowed: no + and no #");
        }
    }
    return SFE_OK;
}
