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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(request_goes_out_as_given_and_no_more),
        CLIENT_TEST(post_without_a_body_says_length_0_and_delete_says_none),
        CLIENT_TEST(redirect_is_an_answer_and_not_followed),
        CLIENT_TEST(scheme_other_than_http_is_refused),
        CLIENT_TEST(header_with_a_line_break_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
