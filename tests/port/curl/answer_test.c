#include "client.h"

#include <zlib.h>

static void answer_arrives_with_its_headers(void **state)
{
    struct client *client = *state;
    get(client, (struct server_step){.answer = "HTTP/1.1 200 OK\r\n"
                                               "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n"
                                               "Content-Type: Application/JSON;charset=UTF-8\r\n"
                                               "sforce-limit-info: api-usage=18/15000\r\n"
                                               "Content-Length: 11\r\n\r\n{\"ok\":true}"});
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(client->answer.status, 200);
    assert_ptr_equal(client->answer.tag, client);
    assert_true(client->answer.request_left);
    assert_string_equal(client->answer.content_type, "application/json");
    assert_string_equal(client->answer.limit_info, "api-usage=18/15000");
    assert_true(client->answer.date_unix_s == 1795514400);
    assert_true(client->answer.retry_after_s == -1);
    assert_int_equal(client->body.size, 11);
    assert_memory_equal(client->memory, "{\"ok\":true}", 11);
}

static void cookies_arrive_a_line_each_and_one_without_room_is_left_out(void **state)
{
    struct client *client = *state;
    const struct server_step step = {.answer = "HTTP/1.1 200 OK\r\n"
                                               "Set-Cookie: a=1; Path=/\r\n"
                                               "set-cookie:  much=too-long-to-fit-in; Path=/\r\n"
                                               "Set-Cookie: b=2\r\n"
                                               "Content-Length: 0\r\n\r\n"};
    char memory[20];
    char url[64];
    struct sfe_builder cookies = sfe_builder_make(memory, sizeof(memory));
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    request.cookies = &cookies;
    begin(client, &request);
    poll_until(client, client->visits + 1);
    assert_int_equal(client->answer.code, SFE_OK);
    assert_true(sfe_slice_equal(sfe_builder_slice(&cookies), SFE_TEXT("a=1; Path=/\nb=2\n")));
}

static void retry_after_in_seconds_is_read(void **state)
{
    struct client *client = *state;
    get(client,
        (struct server_step){.answer = "HTTP/1.1 503 Service Unavailable\r\n"
                                       "Retry-After: 120\r\nContent-Length: 4\r\n\r\nwait"});
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(client->answer.status, 503);
    assert_true(client->answer.retry_after_s == 120);
    assert_true(client->answer.date_unix_s == 0);
}

static void retry_after_as_a_date_counts_from_the_servers_clock(void **state)
{
    struct client *client = *state;
    get(client, (struct server_step){.answer = "HTTP/1.1 500 Server Error\r\n"
                                               "Retry-After: Tue, 24 Nov 2026 10:01:30 GMT\r\n"
                                               "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n"
                                               "Content-Length: 0\r\n\r\n"});
    assert_true(client->answer.retry_after_s == 90);
}

static void retry_after_that_is_neither_is_none(void **state)
{
    struct client *client = *state;
    get(client, (struct server_step){.answer = "HTTP/1.1 500 Server Error\r\nRetry-After: soon\r\n"
                                               "Content-Length: 0\r\n\r\n"});
    assert_true(client->answer.retry_after_s == -1);
}

static void cut_within_the_body_is_no_whole_answer(void **state)
{
    struct client *client = *state;
    get(client, (struct server_step){.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
                                     .cuts = true});
    assert_int_equal(client->answer.code, SFE_E_NETWORK);
    assert_true(client->answer.request_left);
}

static void bytes_that_are_no_http_are_a_protocol_error(void **state)
{
    struct client *client = *state;
    get(client,
        (struct server_step){.answer = "SSH-2.0-OpenSSH_9.2\r\n\r\nhello\r\n", .cuts = true});
    assert_int_equal(client->answer.code, SFE_E_PROTOCOL);
}

static void answer_over_its_bound_is_too_large(void **state)
{
    struct client *client = *state;
    client->body = sfe_builder_make(client->memory, 10);
    get(client,
        (struct server_step){.answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890"});
    assert_int_equal(client->answer.code, SFE_E_TOO_LARGE);
    assert_int_equal(client->answer.status, 200);
    assert_true(client->answer.request_left);
}

static void answer_that_fills_its_bound_is_taken(void **state)
{
    struct client *client = *state;
    client->body = sfe_builder_make(client->memory, 10);
    get(client,
        (struct server_step){.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"});
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(client->body.size, 10);
}

/* A gzip member of `size` zero bytes behind the headers of an answer. */
static size_t make_gzip_answer(uint8_t *answer, size_t capacity, size_t size)
{
    static uint8_t zeros[20000];
    uint8_t packed[1024];
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = zeros;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = sizeof(packed);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    struct sfe_builder text = sfe_builder_make(answer, capacity);
    sfe_builder_add_text(&text, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ");
    sfe_builder_add_u64(&text, stream.total_out);
    sfe_builder_add_text(&text, "\r\n\r\n");
    sfe_builder_add(&text, sfe_slice_make(packed, stream.total_out));
    assert_false(text.overflowed);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return text.size;
}

static void gzip_answer_arrives_decompressed(void **state)
{
    struct client *client = *state;
    uint8_t answer[2048];
    size_t size = make_gzip_answer(answer, sizeof(answer), 3000);
    get(client, (struct server_step){.answer = answer, .answer_size = size});
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(client->body.size, 3000);
}

static void bound_holds_for_what_gzip_unfolds_to(void **state)
{
    struct client *client = *state;
    uint8_t answer[2048];
    size_t size = make_gzip_answer(answer, sizeof(answer), 20000);
    assert_true(size < sizeof(client->memory));
    get(client, (struct server_step){.answer = answer, .answer_size = size});
    assert_int_equal(client->answer.code, SFE_E_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(cookies_arrive_a_line_each_and_one_without_room_is_left_out),
        CLIENT_TEST(answer_arrives_with_its_headers),
        CLIENT_TEST(retry_after_in_seconds_is_read),
        CLIENT_TEST(retry_after_as_a_date_counts_from_the_servers_clock),
        CLIENT_TEST(retry_after_that_is_neither_is_none),
        CLIENT_TEST(cut_within_the_body_is_no_whole_answer),
        CLIENT_TEST(bytes_that_are_no_http_are_a_protocol_error),
        CLIENT_TEST(answer_over_its_bound_is_too_large),
        CLIENT_TEST(answer_that_fills_its_bound_is_taken),
        CLIENT_TEST(gzip_answer_arrives_decompressed),
        CLIENT_TEST(bound_holds_for_what_gzip_unfolds_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
