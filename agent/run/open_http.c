#include "run/open_http.h"

#include "base/arena.h"
#include "base/assert.h"
#include "input/http.h"
#include "compile/compile.h"
#include "run/open_sources.h"

static bool holds(const char *const *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return count == 0;
}

static bool may_send(const struct sfe_config *config, const struct sfe_config_identity *identity,
                     const struct sfe_config_input *input)
{
    return holds(identity->inputs, identity->input_count, input->name) &&
           holds(identity->streams, identity->stream_count, config->streams[input->stream].name);
}

static uint32_t identity_count(const struct sfe_config *config,
                               const struct sfe_config_input *input)
{
    return input->http.by_identity ? config->identity_count : 0;
}

/* All of them: who is known and may not send here is told apart from who is not known. */
static enum sfe_code list_identities(const struct agent_set *set,
                                     const struct sfe_config_input *input, struct sfe_arena *arena,
                                     struct sfe_http_identity **identities, struct sfe_error *err)
{
    const uint32_t count = identity_count(set->config, input);

    *identities = sfe_arena_take(arena, count * sizeof(**identities), err);
    if (*identities == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct sfe_config_identity *config = &set->config->identities[i];
        const struct sfe_compiled_identity *compiled = &set->compiled->identities[i];
        const bool is_signed = config->hmac != NULL || config->hmac_file != NULL;
        struct sfe_http_identity *identity = &(*identities)[i];

        *identity = (struct sfe_http_identity){
            .name = config->name,
            .certificates = config->certificates,
            .certificate_count = config->certificate_count,
            .may_send = may_send(set->config, config, input),
            .where = compiled->where,
        };
        memcpy(is_signed ? identity->keys : identity->tokens, compiled->secrets,
               sizeof(compiled->secrets));
    }
    return SFE_OK;
}

size_t agent_http_source_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_input *input = &config->inputs[index];
    const struct sfe_http_source_options options = {
        .request_bytes_max = input->http.request_bytes_max,
        .connections = input->http.connections,
        .identity_count = identity_count(config, input),
    };

    return agent_intake_bytes(config, input) + sfe_http_source_memory_bytes(&options) +
           sfe_arena_cost(options.identity_count * sizeof(struct sfe_http_identity));
}

/* For something that is no secret of the input's own, or for nothing by the operator's word. */
static bool asks_otherwise(const struct sfe_config_http *http)
{
    return http->is_open || http->by_identity || http->client_name_count != 0;
}

/* A field that the input does not know of is not looked at. */
static bool has_signatures(const struct sfe_config_http *http)
{
    return http->hmac_file != NULL || http->hmac != NULL || http->by_identity;
}

enum sfe_code agent_open_http_source(struct sfe_agent *agent, const struct agent_set *set,
                                     struct agent_source *source, struct sfe_error *err)
{
    const struct sfe_config_input *config = &set->config->inputs[source->input_index];
    const struct sfe_config_http *http = &config->http;
    const struct sfe_slice secret = set->compiled->inputs[source->input_index].secret;
    const struct sfe_slice nothing = {NULL, 0};
    const bool is_signed = http->hmac_file != NULL || http->hmac != NULL;
    struct sfe_http_identity *identities = NULL;
    const struct sfe_intake_route route = agent_route(set, config);
    enum sfe_code code;

    SFE_ASSERT(config->type == SFE_INPUT_HTTP && (secret.size != 0 || asks_otherwise(http)));
    code = agent_open_arena(agent_http_source_bytes(set->config, source->input_index),
                            &source->arena, err);
    if (code == SFE_OK) {
        code = agent_open_intake(agent, set, source, &route, 1, err);
    }
    if (code == SFE_OK) {
        code = list_identities(set, config, source->arena, &identities, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_http_source_options options = {
        .input = config->name,
        .host = http->host,
        .port = http->port,
        .path = http->path,
        .token = is_signed ? nothing : secret,
        .signing_key = is_signed ? secret : nothing,
        .signature_name = has_signatures(http) ? http->hmac_header : NULL,
        .time_name = has_signatures(http) ? http->hmac_timestamp_header : NULL,
        .time_window_ns = http->hmac_window_ns,
        .tls_bytes = set->compiled->inputs[source->input_index].tls,
        .client_names = http->client_names,
        .client_name_count = http->client_name_count,
        .identities = identities,
        .identity_count = identity_count(set->config, config),
        .identity = http->identity,
        .request_bytes_max = http->request_bytes_max,
        .request_timeout_ns = http->request_timeout_ns,
        .connections = http->connections,
        .requests_per_second = http->rate,
        .event_bytes_max = set->config->agent.event_bytes_max,
        .intake = source->intake,
        .poller = &agent->platform->poller,
        .tls = &agent->platform->tls,
        .crypto = &agent->platform->crypto,
        .clock = &agent->platform->clock,
        .log = agent->log,
    };
    code = sfe_http_source_open(&options, source->arena, &source->source, err);
    return code == SFE_OK ? SFE_OK : sfe_within(err, "cannot open input \"%s\"", config->name);
}
