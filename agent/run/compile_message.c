#include "run/compile_message.h"

#include "output/mqtt.h"

/* A template that is left out stays NULL, as does one that is wrong. */
static enum sfe_code compile_text(struct compiler *compiler, const char *text,
                                  const struct sfe_config_place *place,
                                  struct sfe_template **compiled, struct sfe_error *err)
{
    if (text == NULL) {
        return SFE_OK;
    }
    const enum sfe_code code =
        sfe_template_compile(text, compiler->config->agent.id, compiler->arena, compiled, err);
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, place, err);
        return SFE_OK;
    }
    return code;
}

static enum sfe_code compile_topic(struct compiler *compiler,
                                   const struct sfe_config_message *message,
                                   struct sfe_compiled_message *compiled, struct sfe_error *err)
{
    const enum sfe_code code =
        compile_text(compiler, message->topic, &message->topic_place, &compiled->topic, err);

    if (code == SFE_OK && compiled->topic != NULL &&
        sfe_mqtt_output_check_topic(compiled->topic, err) != SFE_OK) {
        compile_report(compiler, &message->topic_place, err);
    }
    return code;
}

enum sfe_code compile_message(struct compiler *compiler, const struct sfe_config_output *output,
                              struct sfe_compiled_output *output_compiled, struct sfe_error *err)
{
    const struct sfe_config_message *message = &output->mqtt;
    struct sfe_compiled_message *compiled = &output_compiled->message;
    const struct {
        const char *text;
        const struct sfe_config_place *place;
        struct sfe_template **compiled;
    } texts[] = {
        {message->payload, &message->payload_place, &compiled->payload},
        {message->content_type, &message->content_type_place, &compiled->content_type},
        {message->response_topic, &message->response_topic_place, &compiled->response_topic},
        {message->correlation, &message->correlation_place, &compiled->correlation},
    };
    enum sfe_code code = compile_topic(compiler, message, compiled, err);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == SFE_OK; i++) {
        code = compile_text(compiler, texts[i].text, texts[i].place, texts[i].compiled, err);
    }
    if (code == SFE_OK && message->properties.field_count > 0) {
        code = compile_record(compiler, &message->properties, &compiled->properties,
                              &output_compiled->tables, err);
    }
    return code;
}
