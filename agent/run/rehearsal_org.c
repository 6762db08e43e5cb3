/* An org that takes every log-in and every record (API sheet, sections 1 and 3). */
#include "run/rehearsal_parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

#define TOKEN_PATH "/services/oauth2/token"
#define RECORD_ID  "000000000000000AAA"

/* Requests of outputs to other servers than orgs: what they answer is told by who asks. */
static bool is_of_org(const char *path)
{
    return strncmp(path, "/services/data/", 15) == 0 || strcmp(path, TOKEN_PATH) == 0;
}

static bool is_json(const struct rehearsal_org *books, struct sfe_slice body)
{
    struct sfe_json json;
    struct sfe_error ignored;

    return sfe_json_parse(body, 0, books->tokens, SFE_JSON_TOKENS_MAX, &json, &ignored) == SFE_OK;
}

/* The path of an address, behind scheme and host. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = strchr(host == NULL ? url : host + 3, '/');

    return path == NULL ? "/" : path;
}

static uint32_t count_list(const struct sfe_json *json, uint32_t object, struct sfe_slice name)
{
    uint32_t list = sfe_json_member(json, object, name);

    return list == SFE_JSON_NONE ? 0 : sfe_json_length(json, list);
}

/* How many nodes each graph of the request has. */
static void count_nodes(const struct sfe_json *json, uint32_t graphs,
                        struct rehearsal_exchange *exchange)
{
    exchange->is_graph = true;
    for (uint32_t graph = sfe_json_first(json, graphs);
         graph != SFE_JSON_NONE && exchange->part_count < SFE_GRAPHS_MAX;
         graph = sfe_json_next(json, graphs, graph)) {
        exchange->records[exchange->part_count++] =
            count_list(json, graph, SFE_TEXT("compositeRequest"));
    }
}

/* How many records each Collections of the request holds. */
static void count_records(const struct rehearsal_org *books, struct sfe_slice body,
                          struct rehearsal_exchange *exchange)
{
    struct sfe_json json;
    struct sfe_error ignored;

    if (sfe_json_parse(body, 0, books->tokens, SFE_JSON_TOKENS_MAX, &json, &ignored) != SFE_OK) {
        return;
    }
    uint32_t graphs = sfe_json_member(&json, 0, SFE_TEXT("graphs"));
    if (graphs != SFE_JSON_NONE) {
        count_nodes(&json, graphs, exchange);
        return;
    }
    uint32_t parts = sfe_json_member(&json, 0, SFE_TEXT("compositeRequest"));
    if (parts == SFE_JSON_NONE) {
        exchange->records[0] = count_list(&json, 0, SFE_TEXT("records"));
        return;
    }
    for (uint32_t part = sfe_json_first(&json, parts);
         part != SFE_JSON_NONE && exchange->part_count < SFE_GRAPHS_MAX;
         part = sfe_json_next(&json, parts, part)) {
        uint32_t collection = sfe_json_member(&json, part, SFE_TEXT("body"));
        if (collection == SFE_JSON_NONE ||
            sfe_json_member(&json, collection, SFE_TEXT("records")) == SFE_JSON_NONE) {
            exchange->records[exchange->part_count++] = REHEARSAL_SINGLE;
            continue;
        }
        exchange->records[exchange->part_count++] =
            count_list(&json, collection, SFE_TEXT("records"));
    }
}

static enum sfe_code begin(void *context, const struct sfe_http_request *request,
                           struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    struct rehearsal_org *books = context;
    const char *path = path_of(request->url);
    struct rehearsal_exchange *free_one = books->exchanges;

    while (free_one < books->exchanges + REHEARSAL_EXCHANGES_MAX && free_one->is_open) {
        free_one++;
    }
    if (free_one == books->exchanges + REHEARSAL_EXCHANGES_MAX) {
        return sfe_fail(err, SFE_E_NETWORK, "too many requests at once");
    }
    const size_t base_size = (size_t)(path - request->url);
    if (base_size >= sizeof(free_one->base)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "an address is too long");
    }
    *free_one = (struct rehearsal_exchange){.tag = request->tag,
                                            .answer_body = request->answer_body,
                                            .is_login = strcmp(path, TOKEN_PATH) == 0,
                                            .is_open = true};
    memcpy(free_one->base, request->url, base_size);
    if (!free_one->is_login) {
        const bool is_org = is_of_org(path);
        free_one->is_org = is_org;
        const struct sfe_rehearsal_request told = {
            .method = request->method,
            .path = is_org ? path : request->url,
            .body = request->body,
            .is_json = is_json(books, request->body),
            .headers = is_org ? NULL : request->headers,
            .header_count = is_org ? 0 : request->header_count,
        };
        if (is_org) {
            count_records(books, request->body, free_one);
        }
        books->audience->on_request(books->audience->reader, &told);
    }
    union {
        struct rehearsal_exchange *mine;
        struct sfe_http_exchange *theirs; /* Opaque to who asks. */
    } handle = {.mine = free_one};
    *exchange = handle.theirs;
    return SFE_OK;
}

static void add_results(struct sfe_json_writer *writer, const char *name, uint32_t count)
{
    sfe_json_begin_array(writer, name);
    for (uint32_t i = 0; i < count; i++) {
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "id", SFE_TEXT(RECORD_ID));
        sfe_json_put_bool(writer, "success", true);
        sfe_json_begin_array(writer, "errors");
        sfe_json_end_array(writer);
        sfe_json_put_bool(writer, "created", true);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static void add_composite(struct sfe_json_writer *writer, const struct rehearsal_exchange *exchange)
{
    sfe_json_begin_object(writer, NULL);
    sfe_json_begin_array(writer, "compositeResponse");
    for (uint32_t i = 0; i < exchange->part_count; i++) {
        char text[8];
        struct sfe_builder reference = sfe_builder_make(text, sizeof(text));
        const bool is_single = exchange->records[i] == REHEARSAL_SINGLE;
        sfe_builder_format(&reference, "p%u", (unsigned)i);
        sfe_json_begin_object(writer, NULL);
        if (is_single) {
            sfe_json_put_null(writer, "body");
        } else {
            add_results(writer, "body", exchange->records[i]);
        }
        sfe_json_put_u64(writer, "httpStatusCode", is_single ? 204 : 200);
        sfe_json_put_text(writer, "referenceId", sfe_builder_slice(&reference));
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
    sfe_json_end_object(writer);
}

static void add_graphs(struct sfe_builder *out, const struct rehearsal_exchange *exchange)
{
    sfe_builder_add(out, SFE_TEXT("{\"graphs\":["));
    for (uint32_t i = 0; i < exchange->part_count; i++) {
        sfe_builder_format(out, "%s{\"graphId\":\"g%u\",\"graphResponse\":{\"compositeResponse\":[",
                           i == 0 ? "" : ",", (unsigned)i);
        for (uint32_t j = 0; j < exchange->records[i]; j++) {
            sfe_builder_format(out,
                               "%s{\"body\":{\"id\":\"" RECORD_ID "\",\"success\":true},"
                               "\"httpStatusCode\":201,\"referenceId\":\"m0_%u\"}",
                               j == 0 ? "" : ",", (unsigned)j);
        }
        sfe_builder_add(out, SFE_TEXT("]},\"isSuccessful\":true}"));
    }
    sfe_builder_add(out, SFE_TEXT("]}"));
}

static void add_answer(const struct rehearsal_org *books, const struct rehearsal_exchange *exchange)
{
    struct sfe_json_writer writer = sfe_json_writer_make(exchange->answer_body);

    if (exchange->is_login) {
        sfe_json_begin_object(&writer, NULL);
        sfe_json_put_text(&writer, "access_token", SFE_TEXT("rehearsal"));
        sfe_json_put_text(&writer, "instance_url", sfe_slice_text(exchange->base));
        sfe_json_put_text(&writer, "token_type", SFE_TEXT("Bearer"));
        sfe_json_end_object(&writer);
    } else if (!exchange->is_org) {
        sfe_builder_add(exchange->answer_body, books->answer);
    } else if (exchange->is_graph) {
        add_graphs(exchange->answer_body, exchange);
    } else if (exchange->part_count > 0) {
        add_composite(&writer, exchange);
    } else {
        add_results(&writer, NULL, exchange->records[0]);
    }
}

static enum sfe_code poll(void *context, uint64_t until_ns, sfe_http_visit visit, void *visitor,
                          struct sfe_error *err)
{
    struct rehearsal_org *books = context;

    (void)until_ns;
    (void)err;
    for (uint32_t i = 0; i < REHEARSAL_EXCHANGES_MAX; i++) {
        struct rehearsal_exchange *exchange = &books->exchanges[i];
        if (!exchange->is_open) {
            continue;
        }
        const struct sfe_http_answer answer = {.tag = exchange->tag,
                                               .code = SFE_OK,
                                               .status = 200,
                                               .request_left = true,
                                               .retry_after_s = -1,
                                               .date_unix_s = books->unix_s,
                                               .content_type = "application/json"};
        add_answer(books, exchange);
        exchange->is_open = false; /* Its place may be taken by what follows. */
        visit(visitor, &answer);
    }
    return SFE_OK;
}

static void cancel(void *context, struct sfe_http_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static void wake(void *context)
{
    (void)context;
}

enum sfe_code rehearsal_org_open(struct rehearsal_org *books, struct sfe_arena *arena,
                                 struct sfe_http *http, struct sfe_error *err)
{
    books->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*books->tokens), err);
    books->exchanges =
        sfe_arena_take(arena, REHEARSAL_EXCHANGES_MAX * sizeof(*books->exchanges), err);
    if (books->tokens == NULL || books->exchanges == NULL) {
        return err->code;
    }
    *http = (struct sfe_http){books, begin, poll, cancel, wake};
    return SFE_OK;
}

static enum sfe_code key_open(void *context, struct sfe_slice pem, struct sfe_key **key,
                              struct sfe_error *err)
{
    (void)context;
    (void)pem;
    (void)err;
    *key = NULL;
    return SFE_OK;
}

static void key_close(void *context, struct sfe_key *key)
{
    (void)context;
    (void)key;
}

static enum sfe_code sign_rs256(void *context, struct sfe_key *key, struct sfe_slice message,
                                uint8_t *signature, size_t *size, struct sfe_error *err)
{
    (void)context;
    (void)key;
    (void)message;
    (void)err;
    SFE_ASSERT(*size > 0);
    signature[0] = 0;
    *size = 1;
    return SFE_OK;
}

static void sha256(void *context, struct sfe_slice message, uint8_t digest[32])
{
    (void)context;
    (void)message;
    memset(digest, 0, 32);
}

void rehearsal_crypto(struct sfe_crypto *crypto)
{
    *crypto = (struct sfe_crypto){
        .key_open = key_open,
        .key_close = key_close,
        .sign_rs256 = sign_rs256,
        .sha256 = sha256,
    };
}

/* A broker that takes every message, and tells the audience of it as of a request. */

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

static enum sfe_code publish_message(void *context, struct sfe_mqtt_session *session,
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

static void tell_limits(void *context, struct sfe_mqtt_session *session,
                        struct sfe_mqtt_limits *told)
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
        .publish = publish_message,
        .limits = tell_limits,
    };
    return SFE_OK;
}
