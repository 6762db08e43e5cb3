/* Whatever a Composite answers: either each of the subrequests asked for has its status and its
 * body once, or the answer is refused. */
#include "base/json_reader.h"
#include "salesforce/collections.h"
#include "salesforce/composite.h"
#include "salesforce/single.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENS_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check_results(const struct sfe_json *json, uint32_t list)
{
    struct collections_answer answer;
    struct rest_error error;
    struct sfe_error err;
    bool succeeded = false;

    if (collections_read(json, list, 2, &answer, &err) == SFE_OK &&
        collections_next(&answer, &succeeded, &error, &err) == SFE_OK &&
        collections_next(&answer, &succeeded, &error, &err) == SFE_OK) {
        demand(answer.at == SFE_JSON_NONE, "no result is left over");
    }
    if (rest_take_first_error(json, list, &error)) {
        demand(error.code[0] != '\0', "an error has a code");
    }
}

static void check_rows(const struct sfe_json *json, uint32_t body)
{
    struct sfe_error err;
    uint32_t rows = SFE_JSON_NONE;

    if (single_find_rows(json, body, &rows, &err) == SFE_OK) {
        (void)single_is_listed(json, rows, collections_hash_id(SFE_TEXT("S-1")));
    } else {
        demand(err.code == SFE_E_PROTOCOL, "rows that are refused say why");
    }
}

static bool check_count(const struct sfe_json *json, uint32_t count)
{
    struct composite_result results[COMPOSITE_PARTS_MAX];
    struct sfe_error err;

    if (composite_read(json, count, results, &err) != SFE_OK) {
        demand(err.code == SFE_E_PROTOCOL, "a refused answer says why");
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        demand(results[i].http_status >= 100 && results[i].http_status <= 599, "a status is one");
        demand(results[i].body < json->count, "a body is there");
        for (uint32_t j = 0; j < i; j++) {
            demand(results[i].body != results[j].body, "each has its own");
        }
        check_results(json, results[i].body);
        check_rows(json, results[i].body);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_json json;
    struct sfe_error err;
    uint32_t fitting = 0;

    if (sfe_json_parse(sfe_slice_make(data, size), 0, tokens, TOKENS_MAX, &json, &err) != SFE_OK) {
        return 0;
    }
    for (uint32_t count = 1; count <= COMPOSITE_PARTS_MAX; count++) {
        fitting += check_count(&json, count) ? 1u : 0u;
    }
    demand(fitting <= 1, "an answer has one number of subrequests");
    return 0;
}
