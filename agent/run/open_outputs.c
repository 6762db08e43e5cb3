#include "run/open_events.h"
#include "run/waits.h"

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

uint32_t agent_join_cursor_count(const struct sfe_config *config)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < config->output_count; i++) {
        count += agent_waits(&config->outputs[i]) ? SFE_JOIN_CURSORS : 0;
    }
    return count;
}

void agent_waits_sizes(const struct sfe_config_output *output, struct sfe_output_options *sizes)
{
    if (agent_waits(output) && sizes->window_events < output->waits.keep) {
        sizes->window_events = output->waits.keep;
    }
}

size_t agent_waits_bytes(const struct sfe_config *config, const struct sfe_config_output *output,
                         const struct sfe_output_options *sizes)
{
    if (!agent_waits(output)) {
        return 0;
    }
    const struct sfe_stream_options stream = agent_stream_options(config, output->waits.stream);
    return sfe_stream_reader_memory_bytes(&stream) +
           sfe_join_memory_bytes(sizes->window_events, output->waits.keep);
}

struct sfe_join *agent_join_of(const struct agent_output *output)
{
    const struct sfe_output_wait *wait =
        output->output == NULL ? NULL : sfe_output_wait(output->output);

    return wait == NULL ? NULL : sfe_join_of(wait);
}

/* Where it stood: of an output that is about to give way to this one, what that one says. */
static const struct sfe_cursor *find_join_cursor(const struct sfe_agent *agent, const char *name,
                                                 struct sfe_cursor *kept)
{
    struct sfe_cursor cursors[SFE_JOIN_CURSORS];

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_join *join = agent_join_of(&agent->set.outputs[i]);
        if (join == NULL) {
            continue;
        }
        sfe_join_take_cursors(join, cursors);
        for (uint32_t k = 0; k < SFE_JOIN_CURSORS; k++) {
            if (strcmp(cursors[k].name, name) == 0) {
                *kept = cursors[k];
                return kept;
            }
        }
    }
    return sfe_cursor_log_find(agent->cursor_log, name);
}

enum sfe_code agent_open_join(struct sfe_agent *agent, const struct agent_set *set,
                              struct agent_output *output, struct sfe_output_options *options,
                              struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &set->compiled->outputs[output->config_index];
    char names[SFE_JOIN_CURSORS][SFE_CURSOR_NAME_BYTES];
    struct sfe_cursor kept[SFE_JOIN_CURSORS];
    struct sfe_join *join = NULL;

    if (!agent_waits(config) || set->compiled->without_secrets) {
        return SFE_OK;
    }
    struct sfe_stream *stream = set->streams[config->waits.stream].stream;
    sfe_join_cursor_names(config->name, sfe_stream_name(options->stream), sfe_stream_name(stream),
                          names);
    struct sfe_join_options made = {
        .output = config->name,
        .orders = options->stream,
        .stream = stream,
        .takes = compiled->where,
        .key = compiled->waits_key,
        .where = compiled->waits_where,
        .their_key = compiled->waits_their_key,
        .within_ns = config->waits.within_ns,
        .orders_max = options->window_events,
        .keep = config->waits.keep,
        .cursor = find_join_cursor(agent, names[0], &kept[0]),
        .decided = find_join_cursor(agent, names[1], &kept[1]),
        .clock = &agent->platform->clock,
        .log = agent->log,
        .on_settled = options->on_settled,
        .owner = options->owner,
    };
    enum sfe_code code = sfe_stream_reader_open(stream, output->arena, &made.reader, err);
    if (code == SFE_OK) {
        code = sfe_join_open(&made, output->arena, &join, err);
    }
    if (code != SFE_OK) {
        sfe_stream_reader_close(made.reader);
        return code;
    }
    options->wait = sfe_join_wait(join);
    return SFE_OK;
}

void agent_close_join(const struct sfe_output_wait *wait)
{
    if (wait != NULL) {
        sfe_join_close(sfe_join_of(wait));
    }
}

uint32_t agent_take_join_cursors(struct sfe_agent *agent)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_join *join = agent_join_of(&agent->set.outputs[i]);
        if (join != NULL) {
            SFE_ASSERT(agent->set.output_count + count + SFE_JOIN_CURSORS <= AGENT_OUTPUTS_MAX);
            sfe_join_take_cursors(join, &agent->cursors[agent->set.output_count + count]);
            count += SFE_JOIN_CURSORS;
        }
    }
    return count;
}

void agent_joins_saved(struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_join *join = agent_join_of(&agent->set.outputs[i]);
        if (join != NULL) {
            sfe_join_saved(join);
        }
    }
}

bool agent_lowest_join_cursor(const struct sfe_agent *agent, uint32_t index, bool found,
                              uint64_t *sequence)
{
    uint32_t place = agent->set.output_count;

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        const struct sfe_join *join = agent_join_of(&agent->set.outputs[i]);
        if (join == NULL) {
            continue;
        }
        const uint64_t cursor = agent->cursors[place].sequence;
        place += SFE_JOIN_CURSORS;
        if (sfe_join_stream(join) == agent->set.streams[index].stream) {
            *sequence = found && *sequence < cursor ? *sequence : cursor;
            found = true;
        }
    }
    return found;
}

uint32_t agent_unknown_join_cursors(const struct sfe_agent *agent, const struct agent_set *set)
{
    char names[SFE_JOIN_CURSORS][SFE_CURSOR_NAME_BYTES];
    uint32_t count = 0;

    for (uint32_t i = 0; i < set->output_count; i++) {
        const struct agent_output *output = &set->outputs[i];
        const struct sfe_config *config = output->setup->config;
        const struct sfe_config_output *waits = &config->outputs[output->config_index];
        if (!agent_waits(waits)) {
            continue;
        }
        sfe_join_cursor_names(output->name, set->config->streams[output->stream_index].name,
                              config->streams[waits->waits.stream].name, names);
        for (uint32_t k = 0; k < SFE_JOIN_CURSORS; k++) {
            count += sfe_cursor_log_find(agent->cursor_log, names[k]) == NULL;
        }
    }
    return count;
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
        .late = agent_waits(config) ? stream_at(set, config->waits.late) : NULL,
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
    agent_waits_sizes(config, &options);
    if (output->kind->begin != NULL) {
        code = output->kind->begin(agent, set, output, &options, err);
    }
    if (code == SFE_OK) {
        code = agent_open_join(agent, set, output, &options, err);
    }
    if (code == SFE_OK) {
        options.target = output->target;
        code = sfe_output_open(&options, output->arena, &output->output, err);
        if (code != SFE_OK) {
            agent_close_join(options.wait);
        }
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
    const struct sfe_output_wait *wait =
        output->output == NULL ? NULL : sfe_output_wait(output->output);

    sfe_output_close(output->output);
    agent_close_join(wait);
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
