#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/http_request.h"

#include <stdio.h>

#define LINE "POST /pos/sales HTTP/1.1\r\n"

static const struct http_field_names names = {"X-Signature", "X-Time"};

static uint16_t status_of(const char *text)
{
    struct http_head head;
    struct sfe_error err = {0};
    enum sfe_code code = http_head_parse(sfe_slice_text(text), &names, &head, &err);

    if (code == SFE_OK) {
        code = http_head_check_body(&head, 1000, &err);
    }
    assert_true(code == SFE_OK || code == SFE_E_AGAIN || err.http_status != 0);
    return code == SFE_OK ? 200 : code == SFE_E_AGAIN ? 0 : err.http_status;
}

static void a_head_is_read_with_what_it_says(void **state)
{
    static const char text[] =
        "\r\nPOST /pos/sales?till=1 HTTP/1.1\r\nHost: x\r\n"
        "content-LENGTH:  12 \r\nContent-Type: application/json; charset=utf-8"
        "\r\nAuthorization: Bearer t\r\nIdempotency-Key: k-1\r\n"
        "x-signature: ab\r\nX-TIME: 12\r\nConnection: keep-alive, Close\r\n"
        "Expect: 100-continue\r\n\r\n{}";
    struct http_head head;
    struct sfe_error err;

    (void)state;
    assert_int_equal(http_head_parse(sfe_slice_text(text), &names, &head, &err), SFE_OK);
    assert_int_equal(head.bytes, sizeof(text) - 1 - 2);
    assert_true(sfe_slice_equal(head.method, SFE_TEXT("POST")));
    assert_true(sfe_slice_equal(head.path, SFE_TEXT("/pos/sales")));
    assert_int_equal(head.body_bytes, 12);
    assert_true(head.has_body_bytes && head.is_known_kind && head.wants_close);
    assert_true(head.wants_continue);
    assert_int_equal(head.body_kind, HTTP_BODY_JSON);
    assert_true(sfe_slice_equal(head.authorization, SFE_TEXT("Bearer t")));
    assert_true(sfe_slice_equal(head.key, SFE_TEXT("k-1")));
    assert_true(sfe_slice_equal(head.signature, SFE_TEXT("ab")));
    assert_true(sfe_slice_equal(head.time, SFE_TEXT("12")));
    assert_int_equal(http_head_check_body(&head, 12, &err), SFE_OK);
}

static void a_head_that_has_not_ended_is_waited_for(void **state)
{
    static const char text[] = LINE "Content-Length: 2\r\n\r\n";

    (void)state;
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        char part[sizeof(text)];
        memcpy(part, text, size);
        part[size] = '\0';
        assert_int_equal(status_of(part), 0);
    }
    assert_int_equal(status_of(text), 200);
}

static void what_can_be_read_in_two_ways_is_refused(void **state)
{
    static const char *const bad[] = {
        "\n\n\r\n\r\n",
        "POST /x\r\n\r\n",
        "POST x HTTP/1.1\r\n\r\n",
        "PO ST /x HTTP/1.1\r\n\r\n",
        "POST  /x HTTP/1.1\r\n\r\n",
        LINE "Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
        LINE "Content-Length: 2, 2\r\n\r\n",
        LINE "Content-Length: -2\r\n\r\n",
        LINE "Content-Length: +2\r\n\r\n",
        LINE "Content-Length: 0x2\r\n\r\n",
        LINE "Content-Length: 99999999999999999999\r\n\r\n",
        LINE "Content-Length:\r\n\r\n",
        LINE "Content-Length : 2\r\n\r\n",
        LINE " Content-Length: 2\r\n\r\n",
        LINE "Content-Length: 2\r\n folded\r\n\r\n",
        LINE "Content-Length: 2\nX: y\r\n\r\n",
        LINE "Content-Length: 2\rX: y\r\n\r\n",
        LINE "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        LINE "no colon\r\n\r\n",
        LINE ": no name\r\n\r\n",
        LINE "Idempotency-Key:\r\n\r\n",
        LINE "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n",
        LINE "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        LINE "X-Signature: a\r\nX-Signature: b\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (status_of(bad[i]) != 400) {
            print_error("%zu: %s\n", i, bad[i]);
        }
        assert_int_equal(status_of(bad[i]), 400);
    }
}

static void what_is_not_taken_has_its_own_answer(void **state)
{
    (void)state;
    assert_int_equal(status_of("POST /x HTTP/2.0\r\n\r\n"), 505);
    assert_int_equal(status_of("POST /x HTTP/1.1 \r\n\r\n"), 505);
    assert_int_equal(status_of(LINE "\r\n"), 411);
    assert_int_equal(status_of(LINE "Transfer-Encoding: chunked\r\n\r\n"), 411);
    assert_int_equal(status_of(LINE "Content-Length: 1000\r\n\r\n"), 200);
    assert_int_equal(status_of(LINE "Content-Length: 1001\r\n\r\n"), 413);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Encoding: br\r\n\r\n"), 415);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Encoding: gzip, gzip\r\n\r\n"),
                     415);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Encoding: gzip\r\n"
                                    "Content-Encoding: gzip\r\n\r\n"),
                     415);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Encoding: GZIP\r\n\r\n"), 200);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Encoding: identity\r\n\r\n"),
                     200);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Type: text/xml\r\n\r\n"), 415);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Type: a/b+json\r\n\r\n"), 200);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nContent-Type: +json\r\n\r\n"), 415);
    assert_int_equal(
        status_of(LINE "Content-Length: 9\r\nContent-Type: application/x-ndjson\r\n\r\n"), 200);
    assert_int_equal(status_of(LINE "Content-Length: 9\r\nExpect: more\r\n\r\n"), 417);
}

static void a_head_has_a_limit(void **state)
{
    static char text[HTTP_HEAD_BYTES_MAX + 200u];
    size_t size = (size_t)snprintf(text, sizeof(text), "%sX: ", LINE);

    (void)state;
    memset(text + size, 'y', HTTP_HEAD_BYTES_MAX - size - 1);
    assert_int_equal(status_of(text), 0);
    memset(text + size, 'y', HTTP_HEAD_BYTES_MAX - size);
    assert_int_equal(status_of(text), 431);

    size = (size_t)snprintf(text, sizeof(text), "%s", LINE);
    for (unsigned i = 0; i <= HTTP_FIELDS_MAX; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "A: b\r\n");
    }
    memcpy(text + size, "\r\n", 3);
    assert_int_equal(status_of(text), 431);

    memset(text, 0, sizeof(text));
    for (size_t i = 0; i + 1 < HTTP_HEAD_BYTES_MAX; i += 2) {
        memcpy(text + i, "\r\n", 2);
    }
    assert_int_equal(status_of(text), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_read_with_what_it_says),
        cmocka_unit_test(a_head_that_has_not_ended_is_waited_for),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(what_is_not_taken_has_its_own_answer),
        cmocka_unit_test(a_head_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
