/* Random scripts of faults while the org publishes events: on the network, in the org, of the
 * power, of the medium and of the clock; sessions and tokens end, places are forgotten, events
 * outlive their retention. What must hold: each event that was kept long enough is in its stream,
 * once, in order, or a gap tells of it; and what an output makes of them ends with the last of each
 * row. */
#include "run/open_sources.h"
#include "sim/org_events.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS            12u
#define PHASE_TURNS_MAX 150u
#define CONFIG_BYTES    2560u
#define HELD            0u /* Channels: into a stream that nobody reads, */
#define PASSED          1u /* and into one that an output reads. */
#define NONE            UINT32_MAX

static const char config_format[] =
    "{\"agent\":{\"id\":\"sim\",\"state\":\"/state\",\"event_max\":\"4KiB\"},"
    "\"connections\":{"
    "\"crm\":{\"type\":\"salesforce\",\"login_url\":\"https://login.invalid\","
    "\"api_version\":\"v62.0\",\"compress\":false,"
    "\"auth\":{\"client_id\":\"c\",\"username\":\"u\",\"key_file\":\"k\"}}},"
    "\"streams\":{\"passed\":{\"quota\":\"256KiB\",\"segment\":\"64KiB\"},"
    "\"held\":{\"quota\":\"8MiB\",\"segment\":\"64KiB\"},"
    "\"dead\":{\"quota\":\"1MiB\",\"segment\":\"64KiB\"}},"
    "\"inputs\":{"
    "\"held\":{\"type\":\"salesforce-events\",\"connection\":\"crm\","
    "\"channel\":\"/event/Zero__e\",\"stream\":\"held\",\"on_stale_replay\":\"%s\"},"
    "\"passed\":{\"type\":\"salesforce-events\",\"connection\":\"crm\","
    "\"channel\":\"/event/One__e\",\"stream\":\"passed\"}},"
    "\"outputs\":{\"passed\":{\"type\":\"salesforce-records\",\"connection\":\"crm\","
    "\"from\":\"passed\",\"where\":{\"/payload\":{\"exists\":true}},"
    "\"api\":\"collections\",\"batch_age\":\"20ms\",\"requests_in_flight\":3,"
    "\"records\":[{\"object\":\"Stock__c\",\"external_id\":\"Id__c\","
    "\"map\":{\"Id__c\":\"{/payload/id}\","
    "\"Value__c\":{\"from\":\"/payload/n\",\"type\":\"int\"}}}]}}}";

struct script {
    struct sim_random random;
    bool is_latest; /* What the held channel does when its place is not known. */
    uint32_t published;
    uint32_t dropped; /* All before it. */
    uint32_t channel[SIM_ORG_EVENTS_MAX];
    bool is_seen[SIM_ORG_EVENTS_MAX]; /* The org had it as a record. */
    uint32_t newest[ROWS];            /* Since the agent started: one past the last event. */
    uint64_t backs[ROWS];             /* Since then: how often the row went back. */
};

static struct script *script_of(const struct site *site)
{
    return site->plan->owner;
}

static void publish(struct site *site, struct script *script)
{
    char text[SIM_ORG_EVENT_BYTES];
    struct sfe_builder payload = sfe_builder_make(text, sizeof(text));
    const uint32_t number = script->published;
    const uint32_t channel = sim_random_below(&script->random, SIM_ORG_CHANNELS);
    const uint32_t padding = sim_random_below(&script->random, 1600);

    sfe_builder_format(&payload, "{\"n\":%u,\"id\":\"E-%u\",\"pad\":\"", (unsigned)number,
                       (unsigned)(number % ROWS));
    for (uint32_t i = 0; i < padding; i++) {
        sfe_builder_add_byte(&payload, (uint8_t)('a' + i % 26u));
    }
    sfe_builder_add_text(&payload, "\"}");
    if (number < SIM_ORG_EVENTS_MAX &&
        sim_org_publish(site->org, channel, number, sfe_builder_slice(&payload))) {
        script->channel[number] = channel;
        script->published++;
    }
}

/* The org keeps less, or counts anew. */
static void forget(struct site *site, struct script *script)
{
    if (sim_random_chance(&script->random, 150)) {
        const uint32_t kept = sim_random_below(&script->random, 60);
        sim_org_events_drop(site->org, kept);
        if (script->published > script->dropped + kept) {
            script->dropped = script->published - kept;
        }
    }
    if (sim_random_chance(&script->random, 100)) {
        sim_org_events_renumber(site->org);
    }
}

static bool refuses(void *owner, uint32_t number, uint32_t value)
{
    (void)owner;
    (void)number;
    (void)value;
    return false;
}

/* No value of a row comes before an earlier one, but that an agent that starts anew may begin with
 * what it had not noted as done, and one that lost its place with what the org still keeps. */
static bool may_go_back(const struct site *site, struct script *script, uint32_t row)
{
    return ++script->backs[row] <= sim_org_events_stale(site->org);
}

static void applied(void *owner, uint32_t number, uint32_t value, bool is_new)
{
    const struct site *site = owner;
    struct script *script = script_of(site);

    (void)is_new;
    SIM_CHECK(site->run, value < script->published && script->channel[value] == PASSED,
              "the org got value %u that it never published", (unsigned)value);
    SIM_CHECK(site->run, number == value % ROWS, "value %u is written to row %u", (unsigned)value,
              (unsigned)number);
    SIM_CHECK(site->run, value + 1u >= script->newest[number] || may_go_back(site, script, number),
              "row %u goes back from value %u to value %u", (unsigned)number,
              (unsigned)script->newest[number] - 1u, (unsigned)value);
    script->newest[number] = value + 1u;
    script->is_seen[value] = true;
}

static void on_crash(void *owner)
{
    struct script *script = owner;

    memset(script->newest, 0, sizeof(script->newest));
    memset(script->backs, 0, sizeof(script->backs));
}

static void content(void *owner, uint32_t number, struct sfe_builder *topic,
                    struct sfe_builder *payload)
{
    (void)owner;
    (void)number;
    (void)topic;
    (void)payload;
}

static uint32_t number_of(const char *text)
{
    unsigned number = 0;

    return sscanf(text, "{\"schema\":\"s\",\"payload\":{\"n\":%u,", &number) == 1 ? number : NONE;
}

static bool must_die(uint32_t number)
{
    (void)number;
    return false;
}

static struct site_trouble draw_trouble(struct sim_random *random, bool may_break_flash)
{
    struct site_trouble trouble = {0};

    if (sim_random_chance(random, 600)) {
        trouble.org_permille = sim_random_below(random, 600);
    }
    if (sim_random_chance(random, 300)) {
        trouble.away_permille = 1u + sim_random_below(random, 30);
    }
    if (sim_random_chance(random, 500)) {
        trouble.crash_permille = sim_random_below(random, 60);
    }
    if (sim_random_chance(random, 300)) {
        trouble.clock_permille = sim_random_below(random, 200);
    }
    if (may_break_flash && sim_random_chance(random, 300)) {
        trouble.storage_permille = sim_random_below(random, 250);
    }
    return trouble;
}

/* The agent has what was published, and asks for more. */
static bool is_done(const struct site *site)
{
    const struct sfe_source *source = &site->agent->set.sources[0].source;

    return sim_org_events_idle(site->org) && source->is_quiet(source->context);
}

/* Events of the held channel in [from, to) that are not there. */
static void check_missing(const struct site *site, uint32_t from, uint32_t to, bool is_told)
{
    const struct script *script = script_of(site);

    for (uint32_t i = from; i < to; i++) {
        SIM_CHECK(site->run, script->channel[i] != HELD || is_told,
                  "event %u is missing, and no gap tells of it", (unsigned)i);
        SIM_CHECK(site->run, script->channel[i] != HELD || script->is_latest || i < script->dropped,
                  "event %u was kept and is missing", (unsigned)i);
    }
}

static void audit_held(struct site *site)
{
    const struct script *script = script_of(site);
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns;
    uint32_t next = 0;
    uint32_t most = 0;
    bool is_told = true; /* Where it began is not told. */

    SIM_CHECK(site->run,
              sfe_stream_reader_open(site->agent->set.streams[1].stream, site->arena, &reader,
                                     &err) == SFE_OK,
              "no memory for a reader");
    while (sfe_stream_reader_next(reader, &event, &time_ns, NULL, &err) == SFE_OK) {
        char text[64];
        sfe_printable(text, sizeof(text), sfe_slice_part(event.payload, 0, 48));
        const uint32_t number = number_of(text);
        if (number == NONE) {
            SIM_CHECK(site->run, strncmp(text, "{\"gap\":{", 8) == 0, "what is this: %s", text);
            SIM_CHECK(site->run, sim_org_events_stale(site->org) > 0, "a gap of nothing");
            is_told = true;
            continue;
        }
        SIM_CHECK(site->run, number < script->published && script->channel[number] == HELD,
                  "event %u is in a stream that it was not for", (unsigned)number);
        /* Behind a gap they may come again, all that are kept and in order. */
        SIM_CHECK(site->run, is_told || number >= next, "event %u comes again, or too late",
                  (unsigned)number);
        check_missing(site, is_told ? most : next, number, is_told);
        site->run->repeats += number < most;
        next = number + 1u;
        most = next > most ? next : most;
        is_told = false;
    }
    sfe_stream_reader_close(reader);
    SIM_CHECK(site->run, is_told || next == most, "events came again, and not to the last");
    check_missing(site, is_told ? most : next, script->published, is_told);
}

static void audit_passed(const struct site *site)
{
    const struct script *script = script_of(site);
    uint32_t last[ROWS];

    memset(last, 0xFF, sizeof(last));
    for (uint32_t i = 0; i < script->published; i++) {
        SIM_CHECK(site->run,
                  script->channel[i] != PASSED || script->is_seen[i] || i < script->dropped,
                  "event %u was kept and brought no record", (unsigned)i);
        last[i % ROWS] = script->channel[i] == PASSED && script->is_seen[i] ? i : last[i % ROWS];
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        /* Of what came again the end may be gone: a gap tells. */
        const bool is_gone =
            last[row] != NONE && last[row] < script->dropped && sim_org_events_stale(site->org) > 0;
        SIM_CHECK(site->run,
                  last[row] == NONE || is_gone || sim_org_value(site->org, row) == last[row],
                  "row %u ends with value %u in place of %u", (unsigned)row,
                  (unsigned)sim_org_value(site->org, row), (unsigned)last[row]);
    }
}

static void play_step(struct site *site, struct script *script, bool may_break_flash)
{
    const struct site_trouble trouble = draw_trouble(&script->random, may_break_flash);
    uint32_t events = sim_random_below(&script->random, 40);
    uint32_t turns = sim_random_below(&script->random, PHASE_TURNS_MAX);

    while (events-- > 0) {
        publish(site, script);
    }
    site_set_trouble(site, &trouble);
    while (turns-- > 0) {
        site_turn(site);
        if (sim_random_chance(&script->random, 100)) {
            publish(site, script);
        }
    }
    forget(site, script);
}

static void play_cometd(struct sim_run *run)
{
    char config[CONFIG_BYTES];
    struct script *script = calloc(1, sizeof(*script));

    if (script == NULL) {
        abort();
    }
    script->random = sim_random_make(run->seed, 15);
    script->is_latest = run->seed % 4u == 3u;
    const bool may_break_flash = sim_random_chance(&script->random, 300);
    const struct site_plan plan = {
        .config_text = config,
        .content = content,
        .org = {.external_id = "Id__c",
                .value = "Value__c",
                .refuses = refuses,
                .applied = applied},
        .number_of = number_of,
        .must_die = must_die,
        .on_crash = on_crash,
        .is_done = is_done,
        .owner = script,
        .look_skip_permille = 1000,
        .worst = {.storage_permille = may_break_flash ? 250 : 0},
    };
    (void)snprintf(config, sizeof(config), config_format,
                   script->is_latest ? "latest" : "earliest");
    struct site *site = site_open(run, &plan);
    for (uint32_t i = 0; i < run->steps; i++) {
        play_step(site, script, may_break_flash);
    }
    site_settle(site);
    audit_held(site);
    audit_passed(site);
    run->events += sim_org_events_sent(site->org);
    run->stale += sim_org_events_stale(site->org);
    site_close(site);
    free(script);
}

const struct sim_scenario sim_cometd_scenarios[] = {
    {"cometd", play_cometd, 12, 0},
};
const uint32_t sim_cometd_scenario_count =
    sizeof(sim_cometd_scenarios) / sizeof(sim_cometd_scenarios[0]);
