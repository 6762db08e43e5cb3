/* The whole agent, its three turns, between a simulated broker and a simulated org: what the broker
 * was told is safe reaches the org once in effect and in the order of its key, or the dead letters
 * with a reason; whatever breaks, whenever the power goes. */
#include "agent_states.h"
#include "base/arena.h"
#include "config/load.h"
#include "run/parts.h"
#include "sim/mqtt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BROKER_PORT        1883u
#define KEYS               4u
#define TURNS              5u
#define REST_TURNS         60000u
#define LOOK_TURNS         25u
#define LOOK_SKIP_PERMILLE 700u
#define CONFIG_ARENA       (4u << 20)
#define STREAMS            4u

/* `streams` and `output`: what one scenario has beside the others. */
#define CONFIG(streams, output)                                                                    \
    "{\"agent\":{\"id\":\"sim\",\"state\":\"/state\",\"event_max\":\"4KiB\"},"                     \
    "\"connections\":{"                                                                            \
    "\"site\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:1883\",\"receive_maximum\":20},"       \
    "\"crm\":{\"type\":\"salesforce\",\"login_url\":\"https://login.invalid\","                    \
    "\"api_version\":\"v62.0\",\"compress\":false,"                                                \
    "\"auth\":{\"client_id\":\"c\",\"username\":\"u\",\"key_file\":\"k\"}}},"                      \
    "\"streams\":{\"sales\":{\"quota\":\"256KiB\",\"segment\":\"64KiB\"},"                         \
    "\"dead\":{\"quota\":\"1MiB\",\"segment\":\"64KiB\"}" streams "},"                             \
    "\"inputs\":{\"tills\":{\"type\":\"mqtt\",\"connection\":\"site\",\"topic\":\"pos/+\","        \
    "\"stream\":\"sales\"}},"                                                                      \
    "\"outputs\":{\"sales\":{\"type\":\"salesforce-records\",\"connection\":\"crm\","              \
    "\"from\":\"sales\",\"order_by\":\"{/key}\",\"batch_age\":\"20ms\",\"batch_records\":20,"      \
    "\"requests_in_flight\":3," output "\"records\":[{\"object\":\"Sale__c\","                     \
    "\"external_id\":\"Id__c\",\"map\":{\"Id__c\":\"{/id}\",\"Key__c\":\"{/key}\"}}]}}}"

static const char plain_config[] = CONFIG("", "");
/* Nobody reads the answers, so that all of them can be counted. */
static const char answers_config[] =
    CONFIG(",\"invoiced\":{\"quota\":\"8MiB\",\"segment\":\"64KiB\"},"
           "\"refused\":{\"quota\":\"8MiB\",\"segment\":\"64KiB\"}",
           "\"on_done\":\"invoiced\",\"on_dead\":\"refused\",");

struct trouble {
    uint32_t crash_permille; /* A turn ends in one: power or process. */
    uint32_t org_permille;
    uint32_t away_permille;    /* The org goes, or comes back. */
    uint32_t break_permille;   /* The broker's connection breaks. */
    uint32_t storage_permille; /* Calls to the medium fail. */
    uint64_t capacity;         /* Of the medium; 0: endless. */
    bool passes_on;            /* Answers. */
};

struct site {
    struct sim_run *run;
    struct sim_world world;
    struct sim_random random;
    struct agent_states states;
    const struct trouble *trouble;
    bool passes_on;
    struct sim_storage *storage;
    struct sim_net *net;
    struct sim_mqtt *mqtt;
    struct sim_broker *broker;
    struct sim_org *org;
    bool is_away;
    bool has_bad_flash;
    struct sfe_platform platform;
    struct sfe_arena *arena; /* NULL: the agent is not running. */
    struct sfe_setup setup;
    struct sfe_agent *agent;
    uint64_t durable[STREAMS];
    uint64_t cursor;
    struct sim_turn turns[TURNS];
    bool is_dead[SIM_BROKER_MESSAGES_MAX];
};

/* Some the org will not take; some are no JSON. */
static bool is_refused(uint32_t number)
{
    return number % 37u == 5u;
}

static bool is_malformed(uint32_t number)
{
    return number % 41u == 7u;
}

static bool must_die(uint32_t number)
{
    return is_refused(number) || is_malformed(number);
}

static bool refuses(void *owner, uint32_t number)
{
    (void)owner;
    return is_refused(number);
}

static void content(void *owner, uint32_t number, struct sfe_builder *topic,
                    struct sfe_builder *payload)
{
    struct sim_random random = sim_random_make(number, 11);
    const uint32_t padding = sim_random_below(&random, 600);

    (void)owner;
    sfe_builder_format(topic, "pos/%u", (unsigned)(number % KEYS));
    sfe_builder_format(payload, "{\"id\":\"E-%u\",\"key\":\"k%u\",\"pad\":\"", (unsigned)number,
                       (unsigned)(number % KEYS));
    for (uint32_t i = 0; i < padding; i++) {
        sfe_builder_add_byte(payload, (uint8_t)('a' + i % 26u));
    }
    sfe_builder_add_text(payload, is_malformed(number) ? "\"" : "\"}");
}

/* The first effect of each event comes after that of all before it of its key. */
static void applied(void *owner, uint32_t number, bool is_new)
{
    const struct site *site = owner;
    uint32_t before = number;

    SIM_CHECK(site->run, number < sim_broker_published(site->broker),
              "the org got an event %u "
              "that no device sent",
              (unsigned)number);
    do {
        before = before >= KEYS ? before - KEYS : UINT32_MAX;
    } while (before != UINT32_MAX && must_die(before));
    SIM_CHECK(site->run, !is_new || before == UINT32_MAX || sim_org_has(site->org, before),
              "event %u overtakes event %u of the same key", (unsigned)number, (unsigned)before);
}

static void on_answer(void *visitor, const struct sfe_http_answer *answer)
{
    struct sfe_http_owner *owner = answer->tag;

    (void)visitor;
    owner->on_answer(owner, answer);
}

static uint64_t edge(void *owner, uint64_t now_ns)
{
    struct site *site = owner;
    struct sfe_error err;

    if (site->agent == NULL) {
        return UINT64_MAX;
    }
    (void)!site->platform.poller.wait(site->platform.poller.context, 0, &err);
    return sfe_agent_edge_turn(site->agent, now_ns);
}

static uint64_t flash(void *owner, uint64_t now_ns)
{
    struct site *site = owner;

    return site->agent == NULL ? UINT64_MAX : sfe_agent_flash_turn(site->agent, now_ns);
}

static uint64_t cloud(void *owner, uint64_t now_ns)
{
    struct site *site = owner;
    struct sfe_error err;

    if (site->agent == NULL) {
        return UINT64_MAX;
    }
    const uint64_t due_ns = sfe_agent_cloud_turn(site->agent, now_ns);
    (void)!site->platform.http.poll(site->platform.http.context, 0, on_answer, NULL, &err);
    const uint64_t answer_ns = sim_org_due_ns(site->org);
    return due_ns < answer_ns ? due_ns : answer_ns;
}

static uint64_t broker(void *owner, uint64_t now_ns)
{
    (void)now_ns;
    sim_broker_turn(((struct site *)owner)->broker);
    return UINT64_MAX;
}

static uint64_t client(void *owner, uint64_t now_ns)
{
    (void)now_ns;
    sim_mqtt_turn(((struct site *)owner)->mqtt);
    return UINT64_MAX;
}

static void report(void *reader, const struct sfe_error *mistake)
{
    sim_fail(reader, "the configuration is wrong: %s: %s", mistake->pointer, mistake->message);
}

static void stop(struct site *site)
{
    if (site->net == NULL) {
        return;
    }
    sfe_agent_close(site->agent);
    site->agent = NULL;
    sim_org_forget(site->org);
    sfe_arena_close(site->arena);
    site->arena = NULL;
    sim_mqtt_close(site->mqtt);
    sim_broker_detach(site->broker);
    sim_net_close(site->net);
    site->mqtt = NULL;
    site->net = NULL;
}

static bool start(struct site *site)
{
    const struct config_source source = {
        "sfedge.json", sfe_slice_text(site->passes_on ? answers_config : plain_config)};
    struct sfe_error err;

    site->setup = (struct sfe_setup){.holders = 1};
    site->net = sim_net_open(&site->world);
    site->mqtt = sim_mqtt_open(&site->world, site->net);
    sim_broker_attach(site->broker, site->net, BROKER_PORT);
    sim_clock(&site->world, &site->platform.clock);
    sim_entropy(&site->world, &site->platform.entropy);
    sim_crypto(&site->world, &site->platform.crypto);
    sim_storage_port(site->storage, &site->platform.storage);
    sim_net_poller(site->net, &site->platform.poller);
    sim_mqtt_port(site->mqtt, &site->platform.mqtt);
    sim_org_port(site->org, &site->platform.http);
    enum sfe_code code = sfe_arena_open(48u << 20, &site->arena, &err);
    if (code == SFE_OK) {
        code = config_load_text(&source, site->arena, report, site->run, &site->setup.config, &err);
    }
    if (code == SFE_OK) {
        code = sfe_compile(site->setup.config, site->arena, report, site->run,
                           &site->setup.compiled, &err);
    }
    SIM_CHECK(site->run, code == SFE_OK, "cannot prepare the agent: %s", err.message);
    const struct sfe_agent_options options = {
        .setup = &site->setup,
        .platform = &site->platform,
    };
    code = sfe_agent_open(&options, &site->agent, &err);
    if (code != SFE_OK) {
        SIM_CHECK(site->run, sim_storage_is_off(site->storage) || site->trouble->storage_permille,
                  "the agent does not open: %s", err.message);
        stop(site);
        return false;
    }
    memset(site->durable, 0, sizeof(site->durable));
    site->cursor = 0;
    return true;
}

static void watch(struct site *site)
{
    site->states.storage = site->storage;
    agent_states_watch(&site->states);
}

/* The machine or only the process ends here, and starts anew. Recovery may meet the next end. */
static void crash(struct site *site)
{
    const struct sim_storage_faults faults = *sim_storage_faults(site->storage);
    bool is_up = false;

    while (!is_up) {
        const bool is_kill = sim_random_chance(&site->random, 200);
        const struct sim_cut cut = {.kind = is_kill ? SIM_CUT_KILL : SIM_CUT_DRAWN};
        sim_storage_cut(site->storage, 0);
        stop(site);
        struct sim_storage *left =
            sim_storage_after(site->storage, cut, sim_random_next(&site->random));
        sim_storage_close(site->storage);
        site->storage = left;
        watch(site);
        if (!is_kill) {
            sim_world_boot(&site->world);
        }
        site->run->crash_states++;
        if (sim_random_chance(&site->random, 300)) {
            sim_storage_cut(left, 1u + sim_random_below(&site->random, 12));
        }
        is_up = start(site);
    }
    *sim_storage_faults(site->storage) = faults;
}

static void look(struct site *site)
{
    const struct sfe_agent *agent = site->agent;
    /* A failure may cost the place of what is being written and of what was staged meanwhile. */
    const uint32_t spare = site->has_bad_flash ? 2u : 1u;
    struct sfe_cursor cursor;

    if (agent == NULL) {
        return;
    }
    for (uint32_t i = 0; i < agent->set.stream_count && i < STREAMS; i++) {
        struct sfe_stream_facts facts;
        const uint64_t durable = sfe_stream_durable(agent->set.streams[i].stream);
        sfe_stream_facts(agent->set.streams[i].stream, &facts);
        SIM_CHECK(site->run, durable >= site->durable[i], "a durable sequence goes back");
        SIM_CHECK(site->run,
                  facts.flash_bytes <= agent->set.config->streams[i].quota_bytes +
                                           spare * agent->set.config->streams[i].segment_bytes,
                  "a stream is over its quota");
        site->durable[i] = durable;
    }
    sfe_output_cursor(agent->set.outputs[0].output, &cursor);
    SIM_CHECK(site->run, cursor.sequence >= site->cursor, "the cursor goes back");
    site->cursor = cursor.sequence;
    SIM_CHECK(site->run, sim_broker_complaint(site->broker) == NULL, "the broker complains: %s",
              sim_broker_complaint(site->broker));
    SIM_CHECK(site->run, sim_storage_rewrites(site->storage) == 0,
              "a page that was durable was written again");
}

static void set_trouble(struct site *site, bool is_quiet)
{
    struct sim_storage_faults *faults = sim_storage_faults(site->storage);
    static const enum sim_fault kinds[] = {SIM_FAULT_EIO, SIM_FAULT_NO_SPACE, SIM_FAULT_READ_ONLY,
                                           SIM_FAULT_SHORT};

    *faults = (struct sim_storage_faults){0};
    sim_org_trouble(site->org, is_quiet ? 0 : site->trouble->org_permille);
    sim_broker_break(site->broker, is_quiet ? 0 : site->trouble->break_permille);
    if (is_quiet) {
        site->is_away = false;
    } else {
        faults->kind = kinds[sim_random_below(&site->random, 4)];
        faults->permille =
            sim_random_chance(&site->random, 300) ? site->trouble->storage_permille : 0;
        faults->capacity = site->trouble->capacity;
    }
    sim_org_away(site->org, site->is_away);
}

static void turn(struct site *site)
{
    const struct trouble *trouble = site->trouble;

    if (sim_random_chance(&site->random, trouble->crash_permille)) {
        sim_storage_cut(site->storage, 1u + sim_random_below(&site->random, 30));
    }
    if (sim_random_chance(&site->random, trouble->away_permille)) {
        site->is_away = !site->is_away;
        sim_org_away(site->org, site->is_away);
    }
    if (sim_random_chance(&site->random, 20)) {
        sim_world_set_clock(&site->world);
    }
    sim_world_turn(&site->world, site->turns, TURNS);
    look(site);
    if (sim_storage_is_off(site->storage)) {
        crash(site);
    }
}

/* Reads the dead letters: each is of an event that had to die, and says why. */
static void read_dead(struct site *site)
{
    struct sfe_stream *dead = site->agent->set.streams[site->agent->set.config->dead_stream].stream;
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns;

    SIM_CHECK(site->run, sfe_stream_reader_open(dead, site->arena, &reader, &err) == SFE_OK,
              "no memory for a reader");
    while (sfe_stream_reader_next(reader, &event, &time_ns, NULL, &err) == SFE_OK) {
        char text[64];
        unsigned number = 0;
        sfe_printable(text, sizeof(text), sfe_slice_part(event.payload, 0, 32));
        const bool is_ours = sscanf(text, "{\"id\":\"E-%u\"", &number) == 1;
        SIM_CHECK(site->run, is_ours && number < sim_broker_published(site->broker),
                  "a dead letter of an event that no device sent: %s", text);
        SIM_CHECK(site->run, must_die(number), "event %u is a dead letter: %.*s", number,
                  (int)event.annotation.size, (const char *)event.annotation.bytes);
        SIM_CHECK(site->run,
                  event.annotation.size > 12 &&
                      memcmp(event.annotation.bytes, "{\"reason\":\"", 11) == 0,
                  "a dead letter without a reason");
        site->is_dead[number] = true;
    }
    sfe_stream_reader_close(reader);
}

/* Each event has one answer, however often it was written. */
static void read_answers(struct site *site, uint32_t index)
{
    static struct sfe_hash128 identities[SIM_BROKER_MESSAGES_MAX];
    struct sfe_stream *stream = site->agent->set.streams[index].stream;
    const bool is_refused_stream = strcmp(sfe_stream_name(stream), "refused") == 0;
    struct sfe_stream_reader *reader = NULL;
    bool *is_answered = calloc(SIM_BROKER_MESSAGES_MAX, sizeof(bool));
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns;

    if (is_answered == NULL) {
        abort();
    }
    SIM_CHECK(site->run, sfe_stream_reader_open(stream, site->arena, &reader, &err) == SFE_OK,
              "no memory for a reader");
    while (sfe_stream_reader_next(reader, &event, &time_ns, NULL, &err) == SFE_OK) {
        const uint32_t number = agent_states_answered(&event);
        SIM_CHECK(site->run, number < sim_broker_published(site->broker), "an answer to no event");
        SIM_CHECK(site->run,
                  !is_answered[number] ||
                      memcmp(&identities[number], &event.identity, sizeof(event.identity)) == 0,
                  "event %u has two answers", (unsigned)number);
        is_answered[number] = true;
        identities[number] = event.identity;
    }
    for (uint32_t i = 0; i < sim_broker_published(site->broker); i++) {
        SIM_CHECK(site->run, is_answered[i] == (must_die(i) == is_refused_stream),
                  "event %u is %s in %s", (unsigned)i, is_answered[i] ? "answered" : "not answered",
                  sfe_stream_name(stream));
    }
    sfe_stream_reader_close(reader);
    free(is_answered);
}

static bool is_at_rest(const struct site *site)
{
    const uint32_t published = sim_broker_published(site->broker);

    if (site->agent == NULL || sim_broker_acknowledged(site->broker) < published) {
        return false;
    }
    struct sfe_output_facts facts;
    sfe_output_facts(site->agent->set.outputs[0].output, &facts);
    return facts.backlog == 0;
}

/* Nothing fails any more: everything comes to rest, and the books agree. */
static void settle_and_audit(struct site *site)
{
    static const struct trouble none = {0};
    uint32_t turns = 0;

    site->trouble = &none;
    set_trouble(site, true);
    while (!is_at_rest(site)) {
        SIM_CHECK(site->run, ++turns < REST_TURNS,
                  "does not come to rest: %u of %u messages acknowledged, cursor %llu of %llu",
                  (unsigned)sim_broker_acknowledged(site->broker),
                  (unsigned)sim_broker_published(site->broker), (unsigned long long)site->cursor,
                  (unsigned long long)site->durable[0]);
        turn(site);
    }
    read_dead(site);
    if (site->passes_on) {
        read_answers(site, 2);
        read_answers(site, 3);
    }
    for (uint32_t i = 0; i < sim_broker_published(site->broker); i++) {
        SIM_CHECK(site->run,
                  sim_org_has(site->org, i) != must_die(i) && site->is_dead[i] == must_die(i),
                  "event %u was acknowledged and is %s", (unsigned)i,
                  must_die(i) ? "no dead letter" : "not in the org");
    }
}

static void play(struct sim_run *run, const struct trouble *trouble)
{
    struct site *site = calloc(1, sizeof(*site));
    struct sim_turn turns[TURNS] = {{site, edge, 0},
                                    {site, flash, 0},
                                    {site, cloud, 0},
                                    {site, broker, UINT64_MAX},
                                    {site, client, UINT64_MAX}};

    if (site == NULL) {
        abort();
    }
    site->run = run;
    site->trouble = trouble;
    site->passes_on = trouble->passes_on;
    site->has_bad_flash = trouble->storage_permille != 0;
    memcpy(site->turns, turns, sizeof(turns));
    sim_world_begin(&site->world, run->seed);
    site->random = sim_random_make(run->seed, 10);
    site->storage = sim_storage_open(run->seed);
    site->broker = sim_broker_open(&site->world, content, site);
    const struct sim_org_options options = {&site->world, "Id__c", refuses, applied, site};
    site->org = sim_org_open(&options);
    site->states = (struct agent_states){
        .run = run,
        .broker = site->broker,
        .org = site->org,
        .must_die = must_die,
        .passes_on = site->passes_on,
        .random = sim_random_make(run->seed, 12),
        .skip_permille = LOOK_SKIP_PERMILLE,
    };
    watch(site);
    SIM_CHECK(run, start(site), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        uint32_t messages = sim_random_below(&site->random, 16);
        while (messages-- > 0 && sim_broker_publish(site->broker)) {
        }
        set_trouble(site, false);
        for (uint32_t n = 0; n < LOOK_TURNS; n++) {
            turn(site);
        }
    }
    settle_and_audit(site);
    stop(site);
    sim_storage_close(site->storage);
    sim_broker_close(site->broker);
    sim_org_close(site->org);
    free(site);
}

static void play_agent(struct sim_run *run)
{
    static const struct trouble trouble = {
        .crash_permille = 15, .org_permille = 50, .break_permille = 3};

    play(run, &trouble);
}

static void play_answers(struct sim_run *run)
{
    static const struct trouble trouble = {
        .crash_permille = 15, .org_permille = 50, .break_permille = 3, .passes_on = true};

    play(run, &trouble);
}

static void play_outage(struct sim_run *run)
{
    static const struct trouble trouble = {
        .crash_permille = 8, .org_permille = 400, .away_permille = 10, .break_permille = 10};

    play(run, &trouble);
}

static void play_bad_flash(struct sim_run *run)
{
    static const struct trouble trouble = {.crash_permille = 8,
                                           .org_permille = 30,
                                           .break_permille = 2,
                                           .storage_permille = 250,
                                           .capacity = 900u * 1024u};

    play(run, &trouble);
}

const struct sim_scenario sim_agent_scenarios[] = {
    {"agent", play_agent, 40, 6},
    {"answers", play_answers, 40, 6},
    {"outage", play_outage, 40, 6},
    {"bad_flash", play_bad_flash, 40, 6},
};
const uint32_t sim_agent_scenario_count =
    sizeof(sim_agent_scenarios) / sizeof(sim_agent_scenarios[0]);
