/* An HTTP client and the scripted server it talks to, for the tests of port/curl. */
#ifndef SFE_TESTS_PORT_CURL_CLIENT_H
#define SFE_TESTS_PORT_CURL_CLIENT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"
#include "server.h"

#define PATIENCE_NS (UINT64_C(20) * 1000000000u)
#define TOKEN       "00D-secret-token"

struct client {
    struct sfe_clock clock;
    struct sfe_http http;
    struct sfe_error err;
    struct server server;
    unsigned visits;
    struct sfe_http_answer answer; /* The last one. */
    uint8_t memory[4096];
    struct sfe_builder body;
    const struct sfe_http_request *begun_by_visit;
};

static inline int open_client(void **state)
{
    struct client *client = calloc(1, sizeof(*client));
    assert_non_null(client);
    sfe_posix_clock(&client->clock);
    assert_int_equal(sfe_curl_http_open(&client->clock, &client->http, &client->err), SFE_OK);
    client->body = sfe_builder_make(client->memory, sizeof(client->memory));
    *state = client;
    return 0;
}

static inline int close_client(void **state)
{
    struct client *client = *state;
    sfe_curl_http_close(&client->http);
    if (client->server.port != 0) {
        server_stop(&client->server);
    }
    free(client);
    return 0;
}

static inline void serve(struct client *client, const struct server_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        client->server.steps[i] = steps[i];
    }
    client->server.step_count = count;
    assert_true(server_start(&client->server));
}

/* Closes the client's connections too, so that the server's record may be read. */
static inline void stop(struct client *client)
{
    sfe_curl_http_close(&client->http);
    server_stop(&client->server);
    client->server.port = 0;
}

static inline void visit(void *visitor, const struct sfe_http_answer *answer)
{
    struct client *client = visitor;
    struct sfe_http_exchange *exchange = NULL;
    client->visits++;
    client->answer = *answer;
    if (client->begun_by_visit != NULL) {
        assert_int_equal(client->http.begin(client->http.context, client->begun_by_visit, &exchange,
                                            &client->err),
                         SFE_OK);
        client->begun_by_visit = NULL;
    }
}

static inline void poll_until(struct client *client, unsigned visits)
{
    uint64_t until_ns = sfe_clock_monotonic_ns(&client->clock) + PATIENCE_NS;
    while (client->visits < visits) {
        assert_true(sfe_clock_monotonic_ns(&client->clock) < until_ns);
        assert_int_equal(
            client->http.poll(client->http.context, until_ns, visit, client, &client->err), SFE_OK);
    }
}

static inline void url_of(const struct client *client, char url[64], const char *scheme)
{
    int size =
        snprintf(url, 64, "%s://127.0.0.1:%u/services/data", scheme, (unsigned)client->server.port);
    assert_true(size > 0 && size < 64);
}

static inline struct sfe_http_request make_request(struct client *client, const char *method,
                                                   const char *url)
{
    return (struct sfe_http_request){.method = method,
                                     .url = url,
                                     .connect_timeout_ms = 10000,
                                     .total_timeout_ms = 20000,
                                     .answer_body = &client->body,
                                     .tag = client};
}

static inline void begin(struct client *client, const struct sfe_http_request *request)
{
    struct sfe_http_exchange *exchange = NULL;
    assert_int_equal(client->http.begin(client->http.context, request, &exchange, &client->err),
                     SFE_OK);
    assert_non_null(exchange);
}

/* One GET answered by `step`. */
static inline void get(struct client *client, struct server_step step)
{
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    begin(client, &request);
    poll_until(client, client->visits + 1);
}

#define CLIENT_TEST(test) cmocka_unit_test_setup_teardown(test, open_client, close_client)

#endif
