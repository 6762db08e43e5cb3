#include "config/load.h"

#include "base/arena.h"
#include "base/assert.h"
#include "config/check.h"
#include "config/merge.h"
#include "config/print.h"
#include "config/section.h"
#include "port/process.h"

#include <string.h>

#define NAMES_BYTES_MAX 2048u
#define PATH_BYTES_MAX  1024u

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

/* Parses one file. A repeated key does not stop the search for further mistakes: it is left in
 * *duplicate, unless one was before. */
static enum sfe_code parse_file(const struct config_parts *parts, uint32_t index,
                                struct sfe_arena *scratch, struct merge_file *file,
                                struct sfe_error *duplicate, struct sfe_error *err)
{
    size_t begin = parts->parts[index].begin;
    size_t end = index + 1 < parts->count ? parts->parts[index + 1].begin : parts->text.size;
    struct sfe_slice text = sfe_slice_part(parts->text, begin, end - begin);
    uint32_t capacity = count_tokens(text);
    struct sfe_json_token *tokens = (struct sfe_json_token *)sfe_arena_take(
        scratch, capacity * sizeof(struct sfe_json_token), err);

    if (tokens == NULL) {
        return err->code;
    }
    file->begin = parts->parts[index].begin;
    if (sfe_json_parse(text, SFE_JSON_COMMENTS | SFE_JSON_UNIQUE_KEYS, tokens, capacity,
                       &file->json, err) == SFE_OK) {
        return SFE_OK;
    }
    if (duplicate->code == SFE_OK) {
        *duplicate = *err;
        (void)sfe_error_at(duplicate, parts->parts[index].path, "", err->line, err->column);
    }
    return sfe_json_parse(text, SFE_JSON_COMMENTS, tokens, capacity, &file->json, err);
}

/* Says that the file as a whole is wrong; the line and column of *cause are kept. */
static enum sfe_code refuse(const char *path, const struct sfe_error *cause, enum sfe_code code,
                            const struct config_host *host, struct sfe_error *err)
{
    struct sfe_error mistake;

    (void)sfe_fail(&mistake, code, "%s", cause->message);
    mistake.os_errno = cause->os_errno;
    (void)sfe_error_at(&mistake, path, "", cause->line, cause->column);
    host->report(host->reader, &mistake);
    *err = mistake;
    return sfe_within(err, "cannot load the configuration");
}

/* Parses all files into load->json. */
static enum sfe_code parse(struct config_load *load, struct sfe_arena *scratch,
                           struct sfe_error *duplicate, const struct config_host *host,
                           struct sfe_error *err)
{
    const struct config_parts *parts = load->parts;
    struct merge_file *files =
        (struct merge_file *)sfe_arena_take(scratch, parts->count * sizeof(*files), err);
    struct sfe_json_token *tokens;
    struct sfe_error cause;

    if (files == NULL) {
        return err->code;
    }
    memset(files, 0, parts->count * sizeof(*files));
    for (uint32_t i = 0; i < parts->count; i++) {
        enum sfe_code code = parse_file(parts, i, scratch, &files[i], duplicate, &cause);
        if (code == SFE_E_SYNTAX || code == SFE_E_TOO_LARGE) {
            return refuse(parts->parts[i].path, &cause, SFE_E_CONFIG, host, err);
        }
        if (code != SFE_OK) {
            *err = cause;
            return code;
        }
        if (parts->count > 1 && sfe_json_kind(&files[i].json, 0) != SFE_JSON_OBJECT) {
            (void)sfe_fail(&cause, SFE_E_CONFIG, "the file is no object");
            return refuse(parts->parts[i].path, &cause, SFE_E_CONFIG, host, err);
        }
    }
    load->json = files[0].json;
    if (parts->count > 1) {
        tokens = (struct sfe_json_token *)sfe_arena_take(
            scratch, count_tokens(parts->text) * sizeof(*tokens), err);
        if (tokens == NULL) {
            return err->code;
        }
        load->json =
            (struct sfe_json){parts->text, tokens, merge_files(files, parts->count, tokens)};
    }
    load->readings = (struct config_reading *)sfe_arena_take(
        scratch, load->json.count * sizeof(*load->readings), err);
    return load->readings == NULL ? err->code : SFE_OK;
}

static enum sfe_code tell(const struct config_load *load, const struct config_host *host,
                          struct sfe_error *err)
{
    uint32_t untold = load->mistake_total - load->mistake_count;
    struct sfe_error rest;

    for (uint32_t i = 0; i < load->mistake_count; i++) {
        host->report(host->reader, &load->mistakes[i].error);
    }
    if (untold != 0) {
        (void)sfe_fail(&rest, SFE_E_CONFIG, "%u more mistakes after these", untold);
        (void)sfe_error_at(&rest, load->path, "",
                           load->mistakes[load->mistake_count - 1].error.line,
                           load->mistakes[load->mistake_count - 1].error.column);
        host->report(host->reader, &rest);
    }
    (void)sfe_fail(err, SFE_E_CONFIG, "%u mistake%s in the configuration", load->mistake_total,
                   load->mistake_total == 1 ? "" : "s");
    return sfe_error_at(err, load->path, "", 0, 0);
}

static enum sfe_code walk(struct config_load *load, const struct sfe_error *duplicate,
                          const struct config_host *host, struct sfe_error *err)
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
        return refuse(duplicate->where, duplicate, SFE_E_CONFIG, host, err);
    }
    return load->mistake_total == 0 ? SFE_OK : tell(load, host, err);
}

static size_t scratch_bytes(const struct config_parts *parts)
{
    size_t tokens = count_tokens(parts->text) + 2u * parts->count + 8u;

    return sizeof(struct config_load) + parts->count * (sizeof(struct merge_file) + 64u) +
           tokens * (2u * sizeof(struct sfe_json_token) + sizeof(struct config_reading));
}

enum sfe_code config_load_parts(const struct config_parts *parts, const struct config_host *host,
                                const struct sfe_config **config, struct sfe_error *err)
{
    struct sfe_arena *scratch = NULL;
    struct config_load *load;
    struct sfe_error duplicate = {.code = SFE_OK};
    enum sfe_code code = sfe_arena_open(scratch_bytes(parts), &scratch, err);

    SFE_ASSERT(parts->count != 0 && parts->count <= SFE_CONFIG_FILES_MAX);
    *config = NULL;
    if (code != SFE_OK) {
        return code;
    }
    load = (struct config_load *)sfe_arena_take(scratch, sizeof(*load), err);
    if (load == NULL) {
        code = err->code;
        goto out;
    }
    load->path = parts->parts[0].path;
    load->parts = parts;
    load->arena = host->arena;
    load->line = 1;
    code = parse(load, scratch, &duplicate, host, err);
    if (code != SFE_OK) {
        goto out;
    }
    load->config = (struct sfe_config *)load_take(load, sizeof(struct sfe_config));
    if (load->config == NULL) {
        *err = load->failure_error;
        code = load->failure;
        goto out;
    }
    load->config->path = load_keep(load, sfe_slice_text(load->path));
    code = walk(load, &duplicate, host, err);
    if (code == SFE_OK && host->printed != NULL) {
        code = print_effective(load, host->printed, err);
    }
    if (code == SFE_OK) {
        *config = load->config;
    }
out:
    sfe_arena_close(scratch);
    return code;
}

enum sfe_code config_load_text(const struct config_source *source, struct sfe_arena *arena,
                               sfe_config_report report, void *reader,
                               const struct sfe_config **config, struct sfe_error *err)
{
    const struct config_parts parts = {source->text, {{source->path, 0}}, 1};
    const struct config_host host = {arena, report, reader, NULL};

    return config_load_parts(&parts, &host, config, err);
}

/* Adds the text of `path` as the next part. */
static enum sfe_code add_part(struct config_parts *parts, const char *path,
                              struct sfe_builder *content, const struct config_host *host,
                              struct sfe_error *err)
{
    struct sfe_error cause;
    uint32_t begin = (uint32_t)content->size;
    enum sfe_code code = sfe_process_read_file(path, content, &cause);

    if (code != SFE_OK) {
        bool is_told = code == SFE_E_NOT_FOUND || code == SFE_E_PERMISSION;
        return refuse(path, &cause, is_told ? code : SFE_E_CONFIG, host, err);
    }
    parts->parts[parts->count++] = (struct config_part){path, begin};
    parts->text = sfe_builder_slice(content);
    return SFE_OK;
}

/* "folder/conf.d/name" in the arena, of the folder that `path` is in; NULL: no memory. */
static char *path_beside(const char *path, const char *name, struct sfe_arena *arena,
                         struct sfe_error *err)
{
    static const char conf_d[] = "conf.d/";
    size_t folder = strlen(path);
    char *made;

    while (folder > 0 && path[folder - 1] != '/') {
        folder--;
    }
    made = (char *)sfe_arena_take(arena, folder + sizeof(conf_d) + strlen(name), err);
    if (made != NULL) {
        memcpy(made, path, folder);
        memcpy(made + folder, conf_d, sizeof(conf_d) - 1);
        memcpy(made + folder + sizeof(conf_d) - 1, name, strlen(name));
    }
    return made;
}

/* Adds the files of conf.d. */
static enum sfe_code add_folder(struct config_parts *parts, struct sfe_builder *content,
                                const struct config_host *host, struct sfe_error *err)
{
    char memory[NAMES_BYTES_MAX];
    struct sfe_builder names = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error cause;
    const char *main_path = parts->parts[0].path;
    const char *folder = path_beside(main_path, "", host->arena, err);
    enum sfe_code code = SFE_OK;

    if (folder == NULL) {
        return err->code;
    }
    if (sfe_process_list_files(folder, ".json", &names, &cause) != SFE_OK) {
        return refuse(folder, &cause, SFE_E_CONFIG, host, err);
    }
    for (size_t i = 0; i < names.size && code == SFE_OK; i += strlen(memory + i) + 1) {
        const char *path = path_beside(main_path, memory + i, host->arena, err);
        if (path == NULL) {
            return err->code;
        }
        if (parts->count == SFE_CONFIG_FILES_MAX) {
            (void)sfe_fail(&cause, SFE_E_CONFIG, "there are more than %u files",
                           SFE_CONFIG_FILES_MAX - 1u);
            return refuse(path, &cause, SFE_E_CONFIG, host, err);
        }
        sfe_builder_add_byte(content, '\n');
        code = add_part(parts, path, content, host, err);
    }
    return code;
}

static enum sfe_code load_files(const char *path, const struct config_host *host,
                                const struct sfe_config **config, struct sfe_error *err)
{
    struct sfe_arena *file = NULL;
    struct sfe_builder content;
    struct config_parts *parts;
    enum sfe_code code =
        sfe_arena_open(SFE_CONFIG_FILE_BYTES_MAX + sizeof(*parts) + 64u, &file, err);
    void *memory;

    *config = NULL;
    if (code != SFE_OK) {
        return code;
    }
    memory = sfe_arena_take(file, SFE_CONFIG_FILE_BYTES_MAX, err);
    parts = (struct config_parts *)sfe_arena_take(file, sizeof(*parts), err);
    if (memory == NULL || parts == NULL) {
        code = err->code;
        goto out;
    }
    content = sfe_builder_make(memory, SFE_CONFIG_FILE_BYTES_MAX);
    code = add_part(parts, path, &content, host, err);
    if (code == SFE_OK) {
        code = add_folder(parts, &content, host, err);
    }
    if (code == SFE_OK) {
        code = config_load_parts(parts, host, config, err);
    }
out:
    sfe_arena_close(file);
    return code;
}

enum sfe_code sfe_config_load(const char *path, struct sfe_arena *arena, sfe_config_report report,
                              void *reader, const struct sfe_config **config, struct sfe_error *err)
{
    const struct config_host host = {arena, report, reader, NULL};
    size_t size = strlen(path);
    char *kept;

    SFE_ASSERT(report != NULL);
    *config = NULL;
    kept = (char *)sfe_arena_take(arena, size + 1, err); /* Places name the file. */
    if (kept == NULL) {
        return err->code;
    }
    memcpy(kept, path, size);
    return load_files(kept, &host, config, err);
}

enum sfe_code sfe_config_load_printed(const char *path, struct sfe_slice text,
                                      struct sfe_arena *arena, sfe_config_report report,
                                      void *reader, const struct sfe_config **config,
                                      struct sfe_error *err)
{
    const size_t size = strlen(path);
    char *kept = (char *)sfe_arena_take(arena, size + 1, err);

    *config = NULL;
    if (kept == NULL) {
        return err->code;
    }
    memcpy(kept, path, size);
    const struct config_source source = {kept, text};
    return config_load_text(&source, arena, report, reader, config, err);
}

static void tell_nobody(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    (void)mistake;
}

enum sfe_code sfe_config_print(const char *path, struct sfe_arena *arena, struct sfe_builder *out,
                               struct sfe_error *err)
{
    const struct config_host host = {arena, tell_nobody, NULL, out};
    const struct sfe_config *config = NULL;
    char memory[PATH_BYTES_MAX];
    struct sfe_builder absolute = sfe_builder_make(memory, sizeof(memory) - 1);
    enum sfe_code code = sfe_process_add_absolute_path(path, &absolute, err);

    if (code == SFE_OK && absolute.overflowed) {
        code = sfe_fail(err, SFE_E_TOO_LARGE, "the path of the configuration is too long");
    }
    memory[absolute.size] = '\0';
    return code == SFE_OK ? load_files(memory, &host, &config, err) : code;
}
