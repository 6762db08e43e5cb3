#include "run/control.h"

#include "base/arena.h"
#include "base/assert.h"

#define REQUEST_BYTES_MAX 64u
#define SILENCE_NS        UINT64_C(1000000000)

/* A document on its way to a client. */
struct talk {
    struct sfe_socket *socket; /* NULL: nobody. */
    struct sfe_slice document; /* Empty: not there yet. */
    size_t sent;
};

struct sfe_control {
    struct sfe_poller *poller;
    struct sfe_socket *listener;
    struct talk client; /* One at a time; others wait in the listener's queue. */
    struct talk asker;  /* Waits for a reload; that holds up nobody. */
    struct sfe_builder document;
    struct sfe_builder request;
    uint8_t request_bytes[REQUEST_BYTES_MAX];
    bool is_listening; /* To what the client wants. */
    uint64_t until_ns; /* 0: the silence is not timed yet. */
    struct sfe_control_owner owner;
};

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events);
static void on_client(void *owner, struct sfe_socket *socket, unsigned events);
static void on_asker(void *owner, struct sfe_socket *socket, unsigned events);

/* Sends on until the socket is full or all is sent. False when the conversation is over. */
static bool send_on(struct sfe_control *control, struct talk *talk, sfe_poll_ready ready)
{
    struct sfe_poller *poller = control->poller;
    struct sfe_error err;
    enum sfe_io io = SFE_IO_DATA;

    SFE_ASSERT(talk->socket != NULL);
    while (io == SFE_IO_DATA && talk->sent < talk->document.size) {
        size_t count = 0;
        struct sfe_slice rest = sfe_slice_part(talk->document, talk->sent, talk->document.size);
        io = poller->write(poller->context, talk->socket, rest, &count, &err);
        talk->sent += io == SFE_IO_DATA ? count : 0;
    }
    if (io == SFE_IO_WOULD_BLOCK) {
        poller->watch(poller->context, talk->socket, SFE_POLL_WRITE, ready, control);
        return true;
    }
    poller->close(poller->context, talk->socket);
    talk->socket = NULL;
    return false;
}

static void listen_again(struct sfe_control *control)
{
    struct sfe_poller *poller = control->poller;

    SFE_ASSERT(control->client.socket == NULL);
    poller->watch(poller->context, control->listener, SFE_POLL_READ, on_listener, control);
}

static void serve_client(struct sfe_control *control)
{
    if (!send_on(control, &control->client, on_client)) {
        listen_again(control);
    }
}

static void tell_client(struct sfe_control *control, struct sfe_slice document)
{
    control->is_listening = false;
    control->client.document = document;
    control->client.sent = 0;
    serve_client(control);
}

static void tell_status(struct sfe_control *control)
{
    sfe_builder_rewind(&control->document, 0);
    control->owner.add_status(control->owner.context, &control->document);
    tell_client(control, sfe_builder_slice(&control->document));
}

static void begin_reload(struct sfe_control *control)
{
    struct sfe_poller *poller = control->poller;

    if (control->asker.socket != NULL) {
        tell_client(control, SFE_TEXT("{\"mistakes\":[{\"message\":\"another client waits for a "
                                      "reload; try again\"}],\"ok\":false}"));
        return;
    }
    control->is_listening = false;
    control->asker = (struct talk){.socket = control->client.socket};
    control->client.socket = NULL;
    poller->watch(poller->context, control->asker.socket, 0, on_asker, control);
    listen_again(control);
    control->owner.begin_reload(control->owner.context);
}

/* A whole line came, or its end. */
static void take_request(struct sfe_control *control)
{
    struct sfe_slice request = sfe_builder_slice(&control->request);

    while (request.size > 0 && request.bytes[request.size - 1] <= ' ') {
        request.size--;
    }
    if (request.size == 0 || sfe_slice_equal(request, SFE_TEXT("status"))) {
        tell_status(control);
    } else if (sfe_slice_equal(request, SFE_TEXT("reload"))) {
        begin_reload(control);
    } else {
        tell_client(control, SFE_TEXT("{\"mistakes\":[{\"message\":\"no such request; allowed: "
                                      "status, reload\"}],\"ok\":false}"));
    }
}

static void read_request(struct sfe_control *control)
{
    struct sfe_poller *poller = control->poller;
    struct sfe_builder *request = &control->request;
    uint8_t bytes[REQUEST_BYTES_MAX];
    struct sfe_error err;
    size_t count = 0;
    enum sfe_io io =
        poller->read(poller->context, control->client.socket, bytes, sizeof(bytes), &count, &err);

    if (io == SFE_IO_WOULD_BLOCK) {
        return;
    }
    if (io == SFE_IO_FAILED) {
        poller->close(poller->context, control->client.socket);
        control->client.socket = NULL;
        control->is_listening = false;
        listen_again(control);
        return;
    }
    sfe_builder_add(request, sfe_slice_make(bytes, count));
    if (io == SFE_IO_CLOSED || request->overflowed ||
        (request->size > 0 && request->bytes[request->size - 1] == '\n')) {
        take_request(control);
    }
}

static void on_client(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct sfe_control *control = owner;

    (void)socket;
    (void)events;
    if (control->is_listening) {
        read_request(control);
    } else {
        serve_client(control);
    }
}

static void on_asker(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct sfe_control *control = owner;

    (void)events;
    SFE_ASSERT(socket == control->asker.socket);
    if (control->asker.document.size != 0) {
        (void)send_on(control, &control->asker, on_asker);
        return;
    }
    /* It went away; the reload goes on. */
    control->poller->close(control->poller->context, socket);
    control->asker.socket = NULL;
}

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct sfe_control *control = owner;
    struct sfe_poller *poller = control->poller;
    struct sfe_error err;

    (void)events;
    SFE_ASSERT(control->client.socket == NULL);
    if (poller->accept(poller->context, socket, &control->client.socket, &err) != SFE_OK) {
        control->client.socket = NULL;
        return;
    }
    poller->watch(poller->context, control->listener, 0, on_listener, control);
    sfe_builder_rewind(&control->request, 0);
    control->is_listening = true;
    control->until_ns = 0;
    poller->watch(poller->context, control->client.socket, SFE_POLL_READ, on_client, control);
}

size_t sfe_control_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct sfe_control)) + sfe_arena_cost(SFE_CONTROL_BYTES_MAX);
}

enum sfe_code sfe_control_open(struct sfe_poller *poller, const char *path,
                               const struct sfe_control_owner *owner, struct sfe_arena *arena,
                               struct sfe_control **control, struct sfe_error *err)
{
    struct sfe_control *opened = sfe_arena_take(arena, sizeof(*opened), err);
    uint8_t *memory = sfe_arena_take(arena, SFE_CONTROL_BYTES_MAX, err);
    enum sfe_code code;

    if (opened == NULL || memory == NULL) {
        return err->code;
    }
    opened->poller = poller;
    opened->document = sfe_builder_make(memory, SFE_CONTROL_BYTES_MAX);
    opened->request = sfe_builder_make(opened->request_bytes, REQUEST_BYTES_MAX);
    opened->owner = *owner;
    code = poller->listen_local(poller->context, path, &opened->listener, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot listen for `status`");
    }
    poller->watch(poller->context, opened->listener, SFE_POLL_READ, on_listener, opened);
    *control = opened;
    return SFE_OK;
}

uint64_t sfe_control_turn(struct sfe_control *control, uint64_t now_ns)
{
    if (control->client.socket == NULL || !control->is_listening) {
        return UINT64_MAX;
    }
    if (control->until_ns == 0) {
        control->until_ns = now_ns + SILENCE_NS;
    }
    if (now_ns < control->until_ns) {
        return control->until_ns;
    }
    sfe_builder_rewind(&control->request, 0);
    take_request(control);
    return UINT64_MAX;
}

void sfe_control_answer(struct sfe_control *control, struct sfe_slice document)
{
    SFE_ASSERT(document.size != 0);
    if (control->asker.socket != NULL) {
        control->asker.document = document;
        control->asker.sent = 0;
        (void)send_on(control, &control->asker, on_asker);
    }
}

void sfe_control_close(struct sfe_control *control)
{
    if (control == NULL) {
        return;
    }
    control->poller->close(control->poller->context, control->client.socket);
    control->poller->close(control->poller->context, control->asker.socket);
    control->poller->close(control->poller->context, control->listener);
    control->client.socket = NULL;
    control->asker.socket = NULL;
    control->listener = NULL;
}
