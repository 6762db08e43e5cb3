/* Inputs that answer questions. Each subscribes and publishes on a connection of its own, so that a
 * broker that throws it out leaves all else alone, and a question never waits behind an event. */
#include "run/open_ask.h"

#include "ask/ask.h"
#include "base/arena.h"
#include "base/assert.h"
#include "compile/compile.h"
#include "run/open_sources.h"
#include "run/output_kind.h"
#include "run/outputs.h"

#include <stdio.h>

/* Client id of the connection (256 at most), "-ask-", input. */
#define CLIENT_ID_BYTES 296u
#define COPIES          2u    /* That paho makes of a message while it is under way. */
#define MESSAGE_BYTES   4096u /* What it keeps of one beside its payload. */

bool agent_is_own_source(const struct sfe_config_input *input)
{
    return input->type == SFE_INPUT_SALESFORCE_QUERY || input->type == SFE_INPUT_MQTT_ASK;
}

static struct sfe_ask_options ask_options(const struct sfe_config_input *input,
                                          const struct sfe_compiled_ask *compiled)
{
    return (struct sfe_ask_options){
        .input = input->name,
        .prefix = input->ask.prefix,
        .within_ns = input->ask.within_ns,
        .in_flight = input->ask.in_flight,
        .rate = input->ask.rate,
        .question_bytes_max = input->ask.question_bytes_max,
        .answer_bytes_max = input->ask.answer_bytes_max,
        .qos = input->qos,
        .table = compiled == NULL ? NULL : compiled->table,
        .key = compiled == NULL ? NULL : compiled->key,
        .query = compiled == NULL ? NULL : compiled->query,
        .map = compiled == NULL ? NULL : compiled->map,
        .need = input->ask.priority ? SFE_ORG_PRIORITY : SFE_ORG_ORDINARY,
    };
}

static struct sfe_mqtt_source_options link_options(const struct sfe_config *config,
                                                   const struct sfe_config_input *input)
{
    const struct sfe_config_connection *connection = &config->connections[input->connection];
    const struct sfe_config_mqtt *mqtt = &connection->mqtt;

    return (struct sfe_mqtt_source_options){
        .connection = connection->name,
        .broker_count = mqtt->broker_count,
        .username = mqtt->username,
        .keep_alive_s = (uint32_t)(mqtt->keep_alive_ns / 1000000000u),
        .receive_maximum = SFE_ASK_RECEIVE_MAXIMUM,
        .version = SFE_MQTT_5,
        .tls_files = sfe_compile_tls_files(mqtt),
        .event_bytes_max = input->ask.question_bytes_max,
        .subscription_count = 1,
    };
}

size_t agent_ask_source_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_input *input = &config->inputs[index];
    const struct sfe_mqtt_source_options link = link_options(config, input);
    const struct sfe_ask_options ask = ask_options(input, NULL);

    return sfe_arena_cost(CLIENT_ID_BYTES) +
           sfe_arena_cost(link.broker_count * sizeof(struct sfe_mqtt_broker)) +
           sfe_arena_cost(sizeof(struct sfe_mqtt_subscription)) +
           sfe_mqtt_source_memory_bytes(&link) +
           sfe_ask_memory_bytes(&ask, input->ask.query != NULL);
}

size_t agent_ask_library_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_input *input = &config->inputs[index];
    const size_t messages = sfe_ask_messages_max(input->ask.in_flight);
    size_t bytes = agent_broker_library_bytes(&config->connections[input->connection].mqtt) +
                   messages * (COPIES * (size_t)input->ask.answer_bytes_max + MESSAGE_BYTES);

    if (input->ask.query != NULL) {
        bytes += input->ask.in_flight *
                 agent_exchange_bytes(&config->connections[input->ask.org].salesforce);
    }
    return bytes;
}

static enum sfe_code open_ask(struct sfe_agent *agent, const struct agent_set *set,
                              struct agent_source *source, struct sfe_error *err)
{
    const struct sfe_config_input *input = &set->config->inputs[source->input_index];
    struct sfe_ask_options options =
        ask_options(input, &set->compiled->inputs[source->input_index].ask);

    if (options.query != NULL) {
        options.org = agent_find_org(set, input->ask.org);
    }
    options.mqtt = &agent->platform->mqtt;
    options.http = &agent->platform->http;
    options.clock = &agent->platform->clock;
    options.log = agent->log;
    options.wake_edge = agent_kick_edge;
    options.owner = agent;
    return sfe_ask_open(&options, source->arena, &source->ask, err);
}

static enum sfe_code name_client(const struct agent_set *set, const struct agent_source *source,
                                 const char **client_id, struct sfe_error *err)
{
    const struct sfe_config_input *input = &set->config->inputs[source->input_index];
    char *name = sfe_arena_take(source->arena, CLIENT_ID_BYTES, err);

    if (name == NULL) {
        return err->code;
    }
    const int size =
        snprintf(name, CLIENT_ID_BYTES, "%s-ask-%s",
                 set->config->connections[input->connection].mqtt.client_id, input->name);
    SFE_ASSERT(size > 0 && (size_t)size < CLIENT_ID_BYTES);
    *client_id = name;
    return SFE_OK;
}

static enum sfe_code open_link(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_source *source, struct sfe_error *err)
{
    const struct sfe_config_input *input = &set->config->inputs[source->input_index];
    struct sfe_mqtt_source_options options = link_options(set->config, input);
    struct sfe_mqtt_subscription *subscription =
        sfe_arena_take(source->arena, sizeof(*subscription), err);
    struct sfe_mqtt_broker *brokers = NULL;
    struct sfe_source link = {0};

    if (subscription == NULL || name_client(set, source, &options.client_id, err) != SFE_OK) {
        return err->code;
    }
    enum sfe_code code = agent_list_brokers(
        source->arena, &set->config->connections[input->connection].mqtt, &brokers, err);
    if (code != SFE_OK) {
        return code;
    }
    *subscription = (struct sfe_mqtt_subscription){input->topic, input->qos};
    options.brokers = brokers;
    options.password = set->compiled->connections[input->connection].secret;
    options.subscriptions = subscription;
    options.taker = sfe_ask_taker(source->ask);
    options.user = sfe_ask_user(source->ask);
    options.poller = &agent->platform->poller;
    options.mqtt = &agent->platform->mqtt;
    options.tls = &agent->platform->tls;
    options.clock = &agent->platform->clock;
    options.entropy = &agent->platform->entropy;
    options.log = agent->log;
    code = sfe_mqtt_source_open(&options, source->arena, &link, err);
    if (code == SFE_OK) {
        sfe_ask_make_source(source->ask, &link, &source->source);
    }
    return code;
}

enum sfe_code agent_open_ask_source(struct sfe_agent *agent, const struct agent_set *set,
                                    struct agent_source *source, struct sfe_error *err)
{
    enum sfe_code code = agent_open_arena(agent_ask_source_bytes(set->config, source->input_index),
                                          &source->arena, err);

    if (code == SFE_OK) {
        code = open_ask(agent, set, source, err);
    }
    if (code == SFE_OK) {
        code = open_link(agent, set, source, err);
    }
    return code == SFE_OK ? SFE_OK
                          : sfe_within(err, "cannot open input \"%s\"",
                                       set->config->inputs[source->input_index].name);
}
