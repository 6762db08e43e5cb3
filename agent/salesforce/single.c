#include "salesforce/single.h"

#include "base/assert.h"

/* What stands around object, field and IDs in the query, with room to spare. */
#define QUERY_BYTES 256u

static void add_address(const struct collections_path *path, struct sfe_builder *out)
{
    sfe_builder_add(out, SFE_TEXT("/services/data/"));
    sfe_builder_add_text(out, path->version);
}

/* The ID as text of the query language, encoded: a quote in it does not end it. */
static void add_quoted(struct sfe_slice text, struct sfe_builder *out)
{
    sfe_builder_add(out, SFE_TEXT("%27"));
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\'' || text.bytes[i] == '\\') {
            sfe_builder_add(out, SFE_TEXT("%5C"));
        }
        rest_add_encoded(sfe_slice_part(text, i, 1), out);
    }
    sfe_builder_add(out, SFE_TEXT("%27"));
}

void single_begin(struct collections_request *request, const struct single *single)
{
    struct sfe_builder *body = &request->body;

    SFE_ASSERT(!request->is_closed);
    SFE_ASSERT(request->count == 0 || (request->is_single && request->parts[0].map == single->map));
    if (request->count == 0) {
        request->parts[0] = (struct collections_part){single->map, 0, 0, body->size};
        request->part_count = 1;
        request->is_single = true;
        sfe_builder_rewind(&request->lookup, 0);
    } else {
        sfe_builder_add_byte(body, ',');
        sfe_builder_add(&request->lookup, SFE_TEXT("%2C"));
    }
    add_quoted(single->external_id, &request->lookup);
    sfe_builder_add_text(body, single->deletes ? "{\"method\":\"DELETE\",\"url\":\""
                                               : "{\"method\":\"PATCH\",\"url\":\"");
    add_address(single->path, body);
    sfe_builder_add(body, SFE_TEXT("/sobjects/"));
    sfe_builder_add_text(body, single->path->object);
    sfe_builder_add_byte(body, '/');
    sfe_builder_add_text(body, single->path->external_id);
    sfe_builder_add_byte(body, '/');
    rest_add_encoded(single->external_id, body);
    sfe_builder_add_text(body, single->deletes ? "\",\"referenceId\":\"p"
                                               : "?updateOnly=true\",\"referenceId\":\"p");
    sfe_builder_add_u64(body, request->count);
    sfe_builder_add_text(body, single->deletes ? "\"" : "\",\"body\":{");
    request->record_begin = body->size;
}

enum sfe_code single_end(struct collections_request *request, const struct single *single,
                         uint64_t id_hash)
{
    struct sfe_builder *body = &request->body;
    const struct collections_path *path = single->path;

    sfe_builder_add_text(body, single->deletes ? "}" : "}}");
    const size_t closing = QUERY_BYTES + request->lookup.size + strlen(path->version) +
                           strlen(path->object) + 2u * strlen(path->external_id);
    if (request->count == SINGLES_MAX || request->lookup.overflowed || body->overflowed ||
        sfe_builder_room(body) < closing) {
        return SFE_E_FULL;
    }
    return collections_claim(request, id_hash) ? SFE_OK : SFE_E_AGAIN;
}

void single_close(struct collections_request *request, const struct collections_path *path)
{
    struct sfe_builder *body = &request->body;

    SFE_ASSERT(!request->is_closed && request->is_single && request->count > 0);
    request->open_size = body->size;
    sfe_builder_add(body, SFE_TEXT(",{\"method\":\"GET\",\"url\":\""));
    add_address(path, body);
    sfe_builder_format(body, "/query?q=SELECT%%20%s%%20FROM%%20%s%%20WHERE%%20%s%%20IN%%20%%28",
                       path->external_id, path->object, path->external_id);
    sfe_builder_add(body, sfe_builder_slice(&request->lookup));
    sfe_builder_add(body, SFE_TEXT("%29\",\"referenceId\":\"p"));
    sfe_builder_add_u64(body, request->count);
    sfe_builder_add(body, SFE_TEXT("\"}]}"));
    SFE_ASSERT(!body->overflowed);
    request->parts[0].end = request->count;
    request->is_closed = true;
}

void single_reopen(struct collections_request *request)
{
    SFE_ASSERT(request->is_closed && request->is_single);
    sfe_builder_rewind(&request->body, request->open_size);
    request->is_closed = false;
}

enum sfe_code single_find_rows(const struct sfe_json *json, uint32_t body, uint32_t *rows,
                               struct sfe_error *err)
{
    const bool is_object = sfe_json_kind(json, body) == SFE_JSON_OBJECT;
    const uint32_t done = is_object ? sfe_json_member(json, body, SFE_TEXT("done")) : SFE_JSON_NONE;

    *rows = is_object ? sfe_json_member(json, body, SFE_TEXT("records")) : SFE_JSON_NONE;
    if (done == SFE_JSON_NONE || sfe_json_kind(json, done) != SFE_JSON_TRUE ||
        *rows == SFE_JSON_NONE || sfe_json_kind(json, *rows) != SFE_JSON_ARRAY) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer to the query is no whole list of rows");
    }
    return SFE_OK;
}

/* The hash of the row's one field, whatever the case of its name; 0: it has none. */
static uint64_t hash_row(const struct sfe_json *json, uint32_t row)
{
    uint8_t memory[4u * SFE_EXTERNAL_ID_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (sfe_json_kind(json, row) != SFE_JSON_OBJECT) {
        return 0;
    }
    for (uint32_t key = sfe_json_first(json, row); key != SFE_JSON_NONE;
         key = sfe_json_next(json, row, key)) {
        if (sfe_json_text_equal(json, key, SFE_TEXT("attributes"))) {
            continue;
        }
        if (sfe_json_kind(json, key + 1) != SFE_JSON_STRING) {
            return 0;
        }
        sfe_json_add_text(json, key + 1, &text);
        return text.overflowed ? 0 : collections_hash_id(sfe_builder_slice(&text));
    }
    return 0;
}

bool single_is_listed(const struct sfe_json *json, uint32_t rows, uint64_t id_hash)
{
    for (uint32_t row = sfe_json_first(json, rows); row != SFE_JSON_NONE;
         row = sfe_json_next(json, rows, row)) {
        if (hash_row(json, row) == id_hash) {
            return true;
        }
    }
    return false;
}
