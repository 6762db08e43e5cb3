/* Receipts that are written whole or not at all: one graph an event, many in a call. */
#include "salesforce/records_graph.h"

#include "base/assert.h"
#include "output/lane.h"
#include "salesforce/graph.h"

#include <stdio.h>

/* One event while its graph is written. */
struct graph_fill {
    struct records_slot *slot;
    const struct sfe_map_subject *subject;
    uint32_t nodes;
    struct sfe_map_link links[SFE_RECORDS_PER_OUTPUT_MAX]; /* The single records so far. */
    uint32_t link_count;
    uint8_t texts[SFE_RECORDS_PER_OUTPUT_MAX][SFE_EXTERNAL_ID_BYTES_MAX + 1u];
    uint8_t names[SFE_RECORDS_PER_OUTPUT_MAX][GRAPH_REFERENCE_BYTES];
};

/* From here on a child of this event can name the record. */
static void add_link(struct graph_fill *fill, const struct graph_node *node)
{
    uint8_t *text = fill->texts[fill->link_count];
    struct sfe_builder name =
        sfe_builder_make(fill->names[fill->link_count], GRAPH_REFERENCE_BYTES);

    graph_add_reference(node, &name);
    memcpy(text, node->external_id.bytes, node->external_id.size);
    fill->links[fill->link_count++] =
        (struct sfe_map_link){node->path->external_id, sfe_slice_make(text, node->external_id.size),
                              sfe_builder_slice(&name)};
}

/* Text of the event that a graph would take for a reference. */
static bool holds_reference(const struct collections_request *request, uint32_t made)
{
    const size_t begin = request->record_begin;

    return collections_count_references(
               sfe_slice_make(request->body.bytes + begin, request->body.size - begin)) > made;
}

static enum sfe_code add_node(struct graph_fill *fill, const struct graph_node *node,
                              uint32_t index, uint32_t token, struct sfe_error *err)
{
    struct records_slot *slot = fill->slot;
    struct collections_request *request = &slot->request;
    const struct sfe_map *map = slot->records->options.maps[node->map];
    struct sfe_map_linked linked = {fill->subject, index, token, fill->links, fill->link_count, 0};

    graph_begin_node(request, node);
    enum sfe_code code = sfe_map_add_linked(map, &linked, &request->body, err);
    if (code != SFE_OK) {
        return code;
    }
    if (holds_reference(request, linked.made)) {
        return sfe_fail(err, SFE_E_UNMAPPED,
                        "%.64s: a text holds \"@{\", which all_or_none cannot send",
                        sfe_map_object(map));
    }
    const uint64_t hash =
        collections_hash_of_map(collections_hash_id(node->external_id), node->map);
    code = graph_end_node(request, hash);
    if (code == SFE_OK) {
        fill->nodes++;
        if (sfe_map_is_single(map)) {
            add_link(fill, node);
        }
    }
    return code;
}

static enum sfe_code add_record(struct graph_fill *fill, uint32_t number, uint32_t index,
                                uint32_t token, struct sfe_error *err)
{
    const struct records *records = fill->slot->records;
    const struct sfe_map *map = records->options.maps[number];
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder id = sfe_builder_make(memory, sizeof(memory));
    const struct collections_path path = {sfe_org_api_version(records->options.org),
                                          sfe_map_object(map), sfe_map_external_id_field(map)};
    enum sfe_code code = sfe_map_add_external_id(map, fill->subject, index, token, &id, err);

    if (code != SFE_OK) {
        return code;
    }
    if (fill->nodes == SFE_GRAPH_NODES_MAX) {
        return SFE_E_FULL;
    }
    if (fill->nodes == 0) {
        graph_open(&fill->slot->request);
    }
    const struct graph_node node = {&path, sfe_builder_slice(&id), number, fill->nodes};
    return add_node(fill, &node, index, token, err);
}

/* All records of the event, as one graph; none, if it makes none. */
static enum sfe_code fill_graph(struct graph_fill *fill, struct sfe_error *err)
{
    struct records_slot *slot = fill->slot;
    const struct sfe_records_options *options = &slot->records->options;
    enum sfe_code code = SFE_OK;

    for (uint32_t map = 0; map < options->map_count && code == SFE_OK; map++) {
        uint32_t token = SFE_JSON_NONE;
        uint32_t count = 0;
        code = sfe_map_count(options->maps[map], fill->subject, &count, err);
        for (uint32_t index = 0; index < count && code == SFE_OK; index++) {
            token = sfe_map_item(options->maps[map], fill->subject, index, token);
            code = add_record(fill, map, index, token, err);
        }
    }
    if (code == SFE_OK && fill->nodes > 0) {
        graph_close_one(&slot->request);
        slot->event_of[slot->request.part_count - 1] = (uint16_t)slot->event_count;
        slot->first_of[slot->request.part_count - 1] =
            (uint16_t)(slot->request.count - fill->nodes);
    }
    return code;
}

/* What did not fit beside others waits for the next call; alone it can never go. */
static enum sfe_code judge_fill(const struct records_slot *slot, enum sfe_code code,
                                struct sfe_error *err)
{
    if (slot->event_count > 0) {
        return code;
    }
    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_TOO_LARGE,
                        "more than %u records, or more than a request holds, cannot be all or none",
                        SFE_GRAPH_NODES_MAX);
    }
    if (code == SFE_E_AGAIN) {
        return sfe_fail(err, SFE_E_UNMAPPED,
                        "an external ID stands in the event twice: it cannot be all or none");
    }
    return code;
}

enum sfe_code records_graph_offer(void *context, uint32_t number, struct sfe_event *event,
                                  int64_t time_ns, struct sfe_lane *lane, uint64_t *order_key,
                                  struct sfe_error *err)
{
    struct records *records = context;
    struct records_slot *slot = &records->slots[number];
    struct sfe_map_subject subject;
    struct graph_fill fill = {.slot = slot, .subject = &subject};

    SFE_ASSERT(number < records->options.slot_count);
    SFE_ASSERT(slot->state == RECORDS_EMPTY || slot->state == RECORDS_FILLING);
    if (slot->event_count == records->options.slot_events_max ||
        slot->request.part_count >= records->parts_max) {
        return SFE_E_FULL;
    }
    sfe_map_subject_make(event, time_ns, records->tokens, SFE_JSON_TOKENS_MAX, &subject);
    enum sfe_code code = records_judge_where(records, &subject, err);
    if (code != SFE_OK) {
        return code;
    }
    slot->state = RECORDS_FILLING;
    slot->next.map = records->options.map_count; /* All of an event is there at once. */
    const struct collections_mark mark = collections_mark(&slot->request);
    code = records_find_key(slot, &subject, lane, order_key, err);
    if (code == SFE_OK) {
        code = judge_fill(slot, fill_graph(&fill, err), err);
    }
    if (code != SFE_OK) {
        collections_rewind(&slot->request, mark);
        return code;
    }
    bool is_claimed = sfe_lane_claim(lane, *order_key);
    SFE_ASSERT(is_claimed);
    slot->event_count++;
    return SFE_OK;
}

static void judge_graph(struct records_slot *slot, uint32_t event, const struct sfe_json *json,
                        const struct graph_result *result)
{
    struct rest_error error = {.code = "PROCESSING_HALTED"};

    if (result->body != SFE_JSON_NONE && !rest_take_first_error(json, result->body, &error) &&
        result->http_status == 300) {
        (void)snprintf(error.code, sizeof(error.code), "DUPLICATE_EXTERNAL_ID");
    }
    const uint32_t map = result->map < slot->records->options.map_count ? result->map : 0;
    /* One record's own error, whatever its status: the graph's neighbours tell nothing of it. */
    records_judge_error(slot, event, map, 0, &error);
}

/* All of its records, which were written together. */
static void note_graph(struct records_slot *slot, uint32_t event, const struct sfe_json *json,
                       const struct graph_result *result)
{
    for (uint32_t node = sfe_json_first(json, result->nodes); node != SFE_JSON_NONE;
         node = sfe_json_next(json, result->nodes, node)) {
        uint32_t map = 0;
        uint32_t body = SFE_JSON_NONE;
        graph_take_node(json, node, &map, &body);
        if (map < slot->records->options.map_count) {
            records_results_take(&slot->results, event, map, json, body);
        }
    }
}

enum sfe_code records_graph_read(struct records_slot *slot, const struct sfe_json *json,
                                 struct sfe_error *err)
{
    struct graph_result results[SFE_GRAPHS_MAX];
    const uint32_t count = slot->request.part_count;
    enum sfe_code code = graph_read(json, count, results, err);

    for (uint32_t i = 0; i < count && code == SFE_OK; i++) {
        records_note_first(slot, slot->event_of[i], slot->first_of[i], results[i].record_id);
        if (!results[i].is_successful) {
            judge_graph(slot, slot->event_of[i], json, &results[i]);
        } else if (slot->records->options.keeps_results) {
            note_graph(slot, slot->event_of[i], json, &results[i]);
        }
    }
    return code;
}
