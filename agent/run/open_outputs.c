#include "run/org_options.h"
#include "run/outputs.h"
#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>
#include <string.h>

/* Of an output that no longer goes by bulk and has a job left: its events go again. */
#define LEFT_EVENTS 1u

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

static void on_keep(void *owner)
{
    agent_kick_flash(owner);
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
    options.on_keep = on_keep;
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

static struct sfe_org *find_org(const struct agent_set *set, uint32_t index)
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

static enum sfe_org_need need_of(const struct agent_set *set, const struct agent_output *output)
{
    if (set->config->outputs[output->config_index].past_share) {
        return SFE_ORG_PAST_SHARE;
    }
    return set->config->streams[output->stream_index].priority == 0 ? SFE_ORG_ORDINARY
                                                                    : SFE_ORG_PRIORITY;
}

static enum sfe_records_api records_api(const struct sfe_config_output *output)
{
    if (output->type == SFE_OUTPUT_PLATFORM_EVENTS) {
        return SFE_RECORDS_COLLECTIONS;
    }
    switch (output->api) {
    case SFE_API_COLLECTIONS:
    case SFE_API_BULK:
        return SFE_RECORDS_COLLECTIONS;
    case SFE_API_COMPOSITE:
        return SFE_RECORDS_COMPOSITE;
    case SFE_API_GRAPH:
        return SFE_RECORDS_GRAPH;
    case SFE_API_AUTO:
    default:
        return output->all_or_none ? SFE_RECORDS_GRAPH : SFE_RECORDS_AUTO;
    }
}

/* A batch of every output counts its events by its records at most. */
struct sfe_records_options agent_records_options(const struct sfe_config *config,
                                                 const struct sfe_config_output *output)
{
    _Static_assert((int)SFE_RECORDS_DELETE == (int)SFE_ACTION_DELETE, "the same actions");
    const enum sfe_records_api api = records_api(output);
    struct sfe_records_options options = {
        /* With bulk alone: for a rehearsal, which shows one. */
        .slot_count = output->api == SFE_API_BULK ? 1 : output->requests_in_flight,
        .slot_events_max = sfe_records_slot_events_max(api, output->batch_records),
        .records_max = output->batch_records,
        .api = api,
        .compress = config->connections[output->connection].salesforce.compress,
    };

    for (uint32_t i = 0; i < output->record_count; i++) {
        options.verbs[i] = (struct sfe_records_verb){
            .action = (enum sfe_records_action)output->records[i].action,
            .missing_is_done = output->records[i].missing == SFE_MISSING_DONE,
        };
    }
    return options;
}

static enum sfe_code open_target(struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &set->compiled->outputs[output->config_index];
    struct sfe_records_options options = agent_records_options(set->config, config);

    if (!agent_has_records(config, set->compiled->without_secrets)) {
        return SFE_OK;
    }
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);
    if (target == NULL) {
        return err->code;
    }
    options.org = find_org(set, config->connection);
    options.maps = compiled->maps;
    options.map_count = config->record_count;
    options.where = compiled->where;
    options.order_by = compiled->order_by;
    options.need = need_of(set, output);
    options.log = agent->log;
    enum sfe_code code = sfe_records_open(&options, output->arena, target, err);
    if (code == SFE_OK) {
        output->records = target;
        output->target = target;
    }
    return code;
}

static void on_noted(void *owner)
{
    agent_kick_flash(owner);
}

static void on_durable(void *owner)
{
    struct sfe_agent *agent = owner;

    agent->platform->http.wake(agent->platform->http.context);
}

static struct sfe_bulk_journal_options journal_options(struct sfe_agent *agent,
                                                       const struct agent_set *set,
                                                       const struct agent_output *output,
                                                       uint32_t events_max)
{
    return (struct sfe_bulk_journal_options){
        .storage = &agent->platform->storage,
        .output = output->name,
        .stream = set->config->streams[output->stream_index].name,
        .events_max = events_max,
        .log = agent->log,
        .on_noted = on_noted,
        .on_durable = on_durable,
        .owner = agent,
    };
}

/* An output that no longer goes by bulk still waits for the job that was under way: it could come
 * after what is sent now. Its events go again, for which no room is needed. */

static size_t left_bulk_bytes(struct sfe_agent *agent, const struct agent_set *set,
                              const struct agent_output *output)
{
    const struct sfe_bulk_journal_options options =
        journal_options(agent, set, output, LEFT_EVENTS);
    bool is_left =
        agent_bulk_use(&set->config->outputs[output->config_index]) == AGENT_BULK_NEVER &&
        sfe_bulk_journal_exists(&options);

    return is_left ? agent_job_memory_bytes(LEFT_EVENTS) : 0;
}

/* Sets *is_needed where a job can be under way, or can come to be. */
static enum sfe_code open_journal(struct sfe_agent *agent, const struct agent_set *set,
                                  struct agent_output *output, bool *is_needed,
                                  struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    bool is_used = agent_bulk_use(config) != AGENT_BULK_NEVER;
    const struct sfe_bulk_journal_options options =
        journal_options(agent, set, output, is_used ? config->bulk_records : LEFT_EVENTS);
    struct bulk_job_note ignored;

    *is_needed = is_used;
    if (!is_used && !sfe_bulk_journal_exists(&options)) {
        return SFE_OK;
    }
    enum sfe_code code = sfe_bulk_journal_open(&options, output->arena, &output->journal, err);
    if (code == SFE_OK && !is_used) {
        *is_needed = bulk_journal_left(output->journal, &ignored);
    }
    return code;
}

/* Makes the bulk target the output's: alone, or beside that of its records. */
static enum sfe_code set_target(struct agent_output *output, bool is_alone,
                                struct sfe_output_options *sizes, struct sfe_error *err)
{
    struct sfe_target_pair *pair = sfe_arena_take(output->arena, sizeof(*pair), err);
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);

    if (pair == NULL || target == NULL) {
        return SFE_E_NO_MEMORY;
    }
    output->target = target;
    if (is_alone) {
        sfe_bulk_target(output->bulk, target);
        sizes->large_use = sfe_bulk_use;
        return SFE_OK;
    }
    pair->small = *output->records;
    pair->large_slot = sizes->slot_count;
    pair->large_use = sfe_bulk_use;
    sfe_bulk_target(output->bulk, &pair->large);
    sfe_target_pair_make(pair, target);
    sizes->large_use = sfe_target_pair_use;
    if (sizes->large_slot_events == 0) {
        sizes->large_slot_events = LEFT_EVENTS;
        sizes->large_from = UINT32_MAX;
        sizes->large_from_dear = UINT32_MAX;
    }
    return SFE_OK;
}

static enum sfe_code open_bulk(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_output *output, struct sfe_output_options *sizes,
                               struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const enum agent_bulk_use use = agent_bulk_use(config);
    bool is_needed = false;

    if (set->compiled->without_secrets) {
        return SFE_OK;
    }
    enum sfe_code code = open_journal(agent, set, output, &is_needed, err);
    if (code != SFE_OK || !is_needed) {
        return code;
    }
    const struct sfe_bulk_options options = {
        .name = output->name,
        .org = find_org(set, config->connection),
        .maps = set->compiled->outputs[output->config_index].maps,
        .map_count = config->record_count,
        .where = set->compiled->outputs[output->config_index].where,
        .slot = use == AGENT_BULK_ALWAYS ? 0 : sizes->slot_count,
        .records_max = use == AGENT_BULK_NEVER ? LEFT_EVENTS : config->bulk_records,
        .has_other = use != AGENT_BULK_ALWAYS,
        .need = need_of(set, output),
        .journal = output->journal,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
    };
    code = sfe_bulk_open(&options, output->arena, &output->bulk, err);
    return code == SFE_OK ? set_target(output, use == AGENT_BULK_ALWAYS, sizes, err) : code;
}

static void close_bulk(struct agent_output *output)
{
    sfe_bulk_close(output->bulk);
    output->bulk = NULL;
    sfe_bulk_journal_close(output->journal);
    output->journal = NULL;
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
            agent_output_bytes(set->config, output->config_index, output->stream_index) +
                left_bulk_bytes(agent, set, output),
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
    struct sfe_output_options options = {
        .name = config->name,
        .stream = stream,
        .reader = output->reader,
        .dead = set->streams[set->config->dead_stream].stream,
        .cursor = find_cursor(agent, name, &kept),
        .clock = &agent->platform->clock,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .agent_id = set->config->agent.id,
        .gaps = config->gaps,
        .on_settled = on_settled,
        .owner = agent,
        .watch = agent->watch,
    };
    agent_output_sizes(set->config, config, set->compiled->without_secrets, &options);
    enum sfe_code code = open_bulk(agent, set, output, &options, err);
    if (code == SFE_OK) {
        options.target = output->target;
        code = sfe_output_open(&options, output->arena, &output->output, err);
    }
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
    close_bulk(output);
    if (output->records != NULL) {
        sfe_records_close(output->records);
        output->records = NULL;
    }
    output->target = NULL;
    sfe_stream_reader_close(output->reader);
    output->reader = NULL;
    sfe_arena_close(output->arena);
    output->arena = NULL;
    sfe_setup_drop(output->setup);
    output->setup = NULL;
}
