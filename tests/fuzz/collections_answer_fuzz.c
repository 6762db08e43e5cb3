/* Whatever the org, a proxy or the maintenance page answers: either it is a list of as many results
 * as were asked for, each done or failed, or it is refused; and an error's texts are printable and
 * end. */
#include "base/bytes.h"
#include "salesforce/collections.h"
#include "salesforce/rest.h"
#include "salesforce/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check_text(const char *text, size_t capacity)
{
    size_t size = strnlen(text, capacity);

    demand(size < capacity, "a text ends");
    for (size_t i = 0; i < size; i++) {
        demand((uint8_t)text[i] >= ' ', "a text is printable");
    }
    demand(sfe_utf8_valid(sfe_slice_make(text, size)), "a text is UTF-8");
}

static void check_error(const struct rest_error *error, enum sfe_verdict_scope scope,
                        uint16_t status)
{
    struct sfe_error err;

    check_text(error->code, sizeof(error->code));
    check_text(error->message, sizeof(error->message));
    check_text(error->fields, sizeof(error->fields));
    enum sfe_retry retry = sfe_verdict_decide(scope, status, sfe_slice_text(error->code),
                                              sfe_slice_text(error->message), 1, &err);
    demand(retry == err.retry && err.code == SFE_E_API, "the verdict is recorded");
    check_text(err.message, sizeof(err.message));
    check_text(err.api_code, sizeof(err.api_code));
}

static uint32_t check_results(struct sfe_slice body, uint32_t count)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct collections_answer answer;
    struct sfe_json json;
    struct sfe_error err;
    uint32_t read = 0;

    if (sfe_json_parse(body, 0, tokens, TOKENS_MAX, &json, &err) != SFE_OK) {
        return 0;
    }
    if (collections_read(&json, 0, count, &answer, &err) != SFE_OK) {
        demand(err.code == SFE_E_PROTOCOL, "a refused answer says why");
        return 0;
    }
    while (read < count) {
        struct rest_error error;
        bool succeeded = false;
        if (collections_next(&answer, &succeeded, &error, &err) != SFE_OK) {
            return 0;
        }
        if (!succeeded) {
            check_error(&error, SFE_SCOPE_RECORD, 200);
        }
        read++;
    }
    demand(answer.at == SFE_JSON_NONE, "no result is left over");
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_slice body = sfe_slice_make(data, size);
    struct rest_error error;

    demand(check_results(body, 2) == 0 || check_results(body, 1) == 0,
           "an answer has one number of results");
    (void)check_results(body, 200);
    if (rest_read_error(body, tokens, TOKENS_MAX, &error)) {
        demand(error.code[0] != '\0', "an error has a code");
    }
    check_error(&error, SFE_SCOPE_REQUEST, 400);
    (void)rest_is_html("", body);
    char text[96];
    uint64_t used = 0;
    uint64_t limit = 0;
    sfe_printable(text, sizeof(text), body);
    demand(!rest_read_limit_info(text, &used, &limit) || limit != 0, "a limit is not zero");
    return 0;
}
