/* Outputs to a broker: each publishes on a connection of its own, with a client id of its own.
 *
 * So a broker that throws out the one over what it publishes leaves inputs and other outputs alone,
 * and a reload opens and closes it with the output. It costs paho's client and a gate for each,
 * which the memory bound counts. The connection belongs to the edge thread, where sockets are. */
#include "run/output_kind.h"
#include "run/outputs.h"

#include "base/arena.h"
#include "base/assert.h"
#include "target/mqtt.h"
#include "compile/compile.h"
#include "run/open_sources.h"

#include <stdio.h>
#include <string.h>

/* Client id of the connection (256 at most), "-out-", output, "-", stream. */
#define CLIENT_ID_BYTES 336u
/* The gate keeps no message: none comes. */
#define INBOX_EVENT_BYTES 0u
#define COPIES            2u    /* That paho makes of a message while it is under way. */
#define MESSAGE_BYTES     4096u /* What it keeps of one beside its payload. */

struct agent_mqtt_link {
    struct sfe_mqtt_link *link;
    struct sfe_mqtt_user user;
    struct sfe_source source;         /* close NULL: there is none. */
    const struct sfe_mqtt *mqtt;      /* Of `session`. */
    struct sfe_mqtt_session *session; /* Of a rehearsal, which connects to nobody. */
    char client_id[CLIENT_ID_BYTES];
};

static struct sfe_mqtt_output_options target_options(const struct sfe_config *config,
                                                     const struct sfe_config_output *output)
{
    return (struct sfe_mqtt_output_options){
        .has_event_id = output->mqtt.event_id,
        .is_5 = config->connections[output->connection].mqtt.version == SFE_CONFIG_MQTT_5,
        .expiry_ns = output->mqtt.expiry_ns,
        .qos = output->mqtt.qos,
        .is_retained = output->mqtt.retain,
        .slot_count = output->mqtt.in_flight,
        .event_bytes_max = config->agent.event_bytes_max,
    };
}

static struct sfe_mqtt_source_options source_options(const struct sfe_config_connection *connection)
{
    const struct sfe_config_mqtt *mqtt = &connection->mqtt;

    return (struct sfe_mqtt_source_options){
        .connection = connection->name,
        .broker_count = mqtt->broker_count,
        .username = mqtt->username,
        .keep_alive_s = (uint32_t)(mqtt->keep_alive_ns / 1000000000u),
        .receive_maximum = 1,
        .version = mqtt->version == SFE_CONFIG_MQTT_3_1_1 ? SFE_MQTT_3_1_1 : SFE_MQTT_5,
        .tls_files = sfe_compile_tls_files(mqtt),
        .event_bytes_max = INBOX_EVENT_BYTES,
    };
}

static void mqtt_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                       bool is_rehearsal, struct sfe_output_options *sizes)
{
    (void)config;
    (void)is_rehearsal;
    sizes->slot_count = output->mqtt.in_flight;
    sizes->slot_events_max = 1;
    sizes->batch_age_ns = 0;
    sizes->window_events = SFE_WINDOW_EVENTS;
}

static size_t mqtt_bytes(const struct sfe_config *config, const struct sfe_config_output *output)
{
    const struct sfe_config_connection *connection = &config->connections[output->connection];
    const struct sfe_mqtt_source_options source = source_options(connection);
    const struct sfe_mqtt_output_options target = target_options(config, output);

    return sfe_arena_cost(sizeof(struct sfe_target)) +
           sfe_arena_cost(sizeof(struct agent_mqtt_link)) +
           sfe_arena_cost(connection->mqtt.broker_count * sizeof(struct sfe_mqtt_broker)) +
           sfe_mqtt_source_memory_bytes(&source) +
           sfe_mqtt_link_memory_bytes(output->mqtt.in_flight) +
           sfe_mqtt_output_memory_bytes(&target);
}

static size_t mqtt_library_bytes(const struct sfe_config *config,
                                 const struct sfe_config_output *output)
{
    return agent_broker_library_bytes(&config->connections[output->connection].mqtt) +
           COPIES * sfe_mqtt_output_flight_bytes_max(config->agent.event_bytes_max) +
           (size_t)output->mqtt.in_flight * MESSAGE_BYTES;
}

static void wake_cloud(void *owner)
{
    struct sfe_agent *agent = owner;

    agent->platform->http.wake(agent->platform->http.context);
}

/* An output that reads several streams is several, each with a connection. */
static void name_client(const struct agent_set *set, const struct agent_output *output,
                        struct agent_mqtt_link *mqtt)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const char *stream = set->config->streams[output->stream_index].name;
    const int size =
        snprintf(mqtt->client_id, sizeof(mqtt->client_id), "%s-out-%s%s%s",
                 set->config->connections[config->connection].mqtt.client_id, config->name,
                 config->from_count > 1 ? "-" : "", config->from_count > 1 ? stream : "");

    SFE_ASSERT(size > 0 && (size_t)size < sizeof(mqtt->client_id));
}

static enum sfe_code open_connection(struct sfe_agent *agent, const struct agent_set *set,
                                     struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_config_connection *connection = &set->config->connections[config->connection];
    struct sfe_mqtt_source_options options = source_options(connection);
    struct sfe_mqtt_broker *brokers = NULL;
    enum sfe_code code = agent_list_brokers(output->arena, &connection->mqtt, &brokers, err);

    if (code != SFE_OK) {
        return code;
    }
    options.brokers = brokers;
    options.client_id = output->mqtt->client_id;
    options.password = set->compiled->connections[config->connection].secret;
    options.user = &output->mqtt->user;
    options.poller = &agent->platform->poller;
    options.mqtt = &agent->platform->mqtt;
    options.tls = &agent->platform->tls;
    options.clock = &agent->platform->clock;
    options.entropy = &agent->platform->entropy;
    options.log = agent->log;
    return sfe_mqtt_source_open(&options, output->arena, &output->mqtt->source, err);
}

/* Nobody is connected to: the made-up client takes every message. */
static enum sfe_code open_rehearsal(struct sfe_agent *agent, struct agent_output *output,
                                    struct sfe_error *err)
{
    const struct sfe_mqtt *mqtt = &agent->platform->mqtt;
    const struct sfe_mqtt_options options = {.publishing = &output->mqtt->user.publishing};
    const enum sfe_code code = mqtt->open(mqtt->context, &options, &output->mqtt->session, err);

    if (code == SFE_OK) {
        output->mqtt->mqtt = mqtt;
        sfe_mqtt_link_set(output->mqtt->link, output->mqtt->session, NULL, 0);
    }
    return code;
}

static enum sfe_code open_link(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_mqtt_link_options options = {
        .mqtt = &agent->platform->mqtt,
        .slot_count = set->config->outputs[output->config_index].mqtt.in_flight,
        .wake_cloud = wake_cloud,
        .wake_edge = agent_kick_edge,
        .owner = agent,
    };
    struct agent_mqtt_link *mqtt = sfe_arena_take(output->arena, sizeof(*mqtt), err);

    if (mqtt == NULL || sfe_mqtt_link_open(&options, output->arena, &mqtt->link, err) != SFE_OK) {
        return err->code;
    }
    mqtt->user = (struct sfe_mqtt_user){
        .publishing = {options.slot_count, sfe_mqtt_link_on_published, mqtt->link},
        .on_link = sfe_mqtt_link_set,
        .wants_end = sfe_mqtt_link_wants_end,
        .owner = mqtt->link,
    };
    name_client(set, output, mqtt);
    output->mqtt = mqtt;
    return set->compiled->without_secrets ? open_rehearsal(agent, output, err)
                                          : open_connection(agent, set, output, err);
}

static enum sfe_code open_mqtt(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &set->compiled->outputs[output->config_index];
    const struct sfe_compiled_message *message = &compiled->message;
    struct sfe_mqtt_output_options options = target_options(set->config, config);
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);

    if (target == NULL || open_link(agent, set, output, err) != SFE_OK) {
        return err->code;
    }
    options.link = output->mqtt->link;
    options.topic = message->topic;
    options.payload = message->payload;
    options.map = config->record_count == 0 ? NULL : compiled->maps[0];
    options.content_type = message->content_type;
    options.response_topic = message->response_topic;
    options.correlation = message->correlation;
    options.properties = message->properties;
    options.order_by = compiled->order_by;
    options.where = compiled->where;
    options.empty_when = message->empty_when;
    options.clock = &agent->platform->clock;
    const enum sfe_code code = sfe_mqtt_output_open(&options, output->arena, target, err);
    if (code == SFE_OK) {
        output->target = target;
    }
    if (config->mqtt.qos == 0) {
        SFE_LOG(agent->log, SFE_WARNING, "messages of QoS 0 may be lost on the way to the broker",
                sfe_text("output", config->name));
    }
    return code;
}

static void close_mqtt(struct agent_output *output)
{
    struct agent_mqtt_link *mqtt = output->mqtt;

    if (mqtt == NULL) {
        return;
    }
    if (mqtt->source.close != NULL) {
        mqtt->source.close(mqtt->source.context);
    }
    if (mqtt->session != NULL) {
        mqtt->mqtt->close(mqtt->mqtt->context, mqtt->session);
    }
    sfe_mqtt_link_close(mqtt->link);
    output->mqtt = NULL;
}

uint64_t agent_mqtt_link_turn(struct agent_output *output, uint64_t now_ns)
{
    if (output->mqtt == NULL || output->mqtt->source.turn == NULL) {
        return UINT64_MAX;
    }
    return output->mqtt->source.turn(output->mqtt->source.context, now_ns);
}

/* While it is not connected, that is what holds the output up. */
void agent_mqtt_link_facts(struct agent_output *output, struct sfe_output_facts *facts)
{
    struct sfe_source_facts link = {0};

    if (output->mqtt == NULL || output->mqtt->source.facts == NULL) {
        return;
    }
    output->mqtt->source.facts(output->mqtt->source.context, &link);
    if (!link.is_connected && link.last_error.code != SFE_OK) {
        facts->last_error = link.last_error;
    }
}

const struct agent_output_kind agent_mqtt_output = {
    .sizes = mqtt_sizes,
    .memory_bytes = mqtt_bytes,
    .library_bytes = mqtt_library_bytes,
    .open = open_mqtt,
    .close = close_mqtt,
};
