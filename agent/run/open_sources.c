#include "run/open_sources.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ask/ask.h"
#include "compile/compile.h"
#include "run/open_ask.h"
#include "run/open_events.h"
#include "run/open_files.h"
#include "run/open_http.h"
#include "run/open_query.h"
#include "run/service.h"
#include "salesforce/cometd.h"
#include "salesforce/query.h"

#include <string.h>

/* The routes of one connection's inputs, and each filter once with its highest QoS. */
struct plan {
    struct sfe_intake_route *routes;
    struct sfe_mqtt_subscription *subscriptions;
    uint32_t route_count;
    uint32_t subscription_count;
};

static void add_subscription(struct plan *plan, const struct sfe_config_input *input)
{
    for (uint32_t i = 0; i < plan->subscription_count; i++) {
        if (strcmp(plan->subscriptions[i].filter, input->topic) == 0) {
            if (plan->subscriptions[i].qos < input->qos) {
                plan->subscriptions[i].qos = input->qos;
            }
            return;
        }
    }
    plan->subscriptions[plan->subscription_count++] =
        (struct sfe_mqtt_subscription){input->topic, input->qos};
}

struct sfe_intake_route agent_route(const struct agent_set *set,
                                    const struct sfe_config_input *input)
{
    return (struct sfe_intake_route){
        .input = input->name,
        .filter = input->topic,
        .stream = set->streams[input->stream].stream,
        .ignores_retained = input->retained == SFE_RETAINED_IGNORE,
        .identity_by_arrival = input->identity_rule == SFE_IDENTITY_BY_ARRIVAL,
        .guard = {input->mask, input->mask_count, input->card_guard},
        .thin = set->streams[input->stream].thin,
        .admit = set->compiled->inputs[input - set->config->inputs].admit,
        .has_scopes = input->http.by_identity,
    };
}

static enum sfe_code make_plan(const struct agent_set *set, const struct agent_source *source,
                               struct plan *plan, struct sfe_error *err)
{
    const uint32_t connection = source->connection_index;
    uint32_t count = set->config->input_count;

    plan->routes = sfe_arena_take(source->arena, (count + 1u) * sizeof(*plan->routes), err);
    plan->subscriptions =
        sfe_arena_take(source->arena, (count + 1u) * sizeof(*plan->subscriptions), err);
    if (plan->routes == NULL || plan->subscriptions == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct sfe_config_input *input = &set->config->inputs[i];
        if (input->connection != connection || agent_is_own_source(input)) {
            continue;
        }
        plan->routes[plan->route_count++] = agent_route(set, input);
        add_subscription(plan, input);
    }
    return SFE_OK;
}

enum sfe_code agent_list_brokers(struct sfe_arena *arena, const struct sfe_config_mqtt *config,
                                 struct sfe_mqtt_broker **brokers, struct sfe_error *err)
{
    *brokers = sfe_arena_take(arena, config->broker_count * sizeof(**brokers), err);
    if (*brokers == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < config->broker_count; i++) {
        const struct sfe_config_broker *broker = &config->brokers[i];
        (*brokers)[i] = (struct sfe_mqtt_broker){broker->host, broker->port, broker->tls};
    }
    return SFE_OK;
}

/* Notes a filter of before, unless it is one of now. */
static void forget(const struct sfe_agent *agent, const struct plan *plan,
                   struct sfe_mqtt_former *former, const char *filter)
{
    for (uint32_t i = 0; i < plan->subscription_count; i++) {
        if (strcmp(plan->subscriptions[i].filter, filter) == 0) {
            return;
        }
    }
    if (!sfe_mqtt_former_add(former, filter)) {
        SFE_LOG(agent->log, SFE_WARNING, "mqtt subscription of before stays with the broker",
                sfe_text("filter", filter), sfe_text("reason", "too many of them"));
    }
}

/* What runs until now subscribed to in the same session, and what it has to end itself. */
static enum sfe_code list_former(const struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_source *source, const struct plan *plan,
                                 struct sfe_error *err)
{
    const char *client_id = set->config->connections[source->connection_index].mqtt.client_id;

    source->former = sfe_arena_take(source->arena, sizeof(*source->former), err);
    if (source->former == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; set != &agent->set && i < agent->set.source_count; i++) {
        const struct agent_source *old = &agent->set.sources[i];
        const struct sfe_config *config = old->setup->config;
        if (old->connection_index == AGENT_NONE || old->events != NULL ||
            strcmp(config->connections[old->connection_index].mqtt.client_id, client_id) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < config->input_count; k++) {
            if (config->inputs[k].connection == old->connection_index &&
                !agent_is_own_source(&config->inputs[k])) {
                forget(agent, plan, source->former, config->inputs[k].topic);
            }
        }
        for (const char *filter = sfe_mqtt_former_next(old->former, NULL); filter != NULL;
             filter = sfe_mqtt_former_next(old->former, filter)) {
            forget(agent, plan, source->former, filter);
        }
    }
    return SFE_OK;
}

size_t agent_intake_bytes(const struct sfe_config *config, const struct sfe_config_input *input)
{
    return sfe_intake_memory_bytes(1, config->agent.event_bytes_max,
                                   input->card_guard || input->mask_count != 0,
                                   input->admit_count != 0 || input->http.by_identity);
}

enum sfe_code agent_open_intake(struct sfe_agent *agent, const struct agent_set *set,
                                struct agent_source *source, const struct sfe_intake_route *routes,
                                uint32_t route_count, struct sfe_error *err)
{
    const struct sfe_intake_options options = {
        .routes = routes,
        .route_count = route_count,
        .dead = set->streams[set->config->dead_stream].stream,
        .event_bytes_max = set->config->agent.event_bytes_max,
        .clock = &agent->platform->clock,
        .agent_id = set->config->agent.id,
        .log = agent->log,
        .watch = agent->watch,
    };

    return sfe_intake_open(&options, source->arena, &source->intake, err);
}

static enum sfe_code open_source(struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_source *source, const struct plan *plan,
                                 struct sfe_error *err)
{
    const uint32_t connection = source->connection_index;
    const struct sfe_config_connection *config = &set->config->connections[connection];
    struct sfe_mqtt_broker *brokers = NULL;
    const struct sfe_mqtt_will will = {
        .topic = config->mqtt.will.topic,
        .payload = sfe_slice_text(config->mqtt.will.payload),
        .qos = config->mqtt.will.qos,
        .is_retained = config->mqtt.will.retain,
    };
    enum sfe_code code =
        agent_open_intake(agent, set, source, plan->routes, plan->route_count, err);
    if (code == SFE_OK) {
        code = agent_list_brokers(source->arena, &config->mqtt, &brokers, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_mqtt_source_options options = {
        .connection = config->name,
        .brokers = brokers,
        .broker_count = config->mqtt.broker_count,
        .client_id = config->mqtt.client_id,
        .username = config->mqtt.username,
        .password = set->compiled->connections[connection].secret,
        .keep_alive_s = (uint32_t)(config->mqtt.keep_alive_ns / 1000000000u),
        .session_expiry_s = (uint32_t)(config->mqtt.session_expiry_ns / 1000000000u),
        .receive_maximum = config->mqtt.receive_maximum,
        .version = config->mqtt.version == SFE_CONFIG_MQTT_3_1_1 ? SFE_MQTT_3_1_1 : SFE_MQTT_5,
        .will = will.topic == NULL ? NULL : &will,
        .tls_files = sfe_compile_tls_files(&config->mqtt),
        .event_bytes_max = set->config->agent.event_bytes_max,
        .subscriptions = plan->subscriptions,
        .subscription_count = plan->subscription_count,
        .former = source->former,
        .intake = source->intake,
        .poller = &agent->platform->poller,
        .mqtt = &agent->platform->mqtt,
        .tls = &agent->platform->tls,
        .clock = &agent->platform->clock,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
    };
    code = sfe_mqtt_source_open(&options, source->arena, &source->source, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot open connection \"%s\"", config->name);
    }
    return SFE_OK;
}

static enum sfe_code open_mqtt_source(struct sfe_agent *agent, const struct agent_set *set,
                                      struct agent_source *source, struct sfe_error *err)
{
    struct plan plan = {0};
    enum sfe_code code = agent_open_arena(agent_source_bytes(set->config, source->connection_index),
                                          &source->arena, err);

    if (code == SFE_OK) {
        code = make_plan(set, source, &plan, err);
    }
    if (code == SFE_OK) {
        code = list_former(agent, set, source, &plan, err);
    }
    return code == SFE_OK ? open_source(agent, set, source, &plan, err) : code;
}

/* A kind of input is a line here, one in memory.c, and its own files. */
static enum sfe_code (*const openers[])(struct sfe_agent *agent, const struct agent_set *set,
                                        struct agent_source *source, struct sfe_error *err) = {
    [SFE_INPUT_MQTT] = open_mqtt_source,
    [SFE_INPUT_HTTP] = agent_open_http_source,
    [SFE_INPUT_FILES] = agent_open_files_source,
    [SFE_INPUT_SALESFORCE_EVENTS] = agent_open_events_source,
    [SFE_INPUT_SALESFORCE_QUERY] = agent_open_query_source,
    [SFE_INPUT_MQTT_ASK] = agent_open_ask_source,
    [SFE_INPUT_HEALTH] = agent_open_health_source,
};

static enum sfe_input_type type_of(const struct agent_set *set, const struct agent_source *source)
{
    if (source->connection_index == AGENT_NONE) {
        return set->config->inputs[source->input_index].type;
    }
    return set->config->connections[source->connection_index].type == SFE_CONNECTION_SALESFORCE
               ? SFE_INPUT_SALESFORCE_EVENTS
               : SFE_INPUT_MQTT;
}

enum sfe_code agent_open_sources(struct sfe_agent *agent, struct agent_set *set,
                                 struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    SFE_ASSERT(set->source_count <= AGENT_SOURCES_MAX);
    for (uint32_t i = 0; i < set->source_count && code == SFE_OK; i++) {
        struct agent_source *source = &set->sources[i];
        if (source->carried != AGENT_NEW) {
            continue;
        }
        code = openers[type_of(set, source)](agent, set, source, err);
    }
    return code;
}

void agent_close_source(struct agent_source *source)
{
    if (source->source.close != NULL) {
        source->source.close(source->source.context);
        source->source.close = NULL;
    }
    sfe_cometd_close(source->cometd);
    source->cometd = NULL;
    sfe_query_close(source->query);
    source->query = NULL;
    sfe_ask_close(source->ask);
    source->ask = NULL;
    source->events = NULL;
    sfe_arena_close(source->arena);
    source->arena = NULL;
    sfe_setup_drop(source->setup);
    source->setup = NULL;
}
