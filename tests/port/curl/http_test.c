#include "client.h"

static void cut_before_the_answer_leaves_the_result_unknown(void **state)
{
    struct client *client = *state;
    get(client, (struct server_step){.cuts = true});
    assert_int_equal(client->answer.code, SFE_E_NETWORK);
    assert_int_equal(client->answer.status, 0);
    assert_true(client->answer.request_left);
    assert_int_equal(client->answer.err.code, SFE_E_NETWORK);
}

static void silence_ends_in_a_timeout_with_unknown_result(void **state)
{
    struct client *client = *state;
    const struct server_step step = {.hangs = true};
    const struct sfe_http_header header = {"Authorization", SFE_TEXT("Bearer " TOKEN)};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "POST", url);
    request.headers = &header;
    request.header_count = 1;
    request.total_timeout_ms = 300;
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_E_TIMEOUT);
    assert_true(client->answer.request_left);
    assert_true(client->answer.duration_ns > 0);
    assert_null(strstr(client->answer.err.message, TOKEN));
}

static void refused_port_is_known_to_have_got_nothing(void **state)
{
    struct client *client = *state;
    char url[64];
    assert_true(server_start(&client->server)); /* No step: it ends at once. */
    url_of(client, url, "http");
    server_stop(&client->server);
    client->server.port = 0;
    struct sfe_http_request request = make_request(client, "POST", url);
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_E_NETWORK);
    assert_false(client->answer.request_left);
    assert_int_equal(client->answer.sent_bytes, 0);
    assert_true(strlen(client->answer.err.message) > 0);
}

static void peer_that_speaks_no_tls_is_a_tls_error_and_got_nothing(void **state)
{
    struct client *client = *state;
    const struct server_step step = {
        .answer = "HTTP/1.1 400 Bad\r\n\r\n", .is_blind = true, .hangs = true};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "https");
    struct sfe_http_request request = make_request(client, "POST", url);
    request.body = SFE_TEXT("secret body");
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_E_TLS);
    assert_false(client->answer.request_left);
}

static void cancelled_exchange_is_not_visited(void **state)
{
    struct client *client = *state;
    const struct server_step step = {.hangs = true};
    struct sfe_http_exchange *exchange = NULL;
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    assert_int_equal(client->http.begin(client->http.context, &request, &exchange, &client->err),
                     SFE_OK);
    assert_int_equal(client->http.poll(client->http.context, 0, visit, client, &client->err),
                     SFE_OK);
    client->http.cancel(client->http.context, exchange);
    assert_int_equal(client->http.poll(client->http.context, 0, visit, client, &client->err),
                     SFE_OK);
    assert_int_equal(client->visits, 0);
    /* Whether a byte had gone out or not, the server must come to its end. */
    (void)shutdown(client->server.listener, SHUT_RDWR);
}

static void visitor_may_begin_the_next_exchange(void **state)
{
    struct client *client = *state;
    const struct server_step steps[] = {
        {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"},
        {.answer = "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nb"}};
    char url[64];
    serve(client, steps, 2);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    client->begun_by_visit = &request;
    begin(client, &request);
    poll_until(client, 2);
    assert_int_equal(client->answer.status, 201);
    assert_memory_equal(client->memory, "ab", 2);
}

static void *wake_from_beside(void *argument)
{
    struct client *client = argument;
    client->http.wake(client->http.context);
    return NULL;
}

static void wake_of_another_thread_ends_the_wait(void **state)
{
    struct client *client = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_from_beside, client), 0);
    assert_int_equal(
        client->http.poll(client->http.context, UINT64_MAX, visit, client, &client->err), SFE_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(cut_before_the_answer_leaves_the_result_unknown),
        CLIENT_TEST(silence_ends_in_a_timeout_with_unknown_result),
        CLIENT_TEST(refused_port_is_known_to_have_got_nothing),
        CLIENT_TEST(peer_that_speaks_no_tls_is_a_tls_error_and_got_nothing),
        CLIENT_TEST(cancelled_exchange_is_not_visited),
        CLIENT_TEST(visitor_may_begin_the_next_exchange),
        CLIENT_TEST(wake_of_another_thread_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
