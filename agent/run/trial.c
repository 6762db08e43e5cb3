#include "run/trial.h"

#include "base/arena.h"
#include "base/assert.h"
#include "config/same.h"
#include "run/open_http.h"
#include "trial/kept.h"

#include <string.h>

#define LOOK_NS  UINT64_C(250000000)
#define AGAIN_NS UINT64_C(5000000000)

enum trial_state {
    TRIAL_OFF,       /* `confirm_within` is not set. */
    TRIAL_TRYING,    /* Not all is connected yet. */
    TRIAL_CONFIRMED, /* What runs is good. */
    TRIAL_RETURNED   /* What runs is good, and not what the file says. */
};

/* What edge hands to flash; edge touches it only while it is not wanted. */
struct trial_job {
    atomic_bool is_wanted;
    struct sfe_setup *setup; /* Held by edge: the good one. */
    struct sfe_hash128 hash; /* The one given up. */
};

struct agent_trial {
    enum trial_state state;
    struct sfe_setup *good; /* Held. NULL: none. */
    uint64_t until_ns;
    int64_t when_ns; /* Unix time: confirmed or returned. */
    char missing[SFE_NAME_BYTES_MAX + 1u];
    bool sources[AGENT_SOURCES_MAX]; /* Those that must be up, as the next. */
    bool orgs[SFE_CONNECTIONS_MAX];
    atomic_bool wants_orgs; /* Set by edge, read by cloud. */
    bool good_is_due;       /* Handed to flash as soon as it has taken the last one. */
    bool refused_is_due;    /* The same. */
    struct sfe_hash128 refused;
    struct trial_job good_job;
    struct trial_job refused_job;
    uint64_t again_ns; /* Flash thread: not before this after a failure. */
};

size_t agent_trial_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct agent_trial));
}

static void report_kept(void *reader, const struct sfe_error *mistake)
{
    sfe_log_error(reader, SFE_ERROR, "mistake in the last good configuration", mistake);
}

static struct sfe_setup *load_good(const struct sfe_agent_options *options)
{
    const struct sfe_storage *storage = &options->platform->storage;
    const size_t room_bytes = sfe_trial_room_bytes(SFE_TRIAL_TEXT_BYTES_MAX);
    const struct sfe_slice printed = options->setup->printed;
    struct sfe_setup *good = NULL;
    struct sfe_arena *arena = NULL;
    struct sfe_slice text;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(room_bytes + 64u, &arena, &err);

    if (code == SFE_OK) {
        uint8_t *memory = sfe_arena_take(arena, room_bytes, &err);
        struct sfe_builder room = sfe_builder_make(memory, memory == NULL ? 0 : room_bytes);
        code = memory == NULL ? err.code : sfe_trial_read_good(storage, &room, &text, &err);
    }
    if (code == SFE_OK && sfe_slice_equal(text, printed)) {
        good = sfe_setup_hold(options->setup);
    } else if (code == SFE_OK) {
        code = sfe_setup_load_printed(options->setup->config->path, text, report_kept, options->log,
                                      &good, &err);
    }
    if (code != SFE_OK && code != SFE_E_NOT_FOUND) {
        sfe_log_error(options->log, SFE_ERROR, "cannot read the last good configuration", &err);
    }
    sfe_arena_close(arena);
    return good;
}

void agent_trial_choose(const struct sfe_agent_options *options, struct agent_choice *choice)
{
    struct sfe_setup *setup = options->setup;
    struct sfe_hash128 refused;
    struct sfe_error err;

    *choice = (struct agent_choice){.setup = sfe_setup_hold(setup)};
    if (setup->config->agent.confirm_within_ns == 0) {
        return;
    }
    const struct sfe_hash128 hash = sfe_trial_hash(setup->printed);
    choice->good = load_good(options);
    choice->is_returned =
        choice->good != NULL && choice->good->printed.size != 0 &&
        !sfe_slice_equal(choice->good->printed, setup->printed) &&
        sfe_trial_read_refused(&options->platform->storage, &refused, &err) == SFE_OK &&
        sfe_trial_same(&refused, &hash);
    if (choice->is_returned) {
        sfe_setup_drop(choice->setup);
        choice->setup = sfe_setup_hold(choice->good);
    }
}

static struct sfe_slice name_of_source(const struct agent_source *source)
{
    const struct sfe_config *config = source->setup->config;

    return sfe_slice_text(source->connection_index != AGENT_NEW
                              ? config->connections[source->connection_index].name
                              : config->inputs[source->input_index].name);
}

static bool has_connection(const struct sfe_config *good, const struct sfe_config *config,
                           uint32_t index)
{
    for (uint32_t i = 0; i < good->connection_count; i++) {
        if (sfe_config_same_connection((struct sfe_config_part){good, i},
                                       (struct sfe_config_part){config, index})) {
            return true;
        }
    }
    return false;
}

static bool has_input(const struct sfe_config *good, const struct sfe_config *config,
                      uint32_t index)
{
    for (uint32_t i = 0; i < good->input_count; i++) {
        if (sfe_config_same_input((struct sfe_config_part){good, i},
                                  (struct sfe_config_part){config, index})) {
            return true;
        }
    }
    return false;
}

/* Was all that the source is made of in the good configuration? */
static bool has_source(const struct sfe_config *good, const struct agent_source *source)
{
    const struct sfe_config *config = source->setup->config;
    const uint32_t connection = source->connection_index;

    if (connection == AGENT_NEW) {
        return has_input(good, config, source->input_index);
    }
    for (uint32_t i = 0; i < config->input_count; i++) {
        if (config->inputs[i].connection == connection && !has_input(good, config, i)) {
            return false;
        }
    }
    return has_connection(good, config, connection);
}

/* What is not as in the good one, or was opened anew, must come up. */
static void choose_parts(struct sfe_agent *agent, bool is_start)
{
    struct agent_trial *trial = agent->trial;
    const struct sfe_config *good = trial->good == NULL ? NULL : trial->good->config;

    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        const struct agent_source *source = &agent->set.sources[i];
        const bool is_new = !is_start && source->carried == AGENT_NEW;
        /* A query connects when it is due. */
        trial->sources[i] =
            source->query == NULL && (is_new || good == NULL || !has_source(good, source));
    }
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        const struct agent_org *org = &agent->set.orgs[i];
        const bool is_new = !is_start && org->carried == AGENT_NEW;
        trial->orgs[i] = is_new || good == NULL ||
                         !has_connection(good, org->setup->config, org->connection_index);
    }
}

static void set_good(struct agent_trial *trial, struct sfe_setup *good)
{
    struct sfe_setup *before = trial->good;

    trial->good = good == NULL ? NULL : sfe_setup_hold(good);
    sfe_setup_drop(before);
}

static void note_time(struct sfe_agent *agent)
{
    const struct sfe_clock *clock = &agent->platform->clock;

    (void)clock->wall_ns(clock->context, &agent->trial->when_ns);
}

static void begin(struct sfe_agent *agent, bool is_start)
{
    struct agent_trial *trial = agent->trial;
    const struct sfe_setup *setup = agent->set.setup;
    const uint64_t within_ns = setup->config->agent.confirm_within_ns;

    trial->missing[0] = '\0';
    trial->when_ns = 0;
    atomic_store(&trial->wants_orgs, false);
    if (within_ns == 0) {
        trial->state = TRIAL_OFF;
        set_good(trial, NULL);
        return;
    }
    if (trial->good != NULL && sfe_slice_equal(trial->good->printed, setup->printed)) {
        trial->state = TRIAL_CONFIRMED;
        return;
    }
    trial->state = TRIAL_TRYING;
    trial->until_ns = sfe_clock_monotonic_ns(&agent->platform->clock) + within_ns;
    choose_parts(agent, is_start);
    atomic_store(&trial->wants_orgs, true);
    SFE_LOG(agent->log, SFE_INFO, "a new configuration is on trial",
            sfe_count("seconds", within_ns / 1000000000u),
            sfe_text("then", trial->good == NULL ? "it stays: there is none to go back to"
                                                 : "the last good one comes back"));
}

enum sfe_code agent_open_trial(struct sfe_agent *agent, struct agent_choice *choice,
                               struct sfe_error *err)
{
    agent->trial = sfe_arena_take(agent->arena, sizeof(*agent->trial), err);
    if (agent->trial == NULL) {
        return err->code;
    }
    agent->trial->good = choice->good;
    choice->good = NULL;
    begin(agent, true);
    if (choice->is_returned) {
        agent->trial->state = TRIAL_RETURNED;
        note_time(agent);
        SFE_LOG(agent->log, SFE_ERROR,
                "the configuration file did not connect before; the last good one runs until it "
                "is changed or reloaded",
                sfe_text("file", agent->set.config->path));
    }
    return SFE_OK;
}

void agent_trial_begin(struct sfe_agent *agent, struct sfe_setup *before)
{
    /* What ran without a trial is what there is to go back to. */
    if (agent->trial->state == TRIAL_OFF) {
        set_good(agent->trial, before);
    }
    begin(agent, false);
}

void agent_trial_end_return(struct sfe_agent *agent, bool is_done)
{
    struct sfe_error err;

    if (!is_done) {
        (void)sfe_fail(&err, SFE_E_TIMEOUT,
                       "the last good configuration needs a start, and gets it");
        agent->failure = err;
        return;
    }
    agent->trial->state = TRIAL_RETURNED;
    atomic_store(&agent->trial->wants_orgs, false);
    note_time(agent);
}

void agent_trial_want_orgs(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t ignored_ns;

    if (agent->trial == NULL || !atomic_load(&agent->trial->wants_orgs)) {
        return; /* A rehearsal has none. */
    }
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        (void)sfe_org_is_ready(agent->set.orgs[i].org, now_ns, &ignored_ns);
    }
}

static void name_missing(struct agent_trial *trial, struct sfe_slice name)
{
    sfe_printable(trial->missing, sizeof(trial->missing), name);
}

static bool is_all_up(struct sfe_agent *agent)
{
    struct agent_trial *trial = agent->trial;

    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        const struct agent_source *source = &agent->set.sources[i];
        struct sfe_source_facts facts = {0};
        source->source.facts(source->source.context, &facts);
        /* Behind a message that waits for room the answer to the subscription is not seen yet. */
        if (trial->sources[i] && !facts.is_connected && !facts.is_blocked) {
            name_missing(trial, name_of_source(source));
            return false;
        }
    }
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        struct sfe_org_facts facts;
        sfe_org_facts(agent->set.orgs[i].org, &facts);
        if (trial->orgs[i] && !facts.has_token) {
            name_missing(trial, sfe_slice_text(agent->set.orgs[i].connection));
            return false;
        }
    }
    trial->missing[0] = '\0';
    return true;
}

static void confirm(struct sfe_agent *agent)
{
    struct agent_trial *trial = agent->trial;

    set_good(trial, agent->set.setup);
    trial->state = TRIAL_CONFIRMED;
    trial->good_is_due = true;
    atomic_store(&trial->wants_orgs, false);
    note_time(agent);
    SFE_LOG(agent->log, SFE_INFO, "the new configuration is confirmed: all of it is connected");
}

/* Should the mark not reach flash before a power cut, the file is on trial once more. */
static void go_back(struct sfe_agent *agent)
{
    struct agent_trial *trial = agent->trial;

    trial->until_ns = UINT64_MAX;
    if (trial->good == NULL) {
        SFE_LOG(agent->log, SFE_ERROR,
                "the new configuration does not connect, and there is none to go back to",
                sfe_text("missing", trial->missing));
        return;
    }
    SFE_LOG(agent->log, SFE_ERROR,
            "THE NEW CONFIGURATION DOES NOT CONNECT: going back to the last good one",
            sfe_text("missing", trial->missing), sfe_text("file", agent->set.config->path));
    trial->refused = sfe_trial_hash(agent->set.setup->printed);
    trial->refused_is_due = true;
    agent_begin_return(agent, trial->good);
}

static void hand_over(struct sfe_agent *agent)
{
    struct agent_trial *trial = agent->trial;

    if (trial->good_is_due && !atomic_load(&trial->good_job.is_wanted)) {
        trial->good_is_due = false;
        sfe_setup_drop(trial->good_job.setup);
        trial->good_job.setup = sfe_setup_hold(trial->good);
        atomic_store(&trial->good_job.is_wanted, true);
        agent_kick_flash(agent);
    }
    if (trial->refused_is_due && !atomic_load(&trial->refused_job.is_wanted)) {
        trial->refused_is_due = false;
        trial->refused_job.hash = trial->refused;
        atomic_store(&trial->refused_job.is_wanted, true);
        agent_kick_flash(agent);
    }
}

uint64_t agent_trial_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    struct agent_trial *trial = agent->trial;

    if (trial->state == TRIAL_TRYING && !agent->stop_is_wanted &&
        !agent_reload_is_under_way(agent)) {
        if (is_all_up(agent)) {
            confirm(agent);
        } else if (now_ns >= trial->until_ns) {
            go_back(agent);
        }
    }
    hand_over(agent);
    const bool looks = trial->state == TRIAL_TRYING || trial->good_is_due || trial->refused_is_due;
    return looks ? now_ns + LOOK_NS : UINT64_MAX;
}

static bool keep_good(struct sfe_agent *agent, struct sfe_error *err)
{
    struct trial_job *job = &agent->trial->good_job;

    /* None was printed where it ran without a trial. */
    return job->setup->printed.size == 0 ||
           sfe_trial_write_good(&agent->platform->storage, job->setup->printed, &job->setup->room,
                                err) == SFE_OK;
}

uint64_t agent_trial_keep(struct sfe_agent *agent, uint64_t now_ns)
{
    struct agent_trial *trial = agent->trial;
    struct sfe_error err;
    bool is_kept = true;

    if (now_ns < trial->again_ns) {
        return trial->again_ns;
    }
    if (atomic_load(&trial->good_job.is_wanted)) {
        is_kept = keep_good(agent, &err);
        atomic_store(&trial->good_job.is_wanted, !is_kept);
    }
    if (is_kept && atomic_load(&trial->refused_job.is_wanted)) {
        is_kept = sfe_trial_write_refused(&agent->platform->storage, &trial->refused_job.hash,
                                          &err) == SFE_OK;
        atomic_store(&trial->refused_job.is_wanted, !is_kept);
    }
    trial->again_ns = 0;
    if (!is_kept) {
        sfe_log_error(agent->log, SFE_WARNING, "cannot keep which configuration is good", &err);
        trial->again_ns = now_ns + AGAIN_NS;
    }
    return is_kept ? UINT64_MAX : trial->again_ns;
}

void agent_trial_facts(const struct sfe_agent *agent, struct sfe_status_trial *facts)
{
    static const char *const names[] = {[TRIAL_OFF] = NULL,
                                        [TRIAL_TRYING] = "trying",
                                        [TRIAL_CONFIRMED] = "confirmed",
                                        [TRIAL_RETURNED] = "returned"};
    const struct agent_trial *trial = agent->trial;
    const uint64_t now_ns = sfe_clock_monotonic_ns(&agent->platform->clock);

    *facts = (struct sfe_status_trial){names[trial->state], trial->when_ns, 0, trial->missing};
    if (trial->state == TRIAL_TRYING && trial->until_ns != UINT64_MAX && trial->until_ns > now_ns) {
        facts->left_ns = trial->until_ns - now_ns;
    }
}

void agent_close_trial(struct sfe_agent *agent)
{
    if (agent->trial != NULL) {
        sfe_setup_drop(agent->trial->good_job.setup);
        agent->trial->good_job.setup = NULL;
        set_good(agent->trial, NULL);
    }
}
