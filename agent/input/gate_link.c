/* The way to the broker: TCP, and TLS on it where the connection says so. */
#include "input/gate_state.h"

#include "base/assert.h"

#include <stdio.h>

void gate_link_name(const struct gate *gate, char *text, size_t capacity)
{
    const char *host = gate->options.host;
    bool is_ipv6 = strchr(host, ':') != NULL;
    int size = snprintf(text, capacity, "%s%s%s:%u", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "",
                        (unsigned)gate->options.port);

    SFE_ASSERT(size > 0); /* A name that is clipped still says which one is meant. */
}

static enum sfe_code begin_tls(struct gate *gate, struct sfe_error *err)
{
    const struct sfe_tls *tls = gate->options.tls;
    const struct sfe_tls_carrier carrier = {gate->options.poller, gate->broker.socket};
    enum sfe_code code;

    SFE_ASSERT(tls != NULL && gate->options.tls_session != NULL);
    code = tls->begin(tls->context, gate->options.tls_session, gate->options.host, &carrier, err);
    gate->is_secured = code == SFE_OK;
    return code;
}

/* Of a connection that failed, the read says why. */
static enum sfe_code ask_why(struct gate *gate, struct sfe_error *err)
{
    const struct sfe_poller *poller = gate->options.poller;
    uint8_t byte;
    size_t count = 0;

    switch (poller->read(poller->context, gate->broker.socket, &byte, 1, &count, err)) {
    case SFE_IO_FAILED:
        return err->code;
    case SFE_IO_CLOSED:
        return sfe_fail(err, SFE_E_NETWORK, "the broker closed the connection");
    case SFE_IO_DATA:
    case SFE_IO_WOULD_BLOCK:
        break;
    }
    return SFE_OK;
}

enum sfe_code gate_link_move_on(struct gate *gate, struct sfe_error *err)
{
    const struct sfe_poller *poller = gate->options.poller;
    const struct sfe_tls *tls = gate->options.tls;
    enum sfe_code code = SFE_OK;

    SFE_ASSERT(!gate->is_standing);
    if (!poller->connected(poller->context, gate->broker.socket)) {
        return ask_why(gate, err);
    }
    if (gate->options.is_tls && !gate->is_secured) {
        code = begin_tls(gate, err);
    }
    if (code == SFE_OK && gate->is_secured) {
        code = tls->handshake(tls->context, gate->options.tls_session, &gate->awaited, err);
    }
    gate->is_standing = code == SFE_OK;
    return code == SFE_E_AGAIN ? SFE_OK : code;
}

unsigned gate_link_awaits(const struct gate *gate)
{
    SFE_ASSERT(!gate->is_standing);
    return gate->is_secured ? gate->awaited : SFE_POLL_WRITE;
}

/* Record after record, as long as a whole one has room: what is read of a record only in part is
 * told of by no poller. */
static enum sfe_io read_secured(struct gate *gate, struct sfe_builder *bytes, struct sfe_error *err)
{
    const struct sfe_tls *tls = gate->options.tls;
    size_t begin = bytes->size;
    enum sfe_io io = SFE_IO_DATA;

    while (io == SFE_IO_DATA &&
           (bytes->size == begin || sfe_builder_room(bytes) >= GATE_RECORD_BYTES_MAX)) {
        size_t count = 0;

        io = tls->read(tls->context, gate->options.tls_session, bytes->bytes + bytes->size,
                       sfe_builder_room(bytes), &count, err);
        bytes->size += count;
    }
    /* An end behind bytes is there still when they are dealt with. */
    return bytes->size != begin ? SFE_IO_DATA : io;
}

enum sfe_io gate_side_read(struct gate *gate, struct gate_side *side, struct sfe_builder *bytes,
                           struct sfe_error *err)
{
    const struct sfe_poller *poller = gate->options.poller;
    size_t count = 0;
    enum sfe_io io;

    SFE_ASSERT(sfe_builder_room(bytes) > 0);
    if (side == &gate->broker && gate->is_secured) {
        return read_secured(gate, bytes, err);
    }
    io = poller->read(poller->context, side->socket, bytes->bytes + bytes->size,
                      sfe_builder_room(bytes), &count, err);
    SFE_ASSERT(count <= sfe_builder_room(bytes));
    bytes->size += count;
    return io;
}

enum sfe_io gate_side_write(struct gate *gate, struct gate_side *side, struct sfe_slice bytes,
                            size_t *count, struct sfe_error *err)
{
    const struct sfe_poller *poller = gate->options.poller;
    const struct sfe_tls *tls = gate->options.tls;

    if (side == &gate->broker && gate->is_secured) {
        return tls->write(tls->context, gate->options.tls_session, bytes, count, err);
    }
    return poller->write(poller->context, side->socket, bytes, count, err);
}

bool gate_link_has_more(const struct gate *gate)
{
    const struct sfe_tls *tls = gate->options.tls;

    return gate->is_secured && gate->is_standing &&
           tls->has_more(tls->context, gate->options.tls_session);
}

void gate_link_end(struct gate *gate)
{
    if (gate->is_secured) {
        gate->options.tls->end(gate->options.tls->context, gate->options.tls_session);
        gate->is_secured = false;
    }
}
