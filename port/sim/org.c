#include "sim/org_parts.h"

#include "base/assert.h"
#include "base/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX  200u
#define PARTS_MAX    5u
#define DELAY_NS_MAX 80000000u
#define SLOW_NS      UINT64_C(90000000000)
#define PIECE_MAX    2048u

static enum fate draw_fate(struct sim_org *org)
{
    if (org->is_away) {
        return FATE_UNREACHED;
    }
    return sim_random_chance(&org->random, org->trouble_permille)
               ? (enum fate)(1u + sim_random_below(&org->random, FATE_COUNT - 1u))
               : FATE_FINE;
}

static enum sfe_code begin(void *context, const struct sfe_http_request *request,
                           struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    struct sim_org *org = context;
    struct exchange *found = NULL;

    for (uint32_t i = 0; i < EXCHANGES_MAX && found == NULL; i++) {
        found = org->exchanges[i].is_used ? NULL : &org->exchanges[i];
    }
    if (found == NULL) {
        return sfe_fail(err, SFE_E_NETWORK, "too many exchanges");
    }
    uint8_t *body =
        malloc((request->upload == NULL ? request->body.size : (size_t)request->upload->size) + 1u);
    SFE_ASSERT(body != NULL);
    if (request->body.size > 0) {
        memcpy(body, request->body.bytes, request->body.size);
    }
    *found = (struct exchange){
        .is_used = true,
        .is_login = strstr(request->url, "/services/oauth2/") != NULL,
        .fate = draw_fate(org),
        .answer_body = request->answer_body,
        .cookies = request->cookies,
        .sink = request->sink,
        .upload = request->upload,
        .tag = request->tag,
        .body = body,
        .body_size = request->body.size,
    };
    (void)snprintf(found->method, sizeof(found->method), "%s", request->method);
    (void)snprintf(found->url, sizeof(found->url), "%s", request->url);
    found->due_ns =
        org->options.world->now_ns +
        (found->fate == FATE_SLOW ? SLOW_NS : sim_random_below(&org->random, DELAY_NS_MAX));
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sfe_http_header *header = &request->headers[i];
        if (strcmp(header->name, "Authorization") == 0) {
            sfe_printable(found->token, sizeof(found->token), header->value);
        } else if (strcmp(header->name, "Cookie") == 0) {
            sfe_printable(found->cookie, sizeof(found->cookie), header->value);
        }
    }
    org->requests++;
    *exchange = (struct sfe_http_exchange *)found;
    return SFE_OK;
}

uint32_t org_whole_number(struct sfe_slice text)
{
    uint32_t number = 0;

    for (size_t i = 0; i < text.size; i++) {
        SFE_ASSERT(text.bytes[i] >= '0' && text.bytes[i] <= '9');
        number = number * 10u + (uint32_t)(text.bytes[i] - '0');
    }
    return number;
}

uint32_t org_number_of(struct sfe_slice external_id)
{
    size_t at = 0;

    while (at < external_id.size && external_id.bytes[at] != '-') {
        at++;
    }
    const uint32_t number = org_whole_number(sfe_slice_part(external_id, at + 1, external_id.size));
    SFE_ASSERT(number < SIM_ORG_ROWS_MAX);
    return number;
}

static void add_result(struct sfe_json_writer *json, const char *code)
{
    sfe_json_begin_object(json, NULL);
    sfe_json_put_bool(json, "success", code == NULL);
    sfe_json_begin_array(json, "errors");
    if (code != NULL) {
        sfe_json_begin_object(json, NULL);
        sfe_json_put_text(json, "statusCode", sfe_slice_text(code));
        sfe_json_put_text(json, "message", SFE_TEXT("simulated"));
        sfe_json_begin_array(json, "fields");
        sfe_json_end_array(json);
        sfe_json_end_object(json);
    }
    sfe_json_end_array(json);
    sfe_json_end_object(json);
}

const char *org_upsert(struct sim_org *org, bool may_lock, uint32_t number, uint32_t value)
{
    const struct sim_org_options *options = &org->options;

    if (may_lock && sim_random_chance(&org->random, 300)) {
        return "UNABLE_TO_LOCK_ROW";
    }
    if (options->refuses(options->owner, number, value)) {
        return "FIELD_CUSTOM_VALIDATION_EXCEPTION";
    }
    options->applied(options->owner, number, value, !org->has_row[number]);
    org->has_row[number] = true;
    org->values[number] = value;
    return NULL;
}

static void upsert_one(struct sim_org *org, const struct exchange *exchange,
                       const struct sfe_json *request, uint32_t record,
                       struct sfe_json_writer *json)
{
    const char *field = org->options.value;
    const uint32_t id = sfe_json_member(request, record, sfe_slice_text(org->options.external_id));
    uint32_t value = 0;

    SFE_ASSERT(id != SFE_JSON_NONE);
    const uint32_t number = org_number_of(sfe_json_raw(request, id));
    if (field != NULL) {
        const uint32_t token = sfe_json_member(request, record, sfe_slice_text(field));
        SFE_ASSERT(token != SFE_JSON_NONE);
        value = org_whole_number(sfe_json_raw(request, token));
    } else {
        value = number;
    }
    add_result(json, org_upsert(org, exchange->fate == FATE_LOCKED, number, value));
}

/* One Collections: the value `collection` of the request. */
static void upsert_all(struct sim_org *org, const struct exchange *exchange,
                       const struct sfe_json *request, uint32_t collection,
                       struct sfe_json_writer *json)
{
    const uint32_t records = sfe_json_member(request, collection, SFE_TEXT("records"));

    SFE_ASSERT(records != SFE_JSON_NONE);
    SFE_ASSERT(sfe_json_length(request, records) <= RECORDS_MAX);
    for (uint32_t at = sfe_json_first(request, records); at != SFE_JSON_NONE;
         at = sfe_json_next(request, records, at)) {
        upsert_one(org, exchange, request, at, json);
    }
}

static void add_halted(struct sfe_json_writer *json)
{
    sfe_json_begin_object(json, NULL);
    sfe_json_put_text(json, "errorCode", SFE_TEXT("PROCESSING_HALTED"));
    sfe_json_put_text(json, "message", SFE_TEXT("simulated"));
    sfe_json_end_object(json);
}

/* One subrequest of a Composite. */
static void run_part(struct sim_org *org, const struct exchange *exchange,
                     const struct sfe_json *request, uint32_t part, struct sfe_json_writer *json)
{
    const uint32_t reference = sfe_json_member(request, part, SFE_TEXT("referenceId"));
    const uint32_t body = sfe_json_member(request, part, SFE_TEXT("body"));
    const bool is_halted = exchange->fate == FATE_HALTED && sim_random_chance(&org->random, 500);

    SFE_ASSERT(reference != SFE_JSON_NONE && body != SFE_JSON_NONE);
    sfe_json_begin_object(json, NULL);
    sfe_json_begin_array(json, "body");
    if (is_halted) {
        add_halted(json);
    } else {
        upsert_all(org, exchange, request, body, json);
    }
    sfe_json_end_array(json);
    sfe_json_put_i64(json, "httpStatusCode", is_halted ? 400 : 200);
    sfe_json_put_text(json, "referenceId", sfe_json_raw(request, reference));
    sfe_json_end_object(json);
}

/* Does what the request asks, whether the answer arrives or not. */
static void upsert(struct sim_org *org, const struct exchange *exchange, struct sfe_builder *out)
{
    struct sfe_json_writer json = sfe_json_writer_make(out);
    struct sfe_json request;
    struct sfe_error err;

    const enum sfe_code code = sfe_json_parse(sfe_slice_make(exchange->body, exchange->body_size),
                                              0, org->tokens, TOKENS_MAX, &request, &err);
    SFE_ASSERT(code == SFE_OK);
    const uint32_t parts = sfe_json_member(&request, 0, SFE_TEXT("compositeRequest"));
    if (parts == SFE_JSON_NONE) {
        sfe_json_begin_array(&json, NULL);
        upsert_all(org, exchange, &request, 0, &json);
        sfe_json_end_array(&json);
    } else {
        SFE_ASSERT(sfe_json_length(&request, parts) <= PARTS_MAX);
        sfe_json_begin_object(&json, NULL);
        sfe_json_begin_array(&json, "compositeResponse");
        for (uint32_t part = sfe_json_first(&request, parts); part != SFE_JSON_NONE;
             part = sfe_json_next(&request, parts, part)) {
            run_part(org, exchange, &request, part, &json);
        }
        sfe_json_end_array(&json);
        sfe_json_end_object(&json);
    }
    SFE_ASSERT(!out->overflowed);
}

static void add_token(struct sim_org *org, struct sfe_builder *out)
{
    org->token_number++;
    sfe_builder_format(out,
                       "{\"access_token\":\"T%u\",\"instance_url\":\"https://login.invalid\","
                       "\"token_type\":\"Bearer\"}",
                       (unsigned)org->token_number);
}

bool org_has_session(const struct sim_org *org, const struct exchange *exchange)
{
    char memory[32] = {0};
    struct sfe_builder expected = sfe_builder_make(memory, sizeof(memory) - 1u);

    sfe_builder_format(&expected, "Bearer T%u", (unsigned)org->token_number);
    return strcmp(memory, exchange->token) == 0;
}

/* Status and body of the answer, as it leaves the org. */
static uint16_t act(struct sim_org *org, struct exchange *exchange, struct sfe_builder *out,
                    char locator[64])
{
    if (exchange->fate == FATE_SERVER) {
        sfe_builder_add_text(out, "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"busy\"}]");
        return 503;
    }
    if (exchange->is_login) {
        add_token(org, out);
        return 200;
    }
    if (org_events_is(exchange)) {
        org_events_act(org, exchange, out);
        return 200;
    }
    if (exchange->fate == FATE_SESSION || !org_has_session(org, exchange)) {
        org->token_number++;
        sfe_builder_add_text(out, "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"over\"}]");
        return 401;
    }
    if (strstr(exchange->url, "/limits") != NULL) {
        sfe_builder_add_text(out, "{\"DailyApiRequests\":{\"Max\":15000,\"Remaining\":14000}}");
        return 200;
    }
    if (strstr(exchange->url, "/jobs/ingest") != NULL) {
        return org_bulk_act(org, exchange, out, locator);
    }
    SFE_ASSERT(strstr(exchange->url, "/composite") != NULL);
    upsert(org, exchange, out);
    return 200;
}

static bool arrives(enum fate fate)
{
    return fate != FATE_UNREACHED && fate != FATE_LOST_BEFORE;
}

/* What arrives of the answer's body: into the sink piece by piece, or where it is asked for. */
static void give_body(const struct exchange *exchange, struct sfe_http_answer *answer,
                      struct sfe_slice body)
{
    if (exchange->sink == NULL || answer->status < 200 || answer->status > 299) {
        sfe_builder_add(exchange->answer_body, body);
        return;
    }
    for (size_t at = 0; at < body.size && answer->code == SFE_OK; at += PIECE_MAX) {
        const struct sfe_slice piece = sfe_slice_part(body, at, PIECE_MAX);
        if (exchange->sink->take(exchange->sink->context, piece) != SFE_OK) {
            answer->code = sfe_fail(&answer->err, SFE_E_PROTOCOL, "the answer is refused");
        }
    }
}

static void finish(struct sim_org *org, struct exchange *exchange, sfe_http_visit visit,
                   void *visitor)
{
    struct sfe_builder out = sfe_builder_make(org->answer, sizeof(org->answer));
    struct sfe_http_answer answer = {
        .tag = exchange->tag,
        .request_left = exchange->fate != FATE_UNREACHED,
        .retry_after_s = -1,
        .date_unix_s = 1764000000 + (int64_t)(org->options.world->now_ns / 1000000000u),
        .content_type = "application/json",
    };
    const enum fate fate = exchange->fate;

    if (arrives(fate) && !exchange->has_broken) {
        answer.status = act(org, exchange, &out, answer.locator);
        answer.received_bytes = out.size;
    }
    give_body(
        exchange, &answer,
        sfe_slice_part(sfe_builder_slice(&out), 0, fate == FATE_CUT ? out.size / 2u : out.size));
    if (fate == FATE_UNREACHED || fate == FATE_LOST_BEFORE || fate == FATE_LOST_AFTER ||
        fate == FATE_CUT || exchange->has_broken) {
        answer.code = sfe_fail(&answer.err, SFE_E_NETWORK, "the connection broke");
        answer.date_unix_s = 0;
        answer.status = 0;
    } else if (fate == FATE_SLOW) {
        answer.code = sfe_fail(&answer.err, SFE_E_TIMEOUT, "no answer in time");
        answer.date_unix_s = 0;
        answer.status = 0;
    }
    free(exchange->body);
    exchange->is_used = false;
    visit(visitor, &answer);
}

/* One more piece; the upload is borrowed no longer than it takes to read it. */
static void read_upload(struct sim_org *org, struct exchange *exchange)
{
    const size_t left = (size_t)exchange->upload->size - exchange->body_size;
    size_t got = 0;

    if (left > 0) {
        const size_t most = 1u + sim_random_below(&org->random, PIECE_MAX);
        const enum sfe_code code =
            exchange->upload->read(exchange->upload->context, exchange->body + exchange->body_size,
                                   left < most ? left : most, &got);
        exchange->has_broken = code != SFE_OK;
        exchange->body_size += code == SFE_OK ? got : 0;
    }
    if (exchange->has_broken || exchange->body_size == exchange->upload->size) {
        exchange->upload = NULL;
    }
}

static enum sfe_code poll_org(void *context, uint64_t until_ns, sfe_http_visit visit, void *visitor,
                              struct sfe_error *err)
{
    struct sim_org *org = context;
    const uint32_t first = sim_random_below(&org->random, EXCHANGES_MAX);

    (void)until_ns;
    (void)err;
    org_bulk_advance(org);
    for (uint32_t n = 0; n < EXCHANGES_MAX; n++) {
        struct exchange *exchange = &org->exchanges[(first + n) % EXCHANGES_MAX];
        if (exchange->is_used && exchange->upload != NULL) {
            read_upload(org, exchange);
        } else if (exchange->is_used && exchange->due_ns <= org->options.world->now_ns &&
                   !org_events_holds(org, exchange)) {
            finish(org, exchange, visit, visitor);
        }
    }
    return SFE_OK;
}

/* The agent no longer listens. What had left may be done even so. */
static void abandon(struct sim_org *org, struct exchange *exchange)
{
    struct sfe_builder out = sfe_builder_make(org->answer, sizeof(org->answer));
    char locator[64];

    if (arrives(exchange->fate) && exchange->upload == NULL && !exchange->has_broken &&
        sim_random_chance(&org->random, 500)) {
        (void)act(org, exchange, &out, locator);
    }
    free(exchange->body);
    exchange->is_used = false;
}

static void cancel(void *context, struct sfe_http_exchange *exchange)
{
    SFE_ASSERT(((const struct exchange *)exchange)->is_used);
    abandon(context, (struct exchange *)exchange);
}

static void wake(void *context)
{
    (void)context;
}

void sim_org_forget(struct sim_org *org)
{
    for (uint32_t i = 0; i < EXCHANGES_MAX; i++) {
        if (org->exchanges[i].is_used) {
            abandon(org, &org->exchanges[i]);
        }
    }
    org->life++;
}

void sim_org_port(struct sim_org *org, struct sfe_http *http)
{
    *http = (struct sfe_http){org, begin, poll_org, cancel, wake};
}

struct sim_org *sim_org_open(const struct sim_org_options *options)
{
    struct sim_org *org = calloc(1, sizeof(*org));

    SFE_ASSERT(org != NULL);
    org->tokens = calloc(TOKENS_MAX, sizeof(*org->tokens));
    SFE_ASSERT(org->tokens != NULL);
    org->options = *options;
    org->random = sim_random_make(options->world->seed, 5);
    return org;
}

void sim_org_close(struct sim_org *org)
{
    if (org != NULL) {
        sim_org_forget(org);
        org_bulk_close(org);
        org_events_close(org);
        free(org->tokens);
        free(org);
    }
}

void sim_org_trouble(struct sim_org *org, uint32_t permille)
{
    org->trouble_permille = permille;
}

void sim_org_away(struct sim_org *org, bool is_away)
{
    if (is_away && !org->is_away) {
        org_events_break(org);
    }
    org->is_away = is_away;
}

bool sim_org_has(const struct sim_org *org, uint32_t number)
{
    return org->has_row[number];
}

uint32_t sim_org_value(const struct sim_org *org, uint32_t number)
{
    return org->values[number];
}

bool sim_org_is_old_work(const struct sim_org *org)
{
    return org->is_old_work;
}

uint64_t sim_org_jobs(const struct sim_org *org)
{
    return org->jobs_processed;
}

uint64_t sim_org_requests(const struct sim_org *org)
{
    return org->requests;
}

uint64_t sim_org_due_ns(const struct sim_org *org)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < EXCHANGES_MAX; i++) {
        if (org->exchanges[i].is_used && org->exchanges[i].due_ns < due_ns) {
            due_ns = org->exchanges[i].due_ns;
        }
    }
    return due_ns;
}
