#include "run/control.h"

#include "base/arena.h"
#include "base/assert.h"

struct sfe_control {
    struct sfe_poller *poller;
    struct sfe_socket *listener;
    struct sfe_socket *client; /* One at a time; others wait in the listener's queue. */
    struct sfe_builder document;
    size_t sent;
    void (*add_document)(void *owner, struct sfe_builder *out);
    void *owner;
};

static void serve(struct sfe_control *control);

static void on_client(void *owner, struct sfe_socket *socket, unsigned events)
{
    (void)socket;
    (void)events;
    serve(owner);
}

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct sfe_control *control = owner;
    struct sfe_poller *poller = control->poller;
    struct sfe_error err;

    (void)events;
    SFE_ASSERT(control->client == NULL);
    if (poller->accept(poller->context, socket, &control->client, &err) != SFE_OK) {
        control->client = NULL;
        return;
    }
    poller->watch(poller->context, control->listener, 0, on_listener, control);
    sfe_builder_rewind(&control->document, 0);
    control->add_document(control->owner, &control->document);
    control->sent = 0;
    serve(control);
}

/* Sends on until the client's socket is full or all is sent. */
static void serve(struct sfe_control *control)
{
    struct sfe_poller *poller = control->poller;
    struct sfe_error err;
    enum sfe_io io = SFE_IO_DATA;

    SFE_ASSERT(control->client != NULL);
    while (io == SFE_IO_DATA && control->sent < control->document.size) {
        size_t count = 0;
        struct sfe_slice rest = sfe_slice_part(sfe_builder_slice(&control->document), control->sent,
                                               control->document.size);
        io = poller->write(poller->context, control->client, rest, &count, &err);
        control->sent += io == SFE_IO_DATA ? count : 0;
    }
    if (io == SFE_IO_WOULD_BLOCK) {
        poller->watch(poller->context, control->client, SFE_POLL_WRITE, on_client, control);
        return;
    }
    poller->close(poller->context, control->client);
    control->client = NULL;
    poller->watch(poller->context, control->listener, SFE_POLL_READ, on_listener, control);
}

size_t sfe_control_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct sfe_control)) + sfe_arena_cost(SFE_CONTROL_BYTES_MAX);
}

enum sfe_code sfe_control_open(struct sfe_poller *poller, const char *path,
                               void (*add_document)(void *owner, struct sfe_builder *out),
                               void *owner, struct sfe_arena *arena, struct sfe_control **control,
                               struct sfe_error *err)
{
    struct sfe_control *opened = sfe_arena_take(arena, sizeof(*opened), err);
    uint8_t *memory = sfe_arena_take(arena, SFE_CONTROL_BYTES_MAX, err);
    enum sfe_code code;

    if (opened == NULL || memory == NULL) {
        return err->code;
    }
    opened->poller = poller;
    opened->document = sfe_builder_make(memory, SFE_CONTROL_BYTES_MAX);
    opened->add_document = add_document;
    opened->owner = owner;
    code = poller->listen_local(poller->context, path, &opened->listener, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot listen for `status`");
    }
    poller->watch(poller->context, opened->listener, SFE_POLL_READ, on_listener, opened);
    *control = opened;
    return SFE_OK;
}

void sfe_control_close(struct sfe_control *control)
{
    if (control == NULL) {
        return;
    }
    control->poller->close(control->poller->context, control->client);
    control->poller->close(control->poller->context, control->listener);
    control->client = NULL;
    control->listener = NULL;
}
