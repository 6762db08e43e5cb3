#include "config/check_inputs.h"

#include <stdio.h>

#define TOPIC_BYTES   64u
#define PATTERN_BYTES 128u

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

static bool is_same_letter(char a, char b)
{
    const unsigned difference = (unsigned)a ^ (unsigned)b;
    const unsigned small = (unsigned)a | 0x20u;

    return difference == 0 || (difference == 0x20u && small >= 'a' && small <= 'z');
}

/* May one name match both patterns from `a` and place `k` of `b` on? `after` says the same of what
 * stands behind `a`, `row` of `a` and what stands behind place `k`. */
static bool can_meet(char a, const char *b, size_t k, const bool *after, const bool *row)
{
    const char other = b[k];

    if (a == '*') {
        return after[k] || (other != '\0' && row[k + 1u]);
    }
    if (other == '*') {
        return row[k + 1u] || after[k];
    }
    return other != '\0' && (a == '?' || other == '?' || is_same_letter(a, other)) && after[k + 1u];
}

/* Is there a name that both patterns take? From their ends on. */
static bool do_patterns_meet(const char *a, const char *b)
{
    bool rows[2][PATTERN_BYTES + 1u];
    const size_t size = strlen(b);
    bool *after = rows[0];
    bool *row = rows[1];

    for (size_t k = size + 1u; k-- != 0;) {
        after[k] = k == size || (b[k] == '*' && after[k + 1u]);
    }
    for (size_t i = strlen(a); i-- != 0;) {
        bool *done = row;
        for (size_t k = size + 1u; k-- != 0;) {
            row[k] = can_meet(a[i], b, k, after, row);
        }
        row = after;
        after = done;
    }
    return after[0];
}

static bool is_same_folder(const char *a, const char *b)
{
    size_t of_a = strlen(a);
    size_t of_b = strlen(b);

    while (of_a > 1u && a[of_a - 1u] == '/') {
        of_a--;
    }
    while (of_b > 1u && b[of_b - 1u] == '/') {
        of_b--;
    }
    return of_a == of_b && memcmp(a, b, of_a) == 0;
}

/* Two would take each other's files, and a file twice. */
static void check_alone(struct config_load *load, uint32_t index, uint32_t entry)
{
    const struct sfe_config_input *inputs = load->config->inputs;
    const struct sfe_config_files *files = &inputs[index].files;

    for (uint32_t i = 0; i < index && files->directory != NULL && files->pattern != NULL; i++) {
        const struct sfe_config_files *other = &inputs[i].files;
        if (inputs[i].type == SFE_INPUT_FILES && other->directory != NULL &&
            other->pattern != NULL && is_same_folder(other->directory, files->directory) &&
            do_patterns_meet(other->pattern, files->pattern)) {
            load_mistake(
                load, load_member(load, entry, "directory"),
                "input \"%s\" may take the same files; allowed: a directory of its own, or "
                "patterns that no name fits both of",
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
