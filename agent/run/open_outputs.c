#include "run/output_kind.h"
#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>
#include <string.h>

/* The kinds of outputs. */
static const struct agent_output_kind *const kinds[] = {
    [SFE_OUTPUT_SALESFORCE_RECORDS] = &agent_records_output,
    [SFE_OUTPUT_HTTP] = &agent_http_output,
    [SFE_OUTPUT_PLATFORM_EVENTS] = &agent_records_output,
    [SFE_OUTPUT_MQTT] = &agent_mqtt_output,
    [SFE_OUTPUT_FILE] = &agent_file_output,
#ifdef SFE_JQ
    [SFE_OUTPUT_JQ] = &agent_jq_output,
#endif
};

const struct agent_output_kind *agent_output_kind(enum sfe_output_type type)
{
    SFE_ASSERT((size_t)type < sizeof(kinds) / sizeof(kinds[0]) && kinds[type] != NULL);
    return kinds[type];
}

static enum sfe_code open_target(struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_output *output, struct sfe_error *err)
{
    size_t bytes = agent_output_bytes(set->config, output->config_index, output->stream_index);
    enum sfe_code code;

    output->kind = agent_output_kind(set->config->outputs[output->config_index].type);
    if (output->kind->left_bytes != NULL) {
        bytes += output->kind->left_bytes(agent, set, output);
    }
    code = agent_open_arena(bytes, &output->arena, err);
    if (code == SFE_OK) {
        code = sfe_stream_reader_open(set->streams[output->stream_index].stream, output->arena,
                                      &output->reader, err);
    }
    if (code == SFE_OK) {
        code = output->kind->open(agent, set, output, err);
    }
    return code == SFE_OK ? code : sfe_within(err, "cannot open output \"%s\"", output->name);
}

enum sfe_code agent_open_targets(struct sfe_agent *agent, struct agent_set *set,
                                 struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < set->output_count && code == SFE_OK; i++) {
        if (set->outputs[i].carried == AGENT_NEW) {
            code = open_target(agent, set, &set->outputs[i], err);
        }
    }
    return code;
}

static void on_settled(void *owner)
{
    struct sfe_agent *agent = owner;

    if (!atomic_exchange(&agent->has_settled, true)) {
        agent_kick_flash(agent);
    }
}

/* Where it stands: of an output that is about to give way to this one, what that one says. */
static const struct sfe_cursor *find_cursor(struct sfe_agent *agent, const char *name,
                                            struct sfe_cursor *kept)
{
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_output *before = agent->set.outputs[i].output;
        if (before != NULL) {
            sfe_output_cursor(before, kept);
            if (strcmp(kept->name, name) == 0) {
                return kept;
            }
        }
    }
    return sfe_cursor_log_find(agent->cursor_log, name);
}

/* NULL: none. */
static struct sfe_stream *stream_at(const struct agent_set *set, int32_t index)
{
    return index < 0 ? NULL : set->streams[index].stream;
}

static enum sfe_code begin_output(struct sfe_agent *agent, const struct agent_set *set,
                                  struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    struct sfe_stream *stream = set->streams[output->stream_index].stream;
    char name[SFE_CURSOR_NAME_BYTES];
    struct sfe_cursor kept;
    int length = snprintf(name, sizeof(name), "%s/%s", config->name, sfe_stream_name(stream));

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
    struct sfe_output_options options = {
        .name = config->name,
        .stream = stream,
        .reader = output->reader,
        .dead = set->streams[set->config->dead_stream].stream,
        .on_done = stream_at(set, config->on_done),
        .on_dead = stream_at(set, config->on_dead),
        .answer_bytes_max = agent_answer_bytes_max(set->config, config),
        .cursor = find_cursor(agent, name, &kept),
        .clock = &agent->platform->clock,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .agent_id = set->config->agent.id,
        .gaps = config->gaps,
        .within_ns = config->within_ns,
        .on_settled = on_settled,
        .owner = agent,
        .watch = agent->watch,
    };
    enum sfe_code code = SFE_OK;
    output->kind->sizes(set->config, config, set->compiled->without_secrets, &options);
    if (output->kind->begin != NULL) {
        code = output->kind->begin(agent, set, output, &options, err);
    }
    if (code == SFE_OK) {
        options.target = output->target;
        code = sfe_output_open(&options, output->arena, &output->output, err);
    }
    return code == SFE_OK ? code : sfe_within(err, "cannot open output \"%s\"", config->name);
}

enum sfe_code agent_begin_outputs(struct sfe_agent *agent, struct agent_set *set,
                                  struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < set->output_count && code == SFE_OK; i++) {
        if (set->outputs[i].carried == AGENT_NEW) {
            code = begin_output(agent, set, &set->outputs[i], err);
        }
    }
    return code;
}

void agent_close_output(struct agent_output *output)
{
    sfe_output_close(output->output);
    output->output = NULL;
    if (output->kind != NULL) {
        output->kind->close(output);
    }
    output->target = NULL;
    sfe_stream_reader_close(output->reader);
    output->reader = NULL;
    sfe_arena_close(output->arena);
    output->arena = NULL;
    sfe_setup_drop(output->setup);
    output->setup = NULL;
}
