/* Outputs that write files. */
#include "run/output_kind.h"

#include "base/arena.h"
#include "base/assert.h"
#include "target/file.h"

#include <stdio.h>

#define SLOT_EVENTS 1024u

static enum sfe_code open_shared(void *owner, const char *path, struct sfe_storage *storage,
                                 struct sfe_error *err)
{
    (void)owner;
    return sfe_storage_open_shared(path, storage, err);
}

/* Of a rehearsal: its files are in memory, beside its state. */
static enum sfe_code open_made_up(void *owner, const char *path, struct sfe_storage *storage,
                                  struct sfe_error *err)
{
    const struct sfe_agent *agent = owner;

    (void)path;
    (void)err;
    *storage = agent->platform->storage;
    return SFE_OK;
}

static void close_made_up(struct sfe_storage *storage)
{
    storage->context = NULL;
}

/* As far as memory and flash are concerned. */
static struct sfe_file_output_options sizes_of(const struct sfe_config *config,
                                               const struct sfe_config_output *output)
{
    return (struct sfe_file_output_options){
        .is_csv = output->file.format == SFE_FILE_CSV,
        .rotate_bytes = output->file.rotate_bytes,
        .keep_bytes = output->file.keep_bytes,
        .event_bytes_max = config->agent.event_bytes_max,
    };
}

static void file_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                       bool is_rehearsal, struct sfe_output_options *sizes)
{
    (void)config;
    (void)is_rehearsal;
    sizes->slot_count = 1; /* So that lines keep their order. */
    sizes->slot_events_max = SLOT_EVENTS;
    sizes->batch_age_ns = output->batch_age_ns;
    sizes->window_events = SFE_WINDOW_EVENTS;
}

static size_t file_bytes(const struct sfe_config *config, const struct sfe_config_output *output)
{
    const struct sfe_file_output_options options = sizes_of(config, output);

    return sfe_arena_cost(sizeof(struct sfe_target)) + sfe_file_output_memory_bytes(&options);
}

static uint64_t file_flash_bytes(const struct sfe_config *config,
                                 const struct sfe_config_output *output)
{
    const struct sfe_file_output_options options = sizes_of(config, output);

    return sfe_file_output_flash_bytes(&options);
}

static size_t file_library_bytes(const struct sfe_config *config,
                                 const struct sfe_config_output *output)
{
    (void)config;
    (void)output;
    return 0;
}

static void wake_cloud(void *owner)
{
    const struct sfe_agent *agent = owner;

    agent->platform->http.wake(agent->platform->http.context);
}

static void wake_nobody(void *owner)
{
    (void)owner;
}

static void name_files(const struct agent_set *set, const struct agent_output *output,
                       struct sfe_file_output_options *options)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const int size =
        snprintf(options->name, sizeof(options->name), "%s%s%s",
                 config->file.name == NULL ? config->name : config->file.name,
                 config->from_count > 1 ? "-" : "", config->from_count > 1 ? options->stream : "");

    SFE_ASSERT(size > 0 && (size_t)size < sizeof(options->name));
}

static enum sfe_code open_file(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &set->compiled->outputs[output->config_index];
    const bool is_rehearsal = set->compiled->without_secrets;
    struct sfe_file_output_options options = sizes_of(set->config, config);
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);

    if (target == NULL) {
        return err->code;
    }
    options.output = config->name;
    options.stream = set->config->streams[output->stream_index].name;
    options.directory = config->file.directory;
    options.open_directory = is_rehearsal ? open_made_up : open_shared;
    options.close_directory = is_rehearsal ? close_made_up : sfe_storage_close_shared;
    options.state = &agent->platform->storage;
    options.map = config->record_count == 0 ? NULL : compiled->maps[0];
    options.where = compiled->where;
    options.rotate_age_ns = config->file.rotate_age_ns;
    options.keep_files = config->file.keep_files;
    options.log = agent->log;
    options.on_handed = is_rehearsal ? wake_nobody : agent_kick_flash;
    options.on_written = is_rehearsal ? wake_nobody : wake_cloud;
    options.owner = agent;
    name_files(set, output, &options);
    const enum sfe_code code =
        sfe_file_output_open(&options, output->arena, &output->file, target, err);
    if (code == SFE_OK) {
        output->target = target;
    }
    return code;
}

static enum sfe_code begin_file(struct sfe_agent *agent, const struct agent_set *set,
                                struct agent_output *output, struct sfe_output_options *sizes,
                                struct sfe_error *err)
{
    (void)agent;
    (void)sizes;
    return sfe_file_output_begin(
        output->file, sfe_stream_durable(set->streams[output->stream_index].stream), err);
}

static void close_file(struct agent_output *output)
{
    output->file = NULL;
}

const struct agent_output_kind agent_file_output = {
    .sizes = file_sizes,
    .memory_bytes = file_bytes,
    .flash_bytes = file_flash_bytes,
    .library_bytes = file_library_bytes,
    .open = open_file,
    .begin = begin_file,
    .close = close_file,
};
