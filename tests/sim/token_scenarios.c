/* Rotation of refresh tokens, cut at every call of the platform: what a power cut leaves logs in
 * again, on copies, while the run itself goes on. The org is as strict as the real one: it ends a
 * token the moment it gives the next, and a token that is used again costs the whole family. */
#include "base/arena.h"
#include "salesforce/org_parts.h"
#include "sim/storage.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES        2u
#define ARENA_BYTES     (256u * 1024u)
#define EXHAUSTIVE_BITS 5u
#define DRAWN_STATES    3u
#define TRIES_MAX       12u
#define TOKEN_FORMAT    "5Aep-%u-%u"

/* What the org knows. */
struct giver {
    uint32_t numbers[FAMILIES]; /* Of the token that is alive. */
    bool is_revoked[FAMILIES];
    uint32_t reuses;
};

struct machine {
    struct sim_run *run;
    struct sim_world world;
    struct sim_storage *storage;
    struct sfe_storage port;
    struct sfe_http http;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    struct sfe_arena *arena;
    struct sfe_org *org;
    struct giver giver;
    /* The request under way. */
    bool is_asked;
    uint32_t family;
    uint32_t number;
    struct sfe_builder *answer_body;
    struct sfe_http_owner *owner;
};

struct tester {
    struct machine *machine;
    struct sim_random random;
    bool has_faults;
};

static enum sfe_code begin(void *context, const struct sfe_http_request *request,
                           struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    static const char name[] = "refresh_token=";
    struct machine *machine = context;
    char body[256];

    (void)err;
    SIM_CHECK(machine->run, !machine->is_asked, "two log-ins at a time");
    (void)snprintf(body, sizeof(body), "%.*s", (int)request->body.size,
                   (const char *)request->body.bytes);
    const char *token = strstr(body, name);
    SIM_CHECK(machine->run, token != NULL, "no refresh token is sent: %s", body);
    const char *value = token + sizeof(name) - 1;
    char *rest = NULL;
    SIM_CHECK(machine->run, strncmp(value, "5Aep-", 5) == 0, "it is none of ours: %s", body);
    machine->family = (uint32_t)strtoul(value + 5, &rest, 10);
    SIM_CHECK(machine->run, *rest == '-', "it is none of ours: %s", body);
    machine->number = (uint32_t)strtoul(rest + 1, NULL, 10);
    machine->is_asked = true;
    machine->answer_body = request->answer_body;
    machine->owner = request->tag;
    *exchange = (struct sfe_http_exchange *)machine;
    return SFE_OK;
}

static void cancel(void *context, struct sfe_http_exchange *exchange)
{
    (void)exchange;
    ((struct machine *)context)->is_asked = false;
}

static void wake(void *context)
{
    (void)context;
}

/* True where it gives a token: then the one that was used has ended. */
static bool act(struct giver *giver, uint32_t family, uint32_t number)
{
    if (family >= FAMILIES || giver->is_revoked[family]) {
        return false;
    }
    if (number != giver->numbers[family]) {
        giver->is_revoked[family] = true;
        giver->reuses++;
        return false;
    }
    giver->numbers[family]++;
    return true;
}

static void answer(struct machine *machine)
{
    struct sfe_http_answer reply = {.tag = machine->owner,
                                    .status = 400,
                                    .retry_after_s = -1,
                                    .content_type = "application/json"};

    machine->is_asked = false;
    if (act(&machine->giver, machine->family, machine->number)) {
        reply.status = 200;
        sfe_builder_format(machine->answer_body,
                           "{\"access_token\":\"00D\",\"instance_url\":"
                           "\"https://acme.my.salesforce.com\",\"refresh_token\":\"" TOKEN_FORMAT
                           "\"}",
                           machine->family, machine->giver.numbers[machine->family]);
    } else {
        sfe_builder_add_text(machine->answer_body,
                             "{\"error\":\"invalid_grant\",\"error_description\":"
                             "\"expired access/refresh token\"}");
    }
    machine->owner->on_answer(machine->owner, &reply);
}

static void start(struct machine *machine, struct sim_run *run, struct sim_storage *storage,
                  uint64_t seed)
{
    struct sfe_error err;
    char lines[64];

    *machine = (struct machine){.run = run, .storage = storage};
    sim_world_begin(&machine->world, seed);
    sim_storage_port(storage, &machine->port);
    sim_clock(&machine->world, &machine->clock);
    sim_entropy(&machine->world, &machine->entropy);
    sim_crypto(&machine->world, &machine->crypto);
    machine->http =
        (struct sfe_http){.context = machine, .begin = begin, .cancel = cancel, .wake = wake};
    (void)snprintf(lines, sizeof(lines), TOKEN_FORMAT "\n" TOKEN_FORMAT "\n", 0u, 0u, 1u, 0u);
    const struct sfe_org_options options = {
        .name = "crm",
        .login_url = "https://login.salesforce.com",
        .api_version = "v62.0",
        .client_id = "k",
        .http = &machine->http,
        .clock = &machine->clock,
        .entropy = &machine->entropy,
        .crypto = &machine->crypto,
        .refresh_tokens = sfe_slice_text(lines),
        .storage = &machine->port,
    };
    enum sfe_code code = sfe_arena_open(ARENA_BYTES, &machine->arena, &err);
    if (code == SFE_OK) {
        code = sfe_org_open(&options, machine->arena, &machine->org, &err);
    }
    SIM_CHECK(run, code == SFE_OK, "the org cannot be opened: %s", err.message);
}

static void end(struct machine *machine)
{
    sfe_org_close(machine->org);
    sfe_arena_close(machine->arena);
    sim_storage_close(machine->storage);
}

/* One turn of each thread, and the org's answer. */
static void turn(struct machine *machine)
{
    uint64_t due_ns = sfe_org_turn(machine->org, machine->world.now_ns);

    if (machine->is_asked) {
        answer(machine);
        return;
    }
    due_ns = sfe_clock_earlier_ns(due_ns, sfe_org_keep(machine->org, machine->world.now_ns));
    if (due_ns != UINT64_MAX && due_ns > machine->world.now_ns) {
        machine->world.now_ns = due_ns;
    }
}

static bool log_in(struct machine *machine)
{
    uint64_t until_ns = 0;

    for (uint32_t i = 0; i < TRIES_MAX; i++) {
        if (sfe_org_is_ready(machine->org, machine->world.now_ns, &until_ns)) {
            return true;
        }
        turn(machine);
    }
    return false;
}

/* The power comes back after `cut`; the org meanwhile knows `giver`. `may_cost`: the org had given
 * a token that flash did not have yet. */
static void look_after(const struct tester *tester, struct sim_cut cut, uint64_t seed,
                       const struct giver *giver, bool may_cost)
{
    struct sim_run *run = tester->machine->run;
    struct machine copy;

    start(&copy, run, sim_storage_after(tester->machine->storage, cut, seed), seed);
    copy.giver = *giver;
    SIM_CHECK(run, log_in(&copy), "locked out after a power cut");
    SIM_CHECK(run, may_cost || copy.giver.reuses == giver->reuses,
              "a token that was in use is not on flash");
    run->crash_states++;
    end(&copy);
}

static void look(struct tester *tester, const struct giver *giver, bool may_cost)
{
    const uint32_t unsynced = sim_storage_unsynced(tester->machine->storage);
    const uint32_t bits = unsynced < EXHAUSTIVE_BITS ? unsynced : EXHAUSTIVE_BITS;

    for (uint64_t kept = 0; kept < UINT64_C(1) << bits; kept++) {
        look_after(tester, (struct sim_cut){SIM_CUT_CHOSEN, kept}, sim_random_next(&tester->random),
                   giver, may_cost);
    }
    for (uint32_t i = 0; i < DRAWN_STATES; i++) {
        look_after(tester, (struct sim_cut){.kind = SIM_CUT_DRAWN},
                   sim_random_next(&tester->random), giver, may_cost);
    }
    look_after(tester, (struct sim_cut){.kind = SIM_CUT_KILL}, sim_random_next(&tester->random),
               giver, may_cost);
}

/* A call that changed flash: all of them are made while a token is kept. */
static void on_change(void *owner)
{
    struct tester *tester = owner;

    SIM_CHECK(tester->machine->run, tester->has_faults || !tester->machine->org->has_token,
              "a token is used before its refresh token is durable");
    look(tester, &tester->machine->giver, true);
}

/* The request is out: the org may have acted on it, or not. */
static void look_at_request(struct tester *tester)
{
    const struct machine *machine = tester->machine;
    struct giver acted = machine->giver;

    look(tester, &machine->giver, tester->has_faults);
    (void)act(&acted, machine->family, machine->number);
    look(tester, &acted, true);
}

static void set_faults(struct tester *tester, uint32_t permille)
{
    static const enum sim_fault kinds[] = {SIM_FAULT_EIO, SIM_FAULT_NO_SPACE, SIM_FAULT_READ_ONLY,
                                           SIM_FAULT_SHORT};
    struct sim_storage_faults *faults = sim_storage_faults(tester->machine->storage);

    faults->kind = kinds[sim_random_below(&tester->random, 4)];
    faults->permille = permille;
}

/* The turns of both threads in any order. */
static void rotate(struct tester *tester)
{
    struct machine *machine = tester->machine;
    const uint64_t *now_ns = &machine->world.now_ns;
    uint64_t until_ns = 0;

    while (!sfe_org_is_ready(machine->org, *now_ns, &until_ns)) {
        const bool was_asked = machine->is_asked;
        uint64_t due_ns = UINT64_MAX;
        if (sim_random_chance(&tester->random, 500)) {
            due_ns = sfe_org_turn(machine->org, *now_ns);
        }
        if (machine->is_asked && !was_asked) {
            look_at_request(tester);
        } else if (machine->is_asked) {
            answer(machine);
        }
        if (sim_random_chance(&tester->random, 300)) {
            due_ns = sfe_clock_earlier_ns(due_ns, sfe_org_keep(machine->org, *now_ns));
        }
        if (due_ns != UINT64_MAX && due_ns > *now_ns) {
            machine->world.now_ns = due_ns;
        }
        if (sim_random_chance(&tester->random, 200)) {
            set_faults(tester, 0); /* Bad times end. */
        }
    }
    machine->org->has_worked = true;
    look(tester, &machine->giver, tester->has_faults);
}

static void play(struct sim_run *run, bool has_faults)
{
    struct machine machine;
    struct tester tester = {.machine = &machine, .has_faults = has_faults};

    start(&machine, run, sim_storage_open(run->seed), run->seed);
    tester.random = sim_random_make(run->seed, 11);
    sim_storage_watch(machine.storage, on_change, &tester);
    for (uint32_t i = 0; i < run->steps; i++) {
        set_faults(&tester, has_faults ? sim_random_below(&tester.random, 700) : 0);
        rotate(&tester);
        org_drop_token(machine.org, machine.world.now_ns);
    }
    SIM_CHECK(run, machine.giver.reuses == 0, "a family was lost without a power cut");
    sim_storage_watch(machine.storage, NULL, NULL);
    end(&machine);
}

static void play_rotate(struct sim_run *run)
{
    play(run, false);
}

static void play_rotate_badly(struct sim_run *run)
{
    play(run, true);
}

const struct sim_scenario sim_token_scenarios[] = {
    {"rotate", play_rotate, 4, 1},
    {"rotate_badly", play_rotate_badly, 8, 1},
};
const uint32_t sim_token_scenario_count =
    sizeof(sim_token_scenarios) / sizeof(sim_token_scenarios[0]);
