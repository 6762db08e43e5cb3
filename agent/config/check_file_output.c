#include "config/check_file_output.h"

#include "base/assert.h"

#include <stdio.h>

#define NAME_BYTES 256u

static bool is_plain(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

    return name[0] != '\0' && name[0] != '.' && strspn(name, allowed) == strlen(name);
}

/* What the files of its stream number `from` are called. */
static void name_files(const struct sfe_config *config, const struct sfe_config_output *output,
                       uint32_t from, char name[NAME_BYTES])
{
    const uint32_t stream = output->from[from];
    const char *own = output->file.name == NULL ? output->name : output->file.name;
    const bool is_one = output->from_count == 1 || stream >= config->stream_count;

    (void)snprintf(name, NAME_BYTES, "%s%s%s", own, is_one ? "" : "-",
                   is_one ? "" : config->streams[stream].name);
}

static bool have_file_in_common(const struct sfe_config *config, const struct sfe_config_output *a,
                                const struct sfe_config_output *b)
{
    char one[NAME_BYTES];
    char other[NAME_BYTES];

    for (uint32_t i = 0; i < a->from_count * b->from_count; i++) {
        name_files(config, a, i / b->from_count, one);
        name_files(config, b, i % b->from_count, other);
        if (strcmp(one, other) == 0) {
            return true;
        }
    }
    return false;
}

/* Two would write into each other's files. */
static void check_alone(struct config_load *load, const struct sfe_config_output *output,
                        uint32_t entry)
{
    const struct sfe_config *config = load->config;

    for (const struct sfe_config_output *other = config->outputs; other < output; other++) {
        if (other->type == SFE_OUTPUT_FILE && other->file.directory != NULL &&
            strcmp(other->file.directory, output->file.directory) == 0 &&
            have_file_in_common(config, other, output)) {
            load_mistake(load, load_member(load, entry, "directory"),
                         "output \"%s\" writes the same files; allowed: a directory or a name of "
                         "its own",
                         other->name);
            return;
        }
    }
}

void check_file_output(struct config_load *load, const struct sfe_config_output *output,
                       uint32_t entry)
{
    const struct sfe_config_file_output *file = &output->file;

    SFE_ASSERT(output->type == SFE_OUTPUT_FILE);
    if (file->name != NULL && !is_plain(file->name)) {
        load_mistake(load, load_member(load, entry, "name"),
                     "that is no name for files; allowed: letters, digits, _ - and dots, not at "
                     "the front");
    }
    if (file->format == SFE_FILE_CSV && output->event.field_count == 0) {
        const uint32_t format = load_member(load, entry, "format");
        load_mistake(load, format == SFE_JSON_NONE ? entry : format,
                     "a csv file has columns; allowed: with \"map\", which names them");
    }
    if (file->keep_bytes < file->rotate_bytes) {
        const uint32_t keep = load_member(load, entry, "keep_size");
        load_mistake(load, keep == SFE_JSON_NONE ? entry : keep,
                     "not even one file of \"rotate_size\" would be kept; allowed: from "
                     "\"rotate_size\" on");
    }
    if (file->directory != NULL) {
        check_alone(load, output, entry);
    }
}
