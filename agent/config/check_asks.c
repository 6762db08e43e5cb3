#include "config/check_inputs.h"

#include "config/check.h"

static bool is_begin_of_topic(const char *prefix)
{
    return prefix[0] != '$' && prefix[0] != '\0' && strpbrk(prefix, "+#") == NULL;
}

static void check_ask(struct config_load *load, const struct sfe_config_input *input,
                      uint32_t entry)
{
    const struct sfe_config *config = load->config;
    const struct sfe_config_ask *ask = &input->ask;

    if (input->connection < config->connection_count &&
        config->connections[input->connection].mqtt.version == SFE_CONFIG_MQTT_3_1_1) {
        load_mistake(load, load_member(load, entry, "connection"),
                     "MQTT 3.1.1 has no response topics; allowed: a connection of \"version\": "
                     "\"5\"");
    }
    if (ask->prefix != NULL && !is_begin_of_topic(ask->prefix)) {
        load_mistake(load, load_member(load, entry, "answers_below"),
                     "no topic that we may publish to begins so; allowed: no + and #, and no $ in "
                     "front");
    }
    if (ask->query != NULL && !check_is_query(sfe_slice_text(ask->query))) {
        load_mistake(load, load_member(load, entry, "query"),
                     "that is no query; allowed: such as SELECT Price__c FROM Price__c WHERE "
                     "Sku__c = '{/sku}' LIMIT 1");
    }
    check_fields(load, &ask->map, load_member(load, entry, "map"));
}

void check_asks(struct config_load *load)
{
    struct sfe_config_input *inputs = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "inputs", &object);

    memcpy(&inputs, &load->config->inputs, sizeof(inputs));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->input_count; i++) {
        if (inputs[i].type == SFE_INPUT_MQTT_ASK) {
            if (load_member(load, key + 1, "org") == SFE_JSON_NONE) {
                inputs[i].ask.org = UINT32_MAX;
            }
            inputs[i].stream = UINT32_MAX;
            inputs[i].ask.map.object = "answer";
            inputs[i].ask.map.place = inputs[i].place;
            check_ask(load, &inputs[i], key + 1);
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
