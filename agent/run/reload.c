/* A reload: the file is loaded and checked; what is new is opened beside what runs; what goes ends
 * its work; then the sets are swapped. Until then it can be refused, and nothing has changed. Edge
 * thread; whatever flash and cloud use is touched only while they pause. */
#include "run/trial.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "supervise/watchdog.h"

#include <string.h>

/* Of the answer: so much is kept free for one more mistake and its end. */
#define MISTAKE_BYTES_MAX 4096u

enum reload_state {
    RELOAD_NONE,
    RELOAD_OPENING,  /* Pausing, to open what is new. */
    RELOAD_DRAINING, /* What goes takes nothing more, and ends what it has. */
    RELOAD_SWAPPING  /* Pausing, to swap. */
};

struct agent_reload {
    enum reload_state state;
    struct sfe_agent *agent;
    struct sfe_setup *setup;
    struct sfe_setup *returning; /* The setup to go back to, held; NULL: the file is loaded. */
    bool is_return;              /* That is what is under way. */
    struct agent_set next;
    uint64_t drain_by_ns;
    bool is_asked; /* A client waits for the outcome. */
    bool is_wanted_again;
    bool is_asked_again;
    struct sfe_builder answer;
    struct sfe_json_writer writer;
    struct sfe_status_reload facts;
};

enum sfe_code agent_open_reload(struct sfe_agent *agent, struct sfe_error *err)
{
    struct agent_reload *reload = sfe_arena_take(agent->arena, sizeof(*reload), err);
    uint8_t *answer = sfe_arena_take(agent->arena, SFE_CONTROL_BYTES_MAX, err);

    if (reload == NULL || answer == NULL ||
        agent_take_set(&reload->next, agent->arena, err) != SFE_OK) {
        return err->code;
    }
    reload->agent = agent;
    reload->answer = sfe_builder_make(answer, SFE_CONTROL_BYTES_MAX);
    atomic_store(&agent->cloud_has_drained, true);
    agent->reload = reload;
    return SFE_OK;
}

size_t agent_reload_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct agent_reload)) + sfe_arena_cost(SFE_CONTROL_BYTES_MAX) +
           agent_set_memory_bytes();
}

bool agent_reload_is_under_way(const struct sfe_agent *agent)
{
    return agent->reload->state != RELOAD_NONE;
}

void agent_reload_facts(const struct sfe_agent *agent, struct sfe_status_reload *facts)
{
    *facts = agent->reload->facts;
}

static void begin_answer(struct agent_reload *reload)
{
    const int64_t before_ns = reload->facts.when_ns;

    reload->facts = (struct sfe_status_reload){.when_ns = before_ns};
    sfe_builder_rewind(&reload->answer, 0);
    reload->writer = sfe_json_writer_make(&reload->answer);
    sfe_json_begin_object(&reload->writer, NULL);
    sfe_json_begin_array(&reload->writer, "mistakes");
}

static void report(void *reader, const struct sfe_error *mistake)
{
    struct agent_reload *reload = reader;
    struct sfe_json_writer *writer = &reload->writer;

    if (reload->facts.mistakes++ == 0) {
        reload->facts.first = *mistake;
    }
    sfe_log_error(reload->agent->log, SFE_ERROR, "mistake in the configuration", mistake);
    if (reload->answer.size > reload->answer.capacity - MISTAKE_BYTES_MAX) {
        return; /* Enough are told. */
    }
    sfe_json_begin_object(writer, NULL);
    sfe_json_put_text(writer, "file", sfe_slice_text(mistake->where));
    sfe_json_put_u64(writer, "line", mistake->line);
    sfe_json_put_u64(writer, "column", mistake->column);
    sfe_json_put_text(writer, "pointer", sfe_slice_text(mistake->pointer));
    sfe_json_put_text(writer, "message", sfe_slice_text(mistake->message));
    sfe_json_end_object(writer);
}

static void report_fixed(struct agent_reload *reload, const struct sfe_config_place *place,
                         const char *what)
{
    const char *file = place->file == NULL ? reload->setup->config->path : place->file;
    struct sfe_error mistake;

    (void)sfe_fail(&mistake, SFE_E_CONFIG, "%s cannot change by a reload; restart the agent for it",
                   what);
    (void)sfe_error_at(&mistake, file, place->pointer, place->line, place->column);
    report(reload, &mistake);
}

static bool same_form(const struct sfe_config_stream *a, const struct sfe_config_stream *b)
{
    return a->segment_bytes == b->segment_bytes && a->encrypt == b->encrypt &&
           a->when_full == b->when_full;
}

static bool same_key(const struct sfe_crypto *crypto, const struct sfe_aead_key *a,
                     const struct sfe_aead_key *b)
{
    uint8_t left[SFE_AEAD_ID_BYTES];
    uint8_t right[SFE_AEAD_ID_BYTES];

    crypto->aead_id(crypto->context, a, left);
    crypto->aead_id(crypto->context, b, right);
    return memcmp(left, right, sizeof(left)) == 0;
}

/* Whatever their files are called. A stream has the keys it was opened with, and its segments name
 * theirs: others come in where both are looked at anew, at a start. */
static bool same_keys(const struct sfe_crypto *crypto, const struct agent_stream *stream,
                      const struct sfe_compiled_stream *compiled)
{
    struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX] = {NULL};
    uint32_t count = 0;
    struct sfe_error err;
    bool same = sfe_compiled_open_keys(compiled, crypto, keys, &count, &err) == SFE_OK &&
                count == stream->key_count;

    for (uint32_t i = 0; i < count; i++) {
        same = same && same_key(crypto, keys[i], stream->keys[i]);
        crypto->aead_close(crypto->context, keys[i]);
    }
    return same;
}

static bool is_thinned(const struct sfe_config_stream *stream)
{
    return stream->thin.keep_every != 0;
}

static void check_stream(struct agent_reload *reload, uint32_t now, uint32_t next)
{
    const struct agent_set *set = &reload->agent->set;
    const struct sfe_config_stream *stream = &reload->setup->config->streams[next];

    if (!same_form(stream, &set->config->streams[now])) {
        report_fixed(reload, &stream->place, "segment, encrypt or when_full of a stream");
    } else if (is_thinned(stream) != is_thinned(&set->config->streams[now])) {
        report_fixed(reload, &stream->place, "whether a stream is thinned");
    } else if (!same_keys(&reload->agent->platform->crypto, &set->streams[now],
                          &reload->setup->compiled.streams[next])) {
        report_fixed(reload, &stream->place,
                     "the keys of a stream (the one until now goes to encrypt_old_key_files)");
    }
}

static bool same_listener(const struct sfe_config_watch *a, const struct sfe_config_watch *b)
{
    return (a->listen == NULL) == (b->listen == NULL) &&
           (a->listen == NULL || (a->port == b->port && strcmp(a->host, b->host) == 0));
}

/* What everything else stands on. */
static void check_fixed(struct agent_reload *reload)
{
    const struct sfe_config *now = reload->agent->set.config;
    const struct sfe_config *next = reload->setup->config;

    if (strcmp(now->agent.id, next->agent.id) != 0) {
        report_fixed(reload, &(struct sfe_config_place){.pointer = "/agent/id"}, "agent.id");
    }
    if (strcmp(now->agent.state, next->agent.state) != 0) {
        report_fixed(reload, &(struct sfe_config_place){.pointer = "/agent/state"}, "agent.state");
    }
    if (now->agent.event_bytes_max != next->agent.event_bytes_max) {
        report_fixed(reload, &(struct sfe_config_place){.pointer = "/agent/event_max"},
                     "agent.event_max");
    }
    if (now->watch.trace != next->watch.trace) {
        report_fixed(reload, &(struct sfe_config_place){.pointer = "/watch/trace"}, "watch.trace");
    }
    if (!same_listener(&now->watch, &next->watch)) {
        report_fixed(reload, &(struct sfe_config_place){.pointer = "/watch/listen"},
                     "watch.listen");
    }
    for (uint32_t i = 0; i < next->stream_count; i++) {
        for (uint32_t k = 0; k < now->stream_count; k++) {
            if (strcmp(next->streams[i].name, now->streams[k].name) == 0) {
                check_stream(reload, k, i);
            }
        }
    }
}

static void finish(struct agent_reload *reload)
{
    struct sfe_agent *agent = reload->agent;
    const struct sfe_clock *clock = &agent->platform->clock;
    const bool is_done = reload->facts.mistakes == 0;

    sfe_json_end_array(&reload->writer);
    sfe_json_put_bool(&reload->writer, "ok", is_done);
    sfe_json_end_object(&reload->writer);
    SFE_ASSERT(!reload->answer.overflowed);
    (void)clock->wall_ns(clock->context, &reload->facts.when_ns);
    reload->facts.is_done = is_done;
    if (is_done) {
        SFE_LOG(agent->log, SFE_INFO, "configuration reloaded",
                sfe_text("agent", agent->set.config->agent.id));
    } else {
        SFE_LOG(agent->log, SFE_ERROR, "reload refused; what ran before runs on",
                sfe_count("mistakes", reload->facts.mistakes));
    }
    sfe_setup_drop(reload->setup);
    reload->setup = NULL;
    reload->state = RELOAD_NONE;
    if (reload->is_asked) {
        sfe_control_answer(agent->control, sfe_builder_slice(&reload->answer));
    }
    if (reload->is_return) {
        agent_trial_end_return(agent, is_done);
    }
    sfe_watchdog_end_reload(agent->watchdog);
}

/* What to go to: the file, or what was good last. */
static void load(struct agent_reload *reload)
{
    struct sfe_error err;

    reload->is_return = reload->returning != NULL;
    if (reload->is_return) {
        reload->setup = reload->returning;
        reload->returning = NULL;
    } else if (sfe_setup_load(reload->agent->set.config->path, report, reload, &reload->setup,
                              &err) != SFE_OK) {
        if (reload->facts.mistakes == 0) {
            report(reload, &err);
        }
        return;
    }
    check_fixed(reload);
}

static void begin(struct agent_reload *reload, bool is_asked)
{
    struct sfe_agent *agent = reload->agent;

    SFE_ASSERT(reload->state == RELOAD_NONE && reload->setup == NULL);
    reload->is_asked = is_asked;
    sfe_watchdog_begin_reload(agent->watchdog);
    begin_answer(reload);
    load(reload);
    if (reload->facts.mistakes != 0) {
        finish(reload);
        return;
    }
    reload->state = RELOAD_OPENING;
    agent_pause(agent);
}

static void want(struct sfe_agent *agent, bool is_asked)
{
    struct agent_reload *reload = agent->reload;

    if (agent->stop_is_wanted) {
        if (is_asked) {
            sfe_control_answer(agent->control,
                               SFE_TEXT("{\"mistakes\":[{\"message\":\"the agent is stopping\"}],"
                                        "\"ok\":false}"));
        }
    } else if (reload->state != RELOAD_NONE) {
        reload->is_wanted_again = true;
        reload->is_asked_again = reload->is_asked_again || is_asked;
    } else {
        begin(reload, is_asked);
    }
}

void agent_begin_reload(struct sfe_agent *agent)
{
    want(agent, false);
}

void agent_begin_return(struct sfe_agent *agent, struct sfe_setup *setup)
{
    SFE_ASSERT(!agent_reload_is_under_way(agent) && !agent->stop_is_wanted);
    agent->reload->returning = sfe_setup_hold(setup);
    begin(agent->reload, false);
}

void agent_begin_asked_reload(struct sfe_agent *agent)
{
    struct agent_reload *reload = agent->reload;

    reload->is_asked = false; /* Who asked for one that is under way has left. */
    reload->is_wanted_again = true;
    reload->is_asked_again = true;
}

static bool source_stays(const struct agent_set *next, uint32_t index)
{
    for (uint32_t i = 0; i < next->source_count; i++) {
        if (next->sources[i].carried == index) {
            return true;
        }
    }
    return false;
}

static bool output_stays(const struct agent_set *next, uint32_t index)
{
    for (uint32_t i = 0; i < next->output_count; i++) {
        if (next->outputs[i].carried == index) {
            return true;
        }
    }
    return false;
}

static bool org_stays(const struct agent_set *next, uint32_t index)
{
    for (uint32_t i = 0; i < next->org_count; i++) {
        if (next->orgs[i].carried == index) {
            return true;
        }
    }
    return false;
}

/* From here on the reload is not refused any more. */
static void begin_drain(struct agent_reload *reload, uint64_t now_ns)
{
    struct agent_set *set = &reload->agent->set;

    for (uint32_t i = 0; i < set->source_count; i++) {
        if (!source_stays(&reload->next, i)) {
            set->sources[i].is_leaving = true;
            set->sources[i].source.stop(set->sources[i].source.context);
        }
    }
    for (uint32_t i = 0; i < set->output_count; i++) {
        set->outputs[i].is_leaving = !output_stays(&reload->next, i);
    }
    for (uint32_t i = 0; i < set->org_count; i++) {
        set->orgs[i].is_leaving = !org_stays(&reload->next, i);
    }
    atomic_store(&reload->agent->cloud_has_drained, false);
    reload->drain_by_ns = now_ns + set->config->agent.stop_timeout_ns;
    reload->state = RELOAD_DRAINING;
}

static uint64_t opening_turn(struct agent_reload *reload, uint64_t now_ns)
{
    struct sfe_agent *agent = reload->agent;
    struct sfe_error err;

    if (!agent_is_paused(agent)) {
        return UINT64_MAX;
    }
    if (agent_plan_set(&reload->next, reload->setup, &agent->set, &err) != SFE_OK ||
        agent_check_room(agent, &reload->next, &err) != SFE_OK ||
        agent_open_set(agent, &reload->next, &err) != SFE_OK ||
        agent_open_tables(&reload->next, &err) != SFE_OK) {
        report(reload, &err);
        agent_close_new(&reload->next);
        agent_resume(agent);
        finish(reload);
        return now_ns;
    }
    begin_drain(reload, now_ns);
    agent_resume(agent);
    return now_ns;
}

static bool sources_are_drained(const struct agent_set *set)
{
    for (uint32_t i = 0; i < set->source_count; i++) {
        const struct sfe_source *source = &set->sources[i].source;
        if (set->sources[i].is_leaving && !source->is_quiet(source->context)) {
            return false;
        }
    }
    return true;
}

static uint64_t draining_turn(struct agent_reload *reload, uint64_t now_ns)
{
    struct sfe_agent *agent = reload->agent;
    bool is_over = now_ns >= reload->drain_by_ns || agent->stop_is_wanted ||
                   (atomic_load(&agent->cloud_has_drained) && sources_are_drained(&agent->set));

    if (!is_over) {
        return reload->drain_by_ns;
    }
    atomic_store(&agent->cloud_has_drained, true);
    reload->state = RELOAD_SWAPPING;
    agent_pause(agent);
    return UINT64_MAX;
}

static uint64_t swapping_turn(struct agent_reload *reload, uint64_t now_ns)
{
    struct sfe_agent *agent = reload->agent;
    struct sfe_setup *before;
    struct sfe_error err;

    if (!agent_is_paused(agent)) {
        return UINT64_MAX;
    }
    before = sfe_setup_hold(agent->set.setup);
    reload->facts.arena_bytes = agent_taken(agent) + agent_set_new_taken(&reload->next);
    if (agent_swap_set(agent, &reload->next, &err) != SFE_OK) {
        /* What has stopped cannot begin again: a restart finds all where it stood. */
        agent->failure = err;
        report(reload, &err);
        agent_close_new(&reload->next);
    } else {
        sfe_log_set_level(agent->log, agent->set.config->agent.log_level);
        if (!reload->is_return) {
            agent_trial_begin(agent, before);
        }
    }
    sfe_setup_drop(before);
    agent_resume(agent);
    finish(reload);
    return now_ns;
}

uint64_t agent_reload_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    struct agent_reload *reload = agent->reload;
    bool is_asked = reload->is_asked_again;

    switch (reload->state) {
    case RELOAD_OPENING:
        return opening_turn(reload, now_ns);
    case RELOAD_DRAINING:
        return draining_turn(reload, now_ns);
    case RELOAD_SWAPPING:
        return swapping_turn(reload, now_ns);
    case RELOAD_NONE:
        break;
    }
    if (reload->is_wanted_again) {
        reload->is_wanted_again = false;
        reload->is_asked_again = false;
        want(agent, is_asked);
    }
    return UINT64_MAX;
}

void agent_close_reload(struct sfe_agent *agent)
{
    if (agent->reload != NULL && agent->reload->setup != NULL) {
        agent_close_new(&agent->reload->next);
        sfe_setup_drop(agent->reload->setup);
        agent->reload->setup = NULL;
    }
}
