#include "compile/compile.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/secret.h"
#include "flow/lookup.h"
#include "target/mqtt.h"
#include "compile/parts.h"

#include <string.h>

void compile_report(struct compiler *compiler, const struct sfe_config_place *place,
                    struct sfe_error *err)
{
    const char *file = place->file == NULL ? compiler->config->path : place->file;

    (void)sfe_error_at(err, file, place->pointer == NULL ? "" : place->pointer, place->line,
                       place->column);
    compiler->report(compiler->reader, err);
    compiler->mistakes++;
}

static uint32_t case_count_of(const struct sfe_config_field *field)
{
    return field->case_count + (field->otherwise == NULL ? 0 : 1u);
}

/* Value `index` of the field's cases and else: what it does not say stands beside them, unless it
 * says all itself. */
static struct sfe_config_field case_of(const struct sfe_config_field *field, uint32_t index)
{
    const struct sfe_config_field *value =
        index < field->case_count ? &field->cases[index] : field->otherwise;
    struct sfe_config_field merged = value->is_object ? *value : *field;

    merged.name = field->name;
    merged.place = value->place;
    merged.from = value->from;
    merged.constant = value->constant;
    merged.condition = value->condition;
    merged.condition_count = value->condition_count;
    merged.case_count = 0;
    merged.otherwise = NULL;
    return merged;
}

static struct sfe_map_field map_field(const struct sfe_config_field *field)
{
    _Static_assert((int)SFE_MAP_DATETIME == (int)SFE_TYPE_DATETIME, "the same types");
    return (struct sfe_map_field){
        .name = field->name,
        .from = field->from,
        .constant = field->constant,
        .default_value = field->default_value,
        .is_optional = field->is_optional,
        .type = (enum sfe_map_type)field->type,
        .unit = field->unit,
        .scale = field->scale,
        .offset = field->offset,
    };
}

enum sfe_code compile_where(struct compiler *compiler,
                            const struct sfe_config_condition *conditions, uint32_t count,
                            struct sfe_where **where, struct sfe_error *err)
{
    _Static_assert((int)SFE_WHERE_EXISTS == (int)SFE_CONDITION_EXISTS, "the same kinds");
    struct sfe_where_node *nodes;
    uint32_t bad_node = 0;

    if (count == 0) {
        return SFE_OK;
    }
    nodes = sfe_arena_take(compiler->arena, count * sizeof(*nodes), err);
    if (nodes == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < count; i++) {
        nodes[i] =
            (struct sfe_where_node){(enum sfe_where_kind)conditions[i].kind, conditions[i].next,
                                    conditions[i].at, conditions[i].operand};
    }
    const enum sfe_code code =
        sfe_where_compile(nodes, count, compiler->arena, where, &bad_node, err);
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &conditions[bad_node].place, err);
        return SFE_OK;
    }
    return code;
}

enum sfe_code compile_admission(struct compiler *compiler,
                                const struct sfe_config_condition *conditions, uint32_t count,
                                struct sfe_where **where, struct sfe_error *err)
{
    uint32_t bad_node = 0;
    enum sfe_code code = compile_where(compiler, conditions, count, where, err);

    if (code != SFE_OK || *where == NULL) {
        return code;
    }
    code = sfe_where_refer(*where, compiler->config->agent.id, compiler->arena, &bad_node, err);
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &conditions[bad_node].place, err);
        return SFE_OK;
    }
    return code;
}

/* Gives the field room for its cases, with what is text in them. */
static enum sfe_code take_cases(const struct sfe_config_field *config, struct sfe_arena *arena,
                                struct sfe_map_field *field, struct sfe_error *err)
{
    const uint32_t count = case_count_of(config);

    if (count == 0) {
        return SFE_OK;
    }
    struct sfe_map_field *cases = sfe_arena_take(arena, count * sizeof(*cases), err);
    for (uint32_t i = 0; cases != NULL && i < count; i++) {
        const struct sfe_config_field value = case_of(config, i);
        cases[i] = map_field(&value);
    }
    field->cases = cases;
    field->case_count = cases == NULL ? 0 : count;
    return cases == NULL ? err->code : SFE_OK;
}

enum sfe_code sfe_compile_map_options(const struct sfe_config *config,
                                      const struct sfe_config_record *record,
                                      struct sfe_arena *arena, struct sfe_map_options *options,
                                      struct sfe_error *err)
{
    struct sfe_map_field *fields =
        sfe_arena_take(arena, record->field_count * sizeof(*fields), err);

    if (fields == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < record->field_count; i++) {
        fields[i] = map_field(&record->fields[i]);
        if (take_cases(&record->fields[i], arena, &fields[i], err) != SFE_OK) {
            return err->code;
        }
    }
    *options = (struct sfe_map_options){
        .object = record->object,
        .external_id = record->external_id,
        .each = record->each,
        .fields = fields,
        .field_count = record->field_count,
        .agent_id = config->agent.id,
    };
    return SFE_OK;
}

/* A field without its cases, or one of them. */
static enum sfe_code compile_value(struct compiler *compiler, const struct sfe_config_field *config,
                                   struct sfe_map_field *field, struct sfe_error *err)
{
    *field = map_field(config);
    enum sfe_code code = compile_zone(compiler, config->zone, &field->zone, err);

    if (code == SFE_E_CONFIG) {
        field->zone = NULL;
    } else if (code == SFE_OK) {
        code = compile_lookup(compiler, config->lookup, &field->lookup, err);
    }
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &config->place, err);
        code = SFE_OK;
    }
    return code == SFE_OK ? compile_where(compiler, config->condition, config->condition_count,
                                          &field->condition, err)
                          : code;
}

enum sfe_code compile_field(struct compiler *compiler, const struct sfe_config_field *config,
                            struct sfe_map_field *field, uint64_t *tables, struct sfe_error *err)
{
    const uint32_t count = case_count_of(config);
    enum sfe_code code = compile_value(compiler, config, field, err);
    struct sfe_map_field *cases = code == SFE_OK && count > 0
                                      ? sfe_arena_take(compiler->arena, count * sizeof(*cases), err)
                                      : NULL;

    if (field->lookup != NULL) {
        *tables = *tables * 31u + field->lookup->digest;
    }
    if (cases == NULL) {
        return code == SFE_OK && count > 0 ? err->code : code;
    }
    for (uint32_t i = 0; i < count && code == SFE_OK; i++) {
        const struct sfe_config_field value = case_of(config, i);
        code = compile_value(compiler, &value, &cases[i], err);
        if (cases[i].lookup != NULL) {
            *tables = *tables * 31u + cases[i].lookup->digest;
        }
    }
    field->cases = cases;
    field->case_count = count;
    return code;
}

/* Gives the fields of `options` what is more than text. */
static enum sfe_code compile_fields(struct compiler *compiler,
                                    const struct sfe_config_record *record,
                                    struct sfe_map_options *options, uint64_t *tables,
                                    struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    struct sfe_map_field *fields =
        sfe_arena_take(compiler->arena, record->field_count * sizeof(*fields), err);

    if (fields == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < record->field_count && code == SFE_OK; i++) {
        code = compile_field(compiler, &record->fields[i], &fields[i], tables, err);
    }
    options->fields = fields;
    return code;
}

enum sfe_code compile_record(struct compiler *compiler, const struct sfe_config_record *record,
                             struct sfe_map **map, uint64_t *tables, struct sfe_error *err)
{
    uint32_t bad_field = record->field_count;
    struct sfe_map_options options;
    enum sfe_code code =
        sfe_compile_map_options(compiler->config, record, compiler->arena, &options, err);

    if (code == SFE_OK) {
        code = compile_fields(compiler, record, &options, tables, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    code = sfe_map_compile(&options, compiler->arena, map, &bad_field, err);
    if (code == SFE_E_CONFIG) {
        compile_report(compiler,
                       bad_field < record->field_count ? &record->fields[bad_field].place
                                                       : &record->place,
                       err);
        return SFE_OK;
    }
    return code;
}

enum sfe_code compile_text(struct compiler *compiler, const char *text,
                           const struct sfe_config_place *place, struct sfe_template **compiled,
                           struct sfe_error *err)
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

static enum sfe_code compile_message(struct compiler *compiler,
                                     const struct sfe_config_output *output,
                                     struct sfe_compiled_output *output_compiled,
                                     struct sfe_error *err)
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
    if (code == SFE_OK) {
        code = compile_where(compiler, message->empty_when, message->empty_when_count,
                             &compiled->empty_when, err);
    }
    if (code == SFE_OK && message->properties.field_count > 0) {
        code = compile_record(compiler, &message->properties, &compiled->properties,
                              &output_compiled->tables, err);
    }
    return code;
}

static enum sfe_code compile_waits(struct compiler *compiler, const struct sfe_config_waits *waits,
                                   struct sfe_compiled_output *compiled, struct sfe_error *err)
{
    enum sfe_code code =
        compile_text(compiler, waits->key, &waits->key_place, &compiled->waits_key, err);

    if (waits->their_key == NULL) {
        compiled->waits_their_key = compiled->waits_key;
    } else if (code == SFE_OK) {
        code = compile_text(compiler, waits->their_key, &waits->their_key_place,
                            &compiled->waits_their_key, err);
    }
    return code == SFE_OK ? compile_where(compiler, waits->where, waits->where_count,
                                          &compiled->waits_where, err)
                          : code;
}

static enum sfe_code compile_output(struct compiler *compiler,
                                    const struct sfe_config_output *output,
                                    struct sfe_compiled_output *compiled, struct sfe_error *err)
{
    enum sfe_code code;

    SFE_ASSERT(output->record_count <= SFE_RECORDS_PER_OUTPUT_MAX);
    for (uint32_t i = 0; i < output->record_count; i++) {
        code = compile_record(compiler, &output->records[i], &compiled->maps[i], &compiled->tables,
                              err);
        if (code != SFE_OK) {
            return code;
        }
    }
    code = compile_where(compiler, output->where, output->where_count, &compiled->where, err);
    if (code == SFE_OK && output->type == SFE_OUTPUT_HTTP) {
        code = compile_http_output(compiler, output, compiled, err);
    }
    if (code == SFE_OK && output->type == SFE_OUTPUT_MQTT) {
        code = compile_message(compiler, output, compiled, err);
    }
    if (code == SFE_OK && output->waits.key != NULL) {
        code = compile_waits(compiler, &output->waits, compiled, err);
    }
#ifdef SFE_JQ
    if (code == SFE_OK && output->type == SFE_OUTPUT_JQ) {
        code = compile_jq(compiler, output, err);
    }
#endif
    if (code != SFE_OK) {
        return code;
    }
    return compile_text(compiler, output->order_by, &output->order_by_place, &compiled->order_by,
                        err);
}

struct sfe_tls_options sfe_compile_tls_files(const struct sfe_config_mqtt *mqtt)
{
    return (struct sfe_tls_options){
        .ca_file = mqtt->tls_ca_file,
        .cert_file = mqtt->tls_cert_file,
        .key_file = mqtt->tls_key_file,
        .alpn = mqtt->tls_alpn,
    };
}

/* Certificates and key of a connection must be there, and fit. */
static void check_tls_files(struct compiler *compiler,
                            const struct sfe_config_connection *connection)
{
    const struct sfe_config_mqtt *mqtt = &connection->mqtt;
    const struct sfe_tls_options files = sfe_compile_tls_files(mqtt);
    struct sfe_error err = {0};
    bool is_needed = false;

    for (uint32_t i = 0; i < mqtt->broker_count; i++) {
        is_needed = is_needed || mqtt->brokers[i].tls;
    }
    if (is_needed && sfe_tls_check(&files, &err) != SFE_OK) {
        (void)sfe_within(&err, "connection \"%s\"", connection->name);
        compile_report(compiler, &connection->place, &err);
    }
}

static enum sfe_code compile_secrets(struct compiler *compiler, struct sfe_compiled *compiled,
                                     struct sfe_error *err)
{
    const struct sfe_config *config = compiler->config;
    enum sfe_code code = SFE_OK;

    compile_stream_keys(compiler, compiled->streams);
    for (uint32_t i = 0; i < config->connection_count && code == SFE_OK; i++) {
        code =
            compile_connection(compiler, &config->connections[i], &compiled->connections[i], err);
        check_tls_files(compiler, &config->connections[i]);
    }
    for (uint32_t i = 0; i < config->input_count && code == SFE_OK; i++) {
        code = compile_input(compiler, &config->inputs[i], &compiled->inputs[i], err);
    }
    for (uint32_t i = 0; i < config->output_count && code == SFE_OK; i++) {
        code = compile_output_secrets(compiler, &config->outputs[i], &compiled->outputs[i], err);
    }
    return code;
}

static enum sfe_code compile_thin(struct compiler *compiler, const struct sfe_config_thin *thin,
                                  struct sfe_compiled_stream *compiled, struct sfe_error *err)
{
    enum sfe_code code;

    if (thin->keep_every == 0) {
        return SFE_OK;
    }
    code = sfe_template_compile(thin->key, compiler->config->agent.id, compiler->arena,
                                &compiled->thin_key, err);
    if (code == SFE_OK && !sfe_template_is_of_sender(compiled->thin_key)) {
        code = sfe_fail(err, SFE_E_CONFIG,
                        "the key needs more than the topic; allowed: {topic}, {topic.N}, {source}, "
                        "{identity}");
    }
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &thin->key_place, err);
        return SFE_OK;
    }
    return code;
}

static enum sfe_code compile_taking(struct compiler *compiler, const struct sfe_config_input *input,
                                    struct sfe_compiled_input *compiled, struct sfe_error *err)
{
    return input->type == SFE_INPUT_MQTT_ASK
               ? compile_ask(compiler, &input->ask, &compiled->ask, err)
               : compile_admission(compiler, input->admit, input->admit_count, &compiled->admit,
                                   err);
}

/* What inputs admit, and whom. */
static enum sfe_code compile_senders(struct compiler *compiler, struct sfe_compiled *compiled,
                                     struct sfe_error *err)
{
    const struct sfe_config *config = compiler->config;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < config->input_count && code == SFE_OK; i++) {
        code = compile_taking(compiler, &config->inputs[i], &compiled->inputs[i], err);
    }
    return code == SFE_OK ? compile_identities(compiler, compiled, err) : code;
}

static enum sfe_code take_parts(const struct sfe_config *config, struct sfe_arena *arena,
                                struct sfe_compiled *compiled, struct sfe_error *err)
{
    compiled->outputs =
        sfe_arena_take(arena, (config->output_count + 1u) * sizeof(*compiled->outputs), err);
    compiled->connections = sfe_arena_take(
        arena, (config->connection_count + 1u) * sizeof(*compiled->connections), err);
    compiled->streams =
        sfe_arena_take(arena, (config->stream_count + 1u) * sizeof(*compiled->streams), err);
    compiled->inputs =
        sfe_arena_take(arena, (config->input_count + 1u) * sizeof(*compiled->inputs), err);
    compiled->identities =
        sfe_arena_take(arena, (config->identity_count + 1u) * sizeof(*compiled->identities), err);
    if (compiled->outputs == NULL || compiled->connections == NULL || compiled->streams == NULL ||
        compiled->inputs == NULL || compiled->identities == NULL) {
        return err->code;
    }
    return SFE_OK;
}

enum sfe_code sfe_compile(const struct sfe_config *config, struct sfe_arena *arena,
                          sfe_config_report report, void *reader, struct sfe_compiled *compiled,
                          struct sfe_error *err)
{
    struct compiler compiler = {config, arena, report, reader, 0};
    enum sfe_code code = SFE_OK;

    compiled->config = config;
    if (take_parts(config, arena, compiled, err) != SFE_OK) {
        return err->code;
    }
    if (!compiled->without_secrets) {
        code = compile_secrets(&compiler, compiled, err);
    }
    for (uint32_t i = 0; i < config->stream_count && code == SFE_OK; i++) {
        code = compile_thin(&compiler, &config->streams[i].thin, &compiled->streams[i], err);
    }
    if (code == SFE_OK) {
        code = compile_senders(&compiler, compiled, err);
    }
    for (uint32_t i = 0; i < config->output_count && code == SFE_OK; i++) {
        code = compile_output(&compiler, &config->outputs[i], &compiled->outputs[i], err);
    }
    if (code == SFE_OK && compiler.mistakes != 0) {
        code = sfe_fail(err, SFE_E_CONFIG, "%u mistakes in %s", compiler.mistakes, config->path);
    }
    if (code != SFE_OK) {
        sfe_compiled_wipe(compiled);
    }
    return code;
}

/* The slice is const for its users; the memory is the arena's, which is ours. */
static void wipe(struct sfe_slice *secret)
{
    uint8_t *memory;

    if (secret->size != 0) {
        memcpy(&memory, &secret->bytes, sizeof(memory));
        sfe_wipe(memory, secret->size);
        *secret = (struct sfe_slice){NULL, 0};
    }
}

void sfe_compiled_wipe(struct sfe_compiled *compiled)
{
    sfe_compiled_wipe_keys(compiled);
    if (compiled->config == NULL || compiled->connections == NULL) {
        return;
    }
    for (uint32_t i = 0; i < compiled->config->connection_count; i++) {
        wipe(&compiled->connections[i].secret);
        wipe(&compiled->connections[i].refresh_tokens);
        wipe(&compiled->connections[i].tls_key);
        wipe(&compiled->connections[i].proxy_password);
    }
    for (uint32_t i = 0; compiled->inputs != NULL && i < compiled->config->input_count; i++) {
        wipe(&compiled->inputs[i].secret);
        wipe(&compiled->inputs[i].tls.key);
    }
    for (uint32_t i = 0; compiled->identities != NULL && i < compiled->config->identity_count;
         i++) {
        wipe(&compiled->identities[i].text);
        memset(compiled->identities[i].secrets, 0, sizeof(compiled->identities[i].secrets));
    }
    for (uint32_t i = 0; compiled->outputs != NULL && i < compiled->config->output_count; i++) {
        wipe(&compiled->outputs[i].secret);
        wipe(&compiled->outputs[i].tls_key);
        wipe(&compiled->outputs[i].proxy_password);
    }
}
