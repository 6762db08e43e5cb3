#include "run/open_files.h"

#include "base/assert.h"
#include "input/files.h"
#include "run/open_sources.h"

static const enum file_format formats[] = {
    [SFE_FORMAT_CSV] = FILE_CSV, [SFE_FORMAT_JSON] = FILE_JSON, [SFE_FORMAT_NDJSON] = FILE_NDJSON};

static const uint8_t delimiters[] = {[SFE_DELIMITER_COMMA] = ',',
                                     [SFE_DELIMITER_SEMICOLON] = ';',
                                     [SFE_DELIMITER_TAB] = '\t',
                                     [SFE_DELIMITER_PIPE] = '|'};

size_t agent_files_source_bytes(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_input *input = &config->inputs[index];
    const struct sfe_files_source_options options = {
        .format = formats[input->files.format],
        .event_bytes_max = config->agent.event_bytes_max,
    };

    return agent_intake_bytes(config, input) + sfe_files_source_memory_bytes(&options);
}

enum sfe_code agent_open_files_source(struct sfe_agent *agent, const struct agent_set *set,
                                      struct agent_source *source, struct sfe_error *err)
{
    const struct sfe_config_input *config = &set->config->inputs[source->input_index];
    const struct sfe_config_files *files = &config->files;
    const struct sfe_intake_route route = agent_route(set, config);
    enum sfe_code code;

    SFE_ASSERT(config->type == SFE_INPUT_FILES);
    code = agent_open_arena(agent_files_source_bytes(set->config, source->input_index),
                            &source->arena, err);
    if (code == SFE_OK) {
        code = agent_open_intake(agent, set, source, &route, 1, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_files_source_options options = {
        .input = config->name,
        .agent_id = set->config->agent.id,
        .directory = files->directory,
        .pattern = files->pattern,
        .format = formats[files->format],
        .delimiter = delimiters[files->delimiter],
        .is_windows_1252 = files->encoding == SFE_ENCODING_WINDOWS_1252,
        .columns = files->columns,
        .column_count = files->column_count,
        .needs_marker = files->complete == SFE_COMPLETE_MARKER,
        .by_arrival = config->identity_rule == SFE_IDENTITY_BY_ARRIVAL,
        .settle_ns = files->settle_ns,
        .done = files->done,
        .failed = files->failed,
        .keep_done = files->keep_done,
        .keep_done_bytes = files->keep_done_bytes,
        .event_bytes_max = set->config->agent.event_bytes_max,
        .intake = source->intake,
        .storage = &agent->platform->storage,
        .clock = &agent->platform->clock,
        .log = agent->log,
        .wake_flash = agent_kick_flash,
        .wake_edge = agent_kick_edge,
        .owner = agent,
    };
    code = sfe_files_source_open(&options, source->arena, &source->source, err);
    return code == SFE_OK ? SFE_OK : sfe_within(err, "cannot open input \"%s\"", config->name);
}
