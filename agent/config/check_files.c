#include "config/check_files.h"

#include <stdio.h>

#define TOPIC_BYTES 64u

static const char *const patterns[] = {
    [SFE_FORMAT_CSV] = "*.csv", [SFE_FORMAT_JSON] = "*.json", [SFE_FORMAT_NDJSON] = "*.ndjson"};

static void check_folder(struct config_load *load, uint32_t entry, const char *key,
                         const char *name)
{
    if (name != NULL && (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)) {
        load_mistake(load, load_member(load, entry, key),
                     "that is no name of a folder inside the directory; allowed: a name without "
                     "/ that does not begin with a dot");
    }
}

/* Two would take each other's files. */
static void check_alone(struct config_load *load, uint32_t index, uint32_t entry)
{
    const struct sfe_config_input *inputs = load->config->inputs;
    const struct sfe_config_files *files = &inputs[index].files;

    for (uint32_t i = 0; i < index && files->directory != NULL && files->pattern != NULL; i++) {
        const struct sfe_config_files *other = &inputs[i].files;
        if (inputs[i].type == SFE_INPUT_FILES && other->directory != NULL &&
            other->pattern != NULL && strcmp(other->directory, files->directory) == 0 &&
            strcmp(other->pattern, files->pattern) == 0) {
            load_mistake(load, load_member(load, entry, "directory"),
                         "input \"%s\" takes the same files; allowed: a directory or a pattern of "
                         "its own",
                         inputs[i].name);
            return;
        }
    }
}

/* Their defaults may be said. */
static void check_of_csv(struct config_load *load, const struct sfe_config_files *files,
                         uint32_t entry)
{
    const char *key = NULL;

    if (files->column_count != 0) {
        key = "columns";
    } else if (files->delimiter != SFE_DELIMITER_COMMA) {
        key = "delimiter";
    } else if (files->encoding != SFE_ENCODING_UTF_8) {
        key = "encoding";
    }
    if (key != NULL && files->format != SFE_FORMAT_CSV) {
        load_mistake(load, load_member(load, entry, key),
                     "only format csv has that; allowed: without it");
    }
}

static void check_columns(struct config_load *load, const struct sfe_config_files *files,
                          uint32_t entry)
{
    for (uint32_t i = 0; i < files->column_count; i++) {
        bool is_good = files->columns[i][0] != '\0';
        for (uint32_t k = 0; k < i; k++) {
            is_good = is_good && strcmp(files->columns[i], files->columns[k]) != 0;
        }
        if (!is_good) {
            load_mistake(load, load_member(load, entry, "columns"),
                         "column %u has no name, or one that another has; allowed: names that "
                         "differ",
                         i + 1u);
            return;
        }
    }
}

static void check_input(struct config_load *load, struct sfe_config_input *input, uint32_t entry)
{
    struct sfe_config_files *files = &input->files;
    char topic[TOPIC_BYTES];
    const int length = snprintf(topic, sizeof(topic), "%s/#", input->name);

    input->connection = UINT32_MAX;
    if (length > 0 && (size_t)length < sizeof(topic)) {
        input->topic = load_keep(load, sfe_slice_text(topic));
    }
    if (files->pattern == NULL) {
        files->pattern = patterns[files->format];
    }
    check_of_csv(load, files, entry);
    check_columns(load, files, entry);
    check_folder(load, entry, "done", files->done);
    check_folder(load, entry, "failed", files->failed);
}

void check_files_inputs(struct config_load *load)
{
    struct sfe_config_input *inputs = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "inputs", &object);

    memcpy(&inputs, &load->config->inputs, sizeof(inputs));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->input_count; i++) {
        if (inputs[i].type == SFE_INPUT_FILES) {
            check_input(load, &inputs[i], key + 1);
            check_alone(load, i, key + 1);
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
