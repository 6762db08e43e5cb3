#include "input/http.h"

#include "base/arena.h"
#include "base/assert.h"
#include "input/http_auth.h"
#include "input/http_parts.h"

/* While somebody else listens there: for a moment the one before us, in a reload. */
#define LISTEN_AGAIN_NS (HTTP_SECOND_NS / 2u)

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events);

/* A text of n bytes has no more values. */
static uint32_t tokens_max(const struct sfe_http_source_options *options)
{
    const uint32_t most = options->request_bytes_max / 2u + 2u;

    return most < SFE_JSON_TOKENS_MAX ? most : SFE_JSON_TOKENS_MAX;
}

size_t sfe_http_source_memory_bytes(const struct sfe_http_source_options *options)
{
    const struct http_source *self = NULL;

    return sfe_arena_cost(sizeof(*self)) +
           sfe_arena_cost(options->connections * sizeof(*self->connections)) +
           sfe_arena_cost(tokens_max(options) * sizeof(*self->tokens)) +
           sfe_arena_cost(options->request_bytes_max) +
           sfe_arena_cost(options->identity_count * sizeof(*self->known)) +
           options->connections *
               sfe_arena_cost(HTTP_AUTH_BLOCK_BYTES + http_buffer_bytes(options)) +
           (options->pages == NULL
                ? 0
                : options->connections * sfe_arena_cost(options->pages->bytes_max));
}

static void watch_listener(struct http_source *self, unsigned events)
{
    const struct sfe_poller *poller = self->options.poller;

    if (self->listener != NULL && self->listener_watched != events) {
        self->listener_watched = events;
        poller->watch(poller->context, self->listener, events, on_listener, self);
    }
}

/* A free connection; one that stands idle is closed for it, that which has stood longest. */
static struct http_connection *find_free(struct http_source *self, bool may_close, uint64_t now_ns)
{
    struct http_connection *idle = NULL;

    for (uint32_t i = 0; i < self->options.connections; i++) {
        struct http_connection *connection = &self->connections[i];
        if (connection->state == HTTP_FREE) {
            return connection;
        }
        if (http_connection_is_idle(connection, now_ns) &&
            (idle == NULL || connection->request_ns < idle->request_ns)) {
            idle = connection;
        }
    }
    if (idle != NULL && may_close) {
        http_connection_close(idle);
    }
    return idle;
}

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct http_source *self = owner;
    const struct sfe_poller *poller = self->options.poller;
    const uint64_t now_ns = sfe_clock_monotonic_ns(self->options.clock);
    struct sfe_socket *stream = NULL;
    struct http_connection *connection;
    enum sfe_code code;

    (void)events;
    SFE_ASSERT(socket == self->listener);
    if (find_free(self, false, now_ns) == NULL) {
        watch_listener(self, 0); /* Until a turn finds one. */
        return;
    }
    code = poller->accept(poller->context, socket, &stream, &self->last_error);
    if (code != SFE_OK) {
        /* The system has no room: those who wait, wait. */
        self->listen_ns = code == SFE_E_AGAIN ? self->listen_ns : now_ns + LISTEN_AGAIN_NS;
        watch_listener(self, code == SFE_E_AGAIN ? SFE_POLL_READ : 0u);
        return;
    }
    connection = find_free(self, true, now_ns);
    SFE_ASSERT(connection != NULL);
    http_connection_begin(connection, stream, now_ns);
}

static void listen(struct http_source *self, uint64_t now_ns)
{
    const struct sfe_poller *poller = self->options.poller;
    struct sfe_error err;

    if (poller->listen(poller->context, self->options.host, self->options.port, &self->listener,
                       &err) != SFE_OK) {
        if (strcmp(err.message, self->last_error.message) != 0) {
            SFE_LOG(self->options.log, SFE_WARNING, "http input cannot listen",
                    sfe_text("input", self->options.input), sfe_text("reason", err.message),
                    sfe_text("next", "retry"));
        }
        self->last_error = err;
        self->listener = NULL;
        self->listen_ns = now_ns + LISTEN_AGAIN_NS;
        return;
    }
    memset(&self->last_error, 0, sizeof(self->last_error));
    self->listener_watched = HTTP_UNWATCHED;
    SFE_LOG(self->options.log, SFE_INFO, "http input listens",
            sfe_text("input", self->options.input), sfe_text("address", self->options.host),
            sfe_count("port", self->options.port));
}

/* Listens, and lets in as many as there are connections for; returns when to see to it again. */
static uint64_t turn_listener(struct http_source *self, uint64_t now_ns)
{
    if (self->is_stopping) {
        return UINT64_MAX;
    }
    if (now_ns < self->listen_ns) {
        return self->listen_ns;
    }
    if (self->listener == NULL) {
        listen(self, now_ns);
    }
    if (self->listener == NULL) {
        return self->listen_ns;
    }
    if (find_free(self, false, now_ns) == NULL) {
        watch_listener(self, 0);
        return now_ns + HTTP_YOUNG_NS;
    }
    watch_listener(self, SFE_POLL_READ);
    return UINT64_MAX;
}

static uint64_t turn(void *context, uint64_t now_ns)
{
    struct http_source *self = context;
    uint64_t due_ns = UINT64_MAX;
    uint64_t listener_ns;

    for (uint32_t i = 0; i < self->options.connections; i++) {
        struct http_connection *connection = &self->connections[i];
        if (connection->state == HTTP_FREE) {
            continue;
        }
        http_connection_turn(connection, now_ns);
        if (connection->state == HTTP_FREE) {
            continue;
        }
        const uint64_t next_ns = connection->state == HTTP_GREETING && connection->may_greet
                                     ? self->greet_ns
                                     : connection->due_ns;
        due_ns = next_ns < due_ns ? next_ns : due_ns;
        if (connection->is_blocked && now_ns + HTTP_BLOCKED_NS < due_ns) {
            due_ns = now_ns + HTTP_BLOCKED_NS;
        }
    }
    listener_ns = turn_listener(self, now_ns);
    return listener_ns < due_ns ? listener_ns : due_ns;
}

static void close_listener(struct http_source *self)
{
    self->options.poller->close(self->options.poller->context, self->listener);
    self->listener = NULL;
}

static bool is_taking(const struct http_connection *connection)
{
    return connection->state == HTTP_STAGING || connection->state == HTTP_DURABLE ||
           connection->state == HTTP_ANSWER;
}

static void stop(void *context)
{
    struct http_source *self = context;

    self->is_stopping = true;
    close_listener(self);
    for (uint32_t i = 0; i < self->options.connections; i++) {
        struct http_connection *connection = &self->connections[i];
        connection->closes = true;
        if (connection->state == HTTP_HEAD || connection->state == HTTP_BODY ||
            connection->state == HTTP_GREETING) {
            http_connection_close(connection);
        }
    }
}

static bool is_quiet(void *context)
{
    const struct http_source *self = context;

    for (uint32_t i = 0; i < self->options.connections; i++) {
        if (is_taking(&self->connections[i])) {
            return false;
        }
    }
    return true;
}

static void facts(void *context, struct sfe_source_facts *facts)
{
    const struct http_source *self = context;

    *facts = (struct sfe_source_facts){
        .connection = self->options.input,
        .is_connected = self->listener != NULL,
        .received = self->received,
        .acknowledged = self->acknowledged,
        .last_error = self->last_error,
        .identities = self->known,
        .identity_count = self->options.identity_count,
        .unknown_senders = self->unknown_senders,
    };
    for (uint32_t i = 0; i < self->options.connections; i++) {
        const struct http_connection *connection = &self->connections[i];
        facts->is_blocked = facts->is_blocked || connection->is_blocked;
        if (connection->state == HTTP_STAGING || connection->state == HTTP_DURABLE) {
            facts->unacknowledged += connection->staged;
        }
    }
}

static void close(void *context)
{
    struct http_source *self = context;

    close_listener(self);
    for (uint32_t i = 0; i < self->options.connections; i++) {
        if (self->connections[i].state != HTTP_FREE) {
            http_connection_close(&self->connections[i]);
        }
    }
    http_io_close(self);
    sfe_gunzip_close(self->gunzip);
    self->gunzip = NULL;
}

static enum sfe_code take_connections(struct http_source *self, struct sfe_arena *arena,
                                      struct sfe_error *err)
{
    const struct sfe_http_source_options *options = &self->options;

    self->token_capacity = tokens_max(options);
    self->tokens = sfe_arena_take(arena, self->token_capacity * sizeof(*self->tokens), err);
    self->connections =
        sfe_arena_take(arena, options->connections * sizeof(*self->connections), err);
    self->inflated = sfe_arena_take(arena, options->request_bytes_max, err);
    self->known = sfe_arena_take(arena, options->identity_count * sizeof(*self->known), err);
    if (self->tokens == NULL || self->connections == NULL || self->inflated == NULL ||
        self->known == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < options->identity_count; i++) {
        self->known[i].name = options->identities[i].name;
    }
    for (uint32_t i = 0; i < options->connections; i++) {
        uint8_t *memory =
            sfe_arena_take(arena, HTTP_AUTH_BLOCK_BYTES + http_buffer_bytes(options), err);
        if (memory == NULL) {
            return err->code;
        }
        self->connections[i].source = self;
        self->connections[i].bytes = memory + HTTP_AUTH_BLOCK_BYTES;
    }
    return SFE_OK;
}

static enum sfe_code take_pages(struct http_source *self, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    const struct sfe_http_source_options *options = &self->options;

    if (options->pages == NULL) {
        return SFE_OK;
    }
    self->pages = *options->pages;
    for (uint32_t i = 0; i < options->connections; i++) {
        uint8_t *memory = sfe_arena_take(arena, self->pages.bytes_max, err);
        if (memory == NULL) {
            return err->code;
        }
        self->connections[i].page = sfe_builder_make(memory, self->pages.bytes_max);
    }
    self->options.pages = NULL; /* Not borrowed. */
    return SFE_OK;
}

/* Who shows pages takes no bodies. */
static enum sfe_code open_gunzip(struct http_source *self, struct sfe_error *err)
{
    if (http_shows_pages(self)) {
        return SFE_OK;
    }
    self->gunzip = sfe_gunzip_open();
    if (self->gunzip == NULL) {
        http_io_close(self);
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to inflate requests");
    }
    return SFE_OK;
}

enum sfe_code sfe_http_source_open(const struct sfe_http_source_options *options,
                                   struct sfe_arena *arena, struct sfe_source *source,
                                   struct sfe_error *err)
{
    struct http_source *self = sfe_arena_take(arena, sizeof(*self), err);

    SFE_ASSERT(options->connections != 0 && options->path[0] == '/' && options->port != 0);
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->rate.per_second = options->requests_per_second;
    self->topic = sfe_slice_text(options->path + 1);
    if (take_connections(self, arena, err) != SFE_OK || take_pages(self, arena, err) != SFE_OK ||
        http_io_open(self, err) != SFE_OK || open_gunzip(self, err) != SFE_OK) {
        return err->code;
    }
    *source = (struct sfe_source){self, turn, stop, is_quiet, facts, close, NULL};
    return SFE_OK;
}
