#include "run/open_events.h"

#include "ask/ask.h"
#include "base/arena.h"
#include "base/assert.h"
#include "input/replay.h"
#include "input/salesforce_events.h"
#include "run/open_sources.h"
#include "run/outputs.h"
#include "salesforce/cometd.h"
#include "salesforce/query.h"

static bool is_of(const struct sfe_config *config, uint32_t input, uint32_t connection)
{
    return config->inputs[input].type == SFE_INPUT_SALESFORCE_EVENTS &&
           config->inputs[input].connection == connection;
}

static uint32_t count_channels(const struct sfe_config *config, uint32_t connection)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < config->input_count; i++) {
        count += is_of(config, i, connection) ? 1u : 0;
    }
    return count;
}

size_t agent_events_source_bytes(const struct sfe_config *config, uint32_t connection)
{
    const uint32_t count = count_channels(config, connection);
    bool has_guard = false;
    bool has_admit = false;
    size_t bytes = 0;

    if (count == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];
        if (is_of(config, i, connection)) {
            const struct sfe_stream_options options = agent_stream_options(config, input->stream);
            has_guard = has_guard || input->card_guard || input->mask_count != 0;
            has_admit = has_admit || input->admit_count != 0;
            bytes += sfe_replay_memory_bytes(&options);
        }
    }
    return bytes + sfe_arena_cost(count * sizeof(struct sfe_intake_route)) +
           sfe_arena_cost(count * sizeof(struct sfe_cometd_channel)) +
           sfe_arena_cost(count * sizeof(struct sfe_salesforce_events_channel)) +
           sfe_intake_memory_bytes(count, config->agent.event_bytes_max, has_guard, has_admit) +
           sfe_cometd_memory_bytes(count, SFE_EVENTS_ANSWER_BYTES) +
           sfe_salesforce_events_memory_bytes(count);
}

/* The channels of one connection, as each part of it sees them. */
struct plan {
    struct sfe_intake_route *routes;
    struct sfe_cometd_channel *subscriptions;
    struct sfe_salesforce_events_channel *channels;
    uint32_t count;
};

static enum sfe_code make_plan(const struct agent_set *set, const struct agent_source *source,
                               struct plan *plan, struct sfe_error *err)
{
    const struct sfe_config *config = set->config;
    const uint32_t count = count_channels(config, source->connection_index);

    plan->routes = sfe_arena_take(source->arena, count * sizeof(*plan->routes), err);
    plan->subscriptions = sfe_arena_take(source->arena, count * sizeof(*plan->subscriptions), err);
    plan->channels = sfe_arena_take(source->arena, count * sizeof(*plan->channels), err);
    if (plan->routes == NULL || plan->subscriptions == NULL || plan->channels == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];
        if (!is_of(config, i, source->connection_index)) {
            continue;
        }
        plan->routes[plan->count] = agent_route(set, input);
        plan->routes[plan->count].identity_by_arrival = true; /* Of those that say nothing. */
        plan->subscriptions[plan->count] =
            (struct sfe_cometd_channel){input->topic, input->on_stale_replay == SFE_STALE_EARLIEST};
        plan->channels[plan->count] = (struct sfe_salesforce_events_channel){
            input->topic, input->name, set->streams[input->stream].stream, NULL, false};
        plan->count++;
    }
    return SFE_OK;
}

/* Those that are open are closed here where one cannot be. */
static enum sfe_code open_replays(struct sfe_agent *agent, const struct agent_source *source,
                                  const struct sfe_feed *feed, const struct plan *plan,
                                  struct sfe_error *err)
{
    const struct sfe_config *config = source->setup->config;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct sfe_replay_options options = {
            .connection = config->connections[source->connection_index].name,
            .channel = plan->channels[i].name,
            .input = plan->channels[i].input,
            .stream = plan->channels[i].stream,
            .storage = &agent->platform->storage,
            .log = agent->log,
            .feed = feed->context,
            .read_marks = feed->read_marks,
        };
        if (sfe_replay_open(&options, source->arena, &plan->channels[i].replay, err) != SFE_OK) {
            while (i > 0) {
                sfe_replay_close(plan->channels[--i].replay);
            }
            return err->code;
        }
    }
    return SFE_OK;
}

static enum sfe_code open_cometd(struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_source *source, const struct plan *plan,
                                 struct sfe_feed *feed, struct sfe_error *err)
{
    const struct sfe_cometd_options options = {
        .connection = set->config->connections[source->connection_index].name,
        .org = agent_find_org(set, source->connection_index),
        .channels = plan->subscriptions,
        .channel_count = plan->count,
        .answer_bytes_max = SFE_EVENTS_ANSWER_BYTES,
        .http = &agent->platform->http,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .on_change = agent_kick_edge,
        .owner = agent,
    };

    return sfe_cometd_open(&options, source->arena, &source->cometd, feed, err);
}

static enum sfe_code open_parts(struct sfe_agent *agent, const struct agent_set *set,
                                struct agent_source *source, struct sfe_error *err)
{
    struct plan plan = {0};
    struct sfe_feed feed;
    enum sfe_code code = make_plan(set, source, &plan, err);

    if (code == SFE_OK) {
        code = agent_open_intake(agent, set, source, plan.routes, plan.count, err);
    }
    if (code == SFE_OK) {
        code = open_cometd(agent, set, source, &plan, &feed, err);
    }
    if (code == SFE_OK) {
        code = open_replays(agent, source, &feed, &plan, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_salesforce_events_options options = {
        .connection = set->config->connections[source->connection_index].name,
        .channels = plan.channels,
        .channel_count = plan.count,
        .feed = feed,
        .intake = source->intake,
        .dead = set->streams[set->config->dead_stream].stream,
        .log = agent->log,
        .on_loaded = agent_kick_edge,
        .on_note = agent_kick_flash,
        .owner = agent,
    };
    code =
        sfe_salesforce_events_open(&options, source->arena, &source->events, &source->source, err);
    for (uint32_t i = 0; code != SFE_OK && i < plan.count; i++) {
        sfe_replay_close(plan.channels[i].replay);
    }
    return code;
}

enum sfe_code agent_open_events_source(struct sfe_agent *agent, const struct agent_set *set,
                                       struct agent_source *source, struct sfe_error *err)
{
    enum sfe_code code = agent_open_arena(
        agent_events_source_bytes(set->config, source->connection_index), &source->arena, err);

    if (code == SFE_OK) {
        code = open_parts(agent, set, source, err);
    }
    return code == SFE_OK ? SFE_OK
                          : sfe_within(err, "cannot open the events of connection \"%s\"",
                                       set->config->connections[source->connection_index].name);
}

uint64_t agent_events_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        if (agent->set.sources[i].query != NULL) {
            due_ns =
                sfe_clock_earlier_ns(due_ns, sfe_query_turn(agent->set.sources[i].query, now_ns));
        }
        if (agent->set.sources[i].ask != NULL) {
            due_ns =
                sfe_clock_earlier_ns(due_ns, sfe_ask_cloud_turn(agent->set.sources[i].ask, now_ns));
        }
        if (agent->set.sources[i].cometd != NULL) {
            due_ns =
                sfe_clock_earlier_ns(due_ns, sfe_cometd_turn(agent->set.sources[i].cometd, now_ns));
        }
    }
    return due_ns;
}

bool agent_events_are_quiet(const struct sfe_agent *agent, bool all)
{
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        const struct agent_source *source = &agent->set.sources[i];
        if (!all && !source->is_leaving) {
            continue;
        }
        if ((source->cometd != NULL && !sfe_cometd_is_quiet(source->cometd)) ||
            (source->query != NULL && !sfe_query_is_quiet(source->query)) ||
            (source->ask != NULL && !sfe_ask_is_quiet(source->ask))) {
            return false;
        }
    }
    return true;
}

uint64_t agent_keep_places(struct sfe_agent *agent, uint64_t now_ns, bool is_last)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        if (agent->set.sources[i].events != NULL) {
            due_ns = sfe_clock_earlier_ns(
                due_ns,
                sfe_salesforce_events_flash_turn(agent->set.sources[i].events, now_ns, is_last));
        }
    }
    return due_ns;
}

uint64_t agent_release_floor(struct sfe_agent *agent, uint32_t index, uint64_t wanted,
                             uint64_t now_ns)
{
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        if (agent->set.sources[i].events != NULL) {
            wanted = sfe_salesforce_events_floor(agent->set.sources[i].events,
                                                 agent->set.streams[index].stream, wanted, now_ns);
        }
    }
    return wanted;
}
