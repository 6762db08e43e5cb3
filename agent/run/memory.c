/* What a configuration takes, said before anything is opened: the sum of what each module says of
 * itself, in the order of agent.c. */
#include "run/parts.h"

#include "base/arena.h"

/* For segments and frames that the last run left larger or more numerous than this configuration
 * would make them. */
#define RECOVERY_BYTES ((size_t)8u * 1024u * 1024u)
/* The same of a reader, whose window holds the largest frame of its stream. */
#define SPARE_BYTES ((size_t)2u * 1024u * 1024u)

static struct sfe_stream_options stream_options(const struct sfe_config *config, uint32_t index)
{
    return (struct sfe_stream_options){
        .quota_bytes = config->streams[index].quota_bytes,
        .segment_bytes = config->streams[index].segment_bytes,
        .event_bytes_max = config->agent.event_bytes_max,
    };
}

static size_t streams_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < config->stream_count; i++) {
        const struct sfe_stream_options options = stream_options(config, i);
        bytes += sfe_stream_memory_bytes(&options);
    }
    return bytes;
}

size_t agent_output_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_output *output = &config->outputs[index];
    const struct sfe_stream_options stream = stream_options(config, output->from[0]);
    const struct sfe_records_options records = {
        .slot_count = output->requests_in_flight,
        .slot_events_max = output->batch_records,
        .records_max = output->batch_records,
        .compress = config->connections[output->connection].salesforce.compress,
    };

    /* Readers of all streams take the same. */
    return sfe_stream_reader_memory_bytes(&stream) + sfe_arena_cost(sizeof(struct sfe_target)) +
           sfe_records_memory_bytes(&records) +
           sfe_output_memory_bytes(output->requests_in_flight, output->batch_records);
}

static size_t outputs_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (config->connections[i].type == SFE_CONNECTION_SALESFORCE) {
            bytes += sfe_org_memory_bytes();
        }
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        bytes += config->outputs[i].from_count * agent_output_bytes(config, i);
    }
    return bytes;
}

size_t agent_source_bytes(const struct sfe_config *config, uint32_t connection)
{
    uint32_t routes = 0;
    bool has_guard = false;
    size_t plan = sfe_arena_cost((config->input_count + 1u) * sizeof(struct sfe_intake_route)) +
                  sfe_arena_cost((config->input_count + 1u) * sizeof(struct sfe_mqtt_subscription));

    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];
        if (input->connection == connection) {
            routes++;
            has_guard = has_guard || input->card_guard || input->mask_count != 0;
        }
    }
    if (routes == 0) {
        return 0; /* Not opened. */
    }
    const struct sfe_mqtt_source_options options = {
        .subscription_count = routes,
        .event_bytes_max = config->agent.event_bytes_max,
        .receive_maximum = config->connections[connection].mqtt.receive_maximum,
    };
    plan += sfe_arena_cost(config->connections[connection].mqtt.broker_count *
                           sizeof(struct sfe_mqtt_broker));
    return plan + sfe_intake_memory_bytes(routes, config->agent.event_bytes_max, has_guard) +
           sfe_mqtt_source_memory_bytes(&options);
}

static size_t sources_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (config->connections[i].type == SFE_CONNECTION_MQTT) {
            bytes += agent_source_bytes(config, i);
        }
    }
    return bytes;
}

/* What no reload changes: with two sets, of which a reload fills the other one. */
static size_t fixed_bytes(void)
{
    const struct sfe_agent *agent = NULL;

    return sfe_arena_cost(sizeof(struct sfe_agent)) + agent_gathered_memory_bytes() +
           sfe_arena_cost(AGENT_OUTPUTS_MAX * sizeof(*agent->cursors)) +
           sfe_arena_cost((SFE_STREAMS_MAX + 1u) * sizeof(*agent->marks)) +
           sfe_cursor_log_memory_bytes(AGENT_OUTPUTS_MAX, SFE_STREAMS_MAX + 1u) +
           agent_set_memory_bytes() + agent_reload_memory_bytes() + sfe_control_memory_bytes();
}

size_t sfe_agent_memory_bytes_max(const struct sfe_config *config)
{
    return fixed_bytes() + streams_bytes(config) + outputs_bytes(config) + sources_bytes(config);
}

enum sfe_code agent_open_fixed_arena(struct sfe_arena **arena, struct sfe_error *err)
{
    return sfe_arena_open(fixed_bytes() + SPARE_BYTES, arena, err);
}

enum sfe_code agent_open_stream_arena(const struct sfe_config *config, uint32_t stream,
                                      struct sfe_arena **arena, struct sfe_error *err)
{
    const struct sfe_stream_options options = stream_options(config, stream);

    return sfe_arena_open(sfe_stream_memory_bytes(&options) + RECOVERY_BYTES, arena, err);
}

enum sfe_code agent_open_arena(size_t bytes, struct sfe_arena **arena, struct sfe_error *err)
{
    return sfe_arena_open(bytes + SPARE_BYTES, arena, err);
}
