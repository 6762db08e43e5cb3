#include "input/probe.h"

#include "base/assert.h"

static void let_go(struct probe *probe)
{
    probe->poller->close(probe->poller->context, probe->socket);
    probe->socket = NULL;
}

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct probe *probe = owner;
    const struct sfe_poller *poller = probe->poller;
    struct sfe_error ignored;
    uint8_t byte;
    size_t count;

    (void)events;
    SFE_ASSERT(socket == probe->socket);
    if (poller->connected(poller->context, socket)) {
        probe->has_answered = true;
        let_go(probe);
    } else if (poller->read(poller->context, socket, &byte, 1, &count, &ignored) == SFE_IO_FAILED) {
        let_go(probe);
    }
}

void probe_begin(struct probe *probe, const char *host, uint16_t port)
{
    const struct sfe_poller *poller = probe->poller;
    struct sfe_error ignored;

    probe_end(probe);
    if (poller->connect(poller->context, host, port, &probe->socket, &ignored) == SFE_OK) {
        poller->watch(poller->context, probe->socket, SFE_POLL_WRITE, on_ready, probe);
    } else {
        probe->socket = NULL;
    }
}

void probe_end(struct probe *probe)
{
    let_go(probe);
    probe->has_answered = false;
}
