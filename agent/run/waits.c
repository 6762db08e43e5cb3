#include "run/waits.h"

#include "base/assert.h"
#include "run/open_events.h"

#include <string.h>

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
static const struct sfe_cursor *find_cursor(const struct sfe_agent *agent, const char *name,
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
        .cursor = find_cursor(agent, names[0], &kept[0]),
        .decided = find_cursor(agent, names[1], &kept[1]),
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
