#include "client.h"

static void request_goes_out_as_given_and_no_more(void **state)
{
    struct client *client = *state;
    const struct sfe_http_header headers[] = {{"Authorization", SFE_TEXT("Bearer " TOKEN)},
                                              {"Content-Type", SFE_TEXT("application/json")},
                                              {"X-Empty", SFE_TEXT("")}};
    const struct server_step step = {.answer = "HTTP/1.1 204 No Content\r\n\r\n"};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "PATCH", url);
    request.headers = headers;
    request.header_count = 3;
    request.body = SFE_TEXT("{\"Name\":\"x\"}");
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.status, 204);
    stop(client);
    const char *text = client->server.requests[0];
    assert_int_equal(strncmp(text, "PATCH /services/data HTTP/1.1\r\n", 31), 0);
    assert_non_null(strstr(text, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Length: 12\r\n"));
    assert_non_null(strstr(text, "\r\nAccept-Encoding: gzip\r\n"));
    assert_non_null(strstr(text, "\r\n\r\n{\"Name\":\"x\"}"));
    assert_null(strcasestr(text, "\r\nExpect:"));
    assert_int_equal(client->answer.sent_bytes, strlen(text));
}

static void post_without_a_body_says_length_0_and_delete_says_none(void **state)
{
    struct client *client = *state;
    const struct server_step steps[] = {{.answer = "HTTP/1.1 204 No Content\r\n\r\n"},
                                        {.answer = "HTTP/1.1 204 No Content\r\n\r\n"}};
    char url[64];
    serve(client, steps, 2);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "POST", url);
    begin(client, &request);
    poll_until(client, 1);
    request.method = "DELETE";
    begin(client, &request);
    poll_until(client, 2);
    stop(client);
    assert_non_null(strstr(client->server.requests[0], "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(client->server.requests[0], "\r\nContent-Type:"));
    assert_int_equal(strncmp(client->server.requests[1], "DELETE ", 7), 0);
    assert_null(strstr(client->server.requests[1], "\r\nContent-Length:"));
    assert_int_equal(client->server.accepted, 1); /* The connection was kept. */
}

static void redirect_is_an_answer_and_not_followed(void **state)
{
    struct client *client = *state;
    get(client, (struct server_step){.answer = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
                                               "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
                                               "Content-Length: 0\r\n\r\n"});
    assert_int_equal(client->answer.status, 302);
    assert_true(client->answer.retry_after_s == -1);
}

static void scheme_other_than_http_is_refused(void **state)
{
    struct client *client = *state;
    struct sfe_http_request request = make_request(client, "GET", "file:///etc/passwd");
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_E_PROTOCOL);
    assert_false(client->answer.request_left);
    assert_int_equal(client->body.size, 0);
}

static void header_with_a_line_break_is_refused(void **state)
{
    struct client *client = *state;
    const struct sfe_http_header header = {"X-Name", SFE_TEXT("a\r\nX-Forged: b")};
    struct sfe_http_exchange *exchange = NULL;
    struct sfe_http_request request = make_request(client, "GET", "http://127.0.0.1:1/");
    request.headers = &header;
    request.header_count = 1;
    assert_int_equal(client->http.begin(client->http.context, &request, &exchange, &client->err),
                     SFE_E_PROTOCOL);
    assert_null(exchange);
    assert_null(strstr(client->err.message, "Forged"));
}

struct stream {
    size_t sent;
    size_t size;
    size_t fails_at; /* 0: never. */
    char taken[256];
    size_t taken_size;
    bool refuses;
};

/* Letters of the alphabet, in pieces of its own choice. */
static enum sfe_code read_letters(void *context, uint8_t *bytes, size_t capacity, size_t *got)
{
    struct stream *stream = context;
    size_t size = stream->size - stream->sent < 1000 ? stream->size - stream->sent : 1000;

    if (stream->fails_at != 0 && stream->sent >= stream->fails_at) {
        return SFE_E_STORAGE;
    }
    size = size < capacity ? size : capacity;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)('a' + (stream->sent + i) % 26);
    }
    stream->sent += size;
    *got = size;
    return SFE_OK;
}

static enum sfe_code take_bytes(void *context, struct sfe_slice bytes)
{
    struct stream *stream = context;

    if (stream->refuses) {
        return SFE_E_PROTOCOL;
    }
    assert_true(bytes.size < sizeof(stream->taken) - stream->taken_size);
    memcpy(stream->taken + stream->taken_size, bytes.bytes, bytes.size);
    stream->taken_size += bytes.size;
    return SFE_OK;
}

static void put_letters(struct client *client, struct stream *stream)
{
    static const struct server_step step = {.answer = "HTTP/1.1 201 Created\r\n"
                                                      "Content-Length: 0\r\n\r\n"};
    const struct sfe_http_body upload = {stream, stream->size, read_letters};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "PUT", url);
    request.upload = &upload;
    begin(client, &request);
    poll_until(client, 1);
}

static void body_that_nobody_holds_goes_out_whole_with_its_length(void **state)
{
    struct client *client = *state;
    struct stream stream = {.size = 3000};
    put_letters(client, &stream);
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(client->answer.status, 201);
    assert_int_equal(stream.sent, 3000);
    stop(client);
    const char *text = client->server.requests[0];
    assert_int_equal(strncmp(text, "PUT /services/data HTTP/1.1\r\n", 29), 0);
    assert_non_null(strstr(text, "\r\nContent-Length: 3000\r\n"));
    assert_null(strcasestr(text, "\r\nExpect:"));
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(strlen(body), 3000);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(body[i], 'a' + i % 26);
    }
}

static void body_that_cannot_be_read_ends_the_exchange(void **state)
{
    struct client *client = *state;
    struct stream stream = {.size = 3000, .fails_at = 1000};
    put_letters(client, &stream);
    assert_int_equal(client->answer.code, SFE_E_STORAGE);
    assert_true(client->answer.request_left);
}

static void get_into(struct client *client, struct stream *stream, const char *answer)
{
    const struct server_step step = {.answer = answer};
    const struct sfe_http_sink sink = {stream, take_bytes};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    request.sink = &sink;
    begin(client, &request);
    poll_until(client, 1);
}

static void answer_goes_into_a_sink_where_it_is_a_good_one(void **state)
{
    struct client *client = *state;
    struct stream stream = {.size = 0};
    get_into(client, &stream,
             "HTTP/1.1 200 OK\r\nSforce-Locator: MTAw\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(client->answer.code, SFE_OK);
    assert_string_equal(client->answer.locator, "MTAw");
    assert_string_equal(stream.taken, "hello");
    assert_int_equal(client->body.size, 0);
}

static void answer_that_refuses_goes_where_it_can_be_read(void **state)
{
    struct client *client = *state;
    struct stream stream = {.size = 0};
    get_into(client, &stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n[]");
    assert_int_equal(client->answer.status, 404);
    assert_int_equal(stream.taken_size, 0);
    assert_int_equal(client->body.size, 2);
}

static enum sfe_code count_bytes(void *context, struct sfe_slice bytes)
{
    *(size_t *)context += bytes.size;
    return SFE_OK;
}

static void a_bound_on_the_speed_is_kept(void **state)
{
    static char answer[200100];
    struct client *client = *state;
    size_t taken = 0;
    const struct sfe_http_sink sink = {&taken, count_bytes};
    char url[64];
    size_t head = (size_t)snprintf(answer, sizeof(answer),
                                   "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
    const struct server_step step = {.answer = answer, .answer_size = head + 200000};
    memset(answer + head, 'x', 200000);
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    request.sink = &sink;
    request.bytes_per_second_max = 100000;
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(taken, 200000);
    assert_int_equal(client->answer.received_bytes, head + 200000);
    assert_true(client->answer.duration_ns > UINT64_C(400000000));
}

static void sink_that_refuses_ends_the_exchange(void **state)
{
    struct client *client = *state;
    struct stream stream = {.refuses = true};
    get_into(client, &stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(client->answer.code, SFE_E_PROTOCOL);
}

/* A connection that was used before and dies under a request: curl would send that again by
 * itself, and whoever must know whether it was answered would not. */
static void body_that_goes_out_once_is_not_sent_again_by_itself(void **state)
{
    struct client *client = *state;
    const struct server_step steps[] = {
        {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
        {.answer = NULL, .cuts = true},
        {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
    };
    char url[64];
    serve(client, steps, 3);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "POST", url);
    request.body = SFE_TEXT("[1]");
    request.is_once = true;
    for (unsigned i = 0; i < 3; i++) {
        begin(client, &request);
        poll_until(client, client->visits + 1);
        assert_int_equal(client->answer.code, i == 1 ? SFE_E_NETWORK : SFE_OK);
    }
    stop(client);
    for (unsigned i = 0; i < 3; i++) {
        assert_non_null(strstr(client->server.requests[i], "\r\n\r\n[1]"));
        assert_non_null(strstr(client->server.requests[i], "Content-Length: 3"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(request_goes_out_as_given_and_no_more),
        CLIENT_TEST(post_without_a_body_says_length_0_and_delete_says_none),
        CLIENT_TEST(redirect_is_an_answer_and_not_followed),
        CLIENT_TEST(scheme_other_than_http_is_refused),
        CLIENT_TEST(header_with_a_line_break_is_refused),
        CLIENT_TEST(body_that_nobody_holds_goes_out_whole_with_its_length),
        CLIENT_TEST(body_that_cannot_be_read_ends_the_exchange),
        CLIENT_TEST(answer_goes_into_a_sink_where_it_is_a_good_one),
        CLIENT_TEST(answer_that_refuses_goes_where_it_can_be_read),
        CLIENT_TEST(a_bound_on_the_speed_is_kept),
        CLIENT_TEST(sink_that_refuses_ends_the_exchange),
        CLIENT_TEST(body_that_goes_out_once_is_not_sent_again_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
