#include "input_world.h"

#include "input/http.h"

#define SECOND UINT64_C(1000000000)
#define POST                                                                                       \
    "POST /pos/sales HTTP/1.1\r\nAuthorization: Bearer geheim\r\nContent-Length: 7\r\n\r\n"        \
    "{\"a\":1}"

/* TLS that hands bytes through, once two H have come; it takes all that is there at once, and gives
 * ten bytes at a time. */
struct sfe_tls_server {
    int sessions;
};

struct sfe_tls_session {
    struct sfe_tls_carrier carrier;
    uint8_t bytes[4096];
    size_t begin;
    size_t end;
    unsigned greetings;
    unsigned ends;
};

static struct sfe_tls_server server;
static struct sfe_tls_session sessions[2];
static struct sfe_tls tls;
static struct sfe_source source;
static struct input_world *the_world;
static uint64_t step_ns;   /* What a step of a handshake takes. */
static const char *showed; /* What the certificate is for. */
static bool has_no_memory;

static enum sfe_code server_open(void *context, const struct sfe_tls_server_options *options,
                                 struct sfe_tls_server **made, struct sfe_error *err)
{
    (void)context;
    (void)err;
    assert_true(sfe_slice_equal(options->key, SFE_TEXT("a key")));
    memset(&server, 0, sizeof(server));
    memset(sessions, 0, sizeof(sessions));
    *made = &server;
    return SFE_OK;
}

static void server_close(void *context, struct sfe_tls_server *closed)
{
    (void)context;
    assert_ptr_equal(closed, &server);
    assert_int_equal(server.sessions, 0);
    server.sessions = -1;
}

static enum sfe_code server_session(void *context, struct sfe_tls_server *of,
                                    struct sfe_tls_session **session, struct sfe_error *err)
{
    (void)context;
    *session = NULL;
    if (has_no_memory && of->sessions == 1) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS");
    }
    *session = &sessions[of->sessions++];
    return SFE_OK;
}

static void session_close(void *context, struct sfe_tls_session *session)
{
    (void)context;
    server.sessions -= session == NULL ? 0 : 1;
}

static void session_accept(void *context, struct sfe_tls_session *session,
                           const struct sfe_tls_carrier *carrier)
{
    (void)context;
    assert_null(session->carrier.stream);
    session->carrier = *carrier;
    session->begin = session->end = 0;
    session->greetings = 0;
}

static enum sfe_code session_handshake(void *context, struct sfe_tls_session *session,
                                       unsigned *events, struct sfe_error *err)
{
    uint8_t byte = 0;
    size_t count = 0;

    (void)context;
    assert_true(session->greetings < 2);
    *events = SFE_POLL_READ;
    if (world_read(NULL, session->carrier.stream, &byte, 1, &count, err) != SFE_IO_DATA) {
        return SFE_E_AGAIN;
    }
    the_world->now_ns += step_ns;
    if (byte != 'H') {
        return sfe_fail(err, SFE_E_TLS, "a client does not speak TLS, or broke it");
    }
    return ++session->greetings == 2 ? SFE_OK : SFE_E_AGAIN;
}

static enum sfe_io session_read(void *context, struct sfe_tls_session *session, void *bytes,
                                size_t capacity, size_t *count, struct sfe_error *err)
{
    size_t size = capacity < 10 ? capacity : 10;

    (void)context;
    assert_int_equal(session->greetings, 2);
    if (session->begin == session->end) {
        size_t read = 0;
        enum sfe_io io = world_read(NULL, session->carrier.stream, session->bytes,
                                    sizeof(session->bytes), &read, err);
        session->begin = 0;
        session->end = read;
        if (io != SFE_IO_DATA) {
            return io;
        }
    }
    size = size < session->end - session->begin ? size : session->end - session->begin;
    memcpy(bytes, session->bytes + session->begin, size);
    session->begin += size;
    *count = size;
    return SFE_IO_DATA;
}

static enum sfe_io session_write(void *context, struct sfe_tls_session *session,
                                 struct sfe_slice bytes, size_t *count, struct sfe_error *err)
{
    (void)context;
    assert_int_equal(session->greetings, 2);
    return world_write(NULL, session->carrier.stream, bytes, count, err);
}

static bool session_has_more(void *context, const struct sfe_tls_session *session)
{
    (void)context;
    return session->begin < session->end;
}

static void session_end(void *context, struct sfe_tls_session *session)
{
    (void)context;
    assert_non_null(session->carrier.stream);
    assert_true(session->carrier.stream->is_open); /* Goodbye is said before the socket closes. */
    session->carrier.stream = NULL;
    session->ends++;
}

static bool session_shows(void *context, const struct sfe_tls_session *session,
                          struct sfe_slice name)
{
    (void)context;
    assert_int_equal(session->greetings, 2);
    return showed != NULL && sfe_slice_equal(name, sfe_slice_text(showed));
}

static enum sfe_code open_source(void **state, const char *const *names, uint32_t name_count)
{
    struct input_world *world = *state;
    const struct sfe_intake_route route = {
        .input = "webhook", .filter = "pos/sales", .stream = &world->sales};
    const struct sfe_intake_options intake_options = {
        .routes = &route,
        .route_count = 1,
        .dead = &world->dead,
        .event_bytes_max = 1024,
        .clock = &world->clock,
        .agent_id = "store-042",
    };
    struct sfe_http_source_options options = {
        .input = "webhook",
        .host = "0.0.0.0",
        .port = 8088,
        .path = "/pos/sales",
        .token = SFE_TEXT("geheim"),
        .tls_bytes = {.cert = SFE_TEXT("a certificate"), .key = SFE_TEXT("a key")},
        .client_names = names,
        .client_name_count = name_count,
        .request_bytes_max = 2048,
        .request_timeout_ns = 30 * SECOND,
        .connections = 2,
        .event_bytes_max = 1024,
        .tls = &tls,
        .poller = &world->poller,
        .clock = &world->clock,
    };
    struct sfe_error err;

    the_world = world;
    step_ns = 0;
    showed = NULL;
    tls = (struct sfe_tls){.server_open = server_open,
                           .server_close = server_close,
                           .server_session = server_session,
                           .close = session_close,
                           .accept = session_accept,
                           .handshake = session_handshake,
                           .read = session_read,
                           .write = session_write,
                           .has_more = session_has_more,
                           .end = session_end,
                           .shows = session_shows};
    assert_int_equal(sfe_intake_open(&intake_options, world->arena, &options.intake, &err), SFE_OK);
    return sfe_http_source_open(&options, world->arena, &source, &err);
}

static uint64_t turn(struct input_world *world)
{
    uint64_t due_ns = source.turn(source.context, world->now_ns);

    pump(world);
    return due_ns;
}

static struct input_world *connect_client(void **state, const char *const *names,
                                          uint32_t name_count)
{
    struct input_world *world = *state;

    assert_int_equal(open_source(state, names, name_count), SFE_OK);
    (void)turn(world);
    world->client_waits = true;
    pump(world);
    return world;
}

static bool has_written(const struct sfe_socket *socket, const char *text)
{
    return memmem(socket->written, socket->written_size, text, strlen(text)) != NULL;
}

static void close_source(void)
{
    source.close(source.context);
    assert_int_equal(server.sessions, -1);
}

static void requests_pass_behind_the_handshake_though_the_poller_is_silent(void **state)
{
    struct input_world *world = connect_client(state, NULL, 0);

    SEND(&world->client, "H");
    pump(world);
    assert_int_equal(sessions[0].greetings, 1);
    SEND(&world->client, "H" POST POST); /* Read from the socket at once, in the end. */
    pump(world);
    assert_int_equal(world->sales.staged, 1);
    world->sales.durable = 2;
    (void)turn(world);
    assert_int_equal(world->sales.staged, 2);
    (void)turn(world);
    assert_true(has_written(&world->client, "accepted"));
    close_source();
    assert_int_equal(sessions[0].ends, 1);
}

static void what_is_no_handshake_is_drained_and_said(void **state)
{
    struct input_world *world = connect_client(state, NULL, 0);
    struct sfe_source_facts facts;

    SEND(&world->client, POST);
    pump(world);
    EXPECT_NOTHING(&world->client);
    assert_int_equal(sessions[0].ends, 1);
    assert_true(world->client.is_open); /* What it sends goes nowhere. */
    assert_int_equal(world->client.read_begin, world->client.read_end);
    source.facts(source.context, &facts);
    assert_string_equal(facts.last_error.message,
                        "a connection was refused: a client does not speak TLS, or broke it");
    world->now_ns += 3 * SECOND;
    (void)turn(world);
    assert_false(world->client.is_open);
    assert_int_equal(world->sales.staged + world->dead.staged, 0);
    close_source();
}

static void handshake_that_takes_long_is_given_up(void **state)
{
    struct input_world *world = connect_client(state, NULL, 0);

    SEND(&world->client, "H");
    pump(world);
    world->now_ns += 9 * SECOND;
    (void)turn(world);
    assert_true(world->client.is_open);
    world->now_ns += 2 * SECOND;
    (void)turn(world);
    assert_false(world->client.is_open);
    assert_int_equal(sessions[0].ends, 1);
    close_source();
}

static void handshakes_take_a_quarter_of_the_time_at_most(void **state)
{
    struct input_world *world = connect_client(state, NULL, 0);
    const uint64_t begun_ns = world->now_ns;

    step_ns = SECOND / 10;
    SEND(&world->client, "HH" POST);
    pump(world);
    assert_int_equal(sessions[0].greetings, 1);
    assert_int_equal(world->client.watched, 0); /* Else it would spin. */
    assert_int_equal(turn(world), begun_ns + 4 * step_ns);
    assert_int_equal(sessions[0].greetings, 1);
    world->now_ns = begun_ns + 4 * step_ns;
    (void)turn(world);
    assert_int_equal(sessions[0].greetings, 2);
    assert_int_equal(world->sales.staged, 1);
    close_source();
}

static void handshake_that_waits_for_us_is_not_given_up(void **state)
{
    struct input_world *world = connect_client(state, NULL, 0);

    step_ns = 4 * SECOND; /* So that its turn comes when it is over the time that it has. */
    SEND(&world->client, "HH" POST);
    pump(world);
    assert_int_equal(sessions[0].greetings, 1);
    world->now_ns += 11 * SECOND;
    (void)turn(world);
    assert_true(world->client.is_open);
    world->now_ns += SECOND;
    (void)turn(world);
    assert_int_equal(sessions[0].greetings, 2);
    assert_int_equal(world->sales.staged, 1);
    close_source();
}

static void certificate_of_another_name_is_forbidden(void **state)
{
    static const char *const names[] = {"till-1", "till-2"};
    struct input_world *world = connect_client(state, names, 2);

    showed = "till-3";
    world->sales.durable = 1;
    SEND(&world->client, "HH" POST);
    pump(world);
    assert_true(has_written(&world->client, "HTTP/1.1 403 Forbidden"));
    assert_int_equal(world->sales.staged, 0);
    close_source();
}

static void certificate_of_any_of_the_names_may_send(void **state)
{
    static const char *const names[] = {"till-1", "till-2"};
    struct input_world *world = connect_client(state, names, 2);

    showed = "till-2";
    world->sales.durable = 1;
    SEND(&world->client, "HH" POST);
    pump(world);
    assert_true(has_written(&world->client, "HTTP/1.1 200 OK"));
    close_source();
}

static void what_was_opened_is_closed_where_memory_is_short(void **state)
{
    has_no_memory = true;
    assert_int_equal(open_source(state, NULL, 0), SFE_E_NO_MEMORY);
    assert_int_equal(server.sessions, -1);
    has_no_memory = false;
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(requests_pass_behind_the_handshake_though_the_poller_is_silent),
        WORLD_TEST(what_is_no_handshake_is_drained_and_said),
        WORLD_TEST(handshake_that_takes_long_is_given_up),
        WORLD_TEST(handshakes_take_a_quarter_of_the_time_at_most),
        WORLD_TEST(handshake_that_waits_for_us_is_not_given_up),
        WORLD_TEST(certificate_of_another_name_is_forbidden),
        WORLD_TEST(certificate_of_any_of_the_names_may_send),
        WORLD_TEST(what_was_opened_is_closed_where_memory_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
