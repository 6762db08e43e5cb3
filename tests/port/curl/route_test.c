#include "client.h"

#define REFUSED                                                                                    \
    "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"      \
    "Content-Length: 0\r\nConnection: close\r\n\r\n"
#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static void proxy_of(const struct client *client, char url[64])
{
    int size = snprintf(url, 64, "http://127.0.0.1:%u", (unsigned)client->server.port);
    assert_true(size > 0 && size < 64);
}

static void proxy_is_asked_to_connect_with_our_name_and_password(void **state)
{
    struct client *client = *state;
    const struct server_step steps[] = {{.answer = "HTTP/1.1 200 Connected\r\n\r\n"},
                                        {.answer = GOOD}};
    char proxy[64];
    serve(client, steps, 2);
    proxy_of(client, proxy);
    const struct sfe_http_route route = {
        .proxy_url = proxy, .proxy_username = "till", .proxy_password = "p:ss"};
    struct sfe_http_request request = make_request(client, "GET", "http://org.invalid/services");
    request.route = &route;
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_OK);
    assert_int_equal(client->answer.status, 200);
    stop(client);
    assert_int_equal(strncmp(client->server.requests[0], "CONNECT org.invalid:80 ", 23), 0);
    /* "till:p:ss" */
    assert_non_null(
        strstr(client->server.requests[0], "\r\nProxy-Authorization: Basic dGlsbDpwOnNz\r\n"));
    assert_null(strstr(client->server.requests[1], "Proxy-Authorization"));
}

static void proxy_that_refuses_us_is_told_and_the_host_got_nothing(void **state)
{
    struct client *client = *state;
    const struct server_step step = {.answer = REFUSED, .cuts = true};
    char proxy[64];
    serve(client, &step, 1);
    proxy_of(client, proxy);
    const struct sfe_http_route route = {
        .proxy_url = proxy, .proxy_username = "till", .proxy_password = "wrong"};
    struct sfe_http_request request = make_request(client, "POST", "http://org.invalid/services");
    request.route = &route;
    request.body = SFE_TEXT("{}");
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_E_NETWORK);
    assert_false(client->answer.request_left);
    assert_non_null(strstr(client->answer.err.message, "407"));
    assert_non_null(strstr(client->answer.err.message, "proxy.username"));
    assert_null(strstr(client->answer.err.message, "wrong"));
}

static void host_of_no_proxy_is_reached_straight(void **state)
{
    struct client *client = *state;
    const struct server_step step = {.answer = GOOD};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    const struct sfe_http_route route = {.proxy_url = "http://proxy.invalid:3128",
                                         .no_proxy = "lan,127.0.0.0/8,127.0.0.1"};
    struct sfe_http_request request = make_request(client, "GET", url);
    request.route = &route;
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.status, 200);
}

static void proxy_of_the_environment_is_not_used(void **state)
{
    struct client *client = *state;
    assert_int_equal(setenv("http_proxy", "http://proxy.invalid:3128", 1), 0);
    get(client, (struct server_step){.answer = GOOD});
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(client->answer.status, 200);
}

static void interface_that_is_not_there_sends_nothing(void **state)
{
    struct client *client = *state;
    const struct sfe_http_route route = {.interface = "nosuch0"};
    struct sfe_http_request request = make_request(client, "POST", "http://127.0.0.1:1/");
    request.route = &route;
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.code, SFE_E_NETWORK);
    assert_false(client->answer.request_left);
}

static void address_of_ours_is_where_the_request_leaves_from(void **state)
{
    struct client *client = *state;
    const struct server_step step = {.answer = GOOD};
    const struct sfe_http_route route = {.interface = "127.0.0.1"};
    char url[64];
    serve(client, &step, 1);
    url_of(client, url, "http");
    struct sfe_http_request request = make_request(client, "GET", url);
    request.route = &route;
    begin(client, &request);
    poll_until(client, 1);
    assert_int_equal(client->answer.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(proxy_is_asked_to_connect_with_our_name_and_password),
        CLIENT_TEST(proxy_that_refuses_us_is_told_and_the_host_got_nothing),
        CLIENT_TEST(host_of_no_proxy_is_reached_straight),
        CLIENT_TEST(proxy_of_the_environment_is_not_used),
        CLIENT_TEST(interface_that_is_not_there_sends_nothing),
        CLIENT_TEST(address_of_ours_is_where_the_request_leaves_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
