/* What a configuration takes, said before anything is opened: the sum of what each module says of
 * itself, in the order of agent.c. */
#include "run/parts.h"

#include "base/arena.h"
#include "stream/quota.h"

/* For segments and frames that the last run left larger or more numerous than this configuration
 * would make them. */
#define RECOVERY_BYTES ((size_t)8u * 1024u * 1024u)

static struct sfe_stream_options stream_options(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_stream *stream = &config->streams[index];

    return (struct sfe_stream_options){
        .quota_bytes = stream->quota_bytes,
        .segment_bytes = stream->segment_bytes,
        .event_bytes_max = config->agent.event_bytes_max,
        .is_encrypted = stream->encrypt,
        .key_count = (stream->encrypt_key_file == NULL ? 0u : 1u) + stream->encrypt_old_key_count,
    };
}

static size_t streams_bytes(const struct sfe_config *config)
{
    const struct sfe_agent *agent = NULL;
    size_t bytes = sfe_arena_cost(config->stream_count * sizeof(*agent->streams)) +
                   sfe_arena_cost(AGENT_OUTPUTS_MAX * sizeof(*agent->cursors)) +
                   sfe_arena_cost(config->stream_count * sizeof(*agent->marks)) +
                   sfe_cursor_log_memory_bytes(AGENT_OUTPUTS_MAX, SFE_STREAMS_MAX + 1u);

    if (config->agent.quota_bytes != 0) {
        bytes += sfe_quota_memory_bytes(config->stream_count);
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        const struct sfe_stream_options options = stream_options(config, i);
        bytes += sfe_stream_memory_bytes(&options);
        bytes += config->streams[i].thin.keep_every == 0 ? 0 : sfe_thin_memory_bytes();
    }
    return bytes;
}

static size_t output_bytes(const struct sfe_config *config, const struct sfe_config_output *output)
{
    const struct sfe_records_options records = {
        .slot_count = output->requests_in_flight,
        .slot_events_max = output->batch_records,
        .records_max = output->batch_records,
        .compress = config->connections[output->connection].salesforce.compress,
    };
    size_t bytes = 0;

    for (uint32_t i = 0; i < output->from_count; i++) {
        const struct sfe_stream_options stream = stream_options(config, output->from[i]);
        bytes += sfe_stream_reader_memory_bytes(&stream) + sfe_records_memory_bytes(&records) +
                 sfe_output_memory_bytes(output->requests_in_flight, output->batch_records);
    }
    return bytes;
}

static size_t outputs_bytes(const struct sfe_config *config)
{
    const struct sfe_agent *agent = NULL;
    size_t bytes = sfe_arena_cost((config->connection_count + 1u) * sizeof(*agent->orgs)) +
                   sfe_arena_cost(AGENT_OUTPUTS_MAX * sizeof(*agent->outputs));

    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (config->connections[i].type == SFE_CONNECTION_SALESFORCE) {
            bytes += sfe_org_memory_bytes();
        }
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        bytes += output_bytes(config, &config->outputs[i]);
    }
    return bytes;
}

static size_t source_bytes(const struct sfe_config *config, uint32_t connection)
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
        return plan;
    }
    const struct sfe_mqtt_source_options options = {
        .subscription_count = routes,
        .event_bytes_max = config->agent.event_bytes_max,
        .receive_maximum = config->connections[connection].mqtt.receive_maximum,
    };
    return plan + sfe_intake_memory_bytes(routes, config->agent.event_bytes_max, has_guard) +
           sfe_mqtt_source_memory_bytes(&options);
}

static size_t sources_bytes(const struct sfe_config *config)
{
    const struct sfe_agent *agent = NULL;
    size_t bytes = sfe_arena_cost((config->connection_count + 1u) * sizeof(*agent->sources));

    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (config->connections[i].type == SFE_CONNECTION_MQTT) {
            bytes += source_bytes(config, i);
        }
    }
    return bytes;
}

size_t sfe_agent_memory_bytes_max(const struct sfe_config *config)
{
    return sfe_arena_cost(sizeof(struct sfe_agent)) + agent_gathered_memory_bytes() +
           streams_bytes(config) + outputs_bytes(config) + sources_bytes(config) +
           sfe_control_memory_bytes();
}

size_t sfe_agent_arena_bytes(const struct sfe_config *config)
{
    return sfe_agent_memory_bytes_max(config) + RECOVERY_BYTES;
}
