/* Whatever comes to an HTTP input: a head is whole or waited for, whatever follows it; a body that
 * is good has as many events as were counted, each an object of its own. */
#include "input/http_events.h"
#include "input/http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static bool is_inside(struct sfe_slice part, struct sfe_slice whole)
{
    return part.size == 0 ||
           (part.bytes >= whole.bytes && part.bytes + part.size <= whole.bytes + whole.size);
}

static void check_events(struct sfe_slice body, enum http_body_kind kind, const char *identity)
{
    static struct sfe_json_token tokens[TOKENS];
    static struct sfe_json_token of_event[TOKENS];
    const struct http_events_rules rules = {identity, 512, tokens, TOKENS};
    struct sfe_error err = {0};
    struct sfe_slice event;
    uint32_t count = 0;
    uint32_t found = 0;
    size_t offset = 0;

    if (http_events_check(body, kind, &rules, &count, &err) != SFE_OK) {
        demand(err.http_status == 400 || err.http_status == 413, "a refusal has its answer");
        demand(err.message[0] != '\0', "a refusal has its words");
        return;
    }
    while (http_events_next(body, &offset, &event)) {
        struct sfe_json json;
        demand(is_inside(event, body), "an event is of the body");
        demand(event.size <= 512, "an event is within the limit");
        demand(sfe_json_parse(event, 0, of_event, TOKENS, &json, &err) == SFE_OK &&
                   sfe_json_kind(&json, 0) == SFE_JSON_OBJECT,
               "an event is an object");
        if (identity != NULL) {
            const struct sfe_slice value = http_events_identity(event, &rules);
            demand(value.size != 0 && value.size <= HTTP_KEY_BYTES_MAX, "an event has an identity");
        }
        found++;
    }
    demand(found == count, "as many events as were counted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfe_slice text = sfe_slice_make(data, size);
    const struct http_field_names names = {"X-Signature", "X-Time"};
    struct http_head head;
    struct http_head again;
    struct sfe_error err = {0};
    enum sfe_code code = http_head_parse(text, &names, &head, &err);

    check_events(text, HTTP_BODY_JSON, NULL);
    check_events(text, HTTP_BODY_LINES, "/id");
    if (code == SFE_E_AGAIN) {
        demand(size < HTTP_HEAD_BYTES_MAX, "a head has an end");
        return 0;
    }
    if (code != SFE_OK) {
        demand(code == SFE_E_PROTOCOL && err.http_status >= 400, "a refusal has its answer");
        return 0;
    }
    demand(head.bytes >= 4 && head.bytes <= size && head.bytes <= HTTP_HEAD_BYTES_MAX &&
               memcmp(data + head.bytes - 4, "\r\n\r\n", 4) == 0,
           "a head ends with an empty line");
    demand(is_inside(head.path, text) && is_inside(head.key, text) &&
               is_inside(head.authorization, text) && is_inside(head.signature, text) &&
               is_inside(head.time, text),
           "what a head says is of its text");
    demand(http_head_parse(sfe_slice_part(text, 0, head.bytes), &names, &again, &err) == SFE_OK &&
               again.bytes == head.bytes && again.body_bytes == head.body_bytes,
           "what follows a head does not change it");
    demand(http_head_parse(sfe_slice_part(text, 0, head.bytes - 1), &names, &again, &err) ==
               SFE_E_AGAIN,
           "a head is not whole before its end");
    if (http_head_check_body(&head, 1000, &err) == SFE_OK) {
        const struct sfe_slice body = sfe_slice_part(text, head.bytes, (size_t)head.body_bytes);
        demand(head.has_body_bytes && head.body_bytes <= 1000 && !head.is_chunked,
               "a body that is taken has a length");
        check_events(body, head.body_kind, "/id");
    }
    return 0;
}
