#include "config/load.h"

#include "base/arena.h"
#include "base/assert.h"
#include "config/check.h"
#include "config/section.h"
#include "port/process.h"

/* An upper bound: each token stands behind one of these bytes, or is the first. */
static uint32_t count_tokens(struct sfe_slice text)
{
    uint32_t count = 1;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        count += byte == '{' || byte == '[' || byte == ',' || byte == ':' ? 1u : 0u;
    }
    return count;
}

/* Parses into load->json. A repeated key does not stop the search for further mistakes: it is
 * left in *duplicate unless the walk finds it. */
static enum sfe_code parse(struct config_load *load, struct sfe_slice text,
                           struct sfe_arena *scratch, struct sfe_error *duplicate,
                           struct sfe_error *err)
{
    uint32_t capacity = count_tokens(text);
    struct sfe_json_token *tokens = (struct sfe_json_token *)sfe_arena_take(
        scratch, capacity * sizeof(struct sfe_json_token), err);

    if (tokens == NULL) {
        return err->code;
    }
    duplicate->code = sfe_json_parse(text, SFE_JSON_COMMENTS | SFE_JSON_UNIQUE_KEYS, tokens,
                                     capacity, &load->json, duplicate);
    if (duplicate->code == SFE_OK) {
        return SFE_OK;
    }
    return sfe_json_parse(text, SFE_JSON_COMMENTS, tokens, capacity, &load->json, err);
}

/* Says that the file as a whole is wrong; the line and column of *cause are kept. */
static enum sfe_code refuse(const char *path, const struct sfe_error *cause, enum sfe_code code,
                            sfe_config_report report, void *reader, struct sfe_error *err)
{
    struct sfe_error mistake;

    (void)sfe_fail(&mistake, code, "%s", cause->message);
    mistake.os_errno = cause->os_errno;
    (void)sfe_error_at(&mistake, path, "", cause->line, cause->column);
    report(reader, &mistake);
    *err = mistake;
    return sfe_within(err, "cannot load the configuration");
}

static enum sfe_code tell(const struct config_load *load, sfe_config_report report, void *reader,
                          struct sfe_error *err)
{
    uint32_t untold = load->mistake_total - load->mistake_count;
    struct sfe_error rest;

    for (uint32_t i = 0; i < load->mistake_count; i++) {
        report(reader, &load->mistakes[i].error);
    }
    if (untold != 0) {
        (void)sfe_fail(&rest, SFE_E_CONFIG, "%u more mistakes after these", untold);
        (void)sfe_error_at(&rest, load->path, "",
                           load->mistakes[load->mistake_count - 1].error.line,
                           load->mistakes[load->mistake_count - 1].error.column);
        report(reader, &rest);
    }
    (void)sfe_fail(err, SFE_E_CONFIG, "%u mistake%s in the configuration", load->mistake_total,
                   load->mistake_total == 1 ? "" : "s");
    return sfe_error_at(err, load->path, "", 0, 0);
}

static enum sfe_code walk(struct config_load *load, const struct sfe_error *duplicate,
                          sfe_config_report report, void *reader, struct sfe_error *err)
{
    section_read_all(load);
    if (load->failure == SFE_OK) {
        section_add_dead_stream(load);
    }
    if (load->failure == SFE_OK) {
        check_all(load);
    }
    if (load->failure != SFE_OK) {
        *err = load->failure_error;
        return sfe_within(err, "cannot load the configuration");
    }
    if (load->mistake_total == 0 && duplicate->code != SFE_OK) {
        return refuse(load->path, duplicate, SFE_E_CONFIG, report, reader, err);
    }
    return load->mistake_total == 0 ? SFE_OK : tell(load, report, reader, err);
}

enum sfe_code config_load_text(const struct config_source *source, struct sfe_arena *arena,
                               sfe_config_report report, void *reader,
                               const struct sfe_config **config, struct sfe_error *err)
{
    size_t scratch_bytes = sizeof(struct config_load) +
                           (count_tokens(source->text) + 8u) * sizeof(struct sfe_json_token);
    struct sfe_arena *scratch = NULL;
    struct config_load *load;
    struct sfe_error duplicate;
    enum sfe_code code;

    *config = NULL;
    code = sfe_arena_open(scratch_bytes, &scratch, err);
    if (code != SFE_OK) {
        return code;
    }
    load = (struct config_load *)sfe_arena_take(scratch, sizeof(*load), err);
    if (load == NULL) {
        code = err->code;
        goto out;
    }
    load->path = source->path;
    load->arena = arena;
    load->line = 1;
    code = parse(load, source->text, scratch, &duplicate, err);
    if (code == SFE_E_SYNTAX || code == SFE_E_TOO_LARGE) {
        duplicate = *err;
        code = refuse(source->path, &duplicate, SFE_E_CONFIG, report, reader, err);
    }
    if (code != SFE_OK) {
        goto out;
    }
    load->config = (struct sfe_config *)load_take(load, sizeof(struct sfe_config));
    if (load->config == NULL) {
        *err = load->failure_error;
        code = load->failure;
        goto out;
    }
    load->config->path = load_keep(load, sfe_slice_text(source->path));
    code = walk(load, &duplicate, report, reader, err);
    if (code == SFE_OK) {
        *config = load->config;
    }
out:
    sfe_arena_close(scratch);
    return code;
}

enum sfe_code sfe_config_load(const char *path, struct sfe_arena *arena, sfe_config_report report,
                              void *reader, const struct sfe_config **config, struct sfe_error *err)
{
    struct sfe_arena *file = NULL;
    struct sfe_builder content;
    struct config_source source = {path, {NULL, 0}};
    struct sfe_error cause;
    enum sfe_code code = sfe_arena_open(SFE_CONFIG_FILE_BYTES_MAX + 64u, &file, err);
    void *memory;

    SFE_ASSERT(path != NULL && report != NULL);
    *config = NULL;
    if (code != SFE_OK) {
        return code;
    }
    memory = sfe_arena_take(file, SFE_CONFIG_FILE_BYTES_MAX, err);
    if (memory == NULL) {
        code = err->code;
        goto out;
    }
    content = sfe_builder_make(memory, SFE_CONFIG_FILE_BYTES_MAX);
    code = sfe_process_read_file(path, &content, &cause);
    if (code != SFE_OK) {
        bool is_told = code == SFE_E_NOT_FOUND || code == SFE_E_PERMISSION;
        code = refuse(path, &cause, is_told ? code : SFE_E_CONFIG, report, reader, err);
        goto out;
    }
    source.text = sfe_builder_slice(&content);
    code = config_load_text(&source, arena, report, reader, config, err);
out:
    sfe_arena_close(file);
    return code;
}
