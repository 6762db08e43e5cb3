#include "salesforce/composite.h"

#include "base/assert.h"

uint16_t composite_http_status(const struct sfe_json *json, uint32_t token)
{
    uint32_t status = 0;

    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_NUMBER) {
        return 0;
    }
    const struct sfe_slice text = sfe_json_raw(json, token);
    if (text.size != 3) {
        return 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return 0;
        }
        status = status * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    return status < 100 || status > 599 ? 0 : (uint16_t)status;
}

/* The number behind "p"; `count` where it is none of ours. */
static uint32_t part_of(const struct sfe_json *json, uint32_t reference, uint32_t count)
{
    if (reference == SFE_JSON_NONE || sfe_json_kind(json, reference) != SFE_JSON_STRING) {
        return count;
    }
    const struct sfe_slice text = sfe_json_raw(json, reference);
    if (text.size != 2 || text.bytes[0] != 'p' || text.bytes[1] < '0') {
        return count;
    }
    const uint32_t number = (uint32_t)(text.bytes[1] - '0');
    return number < count ? number : count;
}

static enum sfe_code read_result(const struct sfe_json *json, uint32_t element, uint32_t count,
                                 struct composite_result *results, struct sfe_error *err)
{
    if (sfe_json_kind(json, element) != SFE_JSON_OBJECT) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a subrequest's answer is no object");
    }
    const uint32_t part =
        part_of(json, sfe_json_member(json, element, SFE_TEXT("referenceId")), count);
    const struct composite_result result = {
        composite_http_status(json, sfe_json_member(json, element, SFE_TEXT("httpStatusCode"))),
        sfe_json_member(json, element, SFE_TEXT("body")),
    };
    if (part == count || results[part].http_status != 0 || result.http_status == 0 ||
        result.body == SFE_JSON_NONE) {
        return sfe_fail(err, SFE_E_PROTOCOL,
                        "a subrequest's answer has no status, no body, or not its own name");
    }
    results[part] = result;
    return SFE_OK;
}

enum sfe_code composite_read(const struct sfe_json *json, uint32_t count,
                             struct composite_result results[SFE_COLLECTIONS_MAX],
                             struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    uint32_t list = SFE_JSON_NONE;

    SFE_ASSERT(count > 0 && count <= SFE_COLLECTIONS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        results[i] = (struct composite_result){0, SFE_JSON_NONE};
    }
    if (sfe_json_kind(json, 0) == SFE_JSON_OBJECT) {
        list = sfe_json_member(json, 0, SFE_TEXT("compositeResponse"));
    }
    if (list == SFE_JSON_NONE || sfe_json_kind(json, list) != SFE_JSON_ARRAY ||
        sfe_json_length(json, list) != count) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is no list of %u subrequests",
                        (unsigned)count);
    }
    for (uint32_t element = sfe_json_first(json, list); element != SFE_JSON_NONE && code == SFE_OK;
         element = sfe_json_next(json, list, element)) {
        code = read_result(json, element, count, results, err);
    }
    return code;
}
