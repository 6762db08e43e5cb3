/* The whole agent, its three turns, between a simulated broker and a simulated org: what the broker
 * was told is safe reaches the org once in effect and in the order of its key, or the dead letters
 * with a reason; whatever breaks, whenever the power goes. */
#include "site.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS               4u
#define LOOK_TURNS         25u
#define LOOK_SKIP_PERMILLE 700u

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

static bool refuses(void *owner, uint32_t number, uint32_t value)
{
    (void)owner;
    (void)value;
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
static void applied(void *owner, uint32_t number, uint32_t value, bool is_new)
{
    const struct site *site = owner;
    uint32_t before = number;

    (void)value;
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

static uint32_t number_of(const char *text)
{
    unsigned number = 0;

    return sscanf(text, "{\"id\":\"E-%u\"", &number) == 1 ? number : UINT32_MAX;
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

static void audit(struct site *site)
{
    if (site->plan->passes_on) {
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

static void play_with(struct sim_run *run, const struct site_trouble *trouble, bool passes_on)
{
    const struct site_plan plan = {
        .config_text = passes_on ? answers_config : plain_config,
        .passes_on = passes_on,
        .content = content,
        .org = {.external_id = "Id__c", .refuses = refuses, .applied = applied},
        .number_of = number_of,
        .must_die = must_die,
        .look_skip_permille = LOOK_SKIP_PERMILLE,
        .worst = *trouble,
    };
    struct site *site = site_open(run, &plan);

    for (uint32_t i = 0; i < run->steps; i++) {
        uint32_t messages = sim_random_below(&site->random, 16);
        while (messages-- > 0 && sim_broker_publish(site->broker)) {
        }
        site_set_trouble(site, trouble);
        for (uint32_t n = 0; n < LOOK_TURNS; n++) {
            site_turn(site);
        }
    }
    site_settle(site);
    audit(site);
    site_close(site);
}

static void play(struct sim_run *run, const struct site_trouble *trouble)
{
    play_with(run, trouble, false);
}

static void play_agent(struct sim_run *run)
{
    static const struct site_trouble trouble = {
        .clock_permille = 20, .crash_permille = 15, .org_permille = 50, .break_permille = 3};

    play(run, &trouble);
}

static void play_answers(struct sim_run *run)
{
    static const struct site_trouble trouble = {
        .clock_permille = 20, .crash_permille = 15, .org_permille = 50, .break_permille = 3};

    play_with(run, &trouble, true);
}

static void play_outage(struct sim_run *run)
{
    static const struct site_trouble trouble = {.clock_permille = 20,
                                                .crash_permille = 8,
                                                .org_permille = 400,
                                                .away_permille = 10,
                                                .break_permille = 10};

    play(run, &trouble);
}

static void play_bad_flash(struct sim_run *run)
{
    static const struct site_trouble trouble = {.clock_permille = 20,
                                                .crash_permille = 8,
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
