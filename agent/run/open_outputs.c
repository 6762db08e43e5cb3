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

static enum sfe_code open_org(struct sfe_agent *agent, const struct agent_set *set,
                              struct agent_org *org, struct sfe_error *err)
{
    const uint32_t index = org->connection_index;
    const struct sfe_config_connection *config = &set->config->connections[index];
    struct sfe_org_options options =
        sfe_org_options_of(set->compiled, index, agent->platform, agent->log);

    options.learned = agent->learned;
    if (agent_open_arena(sfe_org_memory_bytes(), &org->arena, err) != SFE_OK ||
        sfe_org_open(&options, org->arena, &org->org, err) != SFE_OK) {
        return sfe_within(err, "cannot open connection \"%s\"", config->name);
    }
    return SFE_OK;
}

enum sfe_code agent_open_orgs(struct sfe_agent *agent, struct agent_set *set, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < set->org_count && code == SFE_OK; i++) {
        if (set->orgs[i].carried == AGENT_NEW) {
            code = open_org(agent, set, &set->orgs[i], err);
        }
    }
    return code;
}

void agent_close_org(struct agent_org *org)
{
    sfe_org_close(org->org);
    org->org = NULL;
    sfe_arena_close(org->arena);
    org->arena = NULL;
    sfe_setup_drop(org->setup);
    org->setup = NULL;
}

static struct sfe_org *find_org(const struct agent_set *set, const char *connection)
{
    for (uint32_t i = 0; i < set->org_count; i++) {
        if (strcmp(set->orgs[i].connection, connection) == 0) {
            return set->orgs[i].org;
        }
    }
    /* The configuration was checked: an output's connection is an org, and all orgs are open. */
    SFE_ASSERT(false);
    return NULL;
}

static enum sfe_records_api records_api(const struct sfe_config_output *output)
{
    if (output->type == SFE_OUTPUT_PLATFORM_EVENTS) {
        return SFE_RECORDS_COLLECTIONS;
    }
    switch (output->api) {
    case SFE_API_COLLECTIONS:
        return SFE_RECORDS_COLLECTIONS;
    case SFE_API_COMPOSITE:
        return SFE_RECORDS_COMPOSITE;
    case SFE_API_GRAPH:
        return SFE_RECORDS_GRAPH;
    case SFE_API_AUTO:
    case SFE_API_BULK:
    default:
        return output->all_or_none ? SFE_RECORDS_GRAPH : SFE_RECORDS_AUTO;
    }
}

/* A batch of every output counts its events by its records at most. */
struct sfe_records_options agent_records_options(const struct sfe_config *config,
                                                 const struct sfe_config_output *output)
{
    const enum sfe_records_api api = records_api(output);

    return (struct sfe_records_options){
        .slot_count = output->requests_in_flight,
        .slot_events_max = sfe_records_slot_events_max(api, output->batch_records),
        .records_max = output->batch_records,
        .api = api,
        .compress = config->connections[output->connection].salesforce.compress,
    };
}

static enum sfe_code open_target(struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &set->compiled->outputs[output->config_index];
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);
    struct sfe_records_options options = agent_records_options(set->config, config);

    options.org = find_org(set, set->config->connections[config->connection].name);
    options.maps = compiled->maps;
    options.map_count = config->record_count;
    options.order_by = compiled->order_by;
    options.log = agent->log;

    if (target == NULL) {
        return err->code;
    }
    enum sfe_code code = sfe_records_open(&options, output->arena, target, err);
    if (code == SFE_OK) {
        output->target = target;
    }
    return code;
}

enum sfe_code agent_open_targets(struct sfe_agent *agent, struct agent_set *set,
                                 struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < set->output_count && code == SFE_OK; i++) {
        struct agent_output *output = &set->outputs[i];
        if (output->carried != AGENT_NEW) {
            continue;
        }
        code = agent_open_arena(
            agent_output_bytes(set->config, output->config_index, output->stream_index),
            &output->arena, err);
        if (code == SFE_OK) {
            code = sfe_stream_reader_open(set->streams[output->stream_index].stream, output->arena,
                                          &output->reader, err);
        }
        if (code == SFE_OK) {
            code = open_target(agent, set, output, err);
        }
        if (code != SFE_OK) {
            (void)sfe_within(err, "cannot open output \"%s\"", output->name);
        }
    }
    return code;
}

static void on_settled(void *owner)
{
    struct sfe_agent *agent = owner;

    if (!atomic_exchange(&agent->has_settled, true)) {
        agent_kick_flash(agent);
    }
}

/* Where it stands: of an output that is about to give way to this one, what that one says. */
static const struct sfe_cursor *find_cursor(struct sfe_agent *agent, const char *name,
                                            struct sfe_cursor *kept)
{
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_output *before = agent->set.outputs[i].output;
        if (before != NULL) {
            sfe_output_cursor(before, kept);
            if (strcmp(kept->name, name) == 0) {
                return kept;
            }
        }
    }
    return sfe_cursor_log_find(agent->cursor_log, name);
}

static enum sfe_code begin_output(struct sfe_agent *agent, const struct agent_set *set,
                                  struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    struct sfe_stream *stream = set->streams[output->stream_index].stream;
    char name[SFE_CURSOR_NAME_BYTES];
    struct sfe_cursor kept;
    int length = snprintf(name, sizeof(name), "%s/%s", config->name, sfe_stream_name(stream));

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
    const struct sfe_records_options sizes = agent_records_options(set->config, config);
    const struct sfe_output_options options = {
        .name = config->name,
        .stream = stream,
        .reader = output->reader,
        .dead = set->streams[set->config->dead_stream].stream,
        .target = output->target,
        .cursor = find_cursor(agent, name, &kept),
        .slot_count = sizes.slot_count,
        .slot_events_max = sizes.slot_events_max,
        .batch_age_ns = config->batch_age_ns,
        .clock = &agent->platform->clock,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .on_settled = on_settled,
        .owner = agent,
        .watch = agent->watch,
    };
    enum sfe_code code = sfe_output_open(&options, output->arena, &output->output, err);
    return code == SFE_OK ? code : sfe_within(err, "cannot open output \"%s\"", config->name);
}

enum sfe_code agent_begin_outputs(struct sfe_agent *agent, struct agent_set *set,
                                  struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < set->output_count && code == SFE_OK; i++) {
        if (set->outputs[i].carried == AGENT_NEW) {
            code = begin_output(agent, set, &set->outputs[i], err);
        }
    }
    return code;
}

void agent_close_output(struct agent_output *output)
{
    sfe_output_close(output->output);
    output->output = NULL;
    if (output->target != NULL) {
        sfe_records_close(output->target);
        output->target = NULL;
    }
    sfe_stream_reader_close(output->reader);
    output->reader = NULL;
    sfe_arena_close(output->arena);
    output->arena = NULL;
    sfe_setup_drop(output->setup);
    output->setup = NULL;
}
