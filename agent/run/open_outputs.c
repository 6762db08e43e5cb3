#include "run/org_options.h"
#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>
#include <string.h>

static struct sfe_http_route route_of(const struct sfe_config_salesforce *config,
                                      const struct sfe_compiled_connection *compiled)
{
    struct sfe_slice password = compiled->proxy_password;
    struct sfe_http_route route = {
        .cert_file = config->cert_file,
        .key_pem = compiled->tls_key,
        .proxy_url = config->proxy_url,
        .proxy_username = config->proxy_username,
        .no_proxy = compiled->no_proxy,
        .interface = config->interface,
    };

    if (password.size != 0) {
        memcpy(&route.proxy_password, &password.bytes, sizeof(route.proxy_password));
    }
    return route;
}

struct sfe_org_options sfe_org_options_of(const struct sfe_compiled *compiled, uint32_t connection,
                                          const struct sfe_platform *platform, struct sfe_log *log)
{
    const struct sfe_config_connection *config = &compiled->config->connections[connection];
    const struct sfe_compiled_connection *own = &compiled->connections[connection];
    bool is_signed = config->salesforce.flow == SFE_AUTH_JWT_BEARER;

    SFE_ASSERT(config->type == SFE_CONNECTION_SALESFORCE);
    return (struct sfe_org_options){
        .name = config->name,
        .login_url = config->salesforce.login_url,
        .api_version = config->salesforce.api_version,
        .client_id = config->salesforce.client_id,
        .username = config->salesforce.username,
        .audience = config->salesforce.audience,
        .key_pem = is_signed ? own->secret : (struct sfe_slice){NULL, 0},
        .client_secret = is_signed ? (struct sfe_slice){NULL, 0} : own->secret,
        .route = route_of(&config->salesforce, own),
        .ca_file = config->salesforce.ca_file,
        .connect_timeout_ms = (uint32_t)(config->salesforce.connect_timeout_ns / 1000000u),
        .request_timeout_ms = (uint32_t)(config->salesforce.request_timeout_ns / 1000000u),
        .http = &platform->http,
        .clock = &platform->clock,
        .entropy = &platform->entropy,
        .crypto = &platform->crypto,
        .log = log,
    };
}

static enum sfe_code open_org(struct sfe_agent *agent, uint32_t index, struct sfe_error *err)
{
    const struct sfe_config_connection *config = &agent->config->connections[index];
    struct agent_org *org = &agent->orgs[agent->org_count];
    struct sfe_org_options options =
        sfe_org_options_of(agent->compiled, index, agent->platform, agent->log);

    options.learned = agent->learned;
    if (sfe_org_open(&options, agent->arena, &org->org, err) != SFE_OK) {
        return sfe_within(err, "cannot open connection \"%s\"", config->name);
    }
    org->connection = config->name;
    org->connection_index = index;
    agent->org_count++;
    return SFE_OK;
}

static struct sfe_org *find_org(struct sfe_agent *agent, uint32_t connection)
{
    for (uint32_t i = 0; i < agent->org_count; i++) {
        if (agent->orgs[i].connection_index == connection) {
            return agent->orgs[i].org;
        }
    }
    /* The configuration was checked: an output's connection is an org, and all orgs are open. */
    SFE_ASSERT(false);
    return NULL;
}

/* A batch of every output counts its events by its records at most. */
static enum sfe_code open_target(struct sfe_agent *agent, struct agent_output *output,
                                 struct sfe_error *err)
{
    const struct sfe_config_output *config = &agent->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &agent->compiled->outputs[output->config_index];
    const struct sfe_records_options options = {
        .org = find_org(agent, config->connection),
        .maps = compiled->maps,
        .map_count = config->record_count,
        .order_by = compiled->order_by,
        .slot_count = config->requests_in_flight,
        .slot_events_max = config->batch_records,
        .records_max = config->batch_records,
        .compress = agent->config->connections[config->connection].salesforce.compress,
        .log = agent->log,
    };
    enum sfe_code code = sfe_records_open(&options, agent->arena, &output->target, err);

    output->has_target = code == SFE_OK;
    return code;
}

static void on_settled(void *owner)
{
    struct sfe_agent *agent = owner;

    if (!atomic_exchange(&agent->has_settled, true)) {
        agent_kick_flash(agent);
    }
}

static enum sfe_code open_output(struct sfe_agent *agent, uint32_t config_index,
                                 uint32_t stream_index, struct sfe_error *err)
{
    const struct sfe_config_output *config = &agent->config->outputs[config_index];
    struct agent_output *output = &agent->outputs[agent->output_count];
    struct sfe_stream *stream = agent->streams[stream_index].stream;
    char cursor_name[SFE_CURSOR_NAME_BYTES];
    enum sfe_code code;
    int length = snprintf(cursor_name, sizeof(cursor_name), "%s/%s", config->name,
                          agent->config->streams[stream_index].name);

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(cursor_name));
    output->name = config->name;
    output->config_index = config_index;
    output->stream_index = stream_index;
    agent->output_count++;
    code = sfe_stream_reader_open(stream, agent->arena, &output->reader, err);
    if (code == SFE_OK) {
        code = open_target(agent, output, err);
    }
    if (code != SFE_OK) {
        return sfe_within(err, "cannot open output \"%s\"", config->name);
    }
    const struct sfe_output_options options = {
        .name = config->name,
        .stream = stream,
        .reader = output->reader,
        .dead = agent->streams[agent->config->dead_stream].stream,
        .target = &output->target,
        .cursor = sfe_cursor_log_find(agent->cursor_log, cursor_name),
        .slot_count = config->requests_in_flight,
        .slot_events_max = config->batch_records,
        .batch_age_ns = config->batch_age_ns,
        .clock = &agent->platform->clock,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .agent_id = agent->config->agent.id,
        .gaps = config->gaps,
        .on_settled = on_settled,
        .owner = agent,
    };
    code = sfe_output_open(&options, agent->arena, &output->output, err);
    return code == SFE_OK ? code : sfe_within(err, "cannot open output \"%s\"", config->name);
}

/* Outputs whose streams have `priority`, so that sales take their turn before telemetry. */
static enum sfe_code open_with_priority(struct sfe_agent *agent, uint32_t priority,
                                        struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < agent->config->output_count; i++) {
        const struct sfe_config_output *output = &agent->config->outputs[i];
        for (uint32_t from = 0; from < output->from_count && code == SFE_OK; from++) {
            if (agent->config->streams[output->from[from]].priority != priority) {
                continue;
            }
            if (agent->output_count == AGENT_OUTPUTS_MAX) {
                return sfe_fail(err, SFE_E_CONFIG, "all outputs together read more than %u streams",
                                AGENT_OUTPUTS_MAX);
            }
            code = open_output(agent, i, output->from[from], err);
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

enum sfe_code agent_open_outputs(struct sfe_agent *agent, struct sfe_error *err)
{
    const struct sfe_config *config = agent->config;
    enum sfe_code code = SFE_OK;
    uint64_t limit = UINT64_MAX;
    uint32_t priority = 0;

    agent->orgs =
        sfe_arena_take(agent->arena, (config->connection_count + 1u) * sizeof(*agent->orgs), err);
    agent->outputs = sfe_arena_take(agent->arena, AGENT_OUTPUTS_MAX * sizeof(*agent->outputs), err);
    if (agent->orgs == NULL || agent->outputs == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < config->connection_count && code == SFE_OK; i++) {
        if (config->connections[i].type == SFE_CONNECTION_SALESFORCE) {
            code = open_org(agent, i, err);
        }
    }
    while (code == SFE_OK && next_priority(config, limit, &priority)) {
        code = open_with_priority(agent, priority, err);
        limit = priority;
    }
    return code;
}

void agent_close_outputs(struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->output_count; i++) {
        struct agent_output *output = &agent->outputs[i];
        sfe_output_close(output->output);
        if (output->has_target) {
            sfe_records_close(&output->target);
        }
        sfe_stream_reader_close(output->reader);
    }
    agent->output_count = 0;
    for (uint32_t i = 0; i < agent->org_count; i++) {
        sfe_org_close(agent->orgs[i].org);
    }
    agent->org_count = 0;
}
