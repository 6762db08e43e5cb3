#include "salesforce/records.h"

#include "base/arena.h"
#include "base/assert.h"
#include "salesforce/graph.h"
#include "salesforce/records_graph.h"
#include "salesforce/records_single.h"
#include "salesforce/single.h"

#include <stdio.h>

#define SECOND_NS UINT64_C(1000000000)
/* Bounds the largest single event's records; pages that are not used cost nothing. */
#define BODY_BYTES (1024u * 1024u)
/* What compresses to more is sent as it is. */
#define GZIP_BYTES (512u * 1024u)
/* Of one record's result. */
#define ANSWER_BYTES_PER_RECORD 1024u
#define ORDER_TEXT_BYTES        4096u
#define PATH_BYTES_MAX          256u
/* Of the external IDs of a request's parents; those beyond count as none. */
#define PARENTS_BYTES (64u * 1024u)
/* Below this, compressing costs more than it saves. */
#define COMPRESS_FROM_BYTES 1024u
/* A slot that waits longer for a log-in gives its events back. */
#define PENDING_MAX_NS (30 * SECOND_NS)

static bool makes_graphs(const struct records_slot *slot)
{
    return slot->records->options.api == SFE_RECORDS_GRAPH;
}

void records_clear_request(struct records_slot *slot)
{
    if (makes_graphs(slot)) {
        graph_begin(&slot->request);
    } else {
        collections_begin(&slot->request);
    }
}

/* Closes the brackets and finds the bytes to send. */
static void close_request(struct records_slot *slot)
{
    struct collections_request *request = &slot->request;
    const bool always = slot->records->options.api == SFE_RECORDS_COMPOSITE;

    if (makes_graphs(slot)) {
        graph_close(request);
        slot->wire = sfe_builder_slice(&request->body);
        return;
    }
    if (request->is_single) {
        records_single_close(slot);
        slot->is_composite = true;
        slot->wire = sfe_builder_slice(&request->body);
        return;
    }
    collections_close(request);
    /* Where one event has more records than a request, what stood there before it was closed must
     * stay. */
    if (slot->records->options.names_parents && !slot->takes_no_more) {
        collections_sort(request, &slot->records->sorted);
    }
    slot->is_composite = request->part_count > 1 || (always && !request->is_alone);
    slot->wire = collections_wire(request, slot->is_composite);
}

static void reopen_request(struct records_slot *slot)
{
    if (makes_graphs(slot)) {
        graph_reopen(&slot->request);
    } else if (slot->request.is_single) {
        single_reopen(&slot->request);
    } else {
        collections_reopen(&slot->request);
    }
}

void records_empty(struct records_slot *slot)
{
    for (uint32_t i = 0; i < slot->event_count; i++) {
        slot->verdicts[i].kind = SFE_VERDICT_DONE;
        slot->verdicts[i].id_hash = 0;
        slot->verdicts[i].record_id[0] = '\0';
    }
    records_results_clear(&slot->results);
    slot->state = RECORDS_EMPTY;
    slot->event_count = 0;
    slot->takes_no_more = false;
    slot->has_logged_in = false;
    slot->pending_ns = 0;
    slot->wire = sfe_slice_make(NULL, 0);
    slot->next = (struct records_place){0, 0, 0};
    records_clear_request(slot);
}

static void add_answer(void *context, uint32_t place, struct sfe_json_writer *writer)
{
    const struct records_slot *slot = context;

    SFE_ASSERT(place < slot->event_count);
    records_results_add(&slot->results, place, slot->records->options.maps, writer);
}

static void give_verdict(void *context, uint32_t place, struct sfe_verdict *verdict)
{
    const struct records_slot *slot = context;
    const struct records_verdict *held = &slot->verdicts[place];

    verdict->kind = held->kind;
    verdict->id_hash = held->id_hash;
    memcpy(verdict->record_id, held->record_id, sizeof(verdict->record_id));
    if (held->kind == SFE_VERDICT_DONE) {
        verdict->err.code = SFE_OK;
    } else {
        verdict->err = slot->errors[place];
    }
}

void records_finish(struct records_slot *slot, enum sfe_slot_outcome outcome,
                    const struct sfe_error *err, int64_t retry_after_s)
{
    const struct sfe_target_host *host = &slot->records->host;
    const struct sfe_slot_result result = {
        .slot = slot->number,
        .outcome = outcome,
        .verdict = give_verdict,
        .answer = slot->records->options.keeps_results ? add_answer : NULL,
        .context = slot,
        .count = slot->event_count,
        .retry_after_s = retry_after_s,
        .err = *err,
    };

    SFE_ASSERT(slot->state != RECORDS_EMPTY);
    host->finished(host->context, &result);
    records_empty(slot);
}

/* Closes the request and compresses it where that pays. */
static void make_wire(struct records_slot *slot)
{
    struct records *records = slot->records;
    struct sfe_error ignored;

    if (!slot->request.is_closed) {
        close_request(slot);
        slot->is_gzip = false;
        if (records->gzip != NULL && slot->wire.size > COMPRESS_FROM_BYTES) {
            sfe_builder_rewind(&slot->gzip_body, 0);
            if (sfe_gzip_add(records->gzip, slot->wire, &slot->gzip_body, &ignored) == SFE_OK) {
                slot->wire = sfe_builder_slice(&slot->gzip_body);
                slot->is_gzip = true;
            }
        }
    }
}

/* Where the request goes, as text that ends. */
static enum sfe_code make_path(const struct records_slot *slot, char *text, size_t capacity,
                               struct sfe_error *err)
{
    const struct sfe_records_options *options = &slot->records->options;
    const char *version = sfe_org_api_version(options->org);
    struct sfe_builder out = sfe_builder_make(text, capacity - 1u);

    if (makes_graphs(slot) || slot->is_composite) {
        sfe_builder_format(&out, "/services/data/%s/composite%s", version,
                           makes_graphs(slot) ? "/graph" : "");
    } else {
        const struct sfe_map *map = options->maps[slot->request.parts[0].map];
        const struct collections_path path = {version, sfe_map_object(map),
                                              sfe_map_external_id_field(map)};
        collections_add_path(&path, &out);
    }
    if (out.overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the names of object and external ID are too long");
    }
    text[out.size] = '\0';
    return SFE_OK;
}

enum sfe_code records_begin(struct records_slot *slot, struct sfe_error *err)
{
    const struct records *records = slot->records;
    char path[PATH_BYTES_MAX];

    make_wire(slot);
    enum sfe_code code = make_path(slot, path, sizeof(path), err);
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_org_request request = {
        .method = makes_graphs(slot) || slot->is_composite || records_publishes(records) ? "POST"
                                                                                         : "PATCH",
        .path = path,
        .body = slot->wire,
        .is_gzip = slot->is_gzip,
        .answer_body = &slot->answer_body,
        .owner = &slot->owner,
        .need = records->options.need,
    };
    enum records_state before = slot->state;
    slot->state = RECORDS_SENT;
    code = sfe_org_begin(records->options.org, &request, err);
    if (code != SFE_OK) {
        slot->state = before;
    }
    return code;
}

void records_go_on(struct records_slot *slot)
{
    struct sfe_error err;
    enum sfe_code code = records_begin(slot, &err);

    if (code == SFE_E_AGAIN) {
        slot->state = RECORDS_PENDING;
        slot->pending_ns = 0;
    } else if (code != SFE_OK) {
        err.retry = SFE_RETRY_LATER;
        records_finish(slot, SFE_SLOT_AGAIN, &err, -1);
    }
}

static void bind(void *context, const struct sfe_target_host *host)
{
    struct records *records = context;

    SFE_ASSERT(records->host.finished == NULL);
    records->host = *host;
}

/* A request that waited for a log-in goes on, or gives up. */
static void visit_pending(struct records_slot *slot, bool is_ready, uint64_t now_ns,
                          uint64_t *until_ns)
{
    struct sfe_error err;

    if (is_ready) {
        records_go_on(slot);
        return;
    }
    if (slot->pending_ns == 0) {
        slot->pending_ns = now_ns;
    }
    if (now_ns - slot->pending_ns >= PENDING_MAX_NS) {
        (void)sfe_fail(&err, SFE_E_AUTH, "the session ended, and no log-in succeeded in time");
        err.retry = SFE_RETRY_LATER;
        records_finish(slot, SFE_SLOT_AGAIN, &err, -1);
    } else if (slot->pending_ns + PENDING_MAX_NS < *until_ns) {
        *until_ns = slot->pending_ns + PENDING_MAX_NS;
    }
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct records *records = context;
    uint64_t org_ns = UINT64_MAX;
    bool ready = sfe_org_is_ready(records->options.org, now_ns, &org_ns);

    *until_ns = org_ns;
    for (uint32_t i = 0; i < records->options.slot_count; i++) {
        if (records->slots[i].state == RECORDS_PENDING) {
            visit_pending(&records->slots[i], ready, now_ns, until_ns);
        }
    }
    return ready && sfe_org_may_call(records->options.org, records->options.need, now_ns, until_ns);
}

static enum sfe_code send(void *context, uint32_t number, struct sfe_error *err)
{
    struct records *records = context;
    struct records_slot *slot = &records->slots[number];
    uint64_t until_ns = 0;

    SFE_ASSERT(number < records->options.slot_count);
    SFE_ASSERT(slot->state == RECORDS_FILLING && slot->event_count > 0);
    /* Another slot may have taken the last call in this turn. */
    if (!sfe_org_may_call(records->options.org, records->options.need,
                          sfe_org_now_ns(records->options.org), &until_ns)) {
        return SFE_E_AGAIN;
    }
    const struct collections_mark mark = collections_mark(&slot->request);
    const struct records_place next = slot->next;
    if (!records_fill_on(slot)) {
        struct sfe_error none = {.code = SFE_OK};
        records_finish(slot, SFE_SLOT_ANSWERED, &none, -1); /* Its events make no records at all. */
        return SFE_OK;
    }
    enum sfe_code code = records_begin(slot, err);
    if (code != SFE_OK) {
        /* More events may come: they begin with map 0. */
        reopen_request(slot);
        collections_rewind(&slot->request, mark);
        slot->next = next;
    }
    return code;
}

static void abandon(void *context, uint32_t number)
{
    struct records *records = context;

    SFE_ASSERT(number < records->options.slot_count);
    SFE_ASSERT(records->slots[number].state != RECORDS_SENT);
    records_empty(&records->slots[number]);
}

static size_t answer_bytes_max(const struct sfe_records_options *options)
{
    const size_t records = options->api == SFE_RECORDS_GRAPH
                               ? SFE_GRAPH_NODES_MAX
                               : sfe_records_slot_events_max(options->api, options->records_max);

    return records * ANSWER_BYTES_PER_RECORD + 4096;
}

/* Of a slot's request; 0: no map updates or deletes. */
static size_t lookup_bytes(const struct sfe_records_options *options)
{
    for (uint32_t i = 0; i < SFE_RECORDS_PER_OUTPUT_MAX; i++) {
        if (options->verbs[i].action != SFE_RECORDS_UPSERT) {
            return SINGLE_LOOKUP_BYTES;
        }
    }
    return 0;
}

size_t sfe_records_memory_bytes(const struct sfe_records_options *options)
{
    const size_t lookup = lookup_bytes(options);
    size_t slot =
        sfe_arena_cost(BODY_BYTES) + sfe_arena_cost(answer_bytes_max(options)) +
        (options->compress ? sfe_arena_cost(GZIP_BYTES) : 0) +
        sfe_arena_cost(options->slot_events_max * sizeof(struct records_verdict)) +
        sfe_arena_cost(options->slot_events_max * sizeof(struct sfe_error)) +
        (lookup > 0 ? sfe_arena_cost(lookup) : 0) +
        (options->names_parents ? sfe_arena_cost(PARENTS_BYTES) : 0) +
        (options->keeps_results ? records_results_memory_bytes(options->slot_events_max) : 0);

    return sfe_arena_cost(sizeof(struct records)) + sfe_arena_cost(ORDER_TEXT_BYTES) +
           sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           sfe_arena_cost(options->slot_count * sizeof(struct records_slot)) +
           (options->names_parents ? sfe_arena_cost(BODY_BYTES) : 0) + options->slot_count * slot;
}

/* 0 bytes: none are wanted. */
static bool open_builder(struct sfe_arena *arena, size_t size, struct sfe_builder *builder,
                         struct sfe_error *err)
{
    uint8_t *bytes = size == 0 ? NULL : sfe_arena_take(arena, size, err);

    *builder = sfe_builder_make(bytes, bytes == NULL ? 0 : size);
    return size == 0 || bytes != NULL;
}

static enum sfe_code open_slot(struct records *records, uint32_t number, struct sfe_arena *arena,
                               struct sfe_error *err)
{
    struct records_slot *slot = &records->slots[number];
    const struct sfe_records_options *options = &records->options;

    slot->verdicts = sfe_arena_take(arena, options->slot_events_max * sizeof(*slot->verdicts), err);
    slot->errors = sfe_arena_take(arena, options->slot_events_max * sizeof(*slot->errors), err);
    if (slot->verdicts == NULL || slot->errors == NULL ||
        !open_builder(arena, BODY_BYTES, &slot->request.body, err) ||
        !open_builder(arena, lookup_bytes(options), &slot->request.lookup, err) ||
        !open_builder(arena, options->names_parents ? PARENTS_BYTES : 0, &slot->request.parents,
                      err) ||
        !open_builder(arena, answer_bytes_max(options), &slot->answer_body, err) ||
        !open_builder(arena, records->gzip == NULL ? 0 : GZIP_BYTES, &slot->gzip_body, err)) {
        return SFE_E_NO_MEMORY;
    }
    slot->owner.on_answer = records_answered;
    slot->records = records;
    slot->number = number;
    records_clear_request(slot);
    return SFE_OK;
}

static enum sfe_code open_parts(struct records *records, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    uint8_t *order_text = sfe_arena_take(arena, ORDER_TEXT_BYTES, err);

    records->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*records->tokens), err);
    records->slots =
        sfe_arena_take(arena, records->options.slot_count * sizeof(*records->slots), err);
    if (order_text == NULL || records->tokens == NULL || records->slots == NULL ||
        !open_builder(arena, records->options.names_parents ? BODY_BYTES : 0, &records->sorted,
                      err)) {
        return SFE_E_NO_MEMORY;
    }
    records->order_text = sfe_builder_make(order_text, ORDER_TEXT_BYTES);
    enum sfe_code code = SFE_OK;
    for (uint32_t i = 0; i < records->options.slot_count && code == SFE_OK; i++) {
        code = open_slot(records, i, arena, err);
        if (code == SFE_OK && records->options.keeps_results) {
            code = records_results_open(&records->slots[i].results,
                                        records->options.slot_events_max, arena, err);
        }
    }
    return code;
}

enum sfe_code sfe_records_open(const struct sfe_records_options *options, struct sfe_arena *arena,
                               struct sfe_target *target, struct sfe_error *err)
{
    struct records *records = sfe_arena_take(arena, sizeof(*records), err);

    SFE_ASSERT(options->map_count > 0 && options->slot_count > 0);
    SFE_ASSERT(options->records_max > 0 && options->records_max <= SFE_COLLECTION_RECORDS_MAX);
    SFE_ASSERT(lookup_bytes(options) == 0 || options->api == SFE_RECORDS_AUTO ||
               options->api == SFE_RECORDS_COMPOSITE);
    SFE_ASSERT(options->slot_events_max > 0 && options->slot_events_max <= UINT16_MAX);
    if (records == NULL) {
        return err->code;
    }
    records->options = *options;
    records->parts_max = sfe_records_parts_max(options->api);
    if (options->compress) {
        records->gzip = sfe_gzip_open();
        if (records->gzip == NULL) {
            return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to compress requests with");
        }
    }
    enum sfe_code code = open_parts(records, arena, err);
    if (code != SFE_OK) {
        sfe_gzip_close(records->gzip);
        return code;
    }
    *target =
        (struct sfe_target){records,
                            bind,
                            is_ready,
                            options->api == SFE_RECORDS_GRAPH ? records_graph_offer : records_offer,
                            send,
                            abandon,
                            records_find_keys};
    return SFE_OK;
}

void sfe_records_close(struct sfe_target *target)
{
    struct records *records = target->context;

    if (records != NULL) {
        for (uint32_t i = 0; i < records->options.slot_count; i++) {
            sfe_org_cancel(records->options.org, &records->slots[i].owner);
        }
        sfe_gzip_close(records->gzip);
        records->gzip = NULL;
        target->context = NULL;
    }
}

uint64_t sfe_records_hash_id(struct sfe_slice external_id)
{
    return collections_hash_id(external_id);
}
