/* Which parts a configuration has, and which of them are there already; and how one set takes the
 * place of another. Edge thread while flash and cloud pause, or main thread. */
#include "run/open_ask.h"
#include "run/open_http.h"
#include "run/parts.h"
#include "run/waits.h"

#include "base/arena.h"
#include "base/assert.h"
#include "config/same.h"
#include "stream/quota.h"

#include <string.h>

enum sfe_code agent_take_set(struct agent_set *set, struct sfe_arena *arena, struct sfe_error *err)
{
    memset(set, 0, sizeof(*set));
    set->streams = sfe_arena_take(arena, (SFE_STREAMS_MAX + 1u) * sizeof(*set->streams), err);
    set->sources = sfe_arena_take(arena, AGENT_SOURCES_MAX * sizeof(*set->sources), err);
    set->orgs = sfe_arena_take(arena, SFE_CONNECTIONS_MAX * sizeof(*set->orgs), err);
    set->outputs = sfe_arena_take(arena, AGENT_OUTPUTS_MAX * sizeof(*set->outputs), err);
    if (set->streams == NULL || set->sources == NULL || set->orgs == NULL || set->outputs == NULL) {
        return err->code;
    }
    return SFE_OK;
}

size_t agent_set_memory_bytes(void)
{
    const struct agent_set *set = NULL;

    return sfe_arena_cost((SFE_STREAMS_MAX + 1u) * sizeof(*set->streams)) +
           sfe_arena_cost(AGENT_SOURCES_MAX * sizeof(*set->sources)) +
           sfe_arena_cost(SFE_CONNECTIONS_MAX * sizeof(*set->orgs)) +
           sfe_arena_cost(AGENT_OUTPUTS_MAX * sizeof(*set->outputs));
}

static bool same_slice(struct sfe_slice a, struct sfe_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* Is connection `index` of the set what it was in `setup`, down to its secrets? What else is
 * compiled of it, its configuration decides. */
static bool same_connection(const struct agent_set *set, uint32_t index,
                            const struct sfe_setup *setup, uint32_t before)
{
    const struct sfe_config_part a = {set->config, index};
    const struct sfe_config_part b = {setup->config, before};
    const struct sfe_compiled_connection *now = &set->compiled->connections[index];
    const struct sfe_compiled_connection *then = &setup->compiled.connections[before];

    return sfe_config_same_connection(a, b) && same_slice(now->secret, then->secret) &&
           same_slice(now->refresh_tokens, then->refresh_tokens) &&
           same_slice(now->tls_key, then->tls_key) &&
           same_slice(now->proxy_password, then->proxy_password);
}

static void plan_streams(struct agent_set *set, const struct agent_set *before)
{
    set->stream_count = set->config->stream_count;
    for (uint32_t i = 0; i < set->stream_count; i++) {
        set->streams[i] = (struct agent_stream){.carried = AGENT_NEW};
        for (uint32_t k = 0; k < before->stream_count; k++) {
            if (strcmp(set->config->streams[i].name, sfe_stream_name(before->streams[k].stream)) ==
                0) {
                set->streams[i] = before->streams[k];
                set->streams[i].carried = k;
            }
        }
    }
}

static void plan_orgs(struct agent_set *set, const struct agent_set *before)
{
    set->org_count = 0;
    for (uint32_t i = 0; i < set->config->connection_count; i++) {
        if (set->config->connections[i].type != SFE_CONNECTION_SALESFORCE) {
            continue;
        }
        struct agent_org *org = &set->orgs[set->org_count++];
        *org = (struct agent_org){.carried = AGENT_NEW,
                                  .connection = set->config->connections[i].name,
                                  .connection_index = i};
        for (uint32_t k = 0; k < before->org_count && org->carried == AGENT_NEW; k++) {
            const struct agent_org *old = &before->orgs[k];
            if (same_connection(set, i, old->setup, old->connection_index)) {
                *org = *old;
                org->carried = k;
            }
        }
        if (org->carried == AGENT_NEW) {
            org->setup = sfe_setup_hold(set->setup);
        }
    }
}

/* Of those that share a source. */
static uint32_t next_input(const struct sfe_config *config, uint32_t connection, uint32_t begin)
{
    while (begin < config->input_count && (config->inputs[begin].connection != connection ||
                                           agent_is_own_source(&config->inputs[begin]))) {
        begin++;
    }
    return begin;
}

/* The inputs of a connection, one by one. Their streams are carried over by name. */
static bool same_inputs(const struct sfe_config *a, uint32_t a_connection,
                        const struct sfe_config *b, uint32_t b_connection)
{
    struct sfe_config_part left = {a, next_input(a, a_connection, 0)};
    struct sfe_config_part right = {b, next_input(b, b_connection, 0)};

    while (left.index < a->input_count && right.index < b->input_count) {
        if (!sfe_config_same_input(left, right)) {
            return false;
        }
        left.index = next_input(a, a_connection, left.index + 1u);
        right.index = next_input(b, b_connection, right.index + 1u);
    }
    return left.index == a->input_count && right.index == b->input_count;
}

static bool org_is_carried(const struct agent_set *set, const char *connection)
{
    for (uint32_t i = 0; i < set->org_count; i++) {
        if (strcmp(set->orgs[i].connection, connection) == 0) {
            return set->orgs[i].carried != AGENT_NEW;
        }
    }
    return false;
}

static void plan_sources(struct agent_set *set, const struct agent_set *before)
{
    const struct sfe_config *config = set->config;

    set->source_count = 0;
    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (next_input(config, i, 0) == config->input_count) {
            continue;
        }
        struct agent_source *source = &set->sources[set->source_count++];
        *source = (struct agent_source){.carried = AGENT_NEW, .connection_index = i};
        for (uint32_t k = 0; k < before->source_count && source->carried == AGENT_NEW; k++) {
            const struct agent_source *old = &before->sources[k];
            if (old->connection_index != AGENT_NONE &&
                (config->connections[i].type != SFE_CONNECTION_SALESFORCE ||
                 org_is_carried(set, config->connections[i].name)) &&
                same_connection(set, i, old->setup, old->connection_index) &&
                same_inputs(config, i, old->setup->config, old->connection_index)) {
                *source = *old;
                source->carried = k;
            }
        }
        if (source->carried == AGENT_NEW) {
            source->setup = sfe_setup_hold(set->setup);
        }
    }
}

/* Does what input `index` goes by stay as it was? */
static bool org_stays_for(const struct agent_set *set, uint32_t index,
                          const struct sfe_setup *setup, uint32_t before)
{
    const struct sfe_config_input *input = &set->config->inputs[index];
    const bool is_ask = input->type == SFE_INPUT_MQTT_ASK;
    const uint32_t connection = is_ask ? input->ask.org : input->connection;

    if (is_ask &&
        !same_connection(set, input->connection, setup, setup->config->inputs[before].connection)) {
        return false;
    }
    return connection == AGENT_NONE ||
           org_is_carried(set, set->config->connections[connection].name);
}

/* Which of the day's calls is a query of? */
static bool same_need(struct sfe_config_part a, struct sfe_config_part b)
{
    const struct sfe_config_input *left = &a.config->inputs[a.index];
    const struct sfe_config_input *right = &b.config->inputs[b.index];

    return left->type != SFE_INPUT_SALESFORCE_QUERY ||
           (a.config->streams[left->stream].priority != 0) ==
               (b.config->streams[right->stream].priority != 0);
}

/* Is input `index` of the set what it was in `setup`, down to its secrets and certificates? */
static bool same_input(const struct agent_set *set, uint32_t index, const struct sfe_setup *setup,
                       uint32_t before)
{
    const struct sfe_config_part a = {set->config, index};
    const struct sfe_config_part b = {setup->config, before};

    const struct sfe_compiled_input *now = &set->compiled->inputs[index];
    const struct sfe_compiled_input *then = &setup->compiled.inputs[before];

    return sfe_config_same_input(a, b) && same_need(a, b) &&
           org_stays_for(set, index, setup, before) && now->ask.tables == then->ask.tables &&
           (!set->config->inputs[index].http.by_identity ||
            sfe_compiled_same_identities(set->compiled, &setup->compiled)) &&
           same_slice(now->secret, then->secret) && same_slice(now->tls.cert, then->tls.cert) &&
           same_slice(now->tls.key, then->tls.key) &&
           same_slice(now->tls.client_ca, then->tls.client_ca);
}

/* Inputs that are a source each. */
static void plan_inputs(struct agent_set *set, const struct agent_set *before)
{
    for (uint32_t i = 0; i < set->config->input_count; i++) {
        if (set->config->inputs[i].connection != AGENT_NONE &&
            !agent_is_own_source(&set->config->inputs[i])) {
            continue;
        }
        struct agent_source *source = &set->sources[set->source_count++];
        *source = (struct agent_source){
            .carried = AGENT_NEW, .connection_index = AGENT_NONE, .input_index = i};
        for (uint32_t k = 0; k < before->source_count && source->carried == AGENT_NEW; k++) {
            const struct agent_source *old = &before->sources[k];
            if (old->connection_index == AGENT_NONE &&
                same_input(set, i, old->setup, old->input_index)) {
                *source = *old;
                source->carried = k;
            }
        }
        if (source->carried == AGENT_NEW) {
            source->setup = sfe_setup_hold(set->setup);
        }
    }
}

/* Does what `output` goes by stay as it was for `old`: the org, or the connection to a broker? */
static bool connection_stays(const struct agent_set *set, const struct sfe_config_output *output,
                             const struct agent_output *old)
{
    const struct sfe_config_output *before = &old->setup->config->outputs[old->config_index];

    if (output->connection == UINT32_MAX) {
        return true; /* It goes by none. */
    }
    return output->type == SFE_OUTPUT_MQTT
               ? same_connection(set, output->connection, old->setup, before->connection)
               : org_is_carried(set, set->config->connections[output->connection].name);
}

/* Which of the day's calls an output may use. */
static bool has_priority(const struct agent_set *set, uint32_t stream)
{
    return set->config->streams[stream].priority != 0;
}

static bool same_secrets(const struct sfe_compiled_output *now,
                         const struct sfe_compiled_output *then)
{
    return same_slice(now->secret, then->secret) && same_slice(now->tls_key, then->tls_key) &&
           same_slice(now->proxy_password, then->proxy_password);
}

/* The output before that may stay as it is; AGENT_NEW: none. */
static uint32_t find_output(const struct agent_set *set, const struct agent_output *output,
                            const struct agent_set *before)
{
    const struct sfe_config_part part = {set->config, output->config_index};
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];

    for (uint32_t k = 0; k < before->output_count; k++) {
        const struct agent_output *old = &before->outputs[k];
        const struct sfe_config_part other = {old->setup->config, old->config_index};
        if (set->streams[output->stream_index].carried == old->stream_index &&
            has_priority(set, output->stream_index) == has_priority(before, old->stream_index) &&
            sfe_config_same_output(part, other) &&
            set->compiled->outputs[output->config_index].tables ==
                old->setup->compiled.outputs[old->config_index].tables &&
            same_secrets(&set->compiled->outputs[output->config_index],
                         &old->setup->compiled.outputs[old->config_index]) &&
            connection_stays(set, config, old)) {
            return k;
        }
    }
    return AGENT_NEW;
}

static enum sfe_code plan_output(struct agent_set *set, uint32_t config_index,
                                 uint32_t stream_index, const struct agent_set *before,
                                 struct sfe_error *err)
{
    struct agent_output *output = &set->outputs[set->output_count];

    if (set->output_count + agent_join_cursor_count(set->config) >= AGENT_OUTPUTS_MAX) {
        return sfe_fail(err, SFE_E_CONFIG, "all outputs together read more than %u streams",
                        AGENT_OUTPUTS_MAX);
    }
    *output = (struct agent_output){.carried = AGENT_NEW,
                                    .name = set->config->outputs[config_index].name,
                                    .config_index = config_index,
                                    .stream_index = stream_index};
    uint32_t carried = find_output(set, output, before);
    if (carried == AGENT_NEW) {
        output->setup = sfe_setup_hold(set->setup);
    } else {
        *output = before->outputs[carried];
        output->stream_index = stream_index;
        output->carried = carried;
    }
    set->output_count++;
    return SFE_OK;
}

/* Outputs whose streams have `priority`, so that sales take their turn before telemetry. */
static enum sfe_code plan_with_priority(struct agent_set *set, uint32_t priority,
                                        const struct agent_set *before, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < set->config->output_count; i++) {
        const struct sfe_config_output *output = &set->config->outputs[i];
        for (uint32_t from = 0; from < output->from_count && code == SFE_OK; from++) {
            if (set->config->streams[output->from[from]].priority == priority) {
                code = plan_output(set, i, output->from[from], before, err);
            }
        }
    }
    return code;
}

/* The highest priority below `limit`; false when there is none. */
static bool next_priority(const struct sfe_config *config, uint64_t limit, uint32_t *priority)
{
    bool found = false;

    for (uint32_t i = 0; i < config->stream_count; i++) {
        uint32_t candidate = config->streams[i].priority;
        if (candidate < limit && (!found || candidate > *priority)) {
            *priority = candidate;
            found = true;
        }
    }
    return found;
}

enum sfe_code agent_plan_set(struct agent_set *set, struct sfe_setup *setup,
                             const struct agent_set *before, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    uint64_t limit = UINT64_MAX;
    uint32_t priority = 0;

    SFE_ASSERT(set->setup == NULL);
    set->setup = sfe_setup_hold(setup);
    set->config = setup->config;
    set->compiled = &setup->compiled;
    set->output_count = 0;
    plan_streams(set, before);
    plan_orgs(set, before);
    plan_sources(set, before);
    plan_inputs(set, before);
    while (code == SFE_OK && next_priority(set->config, limit, &priority)) {
        code = plan_with_priority(set, priority, before, err);
        limit = priority;
    }
    return code;
}

enum sfe_code agent_open_set(struct sfe_agent *agent, struct agent_set *set, struct sfe_error *err)
{
    enum sfe_code code = agent_open_streams(agent, set, err);

    /* From here on each stream holds the only copy of its keys, and it goes with the stream. */
    sfe_compiled_wipe_keys(&set->setup->compiled);
    if (code == SFE_OK) {
        code = agent_open_orgs(agent, set, err);
    }
    if (code == SFE_OK) {
        code = agent_open_targets(agent, set, err);
    }
    if (code == SFE_OK) {
        code = agent_open_sources(agent, set, err);
    }
    return code;
}

/* Empties the set without closing its parts. */
static void forget_set(struct agent_set *set)
{
    set->source_count = 0;
    set->output_count = 0;
    set->org_count = 0;
    set->stream_count = 0;
    sfe_arena_close(set->quota_arena);
    set->quota_arena = NULL;
    set->quota = NULL;
    sfe_setup_drop(set->setup);
    set->setup = NULL;
    set->config = NULL;
    set->compiled = NULL;
}

void agent_close_new(struct agent_set *set)
{
    for (uint32_t i = 0; i < set->source_count; i++) {
        if (set->sources[i].carried == AGENT_NEW) {
            agent_close_source(&set->sources[i]);
        }
    }
    for (uint32_t i = 0; i < set->output_count; i++) {
        if (set->outputs[i].carried == AGENT_NEW) {
            agent_close_output(&set->outputs[i]);
        }
    }
    for (uint32_t i = 0; i < set->org_count; i++) {
        if (set->orgs[i].carried == AGENT_NEW) {
            agent_close_org(&set->orgs[i]);
        }
    }
    for (uint32_t i = 0; i < set->stream_count; i++) {
        if (set->streams[i].carried == AGENT_NEW) {
            agent_close_stream(&set->streams[i]);
        } else {
            sfe_arena_close(set->streams[i].new_table_arena);
        }
    }
    forget_set(set);
}

void agent_close_set(struct agent_set *set)
{
    for (uint32_t i = 0; i < set->source_count; i++) {
        agent_close_source(&set->sources[i]);
    }
    for (uint32_t i = 0; i < set->output_count; i++) {
        agent_close_output(&set->outputs[i]);
    }
    for (uint32_t i = 0; i < set->org_count; i++) {
        agent_close_org(&set->orgs[i]);
    }
    for (uint32_t i = 0; i < set->stream_count; i++) {
        agent_close_stream(&set->streams[i]);
    }
    forget_set(set);
}

/* What a stream that comes in has on flash counts as found at the start. */
static void carry_quota(const struct agent_set *before, struct agent_set *next)
{
    bool all_carried = true;

    for (uint32_t i = 0; i < next->stream_count; i++) {
        all_carried = all_carried && next->streams[i].carried != AGENT_NEW;
    }
    if (all_carried && before->quota != NULL && next->quota != NULL) {
        sfe_quota_follow(next->quota, before->quota);
    }
    agent_share_quota(next);
}

/* For streams whose new quota means more segments than their table has room for. */
enum sfe_code agent_open_tables(struct agent_set *next, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < next->stream_count && code == SFE_OK; i++) {
        struct agent_stream *stream = &next->streams[i];
        size_t bytes = sfe_stream_table_bytes(stream->stream, next->config->streams[i].quota_bytes);
        stream->new_table_arena = NULL;
        if (stream->carried != AGENT_NEW && bytes != 0) {
            code = sfe_arena_open(bytes, &stream->new_table_arena, err);
        }
    }
    return code;
}

/* Is it thinned before and after, or neither: reload.c. */
static void carry_thin(const struct agent_set *next, uint32_t index)
{
    const struct sfe_config_thin *config = &next->config->streams[index].thin;
    struct sfe_thin *thin = next->streams[index].thin;
    const struct sfe_template *key = next->compiled->streams[index].thin_key;

    SFE_ASSERT((thin == NULL) == (key == NULL));
    if (thin != NULL) {
        sfe_thin_set_rule(thin, key, config->from_percent, config->keep_every);
    }
}

static void carry_streams(const struct agent_set *before, struct agent_set *next)
{
    for (uint32_t i = 0; i < next->stream_count; i++) {
        struct agent_stream *stream = &next->streams[i];
        struct sfe_arena *table = stream->new_table_arena;
        struct sfe_error err;
        if (stream->carried == AGENT_NEW) {
            continue;
        }
        carry_thin(next, i);
        stream->rate = before->streams[stream->carried].rate;
        stream->released = before->streams[stream->carried].released;
        stream->marked = before->streams[stream->carried].marked;
        const uint64_t quota = next->config->streams[i].quota_bytes;
        size_t bytes = sfe_stream_table_bytes(stream->stream, quota);
        void *items = table == NULL ? NULL : sfe_arena_take(table, bytes, &err);
        SFE_ASSERT(items != NULL || bytes == 0);
        sfe_stream_set_limits(stream->stream, quota, next->config->streams[i].linger_ns, items);
        if (table != NULL) {
            sfe_arena_close(stream->table_arena);
            stream->table_arena = table;
            stream->new_table_arena = NULL;
        }
    }
}

static void carry_outputs(const struct agent_set *before, struct agent_set *next)
{
    for (uint32_t i = 0; i < next->output_count; i++) {
        struct agent_output *output = &next->outputs[i];
        if (output->carried != AGENT_NEW) {
            output->rate = before->outputs[output->carried].rate;
        }
    }
}

static bool stream_stays(const struct agent_set *next, uint32_t index)
{
    for (uint32_t i = 0; i < next->stream_count; i++) {
        if (next->streams[i].carried == index) {
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

/* Users before what they use. */
static void close_leaving(struct sfe_agent *agent, const struct agent_set *next)
{
    struct agent_set *before = &agent->set;
    struct sfe_stream_facts facts;

    for (uint32_t i = 0; i < before->source_count; i++) {
        if (before->sources[i].is_leaving) {
            agent_close_source(&before->sources[i]);
        }
    }
    for (uint32_t i = 0; i < before->output_count; i++) {
        if (before->outputs[i].is_leaving) {
            agent_close_output(&before->outputs[i]);
        }
    }
    for (uint32_t i = 0; i < before->org_count; i++) {
        if (!org_stays(next, i)) {
            agent_close_org(&before->orgs[i]);
        }
    }
    for (uint32_t i = 0; i < before->stream_count; i++) {
        if (!stream_stays(next, i)) {
            sfe_stream_facts(before->streams[i].stream, &facts);
            agent->left_events += facts.written_events;
            agent->left_payload_bytes += facts.payload_bytes;
            agent_close_stream(&before->streams[i]);
        }
    }
}

enum sfe_code agent_swap_set(struct sfe_agent *agent, struct agent_set *next, struct sfe_error *err)
{
    struct agent_set before;
    enum sfe_code code = agent_begin_outputs(agent, next, err);

    if (code != SFE_OK) {
        return code;
    }
    carry_streams(&agent->set, next);
    carry_quota(&agent->set, next);
    carry_outputs(&agent->set, next);
    close_leaving(agent, next);
    before = agent->set;
    agent->set = *next;
    *next = before;
    forget_set(next);
    return SFE_OK;
}
