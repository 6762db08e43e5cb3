/* An output with the real records target, over a stream in memory and an org that answers as a seed
 * says; the org keeps the books that the tests look at. */
#ifndef SFE_TESTS_RANDOM_WORLD_H
#define SFE_TESTS_RANDOM_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_reader.h"
#include "output/output.h"
#include "salesforce/org.h"
#include "salesforce/records.h"

#define SECOND      UINT64_C(1000000000)
#define EVENTS      400u
#define LINES_MAX   12u
#define KEYS        30u
#define SLOTS       4u
#define SLOT_EVENTS 8u
#define RECORDS_MAX (SLOT_EVENTS * SFE_COLLECTIONS_MAX)
#define CALLS       (SLOTS + 1u)
#define BODY_MAX    16384u
#define NOW_S       INT64_C(1764000000)

/* What becomes of an event. */
enum fate {
    FATE_DONE,
    FATE_REFUSED,        /* Its record is refused for good. */
    FATE_LINE_REFUSED,   /* One of its lines is. */
    FATE_REFUSES_OTHERS, /* The whole request is, whatever else is in it. */
    FATE_UNMAPPED
};

struct sfe_stream {
    const char *name;
    uint64_t durable;
    uint64_t staged;
};

struct sfe_stream_reader {
    struct sfe_stream *stream;
    uint64_t next;
};

struct model {
    enum fate fate;
    uint32_t key;
    uint32_t line_count;
    char payload[1024];
    bool is_applied; /* Its own record is in the org. */
    bool has_line[LINES_MAX];
    uint32_t letters;
    uint64_t letter; /* Sequence of the newest. */
    uint32_t answers;
    uint64_t answer;
};

struct call {
    bool is_open;
    bool is_login;
    char url[256];
    char authorization[128];
    char body[BODY_MAX];
    struct sfe_builder *answer_body;
    void *tag;
};

struct world {
    uint64_t seed;
    struct sfe_arena *arena;
    struct sfe_http http;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    struct sfe_org *org;
    struct sfe_map *maps[2];
    struct sfe_template *order_by;
    struct sfe_target target;
    struct sfe_output *output;
    struct sfe_stream stream;
    struct sfe_stream dead;
    struct sfe_stream_reader reader;
    struct sfe_stream answers; /* Of on_done and on_dead. */
    bool passes_on;
    bool dead_is_full;
    bool answers_are_full;
    bool lines_come_first; /* The lines' map stands before their parent's. */
    enum sfe_records_api api;
    bool is_calm; /* Nothing goes wrong any more but what must. */
    uint32_t restarts;
    uint64_t now_ns;
    uint64_t wake_ns;
    uint32_t token;                  /* The one the org takes. */
    struct model models[EVENTS + 1]; /* By sequence. */
    uint64_t last_of_key[KEYS];      /* The newest event of it that the org has seen. */
    struct sfe_cursor saved;
    bool has_saved;
    struct call calls[CALLS];
};

static struct world *the_world; /* The fakes of streams have no context of ours. */

static inline uint64_t draw(struct world *world)
{
    world->seed ^= world->seed << 13;
    world->seed ^= world->seed >> 7;
    world->seed ^= world->seed << 17;
    return world->seed;
}

static inline bool happens(struct world *world, uint32_t of_a_thousand)
{
    return draw(world) % 1000u < of_a_thousand;
}

static inline bool goes_wrong(struct world *world, uint32_t of_a_thousand)
{
    return !world->is_calm && happens(world, of_a_thousand);
}

/* The streams. */

static inline void make_event(uint64_t sequence, struct sfe_event *event);

const char *sfe_stream_name(const struct sfe_stream *stream)
{
    return stream->name;
}

uint64_t sfe_stream_durable(const struct sfe_stream *stream)
{
    return stream->durable;
}

void sfe_stream_facts(struct sfe_stream *stream, struct sfe_stream_facts *facts)
{
    *facts = (struct sfe_stream_facts){.first_sequence = 1, .durable_sequence = stream->durable};
}

enum sfe_code sfe_stream_stage_reserved(struct sfe_stream *stream, const struct sfe_event *event,
                                        uint64_t *sequence, struct sfe_error *err)
{
    const char *at = strstr((const char *)event->payload.bytes, "\"n\":");

    (void)err;
    assert_ptr_equal(stream, &the_world->dead);
    if (the_world->dead_is_full) {
        return SFE_E_FULL;
    }
    assert_non_null(at);
    struct model *model = &the_world->models[strtoul(at + 4, NULL, 10)];
    if (model->fate == FATE_DONE) {
        print_message("%.*s\n%.*s\n", (int)event->payload.size, (const char *)event->payload.bytes,
                      (int)event->annotation.size, (const char *)event->annotation.bytes);
        fail_msg("a good event went to the dead letters");
    }
    model->letters++;
    model->letter = ++stream->staged;
    *sequence = stream->staged;
    return SFE_OK;
}

/* Never before the event itself is where it has to go. */
enum sfe_code sfe_stream_stage(struct sfe_stream *stream, const struct sfe_event *event,
                               uint64_t *sequence, struct sfe_error *err)
{
    char text[4096];
    uint8_t id_bytes[64];
    struct sfe_builder id = sfe_builder_make(id_bytes, sizeof(id_bytes));
    struct sfe_event origin;

    (void)err;
    assert_ptr_equal(stream, &the_world->answers);
    if (the_world->answers_are_full) {
        return SFE_E_FULL;
    }
    assert_true(event->payload.size < sizeof(text));
    memcpy(text, event->payload.bytes, event->payload.size);
    text[event->payload.size] = '\0';
    assert_true(sfe_json_is_value(event->payload, SFE_JSON_DEPTH_MAX));
    assert_memory_equal(text, "{\"event\":{\"id\":\"", 16);
    const uint64_t n = strtoul(strstr(text, "\"seq\":") + 6, NULL, 10);
    struct model *model = &the_world->models[n];
    const bool is_done = model->fate == FATE_DONE;
    assert_non_null(strstr(text, is_done ? "\"outcome\":\"done\"" : "\"outcome\":\"dead\""));
    assert_non_null(strstr(text, model->payload));
    assert_true(is_done ? model->is_applied : model->letters > 0);
    assert_int_equal(is_done, strstr(text, "\"error\":{") == NULL);
    if (is_done) {
        assert_non_null(strstr(text, "\"answer\":{\"records\":[{\"object\":\"Pos"));
    }
    make_event(n, &origin);
    sfe_event_identify(&origin);
    sfe_event_add_identity(&origin, &id);
    assert_memory_equal(text + 16, id_bytes, id.size);
    model->answers++;
    model->answer = ++stream->staged;
    *sequence = stream->staged;
    return SFE_OK;
}

uint64_t sfe_stream_reader_damaged(const struct sfe_stream_reader *reader)
{
    (void)reader;
    return 0;
}

void sfe_stream_reader_seek(struct sfe_stream_reader *reader, uint64_t sequence)
{
    reader->next = sequence;
}

static inline void make_event(uint64_t sequence, struct sfe_event *event)
{
    memset(event, 0, sizeof(*event));
    event->sequence = sequence;
    event->clock_quality = SFE_CLOCK_SYNCED;
    event->received_ns = (int64_t)sequence * 1000;
    event->source = SFE_TEXT("tills");
    event->topic = SFE_TEXT("pos/7/sale");
    event->payload = sfe_slice_text(the_world->models[sequence].payload);
}

enum sfe_code sfe_stream_reader_next(struct sfe_stream_reader *reader, struct sfe_event *event,
                                     int64_t *time_ns, struct sfe_stream_place *place,
                                     struct sfe_error *err)
{
    if (reader->next > reader->stream->durable) {
        return SFE_E_END;
    }
    if (goes_wrong(the_world, 3)) {
        return sfe_fail(err, SFE_E_STORAGE, "a bad block");
    }
    make_event(reader->next++, event);
    *time_ns = event->received_ns;
    *place = (struct sfe_stream_place){1, (uint32_t)event->sequence};
    return SFE_OK;
}

enum sfe_code sfe_stream_reader_fetch(struct sfe_stream_reader *reader,
                                      struct sfe_stream_place place, uint64_t sequence,
                                      struct sfe_event *event, int64_t *time_ns,
                                      struct sfe_error *err)
{
    (void)reader;
    assert_int_equal(place.offset, sequence);
    if (goes_wrong(the_world, 3)) {
        return sfe_fail(err, SFE_E_STORAGE, "a bad block");
    }
    make_event(sequence, event);
    *time_ns = event->received_ns;
    return SFE_OK;
}

/* The platform. */

static inline uint64_t monotonic(void *context)
{
    return ((struct world *)context)->now_ns;
}

static inline enum sfe_clock_quality wall(void *context, int64_t *unix_ns)
{
    (void)context;
    *unix_ns = NOW_S * INT64_C(1000000000);
    return SFE_CLOCK_SYNCED;
}

static inline enum sfe_code fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    uint8_t *at = bytes;

    (void)err;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)draw(context);
    }
    return SFE_OK;
}

static inline enum sfe_code key_open(void *context, struct sfe_slice pem, struct sfe_key **key,
                                     struct sfe_error *err)
{
    (void)pem;
    (void)err;
    *key = context;
    return SFE_OK;
}

static inline void key_close(void *context, struct sfe_key *key)
{
    (void)context;
    (void)key;
}

static inline enum sfe_code sign(void *context, struct sfe_key *key, struct sfe_slice message,
                                 uint8_t *signature, size_t *size, struct sfe_error *err)
{
    (void)context;
    (void)key;
    (void)message;
    (void)err;
    memcpy(signature, "signed", 6);
    *size = 6;
    return SFE_OK;
}

/* The org: one record of a request, and what it says of it. */

struct record {
    bool is_line;
    uint32_t key;
    uint32_t number; /* Of the line. */
    uint64_t event;
    bool is_refused;
    bool refuses_others;
    char id[32];
};

static inline uint64_t member(const char *record, const char *name)
{
    const char *at = strstr(record, name);

    assert_non_null(at);
    return strtoul(at + strlen(name), NULL, 10);
}

/* Takes the next record that begins before `until`, or returns NULL. */
static inline const char *take_record_of(const char *at, const char *until, struct record *record)
{
    char text[512];
    const char *begin = strstr(at, "{\"attributes\"");
    const char *end = begin == NULL ? NULL : strstr(begin + 1, "{\"attributes\"");

    if (begin == NULL || begin >= until) {
        return NULL;
    }
    end = end == NULL ? begin + strlen(begin) : end;
    assert_true((size_t)(end - begin) < sizeof(text));
    memcpy(text, begin, (size_t)(end - begin));
    text[end - begin] = '\0';
    memset(record, 0, sizeof(*record));
    record->is_line = strstr(text, "\"PosLine__c\"") != NULL;
    const char *name = record->is_line ? "\"LineId__c\":\"" : "\"SaleId__c\":\"";
    const char *id = strstr(text, name);
    assert_non_null(id);
    id += strlen(name);
    (void)snprintf(record->id, sizeof(record->id), "%.*s", (int)strcspn(id, "\""), id);
    record->key = (uint32_t)strtoul(record->id + 1, NULL, 10);
    if (record->is_line) {
        record->number = (uint32_t)strtoul(strchr(record->id, '-') + 1, NULL, 10);
    }
    record->event = member(text, "\"N__c\":");
    record->is_refused = strstr(text, "\"Mark__c\":\"refused\"") != NULL;
    record->refuses_others = strstr(text, "\"Mark__c\":\"others\"") != NULL;
    return end;
}

/* Takes the next record of a body, or returns NULL. */
static inline const char *take_record(const char *at, struct record *record)
{
    return take_record_of(at, at + strlen(at), record);
}

static inline bool is_composite(const struct call *call)
{
    return strstr(call->body, "\"compositeRequest\"") != NULL;
}

/* The next part of a Composite behind `at`; NULL: there is none. */
static inline const char *take_part(const char *at, const char **end)
{
    static const char name[] = "\"referenceId\":\"p";
    const char *part = strstr(at, name);

    *end = part == NULL ? NULL : strstr(part + 1, name);
    *end = part != NULL && *end == NULL ? part + strlen(part) : *end;
    return part;
}

/* The event's own record stands in the request before its lines, or in the org. */
static inline bool has_parent(const struct world *world, const struct call *call,
                              const struct record *line)
{
    struct record record;
    const char *at = call->body;

    if (world->models[line->event].is_applied) {
        return true;
    }
    while ((at = take_record(at, &record)) != NULL && !record.is_line) {
        if (record.event == line->event) {
            return true;
        }
    }
    return false;
}

/* What must hold of every request that leaves. */
static inline void check_request(struct world *world, const struct call *call)
{
    static char ids[RECORDS_MAX][32];
    uint32_t count = 0;
    struct record record;
    bool is_lines = strstr(call->url, "/PosLine__c/LineId__c") != NULL;

    for (const char *at = call->body; (at = take_record(at, &record)) != NULL; count++) {
        assert_true(count < (is_composite(call) ? RECORDS_MAX : SLOT_EVENTS));
        assert_true(is_composite(call) || record.is_line == is_lines);
        assert_true(record.event >= 1 && record.event <= world->stream.durable);
        if (record.is_line && !world->lines_come_first) {
            assert_true(has_parent(world, call, &record)); /* Parents before their children. */
        }
        (void)snprintf(ids[count], sizeof(ids[0]), "%s", record.id);
        for (uint32_t i = 0; i < count; i++) {
            assert_string_not_equal(ids[i], record.id);
        }
        assert_true(record.event >= world->last_of_key[record.key]);
        for (uint32_t i = 0; i < CALLS; i++) {
            const struct call *other = &world->calls[i];
            struct record flying;
            const char *from = other->body;
            if (other == call || !other->is_open || other->is_login) {
                continue;
            }
            assert_ptr_not_equal(other->tag, call->tag);
            while ((from = take_record(from, &flying)) != NULL) {
                assert_int_not_equal(flying.key, record.key);
            }
        }
    }
    assert_true(count > 0);
}

static inline enum sfe_code begin(void *context, const struct sfe_http_request *request,
                                  struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    struct world *world = context;
    struct call *call = NULL;

    if (goes_wrong(world, 20)) {
        return sfe_fail(err, SFE_E_NETWORK, "out of connections");
    }
    for (uint32_t i = 0; i < CALLS && call == NULL; i++) {
        call = world->calls[i].is_open ? NULL : &world->calls[i];
    }
    assert_non_null(call);
    memset(call, 0, sizeof(*call));
    (void)snprintf(call->url, sizeof(call->url), "%s", request->url);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sfe_http_header *header = &request->headers[i];
        if (strcmp(header->name, "Authorization") == 0) {
            (void)snprintf(call->authorization, sizeof(call->authorization), "%.*s",
                           (int)header->value.size, (const char *)header->value.bytes);
        }
    }
    assert_true(request->body.size < BODY_MAX);
    memcpy(call->body, request->body.bytes, request->body.size);
    call->is_login = strstr(call->url, "/oauth2/token") != NULL;
    call->answer_body = request->answer_body;
    call->tag = request->tag;
    call->is_open = true;
    *exchange = (struct sfe_http_exchange *)call;
    if (!call->is_login) {
        check_request(world, call);
    }
    return SFE_OK;
}

static inline void cancel(void *context, struct sfe_http_exchange *exchange)
{
    (void)context;
    ((struct call *)exchange)->is_open = false;
}

/* Opening and closing; what lies in flash and in the org stays. */

static inline void open_maps(struct world *world)
{
    static const struct sfe_map_field sale[] = {
        {.name = "SaleId__c", .from = "/sale"},
        {.name = "N__c", .from = "/n"},
        {.name = "Mark__c", .from = "/mark", .is_optional = true}};
    static const struct sfe_map_field line[] = {
        {.name = "LineId__c", .from = "{/sale}-{item:/no}"},
        {.name = "N__c", .from = "/n"},
        {.name = "Mark__c", .from = "{item:/mark}", .is_optional = true}};
    struct sfe_error err;
    uint32_t bad_field = 0;
    const struct sfe_map_options sales = {.object = "PosSale__c",
                                          .external_id = "SaleId__c",
                                          .fields = sale,
                                          .field_count = 3,
                                          .agent_id = "a"};
    const struct sfe_map_options lines = {.object = "PosLine__c",
                                          .external_id = "LineId__c",
                                          .each = "/lines",
                                          .fields = line,
                                          .field_count = 3,
                                          .agent_id = "a"};
    bool swapped = world->lines_come_first;

    assert_int_equal(
        sfe_map_compile(swapped ? &lines : &sales, world->arena, &world->maps[0], &bad_field, &err),
        SFE_OK);
    assert_int_equal(
        sfe_map_compile(swapped ? &sales : &lines, world->arena, &world->maps[1], &bad_field, &err),
        SFE_OK);
    world->order_by = NULL;
    if (swapped) {
        assert_int_equal(sfe_template_compile("{/sale}", "a", world->arena, &world->order_by, &err),
                         SFE_OK);
    }
}

static inline void world_open(struct world *world)
{
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(24u << 20, &world->arena, &err), SFE_OK);
    const struct sfe_org_options org = {.name = "crm",
                                        .login_url = "https://login.salesforce.com/",
                                        .api_version = "v62.0",
                                        .client_id = "3MVG9",
                                        .username = "edge@acme.example",
                                        .audience = "https://login.salesforce.com",
                                        .key_pem = SFE_TEXT("key"),
                                        .connect_timeout_ms = 1000,
                                        .request_timeout_ms = 2000,
                                        .http = &world->http,
                                        .clock = &world->clock,
                                        .entropy = &world->entropy,
                                        .crypto = &world->crypto};
    assert_int_equal(sfe_org_open(&org, world->arena, &world->org, &err), SFE_OK);
    open_maps(world);
    const uint32_t slot_events = SLOT_EVENTS * sfe_records_parts_max(world->api);
    const struct sfe_records_options records = {.org = world->org,
                                                .maps = world->maps,
                                                .map_count = 2,
                                                .order_by = world->order_by,
                                                .slot_count = SLOTS,
                                                .slot_events_max = slot_events,
                                                .records_max = SLOT_EVENTS,
                                                .api = world->api,
                                                .keeps_results = world->passes_on};
    struct sfe_stream *answers = world->passes_on ? &world->answers : NULL;
    assert_int_equal(sfe_records_open(&records, world->arena, &world->target, &err), SFE_OK);
    const struct sfe_output_options output = {.name = "sales",
                                              .stream = &world->stream,
                                              .reader = &world->reader,
                                              .dead = &world->dead,
                                              .on_done = answers,
                                              .on_dead = answers,
                                              .answer_bytes_max = answers == NULL ? 0 : 8192,
                                              .target = &world->target,
                                              .cursor = world->has_saved ? &world->saved : NULL,
                                              .slot_count = SLOTS,
                                              .slot_events_max = slot_events,
                                              .batch_age_ns = SECOND,
                                              .window_events = SFE_WINDOW_EVENTS,
                                              .clock = &world->clock,
                                              .entropy = &world->entropy};
    assert_int_equal(sfe_output_open(&output, world->arena, &world->output, &err), SFE_OK);
}

static inline void world_close(struct world *world)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        world->calls[i].is_open = false;
    }
    sfe_output_close(world->output);
    sfe_records_close(&world->target);
    sfe_org_close(world->org);
    sfe_arena_close(world->arena);
}

static inline void make_model(struct world *world, uint32_t n)
{
    static const char *const marks[] = {"", ",\"mark\":\"refused\"", "", ",\"mark\":\"others\"",
                                        ""};
    struct model *model = &world->models[n];
    uint32_t dice = (uint32_t)(draw(world) % 40u);
    int size;

    model->key = (uint32_t)(draw(world) % KEYS);
    model->line_count = happens(world, 300) ? 0 : (uint32_t)(draw(world) % LINES_MAX);
    model->fate = dice < 5 ? (enum fate)dice : FATE_DONE;
    if (model->fate == FATE_LINE_REFUSED && model->line_count == 0) {
        model->fate = FATE_DONE;
    }
    size = model->fate == FATE_UNMAPPED
               ? snprintf(model->payload, sizeof(model->payload), "{\"n\":%u,\"lines\":[", n)
               : snprintf(model->payload, sizeof(model->payload),
                          "{\"sale\":\"S%u\",\"n\":%u%s,\"lines\":[", model->key, n,
                          marks[model->fate]);
    for (uint32_t i = 0; i < model->line_count; i++) {
        bool is_bad = i == 0 && model->fate == FATE_LINE_REFUSED;
        size += snprintf(model->payload + size, sizeof(model->payload) - (size_t)size,
                         "%s{\"no\":%u%s}", i == 0 ? "" : ",", i,
                         is_bad ? ",\"mark\":\"refused\"" : "");
    }
    size += snprintf(model->payload + size, sizeof(model->payload) - (size_t)size, "]}");
    assert_true((size_t)size < sizeof(model->payload));
}

static inline struct world *world_make(uint64_t seed, bool lines_come_first)
{
    struct world *world = test_calloc(1, sizeof(*world));

    the_world = world;
    world->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    world->api = (enum sfe_records_api)(seed % 3u);
    world->http = (struct sfe_http){world, begin, NULL, cancel, NULL};
    world->clock = (struct sfe_clock){world, monotonic, wall, NULL};
    world->entropy = (struct sfe_entropy){world, fill};
    world->crypto = (struct sfe_crypto){
        .context = world, .key_open = key_open, .key_close = key_close, .sign_rs256 = sign};
    world->stream.name = "sales";
    world->dead.name = "dead";
    world->reader.stream = &world->stream;
    world->lines_come_first = lines_come_first;
    world->passes_on = (seed / 3u) % 2u == 1u;
    world->now_ns = 1000 * SECOND;
    for (uint32_t n = 1; n <= EVENTS; n++) {
        make_model(world, n);
    }
    world_open(world);
    return world;
}

#endif
