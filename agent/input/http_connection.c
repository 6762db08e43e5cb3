#include "base/assert.h"
#include "input/http_auth.h"
#include "input/http_parts.h"

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events);

static void await_head(struct http_connection *connection, uint64_t for_ns, uint64_t now_ns)
{
    connection->state = HTTP_HEAD;
    connection->request_ns = now_ns;
    connection->due_ns = now_ns + for_ns;
}

void http_connection_begin(struct http_connection *connection, struct sfe_socket *socket,
                           uint64_t now_ns)
{
    const struct sfe_poller *poller = connection->source->options.poller;

    SFE_ASSERT(connection->state == HTTP_FREE);
    connection->socket = socket;
    connection->watched = HTTP_UNWATCHED;
    connection->size = 0;
    connection->closes = false;
    connection->is_blocked = false;
    connection->is_secure = false;
    poller->peer(poller->context, socket, connection->address);
    await_head(connection, HTTP_HEAD_NS, now_ns);
    http_io_begin(connection);
    if (connection->is_secure) {
        connection->state = HTTP_GREETING;
    }
    http_connection_turn(connection, now_ns);
}

void http_connection_close(struct http_connection *connection)
{
    const struct sfe_poller *poller = connection->source->options.poller;

    http_io_end(connection);
    poller->close(poller->context, connection->socket);
    connection->socket = NULL;
    connection->state = HTTP_FREE;
    connection->is_blocked = false;
}

bool http_connection_is_idle(const struct http_connection *connection, uint64_t now_ns)
{
    if (connection->state == HTTP_GREETING) {
        return !connection->may_greet && now_ns >= connection->greeted_ns + HTTP_GREET_NS;
    }
    return connection->state == HTTP_HEAD && connection->size == 0 &&
           now_ns >= connection->request_ns + HTTP_YOUNG_NS;
}

static void watch(struct http_connection *connection)
{
    static const unsigned wishes[] = {
        [HTTP_GREETING] = 0,          [HTTP_HEAD] = SFE_POLL_READ,
        [HTTP_BODY] = SFE_POLL_READ,  [HTTP_ANSWER] = SFE_POLL_WRITE,
        [HTTP_DRAIN] = SFE_POLL_READ, [HTTP_DURABLE] = 0,
    };
    const struct sfe_poller *poller = connection->source->options.poller;
    unsigned events = wishes[connection->state];

    if (connection->state == HTTP_GREETING && !connection->may_greet) {
        events = connection->greet_events;
    }

    if (connection->watched != events) {
        connection->watched = events;
        poller->watch(poller->context, connection->socket, events, on_ready, connection);
    }
}

enum sfe_code http_connection_judge_scope(struct http_connection *connection, struct sfe_error *err)
{
    struct http_source *source = connection->source;

    SFE_ASSERT(connection->identity < source->options.identity_count);
    if (source->options.identities[connection->identity].may_send) {
        return SFE_OK;
    }
    source->known[connection->identity].refused++;
    return http_refuse(err, 403, "this identity may not send here");
}

/* What a request shows itself comes before what its connection has shown: a gateway with one
 * certificate may send for many. */
static enum sfe_code identify(struct http_connection *connection, struct sfe_error *err)
{
    struct http_source *source = connection->source;
    const struct sfe_http_source_options *options = &source->options;
    const struct http_head *head = &connection->head;

    if (head->authorization.size != 0) {
        connection->identity =
            http_auth_bearer_of(options->identities, options->identity_count, head->authorization);
    } else if (head->signature.size != 0) {
        return SFE_OK;
    } else {
        connection->identity = http_io_identify(connection);
    }
    if (connection->identity == HTTP_NOBODY) {
        source->unknown_senders++;
        return http_refuse(err, 401, "who sends is not known by what the request shows");
    }
    return http_connection_judge_scope(connection, err);
}

static enum sfe_code judge_sender(struct http_connection *connection, struct sfe_error *err)
{
    const struct sfe_http_source_options *options = &connection->source->options;

    connection->identity = HTTP_NOBODY;
    if (options->identity_count != 0) {
        return identify(connection, err);
    }
    if (options->token.size != 0 &&
        !http_auth_bearer(options->token, connection->head.authorization)) {
        return http_refuse(err, 401, "the bearer token is missing or wrong");
    }
    return http_io_is_known(connection)
               ? SFE_OK
               : http_refuse(err, 403, "who this certificate names may not send here");
}

/* Of who asks for a page. */
static enum sfe_code judge_question(const struct http_head *head, struct sfe_error *err)
{
    if (!sfe_slice_equal(head->method, SFE_TEXT("GET")) &&
        !sfe_slice_equal(head->method, SFE_TEXT("HEAD"))) {
        return http_refuse(err, 405, "pages are asked for with GET");
    }
    return head->is_chunked || head->body_bytes != 0
               ? http_refuse(err, 413, "who asks for a page sends no body")
               : SFE_OK;
}

/* The path, the method, the sender and the size are looked at before a body is read. */
static enum sfe_code judge_head(struct http_connection *connection, uint64_t now_ns,
                                struct sfe_error *err)
{
    struct http_source *source = connection->source;
    const struct sfe_http_source_options *options = &source->options;
    const struct http_head *head = &connection->head;

    if (!http_rate_take(&source->rate, connection->address, now_ns)) {
        return http_refuse(err, 429, "there are too many requests from this address");
    }
    if (judge_sender(connection, err) != SFE_OK) {
        return err->code;
    }
    if (http_shows_pages(source)) {
        return judge_question(head, err);
    }
    if (!sfe_slice_equal(head->path, sfe_slice_text(options->path))) {
        return http_refuse(err, 404, "nothing is taken at this path");
    }
    if (!sfe_slice_equal(head->method, SFE_TEXT("POST"))) {
        return http_refuse(err, 405, "events are sent with POST");
    }
    return http_head_check_body(head, options->request_bytes_max, err);
}

static bool take_head(struct http_connection *connection, uint64_t now_ns)
{
    const struct sfe_http_source_options *options = &connection->source->options;
    const struct http_field_names names = {options->signature_name, options->time_name};
    struct sfe_error err;
    enum sfe_code code;

    code = http_head_parse(sfe_slice_make(connection->bytes, connection->size), &names,
                           &connection->head, &err);
    if (code == SFE_E_AGAIN) {
        return false;
    }
    if (code == SFE_OK) {
        code = judge_head(connection, now_ns, &err);
    }
    if (code != SFE_OK) {
        http_answer_refused(connection, &err, now_ns);
        return true;
    }
    if (http_shows_pages(connection->source)) {
        http_answer_page(connection, now_ns);
        return true;
    }
    connection->state = HTTP_BODY;
    connection->due_ns = connection->request_ns + options->request_timeout_ns;
    if (connection->head.wants_continue && connection->size == connection->head.bytes &&
        connection->head.body_bytes != 0) {
        http_answer_continue(connection);
    }
    return true;
}

static bool take_body(struct http_connection *connection, uint64_t now_ns)
{
    if (connection->size - connection->head.bytes < connection->head.body_bytes) {
        return false;
    }
    http_take_begin(connection, now_ns);
    return true;
}

/* What was sent behind the request is the next one. */
static void next_request(struct http_connection *connection, uint64_t now_ns)
{
    const size_t taken = connection->head.bytes + (size_t)connection->head.body_bytes;

    SFE_ASSERT(taken <= connection->size);
    memmove(connection->bytes, connection->bytes + taken, connection->size - taken);
    connection->size -= taken;
    await_head(connection, connection->size == 0 ? HTTP_IDLE_NS : HTTP_HEAD_NS, now_ns);
}

static void begin_drain(struct http_connection *connection, uint64_t now_ns)
{
    http_io_end(connection);
    connection->state = HTTP_DRAIN;
    connection->due_ns = now_ns + HTTP_DRAIN_NS;
}

static bool greet(struct http_connection *connection, uint64_t now_ns)
{
    struct http_source *source = connection->source;
    struct sfe_error err;
    const enum sfe_code code = http_io_greet(connection, now_ns, &err);

    if (code == SFE_E_AGAIN) {
        return false;
    }
    if (code != SFE_OK) {
        source->last_error = err;
        (void)sfe_within(&source->last_error, "a connection was refused");
        begin_drain(connection, now_ns); /* So that it hears why. */
        return true;
    }
    await_head(connection, HTTP_HEAD_NS, now_ns);
    return true;
}

/* What is to be written next, and where its beginning is counted. */
static struct sfe_slice rest_of(struct http_connection *connection, size_t **begin)
{
    const bool has_answer = connection->answer_begin < connection->answer_end;
    const struct sfe_slice whole = has_answer
                                       ? sfe_slice_make(connection->answer, connection->answer_end)
                                       : sfe_builder_slice(&connection->page);

    *begin = has_answer ? &connection->answer_begin : &connection->page_begin;
    return sfe_slice_part(whole, **begin, whole.size);
}

/* True: it is written, or the connection is closed. */
static bool write_answer(struct http_connection *connection, uint64_t now_ns)
{
    size_t *begin;

    for (struct sfe_slice rest = rest_of(connection, &begin); rest.size != 0;
         rest = rest_of(connection, &begin)) {
        size_t count = 0;

        switch (http_io_write(connection, rest, &count)) {
        case SFE_IO_DATA:
            *begin += count;
            break;
        case SFE_IO_WOULD_BLOCK:
            return false;
        case SFE_IO_CLOSED:
        case SFE_IO_FAILED:
        default:
            http_connection_close(connection);
            return true;
        }
    }
    if (connection->closes) {
        begin_drain(connection, now_ns);
    } else {
        next_request(connection, now_ns);
    }
    return true;
}

/* One step in the state at hand. False: it has to wait. */
static bool move_on(struct http_connection *connection, uint64_t now_ns)
{
    switch (connection->state) {
    case HTTP_GREETING:
        return greet(connection, now_ns);
    case HTTP_HEAD:
        return take_head(connection, now_ns);
    case HTTP_BODY:
        return take_body(connection, now_ns);
    case HTTP_STAGING:
        return http_take_stage(connection, now_ns);
    case HTTP_DURABLE:
        return http_take_finish(connection, now_ns);
    case HTTP_ANSWER:
        return write_answer(connection, now_ns);
    case HTTP_DRAIN:
    case HTTP_FREE:
    default:
        return false;
    }
}

/* Staging and waiting for flash have their own ends. */
static void give_up(struct http_connection *connection, uint64_t now_ns)
{
    struct sfe_error err;

    /* A handshake that waits for its turn is not late by its sender's fault. */
    if (now_ns < connection->due_ns ||
        (connection->state == HTTP_GREETING && connection->may_greet)) {
        return;
    }
    switch (connection->state) {
    case HTTP_HEAD:
        if (connection->size == 0) {
            http_connection_close(connection);
            return;
        }
        (void)http_refuse(&err, 408, "the head of the request has not come in time");
        http_answer_refused(connection, &err, now_ns);
        break;
    case HTTP_BODY:
        (void)http_refuse(&err, 408, "the body of the request has not come in time");
        http_answer_refused(connection, &err, now_ns);
        break;
    case HTTP_GREETING:
    case HTTP_ANSWER:
    case HTTP_DRAIN:
        http_connection_close(connection);
        break;
    case HTTP_STAGING:
    case HTTP_DURABLE:
    case HTTP_FREE:
    default:
        break;
    }
}

/* False: the connection is over. */
static bool receive(struct http_connection *connection, uint64_t now_ns)
{
    const size_t capacity = http_buffer_bytes(&connection->source->options);
    const bool is_draining = connection->state == HTTP_DRAIN;
    const bool was_empty = connection->size == 0;
    size_t count = 0;
    enum sfe_io io;

    if (is_draining) {
        io = http_io_read(connection, connection->bytes, capacity, &count);
    } else {
        SFE_ASSERT(connection->size < capacity);
        io = http_io_read(connection, connection->bytes + connection->size,
                          capacity - connection->size, &count);
        connection->size += count;
    }
    if (io == SFE_IO_DATA && connection->state == HTTP_HEAD && was_empty) {
        await_head(connection, HTTP_HEAD_NS, now_ns);
    }
    return io == SFE_IO_DATA || io == SFE_IO_WOULD_BLOCK;
}

/* True: there were more bytes, of which the poller would not tell. */
static bool receive_more(struct http_connection *connection, uint64_t now_ns)
{
    if ((connection->state != HTTP_HEAD && connection->state != HTTP_BODY) ||
        !http_io_has_more(connection)) {
        return false;
    }
    if (!receive(connection, now_ns)) {
        http_connection_close(connection);
    }
    return true;
}

static void go_on(struct http_connection *connection, uint64_t now_ns)
{
    do {
        while (move_on(connection, now_ns)) {
        }
    } while (receive_more(connection, now_ns));
}

void http_connection_turn(struct http_connection *connection, uint64_t now_ns)
{
    go_on(connection, now_ns);
    give_up(connection, now_ns);
    go_on(connection, now_ns);
    if (connection->state != HTTP_FREE) {
        watch(connection);
    }
}

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct http_connection *connection = owner;
    const uint64_t now_ns = sfe_clock_monotonic_ns(connection->source->options.clock);
    const bool greets = connection->state == HTTP_GREETING;
    const bool reads = (connection->watched & SFE_POLL_READ) != 0 && !greets;

    SFE_ASSERT(connection->socket == socket);
    connection->may_greet = greets;
    if (reads && (events & (SFE_POLL_READ | SFE_POLL_FAILED)) != 0) {
        if (!receive(connection, now_ns)) {
            http_connection_close(connection);
            return;
        }
    } else if ((events & SFE_POLL_FAILED) != 0) {
        /* The sender is gone. What is staged stays; it sends it again, with the same identity. */
        http_connection_close(connection);
        return;
    }
    http_connection_turn(connection, now_ns);
}
