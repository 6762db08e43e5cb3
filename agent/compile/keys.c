/* The keys that streams are encrypted with. */
#include "compile/parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/secret.h"
#include "port/process.h"

#include <string.h>

/* A key as hexadecimal digits, with a line's end and more than should be there. */
#define KEY_FILE_BYTES_MAX 128u

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
    while (content->size > 0 && (content->bytes[content->size - 1] == '\n' ||
                                 content->bytes[content->size - 1] == '\r')) {
        content->size--;
    };
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
    compile_report(compiler, &stream->place, &err);
}

void compile_stream_keys(struct compiler *compiler, struct sfe_compiled_stream *compiled)
{
    for (uint32_t i = 0; i < compiler->config->stream_count; i++) {
        const struct sfe_config_stream *stream = &compiler->config->streams[i];
        if (stream->encrypt_key_file != NULL) {
            read_key(compiler, stream, stream->encrypt_key_file, &compiled[i]);
        }
        for (uint32_t old = 0; old < stream->encrypt_old_key_count; old++) {
            read_key(compiler, stream, stream->encrypt_old_key_files[old], &compiled[i]);
        }
    }
}

enum sfe_code sfe_compile_keys(const struct sfe_config *config, struct sfe_arena *arena,
                               sfe_config_report report, void *reader,
                               struct sfe_compiled *compiled, struct sfe_error *err)
{
    struct compiler compiler = {config, arena, report, reader, 0};

    compiled->config = config;
    compiled->streams =
        sfe_arena_take(arena, (config->stream_count + 1u) * sizeof(*compiled->streams), err);
    if (compiled->streams == NULL) {
        return err->code;
    }
    compile_stream_keys(&compiler, compiled->streams);
    return compiler.mistakes == 0 ? SFE_OK
                                  : sfe_fail(err, SFE_E_CONFIG, "a stream's key cannot be used");
}

enum sfe_code sfe_compiled_open_keys(const struct sfe_compiled_stream *compiled,
                                     const struct sfe_crypto *crypto,
                                     struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX],
                                     uint32_t *count, struct sfe_error *err)
{
    *count = 0;
    for (uint32_t i = 0; i < compiled->key_count; i++) {
        const struct sfe_slice bytes = sfe_slice_make(compiled->keys[i], sizeof(compiled->keys[i]));
        enum sfe_code code = crypto->aead_open(crypto->context, bytes, &keys[i], err);
        if (code != SFE_OK) {
            return code;
        }
        *count = i + 1u;
    }
    return SFE_OK;
}

void sfe_compiled_wipe_keys(struct sfe_compiled *compiled)
{
    if (compiled->config == NULL || compiled->streams == NULL) {
        return;
    }
    for (uint32_t i = 0; i < compiled->config->stream_count; i++) {
        sfe_wipe(compiled->streams[i].keys, sizeof(compiled->streams[i].keys));
        compiled->streams[i].key_count = 0;
    }
}
