#include "salesforce/graph.h"

#include "base/assert.h"
#include "salesforce/composite.h"

static const char closing[] = "]}";

void graph_begin(struct collections_request *request)
{
    collections_begin(request);
    sfe_builder_rewind(&request->body, 0);
    sfe_builder_add(&request->body, SFE_TEXT("{\"graphs\":["));
}

void graph_open(struct collections_request *request)
{
    struct sfe_builder *body = &request->body;

    SFE_ASSERT(!request->is_closed && request->part_count < SFE_GRAPHS_MAX);
    sfe_builder_add_text(body, request->part_count > 0 ? ",{\"graphId\":\"g" : "{\"graphId\":\"g");
    sfe_builder_add_u64(body, request->part_count);
    sfe_builder_add(body, SFE_TEXT("\",\"compositeRequest\":["));
    request->part_count++;
}

void graph_add_reference(const struct graph_node *node, struct sfe_builder *out)
{
    sfe_builder_add_byte(out, 'm');
    sfe_builder_add_u64(out, node->map);
    sfe_builder_add_byte(out, '_');
    sfe_builder_add_u64(out, node->number);
}

void graph_begin_node(struct collections_request *request, const struct graph_node *node)
{
    struct sfe_builder *body = &request->body;

    SFE_ASSERT(!request->is_closed && request->part_count > 0);
    sfe_builder_add_text(body, node->number > 0
                                   ? ",{\"method\":\"PATCH\",\"url\":\"/services/data/"
                                   : "{\"method\":\"PATCH\",\"url\":\"/services/data/");
    sfe_builder_add_text(body, node->path->version);
    sfe_builder_add(body, SFE_TEXT("/sobjects/"));
    sfe_builder_add_text(body, node->path->object);
    sfe_builder_add_byte(body, '/');
    sfe_builder_add_text(body, node->path->external_id);
    sfe_builder_add_byte(body, '/');
    rest_add_encoded(node->external_id, body);
    sfe_builder_add(body, SFE_TEXT("\",\"referenceId\":\""));
    graph_add_reference(node, body);
    sfe_builder_add(body, SFE_TEXT("\",\"body\":{"));
    request->record_begin = body->size;
}

enum sfe_code graph_end_node(struct collections_request *request, uint64_t id_hash)
{
    struct sfe_builder *body = &request->body;

    sfe_builder_add(body, SFE_TEXT("}}"));
    if (request->count == SFE_GRAPH_NODES_MAX || body->overflowed ||
        sfe_builder_room(body) < 2u * (sizeof(closing) - 1u)) {
        return SFE_E_FULL;
    }
    return collections_claim(request, id_hash) ? SFE_OK : SFE_E_AGAIN;
}

void graph_close_one(struct collections_request *request)
{
    sfe_builder_add_text(&request->body, closing);
    SFE_ASSERT(!request->body.overflowed);
}

void graph_close(struct collections_request *request)
{
    SFE_ASSERT(!request->is_closed && request->part_count > 0);
    sfe_builder_add_text(&request->body, closing);
    SFE_ASSERT(!request->body.overflowed);
    request->is_closed = true;
}

void graph_reopen(struct collections_request *request)
{
    SFE_ASSERT(request->is_closed);
    sfe_builder_rewind(&request->body, request->body.size - (sizeof(closing) - 1u));
    request->is_closed = false;
}

/* The number at the beginning of `text`, up to `below`; *rest is what follows. `below`: none. */
static uint32_t read_number(struct sfe_slice text, uint32_t below, struct sfe_slice *rest)
{
    uint32_t number = 0;
    size_t at = 0;

    while (at < text.size && text.bytes[at] >= '0' && text.bytes[at] <= '9' && number < below) {
        number = number * 10 + (uint32_t)(text.bytes[at++] - '0');
    }
    *rest = sfe_slice_part(text, at, text.size);
    return at == 0 || number > below ? below : number;
}

/* The text of a member behind its first letter; false where it does not begin with that. */
static bool take_name(const struct sfe_json *json, uint32_t object, struct sfe_slice member,
                      char letter, struct sfe_slice *rest)
{
    const uint32_t token = sfe_json_member(json, object, member);

    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_STRING) {
        return false;
    }
    const struct sfe_slice text = sfe_json_raw(json, token);
    *rest = sfe_slice_part(text, 1, text.size);
    return text.size > 1 && text.bytes[0] == (uint8_t)letter;
}

static bool is_halted(const struct sfe_json *json, uint32_t body)
{
    struct rest_error error;

    return rest_take_first_error(json, body, &error) &&
           strcmp(error.code, "PROCESSING_HALTED") == 0;
}

static void take_record_id(const struct sfe_json *json, uint32_t body, struct graph_result *result)
{
    if (body == SFE_JSON_NONE || sfe_json_kind(json, body) != SFE_JSON_OBJECT) {
        return;
    }
    const uint32_t id = sfe_json_member(json, body, SFE_TEXT("id"));
    if (id != SFE_JSON_NONE && sfe_json_kind(json, id) == SFE_JSON_STRING) {
        result->record_id = sfe_json_raw(json, id);
    }
}

/* Notes the node in *result if its error is the reason. False where it is no answer of a node. */
static bool take_node(const struct sfe_json *json, uint32_t node, struct graph_result *result)
{
    struct sfe_slice name;

    if (sfe_json_kind(json, node) != SFE_JSON_OBJECT ||
        !take_name(json, node, SFE_TEXT("referenceId"), 'm', &name)) {
        return false;
    }
    const uint32_t map = read_number(name, SFE_RECORDS_PER_OUTPUT_MAX, &name);
    const uint32_t body = sfe_json_member(json, node, SFE_TEXT("body"));
    const uint16_t status =
        composite_http_status(json, sfe_json_member(json, node, SFE_TEXT("httpStatusCode")));
    if (map == SFE_RECORDS_PER_OUTPUT_MAX || status == 0) {
        return false;
    }
    if (sfe_slice_equal(name, SFE_TEXT("_0"))) {
        take_record_id(json, body, result);
    }
    if (result->body == SFE_JSON_NONE && status >= 300 && body != SFE_JSON_NONE &&
        !is_halted(json, body)) {
        result->body = body;
        result->http_status = status;
        result->map = map;
    }
    return true;
}

void graph_take_node(const struct sfe_json *json, uint32_t node, uint32_t *map, uint32_t *body)
{
    struct sfe_slice name = {NULL, 0};
    const bool is_named = take_name(json, node, SFE_TEXT("referenceId"), 'm', &name);

    SFE_ASSERT(is_named); /* It was read before. */
    *map = read_number(name, SFE_RECORDS_PER_OUTPUT_MAX, &name);
    *body = sfe_json_member(json, node, SFE_TEXT("body"));
}

static uint32_t find_nodes(const struct sfe_json *json, uint32_t graph)
{
    const uint32_t response = sfe_json_member(json, graph, SFE_TEXT("graphResponse"));
    if (response == SFE_JSON_NONE || sfe_json_kind(json, response) != SFE_JSON_OBJECT) {
        return SFE_JSON_NONE;
    }
    const uint32_t nodes = sfe_json_member(json, response, SFE_TEXT("compositeResponse"));
    const bool is_list = nodes != SFE_JSON_NONE && sfe_json_kind(json, nodes) == SFE_JSON_ARRAY;
    return is_list ? nodes : SFE_JSON_NONE;
}

/* A graph that says it failed, and a node that failed in one that says it did not, are failures. */
static bool read_graph(const struct sfe_json *json, uint32_t graph, struct graph_result *result)
{
    const uint32_t flag = sfe_json_member(json, graph, SFE_TEXT("isSuccessful"));
    const uint32_t nodes = find_nodes(json, graph);

    if (flag == SFE_JSON_NONE || nodes == SFE_JSON_NONE ||
        (sfe_json_kind(json, flag) != SFE_JSON_TRUE &&
         sfe_json_kind(json, flag) != SFE_JSON_FALSE)) {
        return false;
    }
    result->nodes = nodes;
    for (uint32_t node = sfe_json_first(json, nodes); node != SFE_JSON_NONE;
         node = sfe_json_next(json, nodes, node)) {
        if (!take_node(json, node, result)) {
            return false;
        }
    }
    result->is_successful =
        sfe_json_kind(json, flag) == SFE_JSON_TRUE && result->body == SFE_JSON_NONE;
    return true;
}

static uint32_t find_graphs(const struct sfe_json *json, uint32_t count)
{
    const uint32_t list = sfe_json_kind(json, 0) == SFE_JSON_OBJECT
                              ? sfe_json_member(json, 0, SFE_TEXT("graphs"))
                              : SFE_JSON_NONE;
    const bool fits = list != SFE_JSON_NONE && sfe_json_kind(json, list) == SFE_JSON_ARRAY &&
                      sfe_json_length(json, list) == count;

    return fits ? list : SFE_JSON_NONE;
}

enum sfe_code graph_read(const struct sfe_json *json, uint32_t count,
                         struct graph_result results[SFE_GRAPHS_MAX], struct sfe_error *err)
{
    bool is_read[SFE_GRAPHS_MAX] = {false};
    const uint32_t list = find_graphs(json, count);

    SFE_ASSERT(count > 0 && count <= SFE_GRAPHS_MAX);
    if (list == SFE_JSON_NONE) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is no list of %u graphs", (unsigned)count);
    }
    for (uint32_t graph = sfe_json_first(json, list); graph != SFE_JSON_NONE;
         graph = sfe_json_next(json, list, graph)) {
        struct graph_result result = {.body = SFE_JSON_NONE};
        struct sfe_slice name;
        uint32_t number = count;
        if (sfe_json_kind(json, graph) == SFE_JSON_OBJECT &&
            take_name(json, graph, SFE_TEXT("graphId"), 'g', &name)) {
            number = read_number(name, count, &name);
        }
        if (number == count || name.size != 0 || is_read[number] ||
            !read_graph(json, graph, &result)) {
            return sfe_fail(err, SFE_E_PROTOCOL, "the answer holds something that is no graph");
        }
        is_read[number] = true;
        results[number] = result;
    }
    return SFE_OK;
}
