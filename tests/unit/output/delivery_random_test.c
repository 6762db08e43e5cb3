/* Whatever the org does, in whatever order: every event is settled once, by what the org has or by
 * a letter that is durable. */
#include "random_world.h"

#include "output/output_parts.h"

#define OK        "{\"id\":\"a0\",\"success\":true,\"errors\":[],\"created\":true}"
#define STEPS_MAX 100000u
#define SEEDS     6u
/* Turns in a row that ask for another at once. */
#define SPINS_MAX 100u

static void finish_call(struct call *call, const struct sfe_http_answer *answer)
{
    struct sfe_http_owner *owner = call->tag;

    call->is_open = false;
    owner->on_answer(owner, answer);
}

static struct sfe_http_answer answer_to(const struct call *call)
{
    struct sfe_http_answer answer = {.tag = call->tag, .retry_after_s = -1};

    (void)snprintf(answer.content_type, sizeof(answer.content_type), "application/json");
    return answer;
}

static void reply(struct call *call, uint16_t status, int64_t retry_after_s, const char *body)
{
    struct sfe_http_answer answer = answer_to(call);

    answer.status = status;
    answer.retry_after_s = retry_after_s;
    sfe_builder_add_text(call->answer_body, body);
    finish_call(call, &answer);
}

static void refuse(struct call *call, uint16_t status, int64_t retry_after_s, const char *code)
{
    char body[128];

    (void)snprintf(body, sizeof(body), "[{\"message\":\"no\",\"errorCode\":\"%s\"}]", code);
    reply(call, status, retry_after_s, body);
}

static void break_off(struct call *call, enum sfe_code code)
{
    struct sfe_http_answer answer = answer_to(call);

    answer.code = sfe_fail(&answer.err, code, "the answer did not come whole");
    answer.request_left = true;
    sfe_builder_add_text(call->answer_body, "[{\"success\":tr");
    finish_call(call, &answer);
}

static void apply(struct world *world, const struct record *record)
{
    struct model *model = &world->models[record->event];

    if (record->event > world->last_of_key[record->key]) {
        world->last_of_key[record->key] = record->event;
    }
    if (record->is_line) {
        assert_true(record->number < model->line_count);
        model->has_line[record->number] = true;
    } else {
        model->is_applied = true;
    }
}

/* What the org says of one record; NULL: it takes it. */
static const char *judge(struct world *world, const struct record *record, bool is_in_company)
{
    if (record->is_line && !world->lines_come_first && !world->models[record->event].is_applied) {
        return "INVALID_FIELD";
    }
    if (record->is_refused) {
        return "STRING_TOO_LONG";
    }
    if (goes_wrong(world, 60)) {
        return "UNABLE_TO_LOCK_ROW";
    }
    if (goes_wrong(world, 20)) {
        return "SERVER_UNAVAILABLE";
    }
    if (is_in_company && goes_wrong(world, 10)) {
        return "LIMIT_EXCEEDED";
    }
    return goes_wrong(world, 5) ? "STORAGE_LIMIT_EXCEEDED" : NULL;
}

static const char *message_of(const char *code)
{
    bool is_parent = code != NULL && strcmp(code, "INVALID_FIELD") == 0;

    return is_parent ? "Foreign key external ID: S not found for field SaleId__c" : "no";
}

/* Does what one Collections asks and writes the answer to it. False: one record refuses all. */
static bool execute_part(struct world *world, const char *part, const char *end, bool is_in_company,
                         struct sfe_builder *answer)
{
    struct record record;
    const char *at = part;

    while ((at = take_record_of(at, end, &record)) != NULL) {
        if (record.refuses_others) {
            return false;
        }
    }
    at = part;
    sfe_builder_add_text(answer, "[");
    while ((at = take_record_of(at, end, &record)) != NULL) {
        char text[240];
        const char *code = judge(world, &record, is_in_company);
        if (code == NULL) {
            apply(world, &record);
        }
        (void)snprintf(text, sizeof(text),
                       "{\"success\":false,\"errors\":[{\"statusCode\":\"%s\",\"message\":\"%s\","
                       "\"fields\":[]}]},",
                       code == NULL ? "" : code, message_of(code));
        sfe_builder_add_text(answer, code == NULL ? OK "," : text);
    }
    answer->bytes[answer->size - 1] = ']';
    return true;
}

static void execute_subrequest(struct world *world, const char *part, const char *end,
                               bool is_in_company, struct sfe_builder *answer)
{
    const char number = part[strlen("\"referenceId\":\"p")];
    uint32_t status = 200;

    sfe_builder_add_text(answer, "{\"body\":");
    if (goes_wrong(world, 30)) {
        status = 400;
        sfe_builder_add_text(answer, "[{\"errorCode\":\"PROCESSING_HALTED\",\"message\":\"no\"}]");
    } else if (!execute_part(world, part, end, is_in_company, answer)) {
        status = 400;
        sfe_builder_add_text(answer, "[{\"errorCode\":\"STRING_TOO_LONG\",\"message\":\"no\"}]");
    }
    sfe_builder_format(answer,
                       ",\"httpHeaders\":{},\"httpStatusCode\":%u,\"referenceId\":\"p%c\"},",
                       status, number);
}

/* Does what is asked and writes the answer to it. False: one record refuses all of them. */
static bool execute(struct world *world, const struct call *call, bool is_in_company,
                    struct sfe_builder *answer)
{
    const char *end = NULL;

    if (!is_composite(call)) {
        return execute_part(world, call->body, call->body + strlen(call->body), is_in_company,
                            answer);
    }
    sfe_builder_add_text(answer, "{\"compositeResponse\":[");
    for (const char *part = take_part(call->body, &end); part != NULL;
         part = take_part(end, &end)) {
        execute_subrequest(world, part, end, is_in_company, answer);
    }
    answer->bytes[answer->size - 1] = ']';
    sfe_builder_add_text(answer, "}");
    return true;
}

static bool is_of_several_events(const struct call *call)
{
    struct record record;
    uint64_t first = 0;
    const char *at = call->body;

    while ((at = take_record(at, &record)) != NULL) {
        if (first != 0 && record.event != first) {
            return true;
        }
        first = record.event;
    }
    return false;
}

/* The request is refused, or its answer lost; what it asks for is done or not. */
static void go_wrong(struct world *world, struct call *call, bool is_in_company)
{
    uint8_t memory[16384];
    struct sfe_builder ignored = sfe_builder_make(memory, sizeof(memory));
    uint32_t dice = (uint32_t)(draw(world) % 14u);

    if (happens(world, 500)) {
        (void)execute(world, call, is_in_company, &ignored);
    }
    if (!is_in_company && dice >= 10) {
        dice -= 10; /* What is refused for its company is dead when it has none. */
    }
    switch (dice) {
    case 0:
        world->token++;
        refuse(call, 401, -1, "INVALID_SESSION_ID");
        break;
    case 1:
        break_off(call, SFE_E_NETWORK);
        break;
    case 2:
        break_off(call, SFE_E_PROTOCOL);
        break;
    case 3:
        refuse(call, 503, happens(world, 500) ? 30 : -1, "SERVER_UNAVAILABLE");
        break;
    case 4:
        reply(call, 200, -1, "<html>maintenance</html>");
        break;
    case 5:
        reply(call, 503, -1, "<html>maintenance</html>");
        break;
    case 6:
        reply(call, 200, -1, "[" OK "," OK "," OK "," OK "," OK "," OK "," OK "," OK "," OK "]");
        break;
    case 7:
        reply(call, 200, -1, "[" OK ",{\"succ");
        break;
    case 8:
        refuse(call, 403, -1, "REQUEST_LIMIT_EXCEEDED");
        break;
    case 9:
        refuse(call, 403, -1, "API_DISABLED_FOR_ORG");
        break;
    case 10:
        break_off(call, SFE_E_TOO_LARGE);
        break;
    case 11:
        refuse(call, 400, -1, "OPERATION_TOO_LARGE");
        break;
    case 12:
        refuse(call, 400, -1, "NEVER_HEARD_OF_IT");
        break;
    default:
        refuse(call, 413, -1, "");
        break;
    }
}

static void log_in(struct world *world, struct call *call)
{
    char body[160];

    if (goes_wrong(world, 200)) {
        reply(call, 503, -1, "{}");
        return;
    }
    (void)snprintf(body, sizeof(body),
                   "{\"access_token\":\"token%u\",\"token_type\":\"Bearer\","
                   "\"instance_url\":\"https://acme.my.salesforce.com\"}",
                   world->token);
    reply(call, 200, -1, body);
}

static void answer_call(struct world *world, struct call *call)
{
    char expected[64];
    bool is_in_company = is_of_several_events(call);
    uint8_t memory[16384];
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory) - 1);

    (void)snprintf(expected, sizeof(expected), "Bearer token%u", world->token);
    if (call->is_login) {
        log_in(world, call);
    } else if (strcmp(call->authorization, expected) != 0) {
        refuse(call, 401, -1, "INVALID_SESSION_ID");
    } else if (goes_wrong(world, 250)) {
        go_wrong(world, call, is_in_company);
    } else if (!execute(world, call, is_in_company, &body)) {
        refuse(call, 400, -1, "STRING_TOO_LONG");
    } else {
        assert_false(body.overflowed);
        memory[body.size] = '\0';
        reply(call, 200, -1, (const char *)memory);
    }
}

static struct call *draw_call(struct world *world)
{
    uint32_t first = (uint32_t)(draw(world) % CALLS);

    for (uint32_t i = 0; i < CALLS; i++) {
        struct call *call = &world->calls[(first + i) % CALLS];
        if (call->is_open) {
            return call;
        }
    }
    return NULL;
}

static bool is_settled(const struct world *world, const struct model *model)
{
    if (world->passes_on && (model->answers == 0 || model->answer > world->answers.durable)) {
        return false;
    }
    if (model->fate != FATE_DONE) {
        return model->letters > 0 && model->letter <= world->dead.durable;
    }
    for (uint32_t i = 0; i < model->line_count; i++) {
        if (!model->has_line[i]) {
            return false;
        }
    }
    return model->is_applied;
}

static void check_settled(const struct world *world, uint64_t begin, uint64_t end)
{
    for (uint64_t n = begin; n < end; n++) {
        assert_true(is_settled(world, &world->models[n]));
    }
}

/* The cursor passes nothing that is not settled. */
static void check_cursor(struct world *world)
{
    struct sfe_cursor cursor;

    sfe_output_cursor(world->output, &cursor);
    assert_true(cursor.sequence >= 1 && cursor.sequence <= world->stream.durable + 1);
    check_settled(world, 1, cursor.sequence);
    for (uint32_t i = 0; i < cursor.range_count; i++) {
        check_settled(world, cursor.ranges[i].begin, cursor.ranges[i].end);
    }
    if (happens(world, 100)) {
        world->saved = cursor;
        world->has_saved = true;
    }
}

/* As the cloud thread does it. */
static void turn(struct world *world)
{
    uint64_t output_ns = sfe_output_turn(world->output, world->now_ns);
    uint64_t org_ns = sfe_org_turn(world->org, world->now_ns);

    world->wake_ns = output_ns < org_ns ? output_ns : org_ns;
    check_cursor(world);
}

/* One thing happens beside the output that wakes its thread. False: nothing could. */
static bool something_happens(struct world *world)
{
    struct call *call = happens(world, 700) ? draw_call(world) : NULL;

    if (call != NULL) {
        answer_call(world, call);
        return true;
    }
    if (world->stream.durable < EVENTS && (world->is_calm || happens(world, 300))) {
        uint64_t end = world->stream.durable + 1 + draw(world) % 12u;
        world->stream.durable = end < EVENTS ? end : EVENTS;
        return true;
    }
    if (world->dead.durable < world->dead.staged && (world->is_calm || happens(world, 300))) {
        world->dead.durable = world->dead.staged;
        return true;
    }
    if (world->answers.durable < world->answers.staged && (world->is_calm || happens(world, 300))) {
        world->answers.durable = world->answers.staged;
        return true;
    }
    call = draw_call(world);
    if (call != NULL && (world->is_calm || happens(world, 300))) {
        answer_call(world, call);
        return true;
    }
    return false;
}

static bool can_be_woken(const struct world *world)
{
    bool can = world->stream.durable < EVENTS || world->dead.durable < world->dead.staged ||
               world->answers.durable < world->answers.staged;

    for (uint32_t i = 0; i < CALLS; i++) {
        can = can || world->calls[i].is_open;
    }
    return can;
}

/* Killed, and started again from the cursor that was saved last. */
static void restart(struct world *world)
{
    if (happens(world, 500)) {
        sfe_output_stop(world->output);
        for (uint32_t i = 0; i < 50 && !sfe_output_is_quiet(world->output); i++) {
            (void)something_happens(world);
            turn(world);
        }
    }
    world_close(world);
    world->restarts++;
    for (uint32_t n = 1; n <= EVENTS; n++) {
        if (world->models[n].letter > world->dead.durable) {
            world->models[n].letter = world->dead.durable;
            world->models[n].letters--;
        }
        if (world->models[n].answer > world->answers.durable) {
            world->models[n].answer = world->answers.durable;
            world->models[n].answers--;
        }
    }
    world->answers.staged = world->answers.durable;
    world->dead.staged = world->dead.durable;
    memset(world->last_of_key, 0, sizeof(world->last_of_key));
    world_open(world);
}

static bool is_over(struct world *world)
{
    struct sfe_cursor cursor;

    sfe_output_cursor(world->output, &cursor);
    return cursor.sequence == EVENTS + 1;
}

static void run(struct world *world, uint32_t restarts_of_a_thousand)
{
    uint32_t spins = 0;

    turn(world);
    for (uint32_t step = 0; !is_over(world); step++) {
        assert_true(step < STEPS_MAX);
        world->is_calm = step > STEPS_MAX / 2;
        world->dead_is_full = !world->is_calm && (step / 200) % 5 == 1;
        world->answers_are_full = !world->is_calm && (step / 150) % 7 == 2;
        if (goes_wrong(world, restarts_of_a_thousand)) {
            restart(world);
            spins = 0;
        } else if (something_happens(world)) {
            spins = 0;
        } else if (world->wake_ns != UINT64_MAX) {
            spins = world->wake_ns <= world->now_ns ? spins + 1 : 0;
            assert_true(spins < SPINS_MAX);
            world->now_ns = world->wake_ns > world->now_ns ? world->wake_ns : world->now_ns;
        } else {
            assert_true(can_be_woken(world)); /* Otherwise it has stopped for ever. */
            continue;
        }
        turn(world);
    }
}

static void check_end(struct world *world)
{
    struct sfe_output_facts facts;
    uint64_t dead = 0;

    sfe_output_facts(world->output, &facts);
    check_settled(world, 1, EVENTS + 1);
    for (uint32_t n = 1; n <= EVENTS; n++) {
        const struct model *model = &world->models[n];
        dead += model->letters;
        if (world->restarts == 0) {
            assert_int_equal(model->letters, model->fate == FATE_DONE ? 0 : 1);
            assert_int_equal(model->answers, world->passes_on ? 1 : 0);
        }
    }
    if (world->restarts == 0) {
        assert_int_equal(facts.delivered + facts.dead, EVENTS);
        assert_int_equal(facts.dead, dead);
        assert_int_equal(facts.gaps, 0);
    }
    assert_int_equal(facts.backlog, 0);
    assert_true(sfe_output_is_quiet(world->output));
}

static void run_seeds(bool lines_come_first, uint32_t restarts_of_a_thousand)
{
    const char *wanted = getenv("SFE_SEED");
    uint64_t first = wanted == NULL ? 1 : strtoul(wanted, NULL, 10);
    uint64_t end = wanted == NULL ? first + SEEDS : first + 1;

    for (uint64_t seed = first; seed < end; seed++) {
        struct world *world = world_make(seed, lines_come_first);
        print_message("seed %u\n", (unsigned)seed);
        run(world, restarts_of_a_thousand);
        check_end(world);
        world_close(world);
        test_free(world);
    }
}

static void every_event_is_settled_once_whatever_the_org_answers(void **state)
{
    (void)state;
    run_seeds(false, 0);
}

static void events_whose_first_record_is_none_or_many_are_settled_once(void **state)
{
    (void)state;
    run_seeds(true, 0);
}

static void every_event_is_settled_whenever_the_agent_dies(void **state)
{
    (void)state;
    run_seeds(false, 5);
    run_seeds(true, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_settled_once_whatever_the_org_answers),
        cmocka_unit_test(events_whose_first_record_is_none_or_many_are_settled_once),
        cmocka_unit_test(every_event_is_settled_whenever_the_agent_dies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
