/* The bytes of a request: address, headers, body, signature. */
#include "target/http_parts.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/secret.h"

#include <inttypes.h>
#include <stdio.h>

/* What a secret is shown as where there is none. */
#define HIDDEN "***"

/* A segment of nothing but dots would lead to another place. */
static bool has_dot_segment(struct sfe_slice url, size_t path_begin)
{
    size_t begin = path_begin;

    for (size_t i = path_begin; i <= url.size; i++) {
        const bool is_end = i == url.size || url.bytes[i] == '?';
        if (!is_end && url.bytes[i] != '/') {
            continue;
        }
        const struct sfe_slice segment = sfe_slice_part(url, begin, i - begin);
        if (sfe_slice_equal(segment, SFE_TEXT(".")) || sfe_slice_equal(segment, SFE_TEXT(".."))) {
            return true;
        }
        if (is_end) {
            return false;
        }
        begin = i + 1u;
    }
    return false;
}

static enum sfe_code make_url(struct http_target *target, const struct sfe_map_subject *subject,
                              struct sfe_error *err)
{
    struct sfe_builder *url = &target->head.url;

    sfe_builder_rewind(url, 0);
    sfe_builder_add_text(url, target->options.base);
    const size_t base_size = url->size;
    enum sfe_code code = sfe_template_add_encoded(target->options.path, subject, url, err);
    if (code == SFE_OK) {
        sfe_builder_add_byte(url, '\0');
    }
    if (code == SFE_E_FULL || (code == SFE_OK && url->overflowed)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the url is longer than %u bytes", HTTP_URL_BYTES);
    }
    if (code != SFE_OK) {
        return sfe_within(err, "url");
    }
    const struct sfe_slice text = sfe_slice_make(url->bytes, url->size - 1u);
    if (has_dot_segment(text, base_size)) {
        return sfe_fail(err, SFE_E_UNMAPPED,
                        "url: a part of the path is . or .., which would name another place");
    }
    return SFE_OK;
}

/* No line break may begin a header of somebody else's choice. */
static bool has_control(struct sfe_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < ' ' || value.bytes[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static enum sfe_code make_header(struct http_target *target, uint32_t index,
                                 const struct sfe_map_subject *subject, struct sfe_error *err)
{
    struct http_head *head = &target->head;
    const struct sfe_shape *headers = target->options.headers;
    const char *name = sfe_shape_value_name(headers, index);
    const size_t begin = head->text.size;
    bool is_left_out = false;
    enum sfe_code code =
        sfe_shape_add_text(headers, index, subject, &head->text, &is_left_out, err);

    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the headers are longer than %u bytes",
                        HTTP_HEADERS_BYTES);
    }
    if (code != SFE_OK || is_left_out) {
        return code;
    }
    const struct sfe_slice value =
        sfe_slice_make(head->text.bytes + begin, head->text.size - begin);
    if (has_control(value)) {
        return sfe_fail(err, SFE_E_UNMAPPED,
                        "header %.64s: the value has a line break or another "
                        "control character",
                        name);
    }
    SFE_ASSERT(head->count < SFE_HTTP_HEADERS_MAX);
    head->names[head->count] = name;
    head->values[head->count++] = value;
    return SFE_OK;
}

enum sfe_code http_make_head(struct http_target *target, const struct sfe_map_subject *subject,
                             struct sfe_error *err)
{
    const struct sfe_shape *headers = target->options.headers;
    enum sfe_code code = make_url(target, subject, err);

    sfe_builder_rewind(&target->head.text, 0);
    target->head.count = 0;
    for (uint32_t i = 0; code == SFE_OK && headers != NULL && i < sfe_shape_value_count(headers);
         i++) {
        code = make_header(target, i, subject, err);
    }
    return code;
}

bool http_same_head(const struct http_head *a, const struct http_head *b)
{
    if (a->count != b->count ||
        !sfe_slice_equal(sfe_builder_slice(&a->url), sfe_builder_slice(&b->url))) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->names[i] != b->names[i] || !sfe_slice_equal(a->values[i], b->values[i])) {
            return false;
        }
    }
    return true;
}

void http_copy_head(struct http_head *to, const struct http_head *from)
{
    sfe_builder_rewind(&to->url, 0);
    sfe_builder_rewind(&to->text, 0);
    sfe_builder_add(&to->url, sfe_builder_slice(&from->url));
    to->count = from->count;
    for (uint32_t i = 0; i < from->count; i++) {
        const size_t begin = to->text.size;
        sfe_builder_add(&to->text, from->values[i]);
        to->names[i] = from->names[i];
        to->values[i] = sfe_slice_make(to->text.bytes + begin, from->values[i].size);
    }
    SFE_ASSERT(!to->url.overflowed && !to->text.overflowed);
}

/* A payload in an array or a line of its own must be JSON; a line break in it can only stand
 * between its values. */
static enum sfe_code add_payload(struct http_slot *slot, const struct sfe_map_subject *subject,
                                 struct sfe_error *err)
{
    const struct sfe_slice payload = subject->event->payload;
    const bool is_batch = slot->target->options.slot_events_max > 1;
    const size_t begin = slot->body.size;

    if (is_batch && !subject->is_json) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the payload is not JSON, so it goes in no batch");
    }
    slot->is_json = subject->is_json;
    sfe_builder_add(&slot->body, payload);
    for (size_t i = begin; is_batch && i < slot->body.size; i++) {
        if (slot->body.bytes[i] == '\n' || slot->body.bytes[i] == '\r') {
            slot->body.bytes[i] = ' ';
        }
    }
    return slot->body.overflowed ? SFE_E_FULL : SFE_OK;
}

static enum sfe_code add_one(struct http_slot *slot, const struct sfe_map_subject *subject,
                             struct sfe_error *err)
{
    const struct sfe_http_target_options *options = &slot->target->options;
    enum sfe_code code = SFE_OK;

    switch (options->body_kind) {
    case SFE_HTTP_PAYLOAD:
        return add_payload(slot, subject, err);
    case SFE_HTTP_SHAPE:
        slot->is_json = true;
        return sfe_shape_add(options->shape, subject, &slot->body, err);
    case SFE_HTTP_TEXT:
        slot->is_json = false;
        code = sfe_template_add(options->text, subject, &slot->body, err);
        return code == SFE_E_UNMAPPED ? sfe_within(err, "body") : code;
    case SFE_HTTP_NOTHING:
    default:
        return SFE_OK;
    }
}

/* The identity of a batch is made of those of its events, in their order. */
static void add_identity(struct http_slot *slot, const struct sfe_event *event)
{
    const struct sfe_hash128 identity = sfe_event_identity(event);

    if (slot->event_count == 0) {
        memcpy(slot->identity, identity.bytes, sizeof(slot->identity));
        return;
    }
    const struct sfe_slice parts[] = {sfe_slice_make(slot->identity, sizeof(slot->identity)),
                                      sfe_slice_make(identity.bytes, sizeof(identity.bytes))};
    const struct sfe_hash128 both = sfe_hash128(parts, 2);
    memcpy(slot->identity, both.bytes, sizeof(slot->identity));
}

enum sfe_code http_add_body(struct http_slot *slot, const struct sfe_map_subject *subject,
                            struct sfe_error *err)
{
    const struct sfe_http_target_options *options = &slot->target->options;
    const bool is_batch = options->slot_events_max > 1;
    const size_t before = slot->body.size;

    _Static_assert(sizeof(slot->identity) == sizeof(subject->event->identity.bytes),
                   "an identity is an identity");
    if (is_batch && !options->is_lines) {
        sfe_builder_add_byte(&slot->body, slot->event_count == 0 ? '[' : ',');
    }
    enum sfe_code code = slot->body.overflowed ? SFE_E_FULL : add_one(slot, subject, err);
    if (code == SFE_OK && is_batch && options->is_lines) {
        sfe_builder_add_byte(&slot->body, '\n');
    }
    /* A byte is kept for the bracket at the end. */
    if (code == SFE_OK && (slot->body.overflowed || sfe_builder_room(&slot->body) == 0)) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(&slot->body, before);
        return code;
    }
    add_identity(slot, subject->event);
    return SFE_OK;
}

void http_make_auth(struct http_target *target)
{
    const struct sfe_http_auth *auth = &target->options.auth;
    const bool is_hidden = auth->secret.size == 0;
    struct sfe_builder *value = &target->auth_value;
    struct sfe_builder *pair = &target->slots[0].body; /* It is empty still. */

    if (auth->scheme == SFE_HTTP_BASIC || auth->scheme == SFE_HTTP_BEARER) {
        sfe_builder_add_text(value, auth->scheme == SFE_HTTP_BASIC ? "Basic " : "Bearer ");
    }
    if (is_hidden) {
        sfe_builder_add_text(value, HIDDEN);
    } else if (auth->scheme == SFE_HTTP_BASIC) {
        sfe_builder_add_text(pair, auth->user);
        sfe_builder_add_byte(pair, ':');
        sfe_builder_add(pair, auth->secret);
        SFE_ASSERT(!pair->overflowed);
        sfe_builder_add_base64(value, sfe_builder_slice(pair));
        sfe_wipe(pair->bytes, pair->size);
        sfe_builder_rewind(pair, 0);
    } else {
        sfe_builder_add(value, auth->secret);
    }
    SFE_ASSERT(!value->overflowed);
}

/* Headers on their way out, with the texts that are made for them. */
struct outgoing {
    struct sfe_http_header headers[HTTP_HEADER_COUNT_MAX];
    size_t count;
    char identity[2 * 16 + 1];
    char timestamp[24];
    char signature[sizeof("sha256=") + 2u * HTTP_SIGN_DIGEST_BYTES];
};

static void add_header(struct outgoing *outgoing, const char *name, struct sfe_slice value)
{
    SFE_ASSERT(outgoing->count < HTTP_HEADER_COUNT_MAX);
    outgoing->headers[outgoing->count++] = (struct sfe_http_header){name, value};
}

static const char *content_type(const struct http_slot *slot)
{
    const struct sfe_http_target_options *options = &slot->target->options;

    if (options->content_type != NULL) {
        return options->content_type;
    }
    if (options->slot_events_max > 1 && options->is_lines) {
        return "application/x-ndjson";
    }
    if (slot->is_json) {
        return "application/json";
    }
    return options->body_kind == SFE_HTTP_TEXT ? "text/plain; charset=utf-8"
                                               : "application/octet-stream";
}

static void sign(struct http_slot *slot, struct outgoing *outgoing)
{
    const struct http_target *target = slot->target;
    const struct sfe_http_auth *auth = &target->options.auth;
    const struct sfe_clock *clock = target->options.clock;
    struct sfe_builder text =
        sfe_builder_make(outgoing->signature, sizeof(outgoing->signature) - 1u);
    uint8_t digest[HTTP_SIGN_DIGEST_BYTES];
    uint8_t *message = slot->body.bytes;
    size_t size = slot->body.size;
    int64_t unix_ns = 0;

    if (auth->timestamp_header != NULL) {
        (void)clock->wall_ns(clock->context, &unix_ns);
        const int length = snprintf(outgoing->timestamp, sizeof(outgoing->timestamp), "%" PRId64,
                                    unix_ns / 1000000000);
        SFE_ASSERT(length > 0);
        message -= (size_t)length + 1u;
        memcpy(message, outgoing->timestamp, (size_t)length);
        message[length] = '.';
        size += (size_t)length + 1u;
        add_header(outgoing, auth->timestamp_header, sfe_slice_text(outgoing->timestamp));
    }
    if (auth->secret.size == 0) {
        sfe_builder_add_text(&text, HIDDEN);
    } else {
        http_sign(target->options.crypto, auth->secret, message, size, digest);
        sfe_builder_add_text(&text, "sha256=");
        sfe_builder_add_hex(&text, sfe_slice_make(digest, sizeof(digest)));
    }
    SFE_ASSERT(!text.overflowed);
    add_header(outgoing, auth->header, sfe_builder_slice(&text));
}

static void add_auth(struct http_slot *slot, struct outgoing *outgoing)
{
    const struct http_target *target = slot->target;
    const struct sfe_slice value = sfe_builder_slice(&target->auth_value);

    switch (target->options.auth.scheme) {
    case SFE_HTTP_BASIC:
    case SFE_HTTP_BEARER:
        add_header(outgoing, "Authorization", value);
        break;
    case SFE_HTTP_KEY:
        add_header(outgoing, target->options.auth.header, value);
        break;
    case SFE_HTTP_HMAC:
        sign(slot, outgoing);
        break;
    case SFE_HTTP_OPEN:
    default:
        break;
    }
}

static void add_headers(struct http_slot *slot, struct outgoing *outgoing)
{
    const struct sfe_http_target_options *options = &slot->target->options;
    struct sfe_builder identity =
        sfe_builder_make(outgoing->identity, sizeof(outgoing->identity) - 1u);

    if (options->body_kind != SFE_HTTP_NOTHING) {
        add_header(outgoing, "Content-Type", sfe_slice_text(content_type(slot)));
    }
    if (options->identity_header != NULL) {
        sfe_builder_add_hex(&identity, sfe_slice_make(slot->identity, sizeof(slot->identity)));
        add_header(outgoing, options->identity_header, sfe_builder_slice(&identity));
    }
    for (uint32_t i = 0; i < slot->head.count; i++) {
        add_header(outgoing, slot->head.names[i], slot->head.values[i]);
    }
    add_auth(slot, outgoing);
}

enum sfe_code http_begin(struct http_slot *slot, struct sfe_error *err)
{
    const struct sfe_http_target_options *options = &slot->target->options;
    struct outgoing outgoing = {.count = 0};
    union {
        uint8_t *bytes;
        const char *text;
    } url = {.bytes = slot->head.url.bytes};

    slot->open_size = slot->body.size;
    if (options->slot_events_max > 1 && !options->is_lines) {
        sfe_builder_add_byte(&slot->body, ']');
    }
    SFE_ASSERT(!slot->body.overflowed);
    add_headers(slot, &outgoing);
    sfe_builder_rewind(&slot->answer_body, 0);
    const struct sfe_http_request request = {
        .method = options->method,
        .url = url.text,
        .headers = outgoing.headers,
        .header_count = outgoing.count,
        .body = sfe_builder_slice(&slot->body),
        .ca_file = options->ca_file,
        .connect_timeout_ms = options->connect_timeout_ms,
        .total_timeout_ms = options->request_timeout_ms,
        .answer_body = &slot->answer_body,
        .tag = &slot->owner,
        .route = &options->route,
    };
    const enum sfe_code code =
        options->http->begin(options->http->context, &request, &slot->owner.exchange, err);
    if (code != SFE_OK) {
        slot->owner.exchange = NULL;
        sfe_builder_rewind(&slot->body, slot->open_size);
    }
    return code;
}
