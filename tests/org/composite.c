/* composite: up to 25 calls in one, up to 5 of them Collections. */
#include <stdio.h>

#include "org.h"

#define PARTS_MAX       25u
#define COLLECTIONS_MAX 5u

struct part {
    enum http_method method;
    struct sfe_slice url; /* Decoded JSON text, in scratch. */
    uint32_t reference;   /* Token. */
    uint32_t body;
    bool is_collection;
    bool failed;
    size_t answer_at; /* In the org's scratch answers. */
    size_t answer_size;
    uint16_t status;
};

struct composite {
    struct org *org;
    struct call *call;
    bool all_or_none;
    bool collates; /* The default: parts that do not refer to each other may run in any order. */
    struct part parts[PARTS_MAX];
    uint32_t count;
};

static bool wrong(struct call *call, const char *code, const char *message)
{
    call_error(call, 400, code, "%s", message);
    return false;
}

static enum http_method part_method(const struct sfe_json *json, uint32_t token)
{
    static const char *const METHODS[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};
    for (unsigned i = 0; token != SFE_JSON_NONE && i < 5; i++) {
        if (sfe_json_kind(json, token) == SFE_JSON_STRING &&
            sfe_json_text_equal(json, token, sfe_slice_text(METHODS[i]))) {
            return (enum http_method)i;
        }
    }
    return HTTP_OTHER;
}

static bool is_reference(struct sfe_slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = (uint8_t)(name.bytes[i] | 0x20);
        bool is_digit = name.bytes[i] >= '0' && name.bytes[i] <= '9';
        if (!is_digit && name.bytes[i] != '_' && (byte < 'a' || byte > 'z')) {
            return false;
        }
    }
    return name.size != 0;
}

static bool check_reference(const struct composite *composite, uint32_t token)
{
    const struct sfe_json *json = composite->call->json;
    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_STRING ||
        !is_reference(sfe_json_raw(json, token))) {
        return wrong(composite->call, "INVALID_INPUT",
                     "referenceId is required and may hold letters, digits and underscores only");
    }
    for (uint32_t i = 0; i < composite->count; i++) {
        if (sfe_slice_equal(sfe_json_raw(json, composite->parts[i].reference),
                            sfe_json_raw(json, token))) {
            return wrong(composite->call, "INVALID_INPUT", "Duplicate referenceId");
        }
    }
    return true;
}

static bool contains(struct sfe_slice text, const char *part)
{
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= text.size; i++) {
        if (memcmp(text.bytes + i, part, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_part(struct composite *composite, uint32_t token)
{
    const struct sfe_json *json = composite->call->json;
    struct buffer *scratch = &composite->org->scratch;
    struct part *part = &composite->parts[composite->count];
    uint32_t url = sfe_json_member(json, token, SFE_TEXT("url"));
    uint32_t reference = sfe_json_member(json, token, SFE_TEXT("referenceId"));
    *part =
        (struct part){.reference = reference,
                      .method = part_method(json, sfe_json_member(json, token, SFE_TEXT("method"))),
                      .body = sfe_json_member(json, token, SFE_TEXT("body"))};
    if (part->method == HTTP_OTHER || url == SFE_JSON_NONE ||
        sfe_json_kind(json, url) != SFE_JSON_STRING) {
        return wrong(composite->call, "INVALID_INPUT", "A subrequest needs a method and a url");
    }
    if (!check_reference(composite, reference)) {
        return false;
    }
    struct sfe_builder builder =
        sfe_builder_make(scratch->bytes + scratch->size, scratch->capacity - scratch->size);
    sfe_json_add_text(json, url, &builder);
    part->url = sfe_builder_slice(&builder);
    scratch->size += builder.size;
    if (builder.overflowed) {
        return wrong(composite->call, "INVALID_INPUT", "The url is too long");
    }
    if (contains(part->url, "@{") ||
        (part->body != SFE_JSON_NONE && contains(sfe_json_raw(json, part->body), "@{"))) {
        return wrong(composite->call, "INVALID_INPUT",
                     "sfedge-org does not resolve references between subrequests (@{...})");
    }
    part->is_collection =
        contains(part->url, "/composite/sobjects") || contains(part->url, "/query");
    composite->count++;
    return true;
}

static bool read_parts(struct composite *composite)
{
    struct call *call = composite->call;
    const struct sfe_json *json = call->json;
    uint32_t list = call->body == SFE_JSON_NONE
                        ? SFE_JSON_NONE
                        : sfe_json_member(json, call->body, SFE_TEXT("compositeRequest"));
    if (list == SFE_JSON_NONE || sfe_json_kind(json, list) != SFE_JSON_ARRAY ||
        sfe_json_length(json, list) == 0) {
        return wrong(call, "INVALID_INPUT", "compositeRequest is missing or empty");
    }
    if (sfe_json_length(json, list) > PARTS_MAX) {
        return wrong(call, "LIMIT_EXCEEDED", "The request can't contain more than 25 operations");
    }
    uint32_t collections = 0;
    for (uint32_t item = sfe_json_first(json, list); item != SFE_JSON_NONE;
         item = sfe_json_next(json, list, item)) {
        if (!read_part(composite, item)) {
            return false;
        }
        collections += composite->parts[composite->count - 1].is_collection;
    }
    if (collections > COLLECTIONS_MAX) {
        return wrong(call, "LIMIT_EXCEEDED",
                     "The request can't contain more than 5 sObject Collections or query "
                     "operations");
    }
    return true;
}

static bool flag_member(const struct composite *composite, struct sfe_slice name, bool otherwise)
{
    const struct sfe_json *json = composite->call->json;
    uint32_t value = sfe_json_member(json, composite->call->body, name);
    return value == SFE_JSON_NONE ? otherwise : sfe_json_kind(json, value) == SFE_JSON_TRUE;
}

/* True where the answer of a part tells of a failure: its own, or (where that counts) one of its
 * records'. */
static bool has_failed(const struct composite *composite, const struct part *part,
                       struct sfe_slice answer)
{
    return part->status >= 300 || (composite->all_or_none && part->is_collection &&
                                   contains(answer, "{\"success\":false,"));
}

/* A part that the org did not get to. */
static void halt_part(struct part *part, struct buffer *answers)
{
    part->answer_at = answers->size;
    add_error(answers, "PROCESSING_HALTED",
              SFE_TEXT("The transaction was rolled back since another operation in the same "
                       "transaction failed."),
              NULL);
    part->status = 400;
    part->answer_size = answers->size - part->answer_at;
    part->failed = true;
}

static void run_part(struct composite *composite, struct part *part, struct buffer *answers)
{
    struct sfe_slice query = part->url;
    struct sfe_slice path = split_first(&query, '?');
    struct call call = {.method = part->method,
                        .query = query,
                        .json = composite->call->json,
                        .body = part->body,
                        .all_or_none = composite->all_or_none,
                        .is_part = true,
                        .version = composite->call->version,
                        .out = answers};
    static const char PREFIX[] = "/services/data/v";
    part->answer_at = answers->size;
    bool in_data =
        path.size > sizeof PREFIX + 5 && memcmp(path.bytes, PREFIX, sizeof PREFIX - 1) == 0;
    path = sfe_slice_part(path, sizeof PREFIX - 1, path.size);
    (void)split_first(&path, '/');
    call.path = path;
    if (in_data) {
        rest_call(composite->org, &call);
    } else {
        call_error(&call, 404, "NOT_FOUND", "The requested resource does not exist");
    }
    part->status = call.status;
    part->answer_size = answers->size - part->answer_at;
    part->failed = has_failed(composite, part,
                              sfe_slice_make(answers->bytes + part->answer_at, part->answer_size));
}

/* Runs the parts and says whether one failed. Collated parts run last to first: the API promises no
 * order between them, so whoever relies on one must find out here. */
static bool run_parts(struct composite *composite, struct buffer *answers)
{
    bool any_failed = false;
    for (uint32_t i = 0; i < composite->count; i++) {
        uint32_t at = composite->collates ? composite->count - 1 - i : i;
        struct part *part = &composite->parts[at];
        if (any_failed && composite->all_or_none) {
            continue; /* Answered as halted. */
        }
        if (faults_happens(&composite->org->faults, FAULT_HALTED)) {
            halt_part(part, answers);
        } else {
            run_part(composite, part, answers);
        }
        any_failed = any_failed || part->failed;
    }
    return any_failed;
}

static void write_part(const struct composite *composite, const struct part *part, bool undone,
                       const struct buffer *answers)
{
    struct buffer *out = composite->call->out;
    bool halted = undone && !(part->failed && part->status >= 300);
    bool keeps_body = !halted || (part->failed && part->is_collection);
    buffer_add_text(out, "{\"body\":");
    if (keeps_body && part->answer_size != 0) {
        buffer_add(out, sfe_slice_make(answers->bytes + part->answer_at, part->answer_size));
    } else if (keeps_body) {
        buffer_add_text(out, "null");
    } else {
        add_error(out, "PROCESSING_HALTED",
                  SFE_TEXT("The transaction was rolled back since another operation in the same "
                           "transaction failed."),
                  NULL);
    }
    buffer_add_text(out, ",\"httpHeaders\":{},\"httpStatusCode\":");
    buffer_add_u64(out, keeps_body ? part->status : 400);
    buffer_add_text(out, ",\"referenceId\":");
    buffer_add_text(out, "\"");
    buffer_add(out, sfe_json_raw(composite->call->json, part->reference));
    buffer_add_text(out, "\"}");
}

void composite_call(struct org *org, struct call *call)
{
    struct composite composite = {.org = org, .call = call};
    if (call->method != HTTP_POST) {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed. Allowed are POST");
        return;
    }
    if (!read_parts(&composite)) {
        return;
    }
    composite.all_or_none = flag_member(&composite, SFE_TEXT("allOrNone"), false);
    composite.collates =
        flag_member(&composite, SFE_TEXT("collateSubrequests"), call->version >= 49);
    struct buffer answers = org->answers;
    answers.size = 0;
    if (composite.all_or_none) {
        journal_begin(&org->table);
    }
    bool any_failed = run_parts(&composite, &answers);
    bool undone = composite.all_or_none && any_failed;
    if (undone) {
        journal_undo(&org->table);
    } else if (composite.all_or_none) {
        journal_keep(&org->table);
    }
    buffer_add_text(call->out, "{\"compositeResponse\":[");
    for (uint32_t i = 0; i < composite.count; i++) {
        buffer_add_text(call->out, i == 0 ? "" : ",");
        write_part(&composite, &composite.parts[i], undone, &answers);
    }
    buffer_add_text(call->out, "]}");
    org->answers = answers;
}
