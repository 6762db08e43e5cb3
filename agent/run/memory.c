/* What a configuration takes, said before anything is opened: the sum of what each module says of
 * itself, in the order of agent.c. */
#include "run/drain.h"
#include "run/open_ask.h"
#include "run/open_events.h"
#include "run/open_files.h"
#include "run/open_http.h"
#include "run/open_query.h"
#include "run/output_kind.h"
#include "run/outputs.h"
#include "run/service.h"
#include "run/trial.h"
#include "run/waits.h"

#include "base/arena.h"
#include "stream/quota.h"
#include "supervise/watchdog.h"

/* For segments and frames that the last run left larger or more numerous than this configuration
 * would make them. */
#define RECOVERY_BYTES ((size_t)8u * 1024u * 1024u)
/* The same of a reader, whose window holds the largest frame of its stream. */
#define SPARE_BYTES ((size_t)2u * 1024u * 1024u)

/* Heap of the libraries, measured (config_memory_test.py does so again) and rounded up. */
#define KIB           ((size_t)1024u)
#define LIBRARY_BYTES (1536u * KIB) /* What they take once; the look-ups; what is open. */
#define LINK_BYTES    (128u * KIB)  /* paho's client for one broker. */
/* mbedTLS for one connection: a file of certificates is read whole (1 MiB), a bundle of 220 kB
 * takes 600 kB when parsed, records 33 kB, a handshake and what may be resumed 100 kB. */
#define LINK_TLS_BYTES (2048u * KIB)
/* mbedTLS for an input of type http: its certificates; and for each connection records (33 kB), a
 * handshake (20 kB) and the certificates that a sender shows (16 kB, and as much when parsed). */
#define LISTENER_TLS_BYTES (256u * KIB)
#define SENDER_TLS_BYTES   (96u * KIB)
#define INFLATE_BYTES      (64u * KIB) /* zlib for one such input. */
/* libcurl's TLS for one org: the same bundle takes 570 kB, twice while it is read anew. */
#define ORG_TLS_BYTES      (1536u * KIB)
#define EXCHANGE_BYTES     (48u * KIB)
#define EXCHANGE_TLS_BYTES (80u * KIB)
#define LOGINS             2u /* Exchanges of an org besides: the log-in, and its own host's. */

struct sfe_stream_options agent_stream_options(const struct sfe_config *config, uint32_t index)
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

/* With the list of its keys, of each of which the platform keeps 32 bytes more, and with what thins
 * it. */
static size_t stream_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_stream_options options = agent_stream_options(config, index);

    return sfe_stream_memory_bytes(&options) +
           (config->streams[index].thin.keep_every == 0 ? 0 : sfe_thin_memory_bytes()) +
           (options.key_count == 0 ? 0 : sfe_arena_cost(AGENT_KEYS_BYTES));
}

static size_t streams_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    if (config->agent.quota_bytes != 0) {
        bytes += sfe_quota_memory_bytes(config->stream_count);
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        bytes += stream_bytes(config, i);
    }
    return bytes;
}

/* Of streams that larger quotas needed: beside the first, whose memory goes with the stream only,
 * the one in use and the one that takes its place. */
static size_t tables_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < config->stream_count; i++) {
        const struct sfe_stream_options options = agent_stream_options(config, i);
        bytes += 2u * sfe_stream_table_bytes_max(&options);
    }
    return bytes;
}

size_t agent_output_bytes(const struct sfe_config *config, uint32_t index, uint32_t stream)
{
    const struct sfe_config_output *output = &config->outputs[index];
    const struct agent_output_kind *kind = agent_output_kind(output->type);
    const struct sfe_stream_options options = agent_stream_options(config, stream);
    struct sfe_output_options sizes = {.name = output->name,
                                       .answer_bytes_max = agent_answer_bytes_max(config, output)};

    kind->sizes(config, output, false, &sizes);
    agent_waits_sizes(output, &sizes);
    return sfe_stream_reader_memory_bytes(&options) + kind->memory_bytes(config, output) +
           sfe_output_memory_bytes(&sizes) + agent_waits_bytes(config, output, &sizes);
}

static size_t outputs_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (config->connections[i].type == SFE_CONNECTION_SALESFORCE) {
            bytes += sfe_org_memory_bytes(config->connections[i].salesforce.flow ==
                                          SFE_AUTH_REFRESH_TOKEN);
        }
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        for (uint32_t from = 0; from < config->outputs[i].from_count; from++) {
            bytes += agent_output_bytes(config, i, config->outputs[i].from[from]);
        }
    }
    return bytes;
}

size_t agent_source_bytes(const struct sfe_config *config, uint32_t connection)
{
    uint32_t routes = 0;
    bool has_guard = false;
    bool has_admit = false;
    size_t plan = sfe_arena_cost((config->input_count + 1u) * sizeof(struct sfe_intake_route)) +
                  sfe_arena_cost((config->input_count + 1u) * sizeof(struct sfe_mqtt_subscription));

    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];
        if (input->connection == connection && !agent_is_own_source(input)) {
            routes++;
            has_guard = has_guard || input->card_guard || input->mask_count != 0;
            has_admit = has_admit || input->admit_count != 0;
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
    plan += sfe_arena_cost(sizeof(struct sfe_mqtt_former));
    plan += sfe_arena_cost(config->connections[connection].mqtt.broker_count *
                           sizeof(struct sfe_mqtt_broker));
    return plan +
           sfe_intake_memory_bytes(routes, config->agent.event_bytes_max, has_guard, has_admit) +
           sfe_mqtt_source_memory_bytes(&options);
}

static size_t sources_bytes(const struct sfe_config *config)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < config->input_count; i++) {
        if (config->inputs[i].type == SFE_INPUT_HTTP) {
            bytes += agent_http_source_bytes(config, i);
        } else if (config->inputs[i].type == SFE_INPUT_FILES) {
            bytes += agent_files_source_bytes(config, i);
        } else if (config->inputs[i].type == SFE_INPUT_SALESFORCE_QUERY) {
            bytes += agent_query_source_bytes(config, i);
        } else if (config->inputs[i].type == SFE_INPUT_MQTT_ASK) {
            bytes += agent_ask_source_bytes(config, i);
        } else if (config->inputs[i].type == SFE_INPUT_HEALTH) {
            bytes += agent_health_source_bytes(config, i);
        }
    }

    for (uint32_t i = 0; i < config->connection_count; i++) {
        bytes += config->connections[i].type == SFE_CONNECTION_MQTT
                     ? agent_source_bytes(config, i)
                     : agent_events_source_bytes(config, i);
    }
    return bytes;
}

/* What no reload changes: with two sets, of which a reload fills the other one. */
static size_t fixed_bytes(const struct sfe_config *config)
{
    const struct sfe_agent *agent = NULL;

    return sfe_arena_cost(sizeof(struct sfe_agent)) + agent_gathered_memory_bytes() +
           sfe_arena_cost(AGENT_OUTPUTS_MAX * sizeof(*agent->cursors)) +
           sfe_arena_cost((SFE_STREAMS_MAX + 1u) * sizeof(*agent->marks)) +
           sfe_cursor_log_memory_bytes(AGENT_OUTPUTS_MAX, SFE_STREAMS_MAX + 1u) +
           agent_set_memory_bytes() + agent_reload_memory_bytes() + agent_drain_memory_bytes() +
           agent_trial_memory_bytes() + sfe_control_memory_bytes() +
           agent_questions_memory_bytes(config) + agent_monitor_memory_bytes(config) +
           sfe_watchdog_memory_bytes();
}

static size_t tls_layers(const char *url, const char *proxy_url)
{
    const bool is_tls = strncmp(url, "https://", 8) == 0;
    const bool is_proxy_tls = proxy_url != NULL && strncmp(proxy_url, "https://", 8) == 0;

    return (is_tls ? 1u : 0u) + (is_proxy_tls ? 1u : 0u);
}

size_t agent_exchange_bytes(const struct sfe_config_salesforce *org)
{
    return EXCHANGE_BYTES + tls_layers(org->login_url, org->proxy_url) * EXCHANGE_TLS_BYTES;
}

size_t agent_http_library_bytes(const char *url, const char *proxy_url, uint32_t requests)
{
    const size_t layers = tls_layers(url, proxy_url);

    return layers * ORG_TLS_BYTES + requests * (EXCHANGE_BYTES + layers * EXCHANGE_TLS_BYTES);
}

static size_t org_library_bytes(const struct sfe_config_salesforce *org)
{
    return tls_layers(org->login_url, org->proxy_url) * ORG_TLS_BYTES +
           LOGINS * agent_exchange_bytes(org);
}

size_t agent_broker_library_bytes(const struct sfe_config_mqtt *mqtt)
{
    for (uint32_t i = 0; i < mqtt->broker_count; i++) {
        if (mqtt->brokers[i].tls) {
            return LINK_BYTES + LINK_TLS_BYTES;
        }
    }
    return LINK_BYTES;
}

size_t sfe_agent_library_bytes_max(const struct sfe_config *config)
{
    size_t bytes = LIBRARY_BYTES;

    for (uint32_t i = 0; i < config->connection_count; i++) {
        bytes += config->connections[i].type == SFE_CONNECTION_SALESFORCE
                     ? org_library_bytes(&config->connections[i].salesforce) +
                           (agent_events_source_bytes(config, i) == 0
                                ? 0
                                : agent_exchange_bytes(&config->connections[i].salesforce))
                     : agent_broker_library_bytes(&config->connections[i].mqtt);
    }
    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_http *http = &config->inputs[i].http;
        if (config->inputs[i].type == SFE_INPUT_SALESFORCE_QUERY) {
            bytes +=
                agent_exchange_bytes(&config->connections[config->inputs[i].connection].salesforce);
        }
        if (config->inputs[i].type == SFE_INPUT_MQTT_ASK) {
            bytes += agent_ask_library_bytes(config, i);
        }
        if (config->inputs[i].type != SFE_INPUT_HTTP) {
            continue;
        }
        bytes += INFLATE_BYTES;
        if (http->tls_cert_file != NULL) {
            bytes += LISTENER_TLS_BYTES + http->connections * SENDER_TLS_BYTES;
        }
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        const struct sfe_config_output *output = &config->outputs[i];
        bytes +=
            output->from_count * agent_output_kind(output->type)->library_bytes(config, output);
    }
    return bytes;
}

static size_t parts_bytes(const struct sfe_config *config)
{
    return streams_bytes(config) + outputs_bytes(config) + sources_bytes(config);
}

size_t sfe_agent_memory_bytes_max(const struct sfe_config *config)
{
    return fixed_bytes(config) + parts_bytes(config);
}

size_t sfe_agent_reload_memory_bytes_max(const struct sfe_config *config)
{
    return fixed_bytes(config) + 2u * parts_bytes(config) + tables_bytes(config);
}

enum sfe_code agent_open_fixed_arena(const struct sfe_config *config, struct sfe_arena **arena,
                                     struct sfe_error *err)
{
    return sfe_arena_open(fixed_bytes(config) + SPARE_BYTES, arena, err);
}

enum sfe_code agent_open_stream_arena(const struct sfe_config *config, uint32_t stream,
                                      struct sfe_arena **arena, struct sfe_error *err)
{
    return sfe_arena_open(stream_bytes(config, stream) + RECOVERY_BYTES, arena, err);
}

enum sfe_code agent_open_arena(size_t bytes, struct sfe_arena **arena, struct sfe_error *err)
{
    return sfe_arena_open(bytes + SPARE_BYTES, arena, err);
}

static size_t taken(const struct sfe_arena *arena)
{
    return arena == NULL ? 0 : sfe_arena_taken(arena);
}

/* Of the streams of a set: of all, or of the new ones and the new tables of the others. */
static size_t streams_taken(const struct agent_set *set, bool all)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < set->stream_count; i++) {
        const struct agent_stream *stream = &set->streams[i];
        if (all || stream->carried == AGENT_NEW) {
            bytes += taken(stream->arena) + taken(stream->table_arena);
        } else {
            bytes += taken(stream->new_table_arena);
        }
    }
    return bytes;
}

/* The set's setup, and its parts, or of these the new ones only. */
static size_t set_taken(const struct agent_set *set, bool all)
{
    size_t bytes = taken(set->setup->arena) + taken(set->quota_arena) + streams_taken(set, all);

    for (uint32_t i = 0; i < set->source_count; i++) {
        bytes += all || set->sources[i].carried == AGENT_NEW ? taken(set->sources[i].arena) : 0;
    }
    for (uint32_t i = 0; i < set->output_count; i++) {
        bytes += all || set->outputs[i].carried == AGENT_NEW ? taken(set->outputs[i].arena) : 0;
    }
    for (uint32_t i = 0; i < set->org_count; i++) {
        bytes += all || set->orgs[i].carried == AGENT_NEW ? taken(set->orgs[i].arena) : 0;
    }
    return bytes;
}

size_t agent_taken(const struct sfe_agent *agent)
{
    return sfe_arena_taken(agent->arena) + set_taken(&agent->set, true);
}

size_t agent_set_new_taken(const struct agent_set *set)
{
    return set_taken(set, false);
}
