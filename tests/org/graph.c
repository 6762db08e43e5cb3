/* composite/graph: up to 75 graphs, each all or none.
 *
 * Nodes that do not refer to each other run last to first: no order is promised between them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "org.h"

#define GRAPHS_MAX 75u
#define NODES_MAX  500u
#define KINDS_MAX  15u
#define DEPTH_MAX  15u
#define FAILED_MAX 14u

struct node {
    enum http_method method;
    struct sfe_slice url;
    struct sfe_slice reference;
    struct sfe_slice body;
    bool is_done;
    uint32_t depth;
    uint16_t status;
    char id[ID_BYTES];
    size_t answer_at;
    size_t answer_size;
};

struct graphs {
    struct org *org;
    struct call *call;
    struct node nodes[NODES_MAX]; /* Of the graph at hand. */
    uint32_t count;
    uint32_t total; /* Of the call. */
    uint32_t failed;
    char kinds[KINDS_MAX][96];
    uint32_t kind_count;
    struct buffer text; /* A body with its references resolved. */
    struct sfe_json_token *tokens;
    uint32_t token_capacity;
};

static bool wrong(struct graphs *graphs, const char *code, const char *message)
{
    call_error(graphs->call, 400, code, "%s", message);
    return false;
}

static struct sfe_slice text_member(const struct sfe_json *json, uint32_t object, const char *name)
{
    uint32_t token = sfe_json_member(json, object, sfe_slice_text(name));
    bool is_text = token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_STRING;
    return is_text ? sfe_json_raw(json, token) : sfe_slice_make(NULL, 0);
}

static enum http_method method_of(struct sfe_slice name)
{
    static const char *const NAMES[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};
    for (unsigned i = 0; i < 5; i++) {
        if (i != 3 && sfe_slice_equal(name, sfe_slice_text(NAMES[i]))) {
            return (enum http_method)i;
        }
    }
    return HTTP_OTHER;
}

/* One kind of node: its version and object, and its method. */
static bool note_kind(struct graphs *graphs, const struct node *node)
{
    char kind[96];
    struct sfe_slice url = node->url;
    for (unsigned i = 0; i < 6; i++) {
        (void)split_first(&url, '/');
    }
    struct sfe_slice head = sfe_slice_part(node->url, 0, node->url.size - url.size);
    if (snprintf(kind, sizeof kind, "%d %.*s", (int)node->method, (int)head.size,
                 (const char *)head.bytes) < 0) {
        return false;
    }
    for (uint32_t i = 0; i < graphs->kind_count; i++) {
        if (strcmp(graphs->kinds[i], kind) == 0) {
            return true;
        }
    }
    if (graphs->kind_count == KINDS_MAX) {
        return wrong(graphs, "LIMIT_EXCEEDED", "At most 15 different nodes are allowed");
    }
    (void)memcpy(graphs->kinds[graphs->kind_count++], kind, sizeof kind);
    return true;
}

static struct node *find_node(struct graphs *graphs, struct sfe_slice reference)
{
    for (uint32_t i = 0; i < graphs->count; i++) {
        if (sfe_slice_equal(graphs->nodes[i].reference, reference)) {
            return &graphs->nodes[i];
        }
    }
    return NULL;
}

static bool read_node(struct graphs *graphs, uint32_t token)
{
    const struct sfe_json *json = graphs->call->json;
    struct node node = {.method = method_of(text_member(json, token, "method")),
                        .url = text_member(json, token, "url"),
                        .reference = text_member(json, token, "referenceId")};
    uint32_t body = sfe_json_member(json, token, SFE_TEXT("body"));
    if (node.method == HTTP_OTHER || node.url.size == 0 || node.reference.size == 0) {
        return wrong(graphs, "INVALID_INPUT", "A node needs a method, a url and a referenceId");
    }
    if (find_node(graphs, node.reference) != NULL) {
        return wrong(graphs, "INVALID_INPUT", "Duplicate referenceId");
    }
    if (graphs->total++ >= NODES_MAX) {
        return wrong(graphs, "LIMIT_EXCEEDED", "At most 500 nodes are allowed in a payload");
    }
    if (body != SFE_JSON_NONE) {
        node.body = sfe_json_raw(json, body);
    }
    graphs->nodes[graphs->count++] = node;
    return note_kind(graphs, &graphs->nodes[graphs->count - 1]);
}

static bool read_nodes(struct graphs *graphs, uint32_t graph)
{
    const struct sfe_json *json = graphs->call->json;
    uint32_t list = sfe_json_member(json, graph, SFE_TEXT("compositeRequest"));
    graphs->count = 0;
    if (list == SFE_JSON_NONE || sfe_json_kind(json, list) != SFE_JSON_ARRAY ||
        sfe_json_length(json, list) == 0 || text_member(json, graph, "graphId").size == 0) {
        return wrong(graphs, "INVALID_INPUT", "A graph needs a graphId and a compositeRequest");
    }
    for (uint32_t node = sfe_json_first(json, list); node != SFE_JSON_NONE;
         node = sfe_json_next(json, list, node)) {
        if (!read_node(graphs, node)) {
            return false;
        }
    }
    return true;
}

/* The next "@{name.field}" from *at on: its name; false where there is none. */
static bool next_reference(struct sfe_slice body, size_t *at, struct sfe_slice *name, size_t *end)
{
    for (size_t i = *at; i + 2 < body.size; i++) {
        if (body.bytes[i] != '@' || body.bytes[i + 1] != '{') {
            continue;
        }
        size_t stop = i + 2;
        while (stop < body.size && body.bytes[stop] != '}' && body.bytes[stop] != '"') {
            stop++;
        }
        struct sfe_slice inside = sfe_slice_part(body, i + 2, stop - i - 2);
        *name = split_first(&inside, '.');
        *at = i;
        *end = stop < body.size && body.bytes[stop] == '}' ? stop + 1 : stop;
        return true;
    }
    return false;
}

/* Whether all that the node refers to has run; *depth grows with it. False with *is_wrong: it
 * refers to nothing of this graph. */
static bool can_run(struct graphs *graphs, struct node *node, bool *is_wrong)
{
    struct sfe_slice name;
    size_t at = 0;
    size_t end = 0;
    while (next_reference(node->body, &at, &name, &end)) {
        const struct node *other = find_node(graphs, name);
        if (other == NULL || other == node) {
            *is_wrong = true;
            return true;
        }
        if (!other->is_done) {
            return false;
        }
        if (node->depth <= other->depth) {
            node->depth = other->depth + 1;
        }
        at = end;
    }
    return true;
}

static void resolve(struct graphs *graphs, const struct node *node)
{
    struct sfe_slice name;
    size_t from = 0;
    size_t at = 0;
    size_t end = 0;
    graphs->text.size = 0;
    while (next_reference(node->body, &at, &name, &end)) {
        const struct node *other = find_node(graphs, name);
        buffer_add(&graphs->text, sfe_slice_part(node->body, from, at - from));
        buffer_add(&graphs->text, sfe_slice_make(other->id, ID_BYTES));
        from = end;
        at = end;
    }
    buffer_add(&graphs->text, sfe_slice_part(node->body, from, node->body.size));
}

static void fail_node(struct node *node, struct buffer *answers, const char *code,
                      const char *message)
{
    node->status = 400;
    add_error(answers, code, sfe_slice_text(message), NULL);
}

static void execute(struct graphs *graphs, struct node *node, struct buffer *answers)
{
    struct sfe_slice query = node->url;
    struct sfe_slice path = split_first(&query, '?');
    struct sfe_json json;
    struct sfe_error err;
    struct call call = {.method = node->method,
                        .query = query,
                        .body = SFE_JSON_NONE,
                        .is_part = true,
                        .version = graphs->call->version,
                        .out = answers};
    static const char PREFIX[] = "/services/data/v";
    resolve(graphs, node);
    if (node->body.size != 0) {
        if (graphs->token_capacity < graphs->text.size + 16) {
            graphs->token_capacity = (uint32_t)graphs->text.size + 1024;
            graphs->tokens =
                memory_grow(graphs->tokens, graphs->token_capacity * sizeof *graphs->tokens);
        }
        if (sfe_json_parse(buffer_slice(&graphs->text), 0, graphs->tokens, graphs->token_capacity,
                           &json, &err) != SFE_OK) {
            fail_node(node, answers, "JSON_PARSER_ERROR", err.message);
            return;
        }
        call.json = &json;
        call.body = 0;
    }
    bool in_data =
        path.size > sizeof PREFIX + 5 && memcmp(path.bytes, PREFIX, sizeof PREFIX - 1) == 0;
    path = sfe_slice_part(path, sizeof PREFIX - 1, path.size);
    (void)split_first(&path, '/');
    call.path = path;
    struct sfe_slice rest = path;
    if (!in_data || !sfe_slice_equal(split_first(&rest, '/'), SFE_TEXT("sobjects"))) {
        fail_node(node, answers, "INVALID_INPUT", "The url is not supported in a graph");
        return;
    }
    size_t scratch = graphs->org->scratch.size;
    rest_call(graphs->org, &call);
    graphs->org->scratch.size = scratch;
    node->status = call.status;
}

/* The Id that a node's answer names. */
static void note_id(struct node *node, const struct buffer *answers)
{
    static const char NAME[] = "{\"id\":\"";
    const uint8_t *text = answers->bytes + node->answer_at;
    if (node->answer_size > sizeof NAME + ID_BYTES && memcmp(text, NAME, sizeof NAME - 1) == 0) {
        memcpy(node->id, text + sizeof NAME - 1, ID_BYTES);
    }
}

static void run_node(struct graphs *graphs, struct node *node, bool is_wrong,
                     struct buffer *answers)
{
    node->is_done = true;
    node->answer_at = answers->size;
    if (is_wrong) {
        fail_node(node, answers, "PROCESSING_HALTED", "Invalid reference specified.");
    } else if (node->depth >= DEPTH_MAX) {
        fail_node(node, answers, "LIMIT_EXCEEDED", "A graph may be 15 nodes deep");
    } else {
        execute(graphs, node, answers);
    }
    node->answer_size = answers->size - node->answer_at;
    note_id(node, answers);
}

/* The last node that can run now; NULL: none can. */
static struct node *next_node(struct graphs *graphs, bool *is_wrong)
{
    for (uint32_t i = graphs->count; i > 0; i--) {
        struct node *node = &graphs->nodes[i - 1];
        *is_wrong = false;
        if (!node->is_done && can_run(graphs, node, is_wrong)) {
            return node;
        }
    }
    return NULL;
}

/* Runs the graph at hand until one node fails; that one is returned. */
static struct node *run_graph(struct graphs *graphs, struct buffer *answers)
{
    bool is_wrong = false;
    struct node *node = next_node(graphs, &is_wrong);
    while (node != NULL) {
        run_node(graphs, node, is_wrong, answers);
        if (node->status >= 300) {
            return node;
        }
        node = next_node(graphs, &is_wrong);
    }
    return NULL;
}

static void write_node(struct graphs *graphs, const struct node *node, bool is_halted,
                       const struct buffer *answers)
{
    struct buffer *out = graphs->call->out;
    buffer_add_text(out, "{\"body\":");
    if (is_halted) {
        add_error(out, "PROCESSING_HALTED",
                  SFE_TEXT("The transaction was rolled back since another operation in the same "
                           "transaction failed."),
                  NULL);
    } else if (node->answer_size == 0) {
        buffer_add_text(out, "null");
    } else {
        buffer_add(out, sfe_slice_make(answers->bytes + node->answer_at, node->answer_size));
    }
    buffer_add_text(out, ",\"httpHeaders\":{},\"httpStatusCode\":");
    buffer_add_u64(out, is_halted ? 400 : node->status);
    buffer_add_text(out, ",\"referenceId\":\"");
    buffer_add(out, node->reference);
    buffer_add_text(out, "\"}");
}

static void write_graph(struct graphs *graphs, struct sfe_slice name, bool is_good,
                        const struct node *guilty, const struct buffer *answers)
{
    struct buffer *out = graphs->call->out;
    buffer_add_text(out, "{\"graphId\":\"");
    buffer_add(out, name);
    buffer_add_text(out, "\",\"graphResponse\":{\"compositeResponse\":[");
    for (uint32_t i = 0; i < graphs->count; i++) {
        const struct node *node = &graphs->nodes[i];
        buffer_add_text(out, i == 0 ? "" : ",");
        write_node(graphs, node, !is_good && node != guilty, answers);
    }
    buffer_add_text(out, is_good ? "]},\"isSuccessful\":true}" : "]},\"isSuccessful\":false}");
}

static void run_one(struct graphs *graphs, uint32_t token, struct buffer *answers)
{
    struct sfe_slice name = text_member(graphs->call->json, token, "graphId");
    struct node *guilty = NULL;
    graphs->total = 0; /* It was counted before. */
    (void)read_nodes(graphs, token);
    answers->size = 0;
    bool is_halted =
        graphs->failed >= FAILED_MAX || faults_happens(&graphs->org->faults, FAULT_HALTED);
    if (!is_halted) {
        journal_begin(&graphs->org->table);
        guilty = run_graph(graphs, answers);
        if (guilty == NULL) {
            journal_keep(&graphs->org->table);
        } else {
            journal_undo(&graphs->org->table);
            graphs->failed++;
        }
    }
    write_graph(graphs, name, !is_halted && guilty == NULL, guilty, answers);
}

static bool check_graphs(struct graphs *graphs, uint32_t *list)
{
    struct call *call = graphs->call;
    const struct sfe_json *json = call->json;
    *list = call->body == SFE_JSON_NONE ? SFE_JSON_NONE
                                        : sfe_json_member(json, call->body, SFE_TEXT("graphs"));
    if (*list == SFE_JSON_NONE || sfe_json_kind(json, *list) != SFE_JSON_ARRAY ||
        sfe_json_length(json, *list) == 0) {
        return wrong(graphs, "INVALID_INPUT", "graphs is missing or empty");
    }
    if (sfe_json_length(json, *list) > GRAPHS_MAX) {
        return wrong(graphs, "LIMIT_EXCEEDED", "At most 75 graphs are allowed in a payload");
    }
    for (uint32_t graph = sfe_json_first(json, *list); graph != SFE_JSON_NONE;
         graph = sfe_json_next(json, *list, graph)) {
        if (!read_nodes(graphs, graph)) {
            return false;
        }
    }
    return true;
}

void graph_call(struct org *org, struct call *call)
{
    struct graphs *graphs = calloc(1, sizeof *graphs);
    uint32_t list = SFE_JSON_NONE;
    if (graphs == NULL) {
        call_error(call, 500, "UNKNOWN_EXCEPTION", "out of memory");
        return;
    }
    graphs->org = org;
    graphs->call = call;
    if (call->method != HTTP_POST) {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed. Allowed are POST");
    } else if (check_graphs(graphs, &list)) {
        struct buffer answers = org->answers;
        buffer_add_text(call->out, "{\"graphs\":[");
        for (uint32_t graph = sfe_json_first(call->json, list); graph != SFE_JSON_NONE;
             graph = sfe_json_next(call->json, list, graph)) {
            buffer_add_text(call->out, graph == sfe_json_first(call->json, list) ? "" : ",");
            run_one(graphs, graph, &answers);
        }
        buffer_add_text(call->out, "]}");
        org->answers = answers;
    }
    free(graphs->tokens);
    buffer_close(&graphs->text);
    free(graphs);
}
