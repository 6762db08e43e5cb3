#include "control/control.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
/* A client that asks nothing, or does not read its answer, for so long goes. */
#define STUCK_NS (10u * SECOND_NS)
/* One that follows may be stopped by its terminal for a while, unless another wants its place. */
#define FOLLOWER_STUCK_NS (600u * SECOND_NS)

struct client {
    struct sfe_control *control;
    struct sfe_socket *socket; /* NULL: a free place. */
    struct sfe_builder question;
    struct sfe_builder document;
    size_t sent;
    bool was_answered;
    bool is_following;
    bool is_waiting;   /* For sfe_control_answer. */
    bool has_moved;    /* Since the last turn. */
    uint64_t moved_ns; /* The turn after it last read or wrote. */
};

struct sfe_control {
    struct sfe_poller *poller;
    struct sfe_socket *listener;
    struct sfe_control_service service;
    struct client clients[SFE_CONTROL_CLIENTS];
    uint64_t now_ns; /* Of the last turn. */
};

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events);
static void on_client(void *owner, struct sfe_socket *socket, unsigned events);

static struct client *free_place(struct sfe_control *control)
{
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        if (control->clients[i].socket == NULL) {
            return &control->clients[i];
        }
    }
    return NULL;
}

static void listen_if_room(struct sfe_control *control)
{
    const unsigned events = free_place(control) == NULL ? 0 : SFE_POLL_READ;

    control->poller->watch(control->poller->context, control->listener, events, on_listener,
                           control);
}

static void put_out(struct client *client)
{
    struct sfe_control *control = client->control;
    const bool was_following = client->is_following;

    control->poller->close(control->poller->context, client->socket);
    client->socket = NULL;
    client->is_following = false;
    client->is_waiting = false;
    if (was_following) {
        control->service.gone(control->service.owner);
    }
    listen_if_room(control);
}

/* Sends on until the client's socket is full or all is sent. */
static void serve(struct client *client)
{
    struct sfe_poller *poller = client->control->poller;
    struct sfe_error err;
    enum sfe_io io = SFE_IO_DATA;

    while (io == SFE_IO_DATA && client->sent < client->document.size) {
        size_t count = 0;
        struct sfe_slice rest = sfe_slice_part(sfe_builder_slice(&client->document), client->sent,
                                               client->document.size);
        io = poller->write(poller->context, client->socket, rest, &count, &err);
        client->sent += io == SFE_IO_DATA ? count : 0;
        client->has_moved = client->has_moved || io == SFE_IO_DATA;
    }
    const bool is_over = io == SFE_IO_DATA && !client->is_following;
    if (is_over || io == SFE_IO_CLOSED || io == SFE_IO_FAILED) {
        put_out(client);
        return;
    }
    poller->watch(poller->context, client->socket,
                  SFE_POLL_READ | (io == SFE_IO_WOULD_BLOCK ? SFE_POLL_WRITE : 0u), on_client,
                  client);
}

static void answer(struct client *client, size_t size)
{
    struct sfe_control *control = client->control;

    client->was_answered = true;
    enum sfe_control_next next = control->service.answer(
        control->service.owner, sfe_slice_part(sfe_builder_slice(&client->question), 0, size),
        &client->document);
    client->is_waiting = next == SFE_CONTROL_WAITS;
    if (client->is_waiting) {
        return;
    }
    client->is_following = next == SFE_CONTROL_FOLLOWS;
    serve(client);
}

/* What comes behind the question is read and thrown away: only so is the end of the other side
 * seen. */
static void on_client(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct client *client = owner;
    struct sfe_poller *poller = client->control->poller;
    uint8_t bytes[256];
    struct sfe_error err;
    size_t count = 0;

    if ((events & (SFE_POLL_READ | SFE_POLL_FAILED)) != 0) {
        enum sfe_io io = poller->read(poller->context, socket, bytes, sizeof(bytes), &count, &err);
        if (io == SFE_IO_CLOSED || io == SFE_IO_FAILED) {
            put_out(client);
            return;
        }
    }
    if (client->was_answered) {
        if (!client->is_waiting) {
            serve(client);
        }
        return;
    }
    client->has_moved = client->has_moved || count != 0;
    sfe_builder_add(&client->question, sfe_slice_make(bytes, count));
    const uint8_t *end = client->question.size == 0
                             ? NULL
                             : memchr(client->question.bytes, '\n', client->question.size);
    if (end != NULL) {
        answer(client, (size_t)(end - client->question.bytes));
    } else if (client->question.overflowed) {
        put_out(client);
    }
}

static void on_listener(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct sfe_control *control = owner;
    struct sfe_poller *poller = control->poller;
    struct client *client = free_place(control);
    struct sfe_error err;

    (void)events;
    SFE_ASSERT(client != NULL);
    if (poller->accept(poller->context, socket, &client->socket, &err) != SFE_OK) {
        client->socket = NULL;
        return;
    }
    sfe_builder_rewind(&client->question, 0);
    sfe_builder_rewind(&client->document, 0);
    client->sent = 0;
    client->was_answered = false;
    client->is_following = false;
    client->is_waiting = false;
    client->has_moved = true;
    poller->watch(poller->context, client->socket, SFE_POLL_READ, on_client, client);
    listen_if_room(control);
}

static bool is_stuck(const struct sfe_control *control, const struct client *client,
                     uint64_t limit_ns)
{
    /* Who follows and has read all there is waits for us. */
    const bool owes_us = !client->is_following || client->sent < client->document.size;

    return owes_us && !client->has_moved && control->now_ns - client->moved_ns >= limit_ns;
}

/* Returns when the client will be stuck, if it does not move. */
static uint64_t client_turn(struct sfe_control *control, struct client *client)
{
    if (client->is_waiting) {
        client->moved_ns = control->now_ns;
        return UINT64_MAX;
    }
    if (client->has_moved) {
        client->has_moved = false;
        client->moved_ns = control->now_ns;
    }
    if (client->is_following && client->sent == client->document.size) {
        client->moved_ns = control->now_ns;
        client->sent = 0;
        sfe_builder_rewind(&client->document, 0);
        control->service.go_on(control->service.owner, &client->document);
        serve(client);
        /* There may be more than the document held. */
        const bool goes_on = client->socket != NULL && client->document.size != 0 &&
                             client->sent == client->document.size;
        return goes_on ? control->now_ns : UINT64_MAX;
    }
    const uint64_t limit_ns = client->is_following ? FOLLOWER_STUCK_NS : STUCK_NS;
    if (is_stuck(control, client, limit_ns)) {
        put_out(client);
        return UINT64_MAX;
    }
    return client->moved_ns + limit_ns;
}

uint64_t sfe_control_turn(struct sfe_control *control, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    control->now_ns = now_ns;
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (client->socket != NULL) {
            uint64_t next_ns = client_turn(control, client);
            due_ns = next_ns < due_ns ? next_ns : due_ns;
        }
    }
    return due_ns;
}

void sfe_control_answer(struct sfe_control *control, struct sfe_slice document)
{
    SFE_ASSERT(document.size != 0);
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (client->socket != NULL && client->is_waiting) {
            client->is_waiting = false;
            client->has_moved = true;
            sfe_builder_add(&client->document, document);
            serve(client);
        }
    }
}

bool sfe_control_has_waiting(const struct sfe_control *control)
{
    bool has_waiting = false;

    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        has_waiting =
            has_waiting || (control->clients[i].socket != NULL && control->clients[i].is_waiting);
    }
    return has_waiting;
}

bool sfe_control_claim(struct sfe_control *control)
{
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (client->socket == NULL || !client->is_following) {
            continue;
        }
        if (!is_stuck(control, client, STUCK_NS)) {
            return false;
        }
        put_out(client);
    }
    return true;
}

size_t sfe_control_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct sfe_control)) +
           SFE_CONTROL_CLIENTS *
               (sfe_arena_cost(SFE_CONTROL_BYTES_MAX) + sfe_arena_cost(SFE_CONTROL_QUESTION_BYTES));
}

static enum sfe_code open_clients(struct sfe_control *control, struct sfe_arena *arena,
                                  struct sfe_error *err)
{
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        uint8_t *document = sfe_arena_take(arena, SFE_CONTROL_BYTES_MAX, err);
        uint8_t *question = sfe_arena_take(arena, SFE_CONTROL_QUESTION_BYTES, err);
        if (document == NULL || question == NULL) {
            return err->code;
        }
        client->control = control;
        client->document = sfe_builder_make(document, SFE_CONTROL_BYTES_MAX);
        client->question = sfe_builder_make(question, SFE_CONTROL_QUESTION_BYTES);
    }
    return SFE_OK;
}

enum sfe_code sfe_control_open(struct sfe_poller *poller, const char *path,
                               const struct sfe_control_service *service, struct sfe_arena *arena,
                               struct sfe_control **control, struct sfe_error *err)
{
    struct sfe_control *opened = sfe_arena_take(arena, sizeof(*opened), err);
    enum sfe_code code;

    if (opened == NULL || open_clients(opened, arena, err) != SFE_OK) {
        return err->code;
    }
    opened->poller = poller;
    opened->service = *service;
    code = poller->listen_local(poller->context, path, &opened->listener, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot listen for `status`");
    }
    listen_if_room(opened);
    *control = opened;
    return SFE_OK;
}

void sfe_control_close(struct sfe_control *control)
{
    if (control == NULL) {
        return;
    }
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        control->poller->close(control->poller->context, control->clients[i].socket);
        control->clients[i].socket = NULL;
    }
    control->poller->close(control->poller->context, control->listener);
    control->listener = NULL;
}
