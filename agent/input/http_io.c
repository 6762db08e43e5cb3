/* The bytes of a connection, through TLS where the source has that. */
#include "base/assert.h"
#include "input/http_parts.h"

/* After a step of a handshake that took some time, no other begins for so many times as long: keys
 * cost milliseconds, and the edge thread has other sources. */
#define GREET_PAUSE 3u

static bool has_tls(const struct http_source *source)
{
    return source->tls_server != NULL;
}

enum sfe_code http_io_open(struct http_source *source, struct sfe_error *err)
{
    const struct sfe_tls *tls = source->options.tls;
    enum sfe_code code;

    if (source->options.tls_bytes.cert.size == 0) {
        return SFE_OK;
    }
    code = tls->server_open(tls->context, &source->options.tls_bytes, &source->tls_server, err);
    source->options.tls_bytes = (struct sfe_tls_server_options){.cert = {NULL, 0}};
    for (uint32_t i = 0; code == SFE_OK && i < source->options.connections; i++) {
        code = tls->server_session(tls->context, source->tls_server,
                                   &source->connections[i].session, err);
    }
    if (code != SFE_OK) {
        http_io_close(source);
    }
    return code;
}

void http_io_close(struct http_source *source)
{
    const struct sfe_tls *tls = source->options.tls;

    if (!has_tls(source)) {
        return;
    }
    for (uint32_t i = 0; i < source->options.connections; i++) {
        tls->close(tls->context, source->connections[i].session);
        source->connections[i].session = NULL;
    }
    tls->server_close(tls->context, source->tls_server);
    source->tls_server = NULL;
}

void http_io_begin(struct http_connection *connection)
{
    const struct sfe_tls *tls = connection->source->options.tls;
    const struct sfe_tls_carrier carrier = {connection->source->options.poller, connection->socket};

    SFE_ASSERT(!connection->is_secure);
    if (!has_tls(connection->source)) {
        return;
    }
    tls->accept(tls->context, connection->session, &carrier);
    connection->is_secure = true;
    connection->greet_events = SFE_POLL_READ;
    connection->may_greet = true;
    connection->greeted_ns = connection->request_ns;
}

/* Of those whose handshake could go on: is this the one that has come first? */
static bool is_next(const struct http_connection *connection)
{
    const struct http_source *source = connection->source;

    for (uint32_t i = 0; i < source->options.connections; i++) {
        const struct http_connection *other = &source->connections[i];
        if (other->state == HTTP_GREETING && other->may_greet &&
            other->request_ns < connection->request_ns) {
            return false;
        }
    }
    return true;
}

enum sfe_code http_io_greet(struct http_connection *connection, uint64_t now_ns,
                            struct sfe_error *err)
{
    struct http_source *source = connection->source;
    const struct sfe_tls *tls = source->options.tls;
    uint64_t after_ns;
    enum sfe_code code;

    SFE_ASSERT(connection->is_secure);
    if (!connection->may_greet || now_ns < source->greet_ns || !is_next(connection)) {
        return SFE_E_AGAIN;
    }
    connection->may_greet = false;
    now_ns = sfe_clock_monotonic_ns(source->options.clock);
    code = tls->handshake(tls->context, connection->session, &connection->greet_events, err);
    after_ns = sfe_clock_monotonic_ns(source->options.clock);
    connection->greeted_ns = after_ns;
    source->greet_ns = after_ns + GREET_PAUSE * (after_ns - now_ns);
    return code;
}

enum sfe_io http_io_read(struct http_connection *connection, void *bytes, size_t capacity,
                         size_t *count)
{
    const struct sfe_poller *poller = connection->source->options.poller;
    const struct sfe_tls *tls = connection->source->options.tls;
    struct sfe_error ignored;

    return connection->is_secure
               ? tls->read(tls->context, connection->session, bytes, capacity, count, &ignored)
               : poller->read(poller->context, connection->socket, bytes, capacity, count,
                              &ignored);
}

enum sfe_io http_io_write(struct http_connection *connection, struct sfe_slice bytes, size_t *count)
{
    const struct sfe_poller *poller = connection->source->options.poller;
    const struct sfe_tls *tls = connection->source->options.tls;
    struct sfe_error ignored;

    return connection->is_secure
               ? tls->write(tls->context, connection->session, bytes, count, &ignored)
               : poller->write(poller->context, connection->socket, bytes, count, &ignored);
}

bool http_io_has_more(const struct http_connection *connection)
{
    const struct sfe_tls *tls = connection->source->options.tls;

    return connection->is_secure && tls->has_more(tls->context, connection->session);
}

void http_io_end(struct http_connection *connection)
{
    const struct sfe_tls *tls = connection->source->options.tls;

    if (connection->is_secure) {
        tls->end(tls->context, connection->session);
        connection->is_secure = false;
    }
}

uint32_t http_io_identify(const struct http_connection *connection)
{
    const struct sfe_http_source_options *options = &connection->source->options;
    const struct sfe_tls *tls = options->tls;

    for (uint32_t i = 0; connection->is_secure && i < options->identity_count; i++) {
        for (uint32_t k = 0; k < options->identities[i].certificate_count; k++) {
            if (tls->shows(tls->context, connection->session,
                           sfe_slice_text(options->identities[i].certificates[k]))) {
                return i;
            }
        }
    }
    return HTTP_NOBODY;
}

bool http_io_is_known(const struct http_connection *connection)
{
    const struct http_source *source = connection->source;
    const struct sfe_tls *tls = source->options.tls;

    for (uint32_t i = 0; i < source->options.client_name_count; i++) {
        if (connection->is_secure && tls->shows(tls->context, connection->session,
                                                sfe_slice_text(source->options.client_names[i]))) {
            return true;
        }
    }
    return source->options.client_name_count == 0;
}
