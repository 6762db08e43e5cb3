#include "run/open_query.h"

#include "base/assert.h"
#include "input/replay.h"
#include "input/salesforce_events.h"
#include "run/open_events.h"
#include "run/open_sources.h"
#include "run/outputs.h"
#include "salesforce/query.h"

size_t agent_query_source_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_input *input = &config->inputs[index];
    const struct sfe_stream_options stream = agent_stream_options(config, input->stream);

    return agent_intake_bytes(config, input) + sfe_replay_memory_bytes(&stream) +
           sfe_query_memory_bytes(SFE_QUERY_ANSWER_BYTES) + sfe_salesforce_events_memory_bytes(1);
}

static enum sfe_code open_query(struct sfe_agent *agent, const struct agent_set *set,
                                struct agent_source *source, struct sfe_feed *feed,
                                struct sfe_error *err)
{
    const struct sfe_config_input *input = &set->config->inputs[source->input_index];
    const struct sfe_query_options options = {
        .connection = set->config->connections[input->connection].name,
        .input = input->name,
        .org = agent_find_org(set, input->connection),
        .text = input->query.text,
        .after = input->query.after,
        .with_deleted = input->query.with_deleted,
        .every_ns = input->query.every_ns,
        .need =
            set->config->streams[input->stream].priority != 0 ? SFE_ORG_PRIORITY : SFE_ORG_ORDINARY,
        .answer_bytes_max = SFE_QUERY_ANSWER_BYTES,
        .http = &agent->platform->http,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .on_change = agent_kick_edge,
        .owner = agent,
    };

    return sfe_query_open(&options, source->arena, &source->query, feed, err);
}

static enum sfe_code open_replay(struct sfe_agent *agent, const struct agent_set *set,
                                 const struct agent_source *source, const struct sfe_feed *feed,
                                 struct sfe_salesforce_events_channel *channel,
                                 struct sfe_error *err)
{
    const struct sfe_config_input *input = &set->config->inputs[source->input_index];
    const struct sfe_replay_options options = {
        .connection = set->config->connections[input->connection].name,
        .channel = input->topic,
        .input = input->name,
        .stream = set->streams[input->stream].stream,
        .storage = &agent->platform->storage,
        .log = agent->log,
        .feed = feed->context,
        .read_marks = feed->read_marks,
    };

    *channel = (struct sfe_salesforce_events_channel){.name = input->topic,
                                                      .input = input->name,
                                                      .stream = options.stream,
                                                      .takes_repeats = input->query.after == NULL};
    return sfe_replay_open(&options, source->arena, &channel->replay, err);
}

static enum sfe_code open_parts(struct sfe_agent *agent, const struct agent_set *set,
                                struct agent_source *source, struct sfe_error *err)
{
    const struct sfe_config_input *input = &set->config->inputs[source->input_index];
    const struct sfe_intake_route route = agent_route(set, input);
    struct sfe_salesforce_events_channel channel;
    struct sfe_feed feed;
    enum sfe_code code = agent_open_intake(agent, set, source, &route, 1, err);

    if (code == SFE_OK) {
        code = open_query(agent, set, source, &feed, err);
    }
    if (code == SFE_OK) {
        code = open_replay(agent, set, source, &feed, &channel, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_salesforce_events_options options = {
        .connection = set->config->connections[input->connection].name,
        .channels = &channel,
        .channel_count = 1,
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
    if (code != SFE_OK) {
        sfe_replay_close(channel.replay);
    }
    return code;
}

enum sfe_code agent_open_query_source(struct sfe_agent *agent, const struct agent_set *set,
                                      struct agent_source *source, struct sfe_error *err)
{
    enum sfe_code code = agent_open_arena(
        agent_query_source_bytes(set->config, source->input_index), &source->arena, err);

    SFE_ASSERT(set->config->inputs[source->input_index].type == SFE_INPUT_SALESFORCE_QUERY);
    if (code == SFE_OK) {
        code = open_parts(agent, set, source, err);
    }
    return code == SFE_OK ? SFE_OK
                          : sfe_within(err, "cannot open input \"%s\"",
                                       set->config->inputs[source->input_index].name);
}
