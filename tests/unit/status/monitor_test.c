/* Pages over a poller whose one client is scripted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "status/metrics.h"
#include "status/monitor.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

struct sfe_socket {
    const char *to_read;
    char written[65536];
    size_t size;
    sfe_poll_ready ready;
    void *owner;
};

static struct sfe_socket listener;
static struct sfe_socket client;
static struct sfe_status_output output;
static struct sfe_status told;
static uint64_t now_ns;
static struct sfe_arena *arena;
static struct sfe_monitor *monitor;

static uint64_t monotonic(void *context)
{
    (void)context;
    return now_ns;
}

static enum sfe_code listen_at(void *context, const char *host, uint16_t port,
                               struct sfe_socket **socket, struct sfe_error *err)
{
    (void)context;
    (void)err;
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 9471);
    *socket = &listener;
    return SFE_OK;
}

static enum sfe_code accept_client(void *context, struct sfe_socket *from,
                                   struct sfe_socket **stream, struct sfe_error *err)
{
    (void)context;
    (void)from;
    (void)err;
    *stream = &client;
    return SFE_OK;
}

static void peer(void *context, const struct sfe_socket *stream, uint8_t address[16])
{
    (void)context;
    (void)stream;
    memset(address, 0, 16);
}

static enum sfe_io read_client(void *context, struct sfe_socket *stream, void *bytes,
                               size_t capacity, size_t *count, struct sfe_error *err)
{
    const size_t size = strlen(stream->to_read);

    (void)context;
    (void)err;
    assert_true(size <= capacity);
    memcpy(bytes, stream->to_read, size);
    stream->to_read += size;
    *count = size;
    return size == 0 ? SFE_IO_WOULD_BLOCK : SFE_IO_DATA;
}

/* At most 1,000 bytes at once: a page goes in pieces. */
static enum sfe_io write_client(void *context, struct sfe_socket *stream, struct sfe_slice bytes,
                                size_t *count, struct sfe_error *err)
{
    (void)context;
    (void)err;
    *count = bytes.size < 1000 ? bytes.size : 1000;
    assert_true(stream->size + *count < sizeof(stream->written));
    memcpy(stream->written + stream->size, bytes.bytes, *count);
    stream->size += *count;
    return SFE_IO_DATA;
}

static void close_socket(void *context, struct sfe_socket *socket)
{
    (void)context;
    (void)socket;
}

static void watch(void *context, struct sfe_socket *socket, unsigned events, sfe_poll_ready ready,
                  void *owner)
{
    (void)context;
    (void)events;
    socket->ready = ready;
    socket->owner = owner;
}

static const struct sfe_poller poller = {
    .listen = listen_at,
    .accept = accept_client,
    .peer = peer,
    .read = read_client,
    .write = write_client,
    .close = close_socket,
    .watch = watch,
};
static const struct sfe_clock clock_of_test = {.monotonic_ns = monotonic};

static void gather(void *owner, struct sfe_status *status)
{
    assert_ptr_equal(owner, &told);
    *status = told;
}

static void open_monitor(const char *host, uint32_t parts)
{
    const struct sfe_monitor_options options = {
        .host = host,
        .port = 9471,
        .parts = parts,
        .owner = &told,
        .gather = gather,
        .poller = &poller,
        .clock = &clock_of_test,
    };
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &arena, &err), SFE_OK);
    assert_int_equal(sfe_monitor_open(&options, arena, &monitor, &err), SFE_OK);
    /* The last piece may end before its alignment does. */
    assert_int_equal((sfe_arena_taken(arena) + 15u) / 16u,
                     (sfe_monitor_memory_bytes(&options) + 15u) / 16u);
}

static int begin(void **state)
{
    (void)state;
    memset(&client, 0, sizeof(client));
    memset(&output, 0, sizeof(output));
    now_ns = 1000 * SECOND;
    output.name = "sales";
    output.stream = "till";
    told = (struct sfe_status){.agent_id = "store-1", .outputs = &output, .output_count = 1};
    return 0;
}

static int end(void **state)
{
    (void)state;
    sfe_monitor_close(monitor);
    sfe_arena_close(arena);
    return 0;
}

/* The whole answer to one request. */
static const char *ask(const char *request)
{
    client.to_read = request;
    client.size = 0;
    (void)sfe_monitor_turn(monitor, now_ns);
    if (client.ready == NULL) {
        listener.ready(listener.owner, &listener, SFE_POLL_READ);
    }
    client.ready(client.owner, &client, SFE_POLL_READ);
    client.written[client.size] = '\0';
    return client.written;
}

static void assert_begins(const char *answer, const char *text)
{
    assert_memory_equal(answer, text, strlen(text));
}

static void readiness_says_what_stands_still_and_forgets_it_when_it_moves(void **state)
{
    const char *request = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";

    (void)state;
    open_monitor("127.0.0.1", 1);
    assert_non_null(strstr(ask(request), "\r\n\r\nready\n"));
    output.facts.backlog = 3;
    output.facts.last_error.code = SFE_E_API;
    strcpy(output.facts.last_error.message, "two\nlines");
    sfe_monitor_note(monitor, &told, 10 * SECOND, now_ns);
    now_ns += 9 * SECOND;
    assert_begins(ask(request), "HTTP/1.1 200 OK\r\n");
    now_ns += 2 * SECOND; /* No look in between: who asks is told what is so now. */
    assert_begins(ask(request), "HTTP/1.1 503 Service Unavailable\r\n");
    assert_non_null(strstr(client.written, "\r\n\r\nnot ready: output sales of stream till: 3 "
                                           "events wait, and none was settled for 11 s: two "
                                           "lines\n"));
    output.facts.delivered = 1;
    assert_begins(ask(request), "HTTP/1.1 200 OK\r\n");
    assert_int_equal(sfe_monitor_trouble(monitor).size, 0);
    told.is_draining = true;
    assert_non_null(strstr(ask(request), "not ready: it is drained: nothing is taken in\n"));
    told.is_stopping = true;
    assert_non_null(strstr(ask(request), "not ready: the agent is stopping\n"));
}

static void a_page_goes_whole_over_a_connection_that_takes_little_at_once(void **state)
{
    static uint8_t expected[65536];
    struct sfe_builder page = sfe_builder_make(expected, sizeof(expected));
    const char *body;

    (void)state;
    open_monitor("127.0.0.1", 1);
    sfe_metrics_add(&told, (struct sfe_slice){NULL, 0}, &page);
    assert_true(page.size > 3000);
    for (int i = 0; i < 3; i++) {
        body = strstr(ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\n\r\n") + 4;
        assert_int_equal(strlen(body), page.size);
        assert_memory_equal(body, expected, page.size);
    }
    body = strstr(ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\n\r\n") + 4;
    assert_string_equal(body, "");
    assert_non_null(strstr(ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\n\r\nalive\n"));
}

static void a_page_that_a_reload_has_made_too_large_is_an_error_and_no_half_page(void **state)
{
    static struct sfe_status_output many[128];

    (void)state;
    open_monitor("127.0.0.1", 1);
    for (uint32_t i = 0; i < 128; i++) {
        many[i] = output;
    }
    told.outputs = many;
    told.output_count = 128;
    assert_begins(ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 500 ");
    assert_non_null(strstr(client.written, "restart the agent"));
    assert_null(strstr(client.written, "sfedge_"));
}

static void without_an_address_nothing_listens_and_trouble_is_found_all_the_same(void **state)
{
    (void)state;
    open_monitor(NULL, 1);
    assert_true(sfe_monitor_turn(monitor, now_ns) == UINT64_MAX);
    output.facts.backlog = 1;
    sfe_monitor_note(monitor, &told, SECOND, now_ns);
    sfe_monitor_note(monitor, &told, SECOND, now_ns + SECOND);
    assert_int_not_equal(sfe_monitor_trouble(monitor).size, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readiness_says_what_stands_still_and_forgets_it_when_it_moves),
        TEST(a_page_goes_whole_over_a_connection_that_takes_little_at_once),
        TEST(a_page_that_a_reload_has_made_too_large_is_an_error_and_no_half_page),
        TEST(without_an_address_nothing_listens_and_trouble_is_found_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
