#include "config/check_inputs.h"

static const char *const kinds[] = {"/event/", "/data/", "/topic/", "/u/"};

static bool is_name(struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t byte = text.bytes[i];
        if (!((byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
              (byte >= '0' && byte <= '9') || byte == '_')) {
            return false;
        }
    }
    return text.size != 0;
}

static bool is_channel(const char *channel)
{
    const struct sfe_slice text = sfe_slice_text(channel);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const size_t size = strlen(kinds[i]);
        if (sfe_slice_equal(sfe_slice_part(text, 0, size), sfe_slice_text(kinds[i]))) {
            return is_name(sfe_slice_part(text, size, text.size));
        }
    }
    return false;
}

static void check_channel(struct config_load *load, uint32_t index, uint32_t token)
{
    const struct sfe_config_input *inputs = load->config->inputs;

    if (!is_channel(inputs[index].topic)) {
        load_mistake(load, token,
                     "that is no channel; allowed: such as \"/event/DeviceCommand__e\", "
                     "\"/data/AccountChangeEvent\", \"/topic/Orders\" or \"/u/News\"");
        return;
    }
    for (uint32_t i = 0; i < index; i++) {
        if (inputs[i].type == SFE_INPUT_SALESFORCE_EVENTS && inputs[i].topic != NULL &&
            inputs[i].connection == inputs[index].connection &&
            strcmp(inputs[i].topic, inputs[index].topic) == 0) {
            load_mistake(load, token,
                         "input \"%s\" subscribes to it too; allowed: once for a connection, as "
                         "any number of outputs may read its stream",
                         inputs[i].name);
            return;
        }
    }
}

void check_channels(struct config_load *load)
{
    uint32_t object;
    uint32_t key = load_named_first(load, "inputs", &object);

    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->input_count; i++) {
        const struct sfe_config_input *input = &load->config->inputs[i];
        if (input->type == SFE_INPUT_SALESFORCE_EVENTS && input->topic != NULL) {
            check_channel(load, i, load_member(load, key + 1, "channel"));
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
