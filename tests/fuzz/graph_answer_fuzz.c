/* Whatever Composite Graph answers: either each of the graphs asked for has gone well or has
 * failed, and the reason of one that failed stands in the answer; or the answer is refused. */
#include "salesforce/graph.h"

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

static void check_result(const struct sfe_json *json, const struct graph_result *result)
{
    struct rest_error error;

    if (result->body == SFE_JSON_NONE) {
        return;
    }
    demand(!result->is_successful, "what has a reason has failed");
    demand(result->body < json->count, "a reason is there");
    demand(result->map < SFE_RECORDS_PER_OUTPUT_MAX, "a node is of a map");
    demand(result->http_status >= 300 && result->http_status <= 599, "a failure has a status");
    demand(!rest_take_first_error(json, result->body, &error) ||
               strcmp(error.code, "PROCESSING_HALTED") != 0,
           "a reason is not that of the neighbours");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct graph_result results[SFE_GRAPHS_MAX];
    struct sfe_json json;
    struct sfe_error err;
    uint32_t fitting = 0;

    if (sfe_json_parse(sfe_slice_make(data, size), 0, tokens, TOKENS_MAX, &json, &err) != SFE_OK) {
        return 0;
    }
    for (uint32_t count = 1; count <= 5; count++) {
        if (graph_read(&json, count, results, &err) != SFE_OK) {
            demand(err.code == SFE_E_PROTOCOL, "a refused answer says why");
            continue;
        }
        fitting++;
        for (uint32_t i = 0; i < count; i++) {
            check_result(&json, &results[i]);
        }
    }
    demand(fitting <= 1, "an answer has one number of graphs");
    return 0;
}
