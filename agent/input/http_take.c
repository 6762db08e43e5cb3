#include "base/assert.h"
#include "input/http_parts.h"
#include "input/http_signed.h"

#include <stdio.h>

/* The path, the key, the sender, and the event's place. */
#define IDENTITY_BYTES_MAX (SFE_HTTP_PATH_BYTES_MAX + HTTP_KEY_BYTES_MAX + SFE_NAME_BYTES_MAX + 40u)

static struct sfe_slice body_of(const struct http_connection *connection)
{
    return sfe_slice_make(connection->bytes + connection->head.bytes,
                          (size_t)connection->head.body_bytes);
}

static void refuse(struct http_connection *connection, uint16_t status, const char *text,
                   uint64_t now_ns)
{
    struct sfe_error err;

    (void)http_refuse(&err, status, text);
    http_answer_refused(connection, &err, now_ns);
}

static enum sfe_code judge_signer(struct http_connection *connection,
                                  const struct http_signed_rules *rules, struct sfe_error *err)
{
    struct http_source *source = connection->source;
    const struct sfe_http_source_options *options = &source->options;
    const struct http_signers signers = {options->identities, options->identity_count,
                                         options->crypto, options->clock};
    const enum sfe_code code = http_signed_identify(rules, &signers, &connection->head,
                                                    connection->bytes + connection->head.bytes,
                                                    &connection->identity, err);

    if (connection->identity == HTTP_NOBODY) {
        source->unknown_senders++;
    }
    return code == SFE_OK ? http_connection_judge_scope(connection, err) : code;
}

static enum sfe_code judge_signature(struct http_connection *connection, struct sfe_error *err)
{
    const struct sfe_http_source_options *options = &connection->source->options;
    const struct http_signed_rules rules = {
        .key = options->signing_key,
        .names = {options->signature_name, options->time_name},
        .window_ns = options->time_window_ns,
    };

    if (options->identity_count != 0) {
        return connection->identity == HTTP_NOBODY ? judge_signer(connection, &rules, err) : SFE_OK;
    }
    return rules.key.size == 0
               ? SFE_OK
               : http_signed_check(&rules, options->crypto, options->clock, &connection->head,
                                   connection->bytes + connection->head.bytes, err);
}

/* As what `connection` sends, of whom it is known. */
static struct sfe_message make_message(const struct http_connection *connection,
                                       struct sfe_slice event)
{
    const struct http_source *source = connection->source;
    struct sfe_message message = {
        .topic = source->topic, .payload = event, .payload_bytes = event.size};

    if (connection->identity != HTTP_NOBODY) {
        const struct sfe_http_identity *identity =
            &source->options.identities[connection->identity];
        message.sender = sfe_slice_text(identity->name);
        message.scope = identity->where;
    }
    return message;
}

/* In the place of the body comes what it holds. What was sent behind it moves on; where it has no
 * room it is sent again: on another connection, as this one is closed with the answer. */
static enum sfe_code inflate(struct http_connection *connection, struct sfe_error *err)
{
    struct http_source *source = connection->source;
    struct http_head *head = &connection->head;
    const size_t capacity = http_buffer_bytes(&source->options);
    const size_t rest = connection->size - head->bytes - (size_t)head->body_bytes;
    uint8_t *place = connection->bytes + head->bytes;
    struct sfe_builder output =
        sfe_builder_make(source->inflated, source->options.request_bytes_max);
    const enum sfe_code code = sfe_gunzip_add(source->gunzip, body_of(connection), &output, err);

    if (code != SFE_OK) {
        err->http_status = code == SFE_E_TOO_LARGE ? 413 : code == SFE_E_PROTOCOL ? 400 : 503;
        err->code = SFE_E_PROTOCOL;
        return err->code;
    }
    if (rest > capacity - head->bytes - output.size) {
        connection->closes = true;
        connection->size = head->bytes + output.size;
    } else {
        memmove(place + output.size, place + (size_t)head->body_bytes, rest);
        connection->size = head->bytes + output.size + rest;
    }
    memcpy(place, output.bytes, output.size);
    head->body_bytes = output.size;
    return SFE_OK;
}

/* All of the events, or none. */
static enum sfe_code check_admission(struct http_connection *connection, struct sfe_error *err)
{
    struct http_source *source = connection->source;
    struct sfe_slice event;
    size_t offset = 0;
    uint32_t number = 0;

    while (http_events_next(body_of(connection), &offset, &event)) {
        const struct sfe_message message = make_message(connection, event);

        if (sfe_intake_check(source->options.intake, &message, err) != SFE_OK) {
            if (connection->identity != HTTP_NOBODY) {
                source->known[connection->identity].refused++;
            }
            (void)sfe_within(err, "event %u", (unsigned)number);
            err->code = SFE_E_PROTOCOL;
            err->http_status = 403;
            return err->code;
        }
        number++;
    }
    return SFE_OK;
}

static enum sfe_code judge_body(struct http_connection *connection, struct sfe_error *err)
{
    const struct http_events_rules rules = http_rules(connection->source);
    enum sfe_code code = judge_signature(connection, err);

    if (code == SFE_OK && connection->head.is_gzip) {
        code = inflate(connection, err);
    }
    if (code == SFE_OK) {
        code = http_events_check(body_of(connection), connection->head.body_kind, &rules,
                                 &connection->count, err);
    }
    return code == SFE_OK ? check_admission(connection, err) : code;
}

void http_take_begin(struct http_connection *connection, uint64_t now_ns)
{
    struct sfe_error err;

    connection->state = HTTP_STAGING;
    connection->offset = 0;
    connection->staged = 0;
    connection->count = 0;
    connection->wait_count = 0;
    connection->due_ns = now_ns + HTTP_PATIENCE_NS;
    if (judge_body(connection, &err) != SFE_OK) {
        http_answer_refused(connection, &err, now_ns);
    }
}

/* What the sender names, in a way that no other path, request or identity can name as well. */
static void identify(const struct http_connection *connection, struct sfe_slice event,
                     struct sfe_builder *identity)
{
    const struct http_source *source = connection->source;
    const struct http_events_rules rules = http_rules(source);

    if (rules.identity == NULL && connection->head.key.size == 0) {
        return;
    }
    sfe_builder_format(identity, "http %s ", source->options.path);
    if (connection->identity != HTTP_NOBODY) {
        sfe_builder_format(identity, "as %s ",
                           source->options.identities[connection->identity].name);
    }
    if (rules.identity != NULL) {
        sfe_builder_add_text(identity, "value ");
        sfe_builder_add(identity, http_events_identity(event, &rules));
    } else {
        sfe_builder_format(identity, "key %u ", connection->staged);
        sfe_builder_add(identity, connection->head.key);
    }
    SFE_ASSERT(!identity->overflowed);
}

/* Sequences of a stream only rise: the newest stands for all. One that was thinned has none. */
static void wait_for(struct http_connection *connection, const struct sfe_receipt *receipt)
{
    for (uint32_t i = 0; i < connection->wait_count; i++) {
        if (connection->waits[i].stream == receipt->stream) {
            if (receipt->sequence != 0) {
                connection->waits[i].sequence = receipt->sequence;
            }
            return;
        }
    }
    SFE_ASSERT(connection->wait_count < HTTP_WAITS_MAX);
    connection->waits[connection->wait_count++] = *receipt;
}

static enum sfe_code stage_event(struct http_connection *connection, struct sfe_slice event)
{
    struct http_source *source = connection->source;
    struct sfe_message message = make_message(connection, event);
    uint8_t memory[IDENTITY_BYTES_MAX];
    struct sfe_builder identity = sfe_builder_make(memory, sizeof(memory));
    struct sfe_receipt receipts[HTTP_WAITS_MAX];
    struct sfe_error ignored;
    uint32_t count = 0;
    enum sfe_code code;

    identify(connection, event, &identity);
    message.identity = sfe_builder_slice(&identity);
    code = sfe_intake_accept(source->options.intake, &message, receipts, HTTP_WAITS_MAX, &count,
                             &ignored);
    SFE_ASSERT(code == SFE_OK || code == SFE_E_FULL);
    for (uint32_t i = 0; code == SFE_OK && i < count; i++) {
        wait_for(connection, &receipts[i]);
    }
    return code;
}

bool http_take_stage(struct http_connection *connection, uint64_t now_ns)
{
    size_t offset = connection->offset;
    struct sfe_slice event;

    connection->is_blocked = false;
    while (http_events_next(body_of(connection), &offset, &event)) {
        if (stage_event(connection, event) == SFE_OK) {
            connection->offset = offset;
            connection->staged++;
            connection->source->received++;
            connection->due_ns = now_ns + HTTP_PATIENCE_NS;
            continue;
        }
        connection->is_blocked = true;
        if (now_ns < connection->due_ns && !connection->source->is_stopping) {
            return false;
        }
        connection->is_blocked = false;
        refuse(connection, 503, "the stream is full; send the request again later", now_ns);
        return true;
    }
    SFE_ASSERT(connection->staged == connection->count);
    connection->state = HTTP_DURABLE;
    connection->due_ns = now_ns + connection->source->options.request_timeout_ns;
    return true;
}

bool http_take_finish(struct http_connection *connection, uint64_t now_ns)
{
    for (uint32_t i = 0; i < connection->wait_count; i++) {
        if (sfe_stream_durable(connection->waits[i].stream) >= connection->waits[i].sequence) {
            continue;
        }
        if (now_ns < connection->due_ns) {
            return false;
        }
        refuse(connection, 503, "the flash has not taken it in time; send the request again",
               now_ns);
        return true;
    }
    http_answer_taken(connection, now_ns);
    return true;
}
