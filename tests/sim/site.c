#include "site.h"

#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BROKER_PORT 1883u
#define REST_TURNS  60000u

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
    const struct config_source source = {"sfedge.json", sfe_slice_text(site->plan->config_text)};
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
        SIM_CHECK(site->run,
                  sim_storage_is_off(site->storage) || site->plan->worst.storage_permille,
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
    if (site->plan->look_skip_permille < 1000u) {
        agent_states_watch(&site->states);
    }
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
        if (site->plan->on_crash != NULL) {
            site->plan->on_crash(site->plan->owner);
        }
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
    const uint32_t spare = site->plan->worst.storage_permille != 0 ? 2u : 1u;
    struct sfe_cursor cursor;

    if (agent == NULL) {
        return;
    }
    for (uint32_t i = 0; i < agent->set.stream_count && i < SITE_STREAMS; i++) {
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
    SIM_CHECK(site->run, site->plan->has_journal || sim_storage_rewrites(site->storage) == 0,
              "a page that was durable was written again");
}

void site_set_trouble(struct site *site, const struct site_trouble *trouble)
{
    static const enum sim_fault kinds[] = {SIM_FAULT_EIO, SIM_FAULT_NO_SPACE, SIM_FAULT_READ_ONLY,
                                           SIM_FAULT_SHORT};
    struct sim_storage_faults *faults = sim_storage_faults(site->storage);

    site->trouble = trouble;
    *faults = (struct sim_storage_faults){0};
    sim_org_trouble(site->org, trouble->org_permille);
    sim_broker_break(site->broker, trouble->break_permille);
    faults->kind = kinds[sim_random_below(&site->random, 4)];
    faults->permille = sim_random_chance(&site->random, 300) ? trouble->storage_permille : 0;
    faults->capacity = trouble->capacity;
    site->is_away = site->is_away && trouble->away_permille != 0;
    sim_org_away(site->org, site->is_away);
}

void site_turn(struct site *site)
{
    const struct site_trouble *trouble = site->trouble;

    if (sim_random_chance(&site->random, trouble->crash_permille)) {
        sim_storage_cut(site->storage, 1u + sim_random_below(&site->random, 30));
    }
    if (sim_random_chance(&site->random, trouble->away_permille)) {
        site->is_away = !site->is_away;
        sim_org_away(site->org, site->is_away);
    }
    if (sim_random_chance(&site->random, trouble->clock_permille)) {
        sim_world_set_clock(&site->world);
    }
    sim_world_turn(&site->world, site->turns, SITE_TURNS);
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
        sfe_printable(text, sizeof(text), sfe_slice_part(event.payload, 0, 48));
        const uint32_t number = site->plan->number_of(text);
        SIM_CHECK(site->run, number < sim_broker_published(site->broker),
                  "a dead letter of an event that no device sent: %s", text);
        SIM_CHECK(site->run, site->plan->must_die(number), "event %u is a dead letter: %.*s",
                  (unsigned)number, (int)event.annotation.size,
                  (const char *)event.annotation.bytes);
        SIM_CHECK(site->run,
                  event.annotation.size > 12 &&
                      memcmp(event.annotation.bytes, "{\"reason\":\"", 11) == 0,
                  "a dead letter without a reason");
        site->is_dead[number] = true;
    }
    sfe_stream_reader_close(reader);
}

static bool is_at_rest(const struct site *site)
{
    const uint32_t published = sim_broker_published(site->broker);

    if (site->agent == NULL || sim_broker_acknowledged(site->broker) < published) {
        return false;
    }
    struct sfe_output_facts facts;
    sfe_output_facts(site->agent->set.outputs[0].output, &facts);
    return facts.backlog == 0 && (site->plan->is_done == NULL || site->plan->is_done(site));
}

void site_settle(struct site *site)
{
    static const struct site_trouble none = {.clock_permille = 20};
    uint32_t turns = 0;

    site_set_trouble(site, &none);
    while (!is_at_rest(site)) {
        SIM_CHECK(site->run, ++turns < REST_TURNS,
                  "does not come to rest: %u of %u messages acknowledged, cursor %llu of %llu",
                  (unsigned)sim_broker_acknowledged(site->broker),
                  (unsigned)sim_broker_published(site->broker), (unsigned long long)site->cursor,
                  (unsigned long long)site->durable[0]);
        site_turn(site);
    }
    read_dead(site);
}

struct site *site_open(struct sim_run *run, const struct site_plan *plan)
{
    struct site *site = calloc(1, sizeof(*site));
    const struct sim_turn turns[SITE_TURNS] = {{site, edge, 0},
                                               {site, flash, 0},
                                               {site, cloud, 0},
                                               {site, broker, UINT64_MAX},
                                               {site, client, UINT64_MAX}};

    if (site == NULL) {
        abort();
    }
    site->run = run;
    site->plan = plan;
    site->trouble = &plan->worst;
    memcpy(site->turns, turns, sizeof(turns));
    sim_world_begin(&site->world, run->seed);
    site->random = sim_random_make(run->seed, 10);
    site->storage = sim_storage_open(run->seed);
    site->broker = sim_broker_open(&site->world, plan->content, plan->owner);
    struct sim_org_options options = plan->org;
    options.world = &site->world;
    options.owner = site;
    site->org = sim_org_open(&options);
    site->states = (struct agent_states){
        .run = run,
        .broker = site->broker,
        .org = site->org,
        .must_die = plan->must_die,
        .passes_on = plan->passes_on,
        .random = sim_random_make(run->seed, 12),
        .skip_permille = plan->look_skip_permille,
    };
    watch(site);
    SIM_CHECK(run, start(site), "an empty medium cannot be opened");
    return site;
}

void site_close(struct site *site)
{
    stop(site);
    sim_storage_close(site->storage);
    sim_broker_close(site->broker);
    sim_org_close(site->org);
    free(site);
}
