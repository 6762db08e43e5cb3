#include "run/org_options.h"
#include "run/outputs.h"
#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

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
        .refresh_tokens = own->refresh_tokens,
        .route = route_of(&config->salesforce, own),
        .daily_calls = config->salesforce.daily_calls,
        .reserve_percent = config->salesforce.daily_reserve,
        .daily_bytes = config->salesforce.daily_bytes,
        .calls_per_minute = config->salesforce.calls_per_minute,
        .bytes_per_second = (uint32_t)config->salesforce.bytes_per_second,
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
    options.reads_limits = !set->compiled->without_secrets; /* A rehearsal shows records. */
    options.storage = &agent->platform->storage;
    options.on_keep = agent_kick_flash;
    options.owner = agent;
    if (agent_open_arena(sfe_org_memory_bytes(options.refresh_tokens.size != 0), &org->arena,
                         err) != SFE_OK ||
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

struct sfe_org *agent_find_org(const struct agent_set *set, uint32_t index)
{
    const char *connection = set->config->connections[index].name;

    for (uint32_t i = 0; i < set->org_count; i++) {
        if (strcmp(set->orgs[i].connection, connection) == 0) {
            return set->orgs[i].org;
        }
    }
    /* The configuration was checked: an output's connection is an org, and all orgs are open. */
    SFE_ASSERT(false);
    return NULL;
}
