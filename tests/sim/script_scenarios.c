/* Random scripts of faults: on the network, in the org, of the power, of the medium and of the
 * clock, one after the other and together, while devices write the same few records again and
 * again. What must hold: each record is there once, with the last value that the org would take; no
 * value of a record comes before an earlier one; what cannot be delivered is a dead letter. By each
 * way to the org: Collections, Composite, Bulk 2.0, and what the agent chooses. */
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS            12u
#define PHASE_TURNS_MAX 120u
#define CONFIG_BYTES    2048u

static const char config_format[] =
    "{\"agent\":{\"id\":\"sim\",\"state\":\"/state\",\"event_max\":\"4KiB\"},"
    "\"connections\":{"
    "\"site\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:1883\",\"receive_maximum\":20},"
    "\"crm\":{\"type\":\"salesforce\",\"login_url\":\"https://login.invalid\","
    "\"api_version\":\"v62.0\",\"compress\":false,"
    "\"auth\":{\"client_id\":\"c\",\"username\":\"u\",\"key_file\":\"k\"}}},"
    "\"streams\":{\"sales\":{\"quota\":\"256KiB\",\"segment\":\"64KiB\"},"
    "\"dead\":{\"quota\":\"1MiB\",\"segment\":\"64KiB\"}},"
    "\"inputs\":{\"tills\":{\"type\":\"mqtt\",\"connection\":\"site\",\"topic\":\"pos/+\","
    "\"stream\":\"sales\"}},"
    "\"outputs\":{\"sales\":{\"type\":\"salesforce-records\",\"connection\":\"crm\","
    "\"from\":\"sales\",%s,\"batch_age\":\"20ms\",\"requests_in_flight\":3,"
    "\"records\":[{\"object\":\"Stock__c\",\"external_id\":\"Id__c\","
    "\"map\":{\"Id__c\":\"{/id}\",\"Value__c\":{\"from\":\"/n\",\"type\":\"int\"}}}]}}}";

/* By which way, drawn from the seed. */
static const char *const ways[] = {
    "\"api\":\"bulk\",\"bulk_age\":\"50ms\",\"bulk_records\":200",
    "\"api\":\"auto\",\"bulk_from\":5,\"bulk_age\":\"20ms\",\"bulk_records\":200",
    "\"api\":\"composite\",\"batch_records\":3",
    "\"api\":\"collections\",\"batch_records\":20",
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

struct script {
    bool is_seen[SIM_BROKER_MESSAGES_MAX]; /* The org had this event once. */
    uint32_t newest[ROWS];                 /* Since the agent started: one past the last event. */
};

/* Event `number` is a new value of row number % ROWS. Some the org will not take; some are no
 * JSON. */
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
    (void)number;
    return is_refused(value);
}

static void content(void *owner, uint32_t number, struct sfe_builder *topic,
                    struct sfe_builder *payload)
{
    struct sim_random random = sim_random_make(number, 13);
    const uint32_t padding = sim_random_below(&random, 300);

    (void)owner;
    sfe_builder_format(topic, "pos/%u", (unsigned)(number % 3u));
    sfe_builder_format(payload, "{\"n\":%u,\"id\":\"E-%u\",\"pad\":\"", (unsigned)number,
                       (unsigned)(number % ROWS));
    for (uint32_t i = 0; i < padding; i++) {
        sfe_builder_add_byte(payload, (uint8_t)('a' + i % 26u));
    }
    sfe_builder_add_text(payload, is_malformed(number) ? "\"" : "\"}");
}

static uint32_t number_of(const char *text)
{
    unsigned number = 0;

    return sscanf(text, "{\"n\":%u,", &number) == 1 ? number : UINT32_MAX;
}

static struct script *script_of(const struct site *site)
{
    return site->plan->owner;
}

/* A value comes for the first time only after all before it of its row. After a crash the agent may
 * begin anew with an older one, also than what a job of its earlier life writes then, and a broker
 * whose connection broke sends again what was not acknowledged; otherwise no value goes back. */
static void applied(void *owner, uint32_t number, uint32_t value, bool is_new)
{
    const struct site *site = owner;
    struct script *script = script_of(site);

    (void)is_new;
    SIM_CHECK(site->run, number < ROWS && value < sim_broker_published(site->broker),
              "the org got row %u with value %u that no device sent", (unsigned)number,
              (unsigned)value);
    SIM_CHECK(site->run, value % ROWS == number, "value %u is written to row %u", (unsigned)value,
              (unsigned)number);
    for (uint32_t before = number; before < value; before += ROWS) {
        SIM_CHECK(site->run, must_die(before) || script->is_seen[before],
                  "value %u of row %u overtakes value %u", (unsigned)value, (unsigned)number,
                  (unsigned)before);
    }
    SIM_CHECK(site->run,
              value + 1u >= script->newest[number] || sim_broker_was_repeated(site->broker, value),
              "row %u goes back from value %u to value %u", (unsigned)number,
              (unsigned)script->newest[number] - 1u, (unsigned)value);
    if (!sim_org_is_old_work(site->org)) {
        script->newest[number] = value + 1u;
    }
    script->is_seen[value] = true;
}

static void on_crash(void *owner)
{
    memset(((struct script *)owner)->newest, 0, sizeof(((struct script *)owner)->newest));
}

/* One line of the script: what goes wrong, how badly, for how long. */
static struct site_trouble draw_trouble(struct sim_random *random, bool may_break_flash)
{
    struct site_trouble trouble = {0};

    if (sim_random_chance(random, 500)) {
        trouble.org_permille = sim_random_below(random, 600);
    }
    if (sim_random_chance(random, 300)) {
        trouble.away_permille = 1u + sim_random_below(random, 30);
    }
    if (sim_random_chance(random, 300)) {
        trouble.break_permille = sim_random_below(random, 30);
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

static void audit(const struct site *site)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t last = UINT32_MAX;
        for (uint32_t i = row; i < sim_broker_published(site->broker); i += ROWS) {
            SIM_CHECK(site->run, site->is_dead[i] == must_die(i),
                      "event %u was acknowledged and is %s", (unsigned)i,
                      must_die(i) ? "no dead letter" : "a dead letter");
            last = must_die(i) ? last : i;
        }
        SIM_CHECK(site->run, sim_org_has(site->org, row) == (last != UINT32_MAX),
                  "row %u is not in the org", (unsigned)row);
        SIM_CHECK(site->run, last == UINT32_MAX || sim_org_value(site->org, row) == last,
                  "row %u ends with value %u in place of %u", (unsigned)row,
                  (unsigned)sim_org_value(site->org, row), (unsigned)last);
    }
}

static void play(struct sim_run *run, const char *way)
{
    char config[CONFIG_BYTES];
    struct script *script = calloc(1, sizeof(*script));
    struct sim_random random = sim_random_make(run->seed, 14);
    const bool may_break_flash = sim_random_chance(&random, 300);
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
        .owner = script,
        .look_skip_permille = 1000,
        .has_journal = strstr(way, "bulk") != NULL,
        .worst = {.storage_permille = may_break_flash ? 250 : 0},
    };

    if (script == NULL) {
        abort();
    }
    (void)snprintf(config, sizeof(config), config_format, way);
    struct site *site = site_open(run, &plan);
    for (uint32_t i = 0; i < run->steps; i++) {
        const struct site_trouble trouble = draw_trouble(&random, may_break_flash);
        uint32_t messages = sim_random_below(&random, 40);
        while (messages-- > 0 && sim_broker_publish(site->broker)) {
        }
        site_set_trouble(site, &trouble);
        uint32_t turns = sim_random_below(&random, PHASE_TURNS_MAX);
        while (turns-- > 0) {
            site_turn(site);
        }
    }
    site_settle(site);
    audit(site);
    run->jobs = sim_org_jobs(site->org);
    site_close(site);
    free(script);
}

static void play_script(struct sim_run *run)
{
    play(run, ways[run->seed % WAYS]);
}

const struct sim_scenario sim_script_scenarios[] = {
    {"script", play_script, 10, 0},
};
const uint32_t sim_script_scenario_count =
    sizeof(sim_script_scenarios) / sizeof(sim_script_scenarios[0]);
