#include "run/compile.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/secret.h"
#include "port/process.h"

#include <string.h>

/* A private key of 8192 bits in PEM takes some 6.5 kB. */
#define SECRET_BYTES_MAX 8192u
/* A key as hexadecimal digits, with a line's end and more than should be there. */
#define KEY_FILE_BYTES_MAX 128u

struct compiler {
    const struct sfe_config *config;
    struct sfe_arena *arena;
    sfe_config_report report;
    void *reader;
    uint32_t mistakes;
};

static void report_at(struct compiler *compiler, const struct sfe_config_place *place,
                      struct sfe_error *err)
{
    (void)sfe_error_at(err, compiler->config->path, place->pointer == NULL ? "" : place->pointer,
                       place->line, place->column);
    compiler->report(compiler->reader, err);
    compiler->mistakes++;
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
    };
}

static enum sfe_code compile_record(struct compiler *compiler,
                                    const struct sfe_config_record *record, struct sfe_map **map,
                                    struct sfe_error *err)
{
    uint32_t bad_field = record->field_count;
    enum sfe_code code;
    struct sfe_map_field *fields =
        sfe_arena_take(compiler->arena, record->field_count * sizeof(*fields), err);

    if (fields == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < record->field_count; i++) {
        fields[i] = map_field(&record->fields[i]);
    }
    struct sfe_map_options options = {
        .object = record->object,
        .external_id = record->external_id,
        .each = record->each,
        .fields = fields,
        .field_count = record->field_count,
        .agent_id = compiler->config->agent.id,
    };
    code = sfe_map_compile(&options, compiler->arena, map, &bad_field, err);
    if (code == SFE_E_CONFIG) {
        report_at(compiler,
                  bad_field < record->field_count ? &record->fields[bad_field].place
                                                  : &record->place,
                  err);
        return SFE_OK;
    }
    return code;
}

static enum sfe_code compile_output(struct compiler *compiler,
                                    const struct sfe_config_output *output,
                                    struct sfe_compiled_output *compiled, struct sfe_error *err)
{
    enum sfe_code code;

    SFE_ASSERT(output->record_count <= SFE_RECORDS_PER_OUTPUT_MAX);
    for (uint32_t i = 0; i < output->record_count; i++) {
        code = compile_record(compiler, &output->records[i], &compiled->maps[i], err);
        if (code != SFE_OK) {
            return code;
        }
    }
    if (output->order_by == NULL) {
        return SFE_OK;
    }
    code = sfe_template_compile(output->order_by, compiler->config->agent.id, compiler->arena,
                                &compiled->order_by, err);
    if (code == SFE_E_CONFIG) {
        report_at(compiler, &output->order_by_place, err);
        return SFE_OK;
    }
    return code;
}

static void trim_line_end(struct sfe_builder *content)
{
    while (content->size > 0 && (content->bytes[content->size - 1] == '\n' ||
                                 content->bytes[content->size - 1] == '\r')) {
        content->size--;
    }
}

static enum sfe_code read_secret(struct compiler *compiler,
                                 const struct sfe_config_connection *connection,
                                 struct sfe_compiled_connection *compiled, struct sfe_error *err)
{
    bool is_mqtt = connection->type == SFE_CONNECTION_MQTT;
    const char *path = is_mqtt ? connection->mqtt.password_file : connection->salesforce.key_file;
    uint8_t *memory;
    struct sfe_builder content;

    if (path == NULL) {
        return SFE_OK;
    }
    memory = sfe_arena_take(compiler->arena, SECRET_BYTES_MAX, err);
    if (memory == NULL) {
        return err->code;
    }
    content = sfe_builder_make(memory, SECRET_BYTES_MAX);
    if (sfe_process_read_secret(path, &content, err) != SFE_OK) {
        (void)sfe_within(err, "connection \"%s\": cannot use its %s", connection->name,
                         is_mqtt ? "password_file" : "key_file");
        report_at(compiler, &connection->place, err);
        return SFE_OK;
    }
    if (is_mqtt) {
        trim_line_end(&content);
    }
    compiled->secret = sfe_builder_slice(&content);
    return SFE_OK;
}

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* 32 bytes as they are, or 64 hexadecimal digits. */
static bool parse_key(struct sfe_builder *content, uint8_t key[SFE_AEAD_KEY_BYTES])
{
    if (content->size == SFE_AEAD_KEY_BYTES) {
        memcpy(key, content->bytes, SFE_AEAD_KEY_BYTES);
        return true;
    }
    trim_line_end(content);
    if (content->size != 2u * SFE_AEAD_KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < SFE_AEAD_KEY_BYTES; i++) {
        const int high = digit_of(content->bytes[2u * i]);
        const int low = digit_of(content->bytes[2u * i + 1u]);
        if (high < 0 || low < 0) {
            return false;
        }
        key[i] = (uint8_t)(16 * high + low);
    }
    return true;
}

static void read_key(struct compiler *compiler, const struct sfe_config_stream *stream,
                     const char *path, struct sfe_compiled_stream *compiled)
{
    uint8_t memory[KEY_FILE_BYTES_MAX];
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    SFE_ASSERT(compiled->key_count <= SFE_OLD_KEYS_MAX);
    enum sfe_code code = sfe_process_read_secret(path, &content, &err);
    if (code == SFE_OK && !parse_key(&content, compiled->keys[compiled->key_count])) {
        code = sfe_fail(&err, SFE_E_CRYPTO, "%s: a key is 32 bytes or 64 hexadecimal digits", path);
    }
    sfe_wipe(memory, sizeof(memory));
    if (code == SFE_OK) {
        compiled->key_count++;
        return;
    }
    (void)sfe_within(&err, "stream \"%s\": cannot use its key", stream->name);
    report_at(compiler, &stream->place, &err);
}

static void read_keys(struct compiler *compiler, const struct sfe_config_stream *stream,
                      struct sfe_compiled_stream *compiled)
{
    if (stream->encrypt_key_file != NULL) {
        read_key(compiler, stream, stream->encrypt_key_file, compiled);
    }
    for (uint32_t i = 0; i < stream->encrypt_old_key_count; i++) {
        read_key(compiler, stream, stream->encrypt_old_key_files[i], compiled);
    }
}

enum sfe_code sfe_compile(const struct sfe_config *config, struct sfe_arena *arena,
                          sfe_config_report report, void *reader, struct sfe_compiled *compiled,
                          struct sfe_error *err)
{
    struct compiler compiler = {config, arena, report, reader, 0};
    enum sfe_code code = SFE_OK;

    compiled->config = config;
    compiled->outputs =
        sfe_arena_take(arena, (config->output_count + 1u) * sizeof(*compiled->outputs), err);
    compiled->connections = sfe_arena_take(
        arena, (config->connection_count + 1u) * sizeof(*compiled->connections), err);
    compiled->streams =
        sfe_arena_take(arena, (config->stream_count + 1u) * sizeof(*compiled->streams), err);
    if (compiled->outputs == NULL || compiled->connections == NULL || compiled->streams == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        read_keys(&compiler, &config->streams[i], &compiled->streams[i]);
    }
    for (uint32_t i = 0; i < config->connection_count && code == SFE_OK; i++) {
        code = read_secret(&compiler, &config->connections[i], &compiled->connections[i], err);
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

void sfe_compiled_wipe(struct sfe_compiled *compiled)
{
    if (compiled->config == NULL || compiled->connections == NULL || compiled->streams == NULL) {
        return;
    }
    sfe_wipe(compiled->streams, compiled->config->stream_count * sizeof(*compiled->streams));
    for (uint32_t i = 0; i < compiled->config->connection_count; i++) {
        struct sfe_slice secret = compiled->connections[i].secret;
        if (secret.size != 0) {
            /* The slice is const for its users; the memory is the arena's, which is ours. */
            uint8_t *memory;
            memcpy(&memory, &secret.bytes, sizeof(memory));
            sfe_wipe(memory, secret.size);
            compiled->connections[i].secret = (struct sfe_slice){NULL, 0};
        }
    }
}
