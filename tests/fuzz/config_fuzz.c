/* Any bytes as a configuration: they load, or each mistake says what and where. */
#include "base/arena.h"
#include "base/assert.h"
#include "config/load.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    uint32_t count;
    uint32_t line;
};

static void take(void *reader, const struct sfe_error *mistake)
{
    struct told *told = (struct told *)reader;

    SFE_ASSERT(mistake->code == SFE_E_CONFIG);
    SFE_ASSERT(mistake->message[0] != '\0');
    SFE_ASSERT(strcmp(mistake->where, "sfedge.json") == 0);
    SFE_ASSERT(mistake->line >= told->line);
    told->line = mistake->line;
    told->count++;
}

static void check_config(const struct sfe_config *config)
{
    SFE_ASSERT(config->agent.id != NULL);
    SFE_ASSERT(config->dead_stream < config->stream_count);
    for (uint32_t i = 0; i < config->input_count; i++) {
        SFE_ASSERT(config->inputs[i].stream < config->stream_count);
        SFE_ASSERT(config->inputs[i].connection < config->connection_count);
        SFE_ASSERT(config->inputs[i].topic != NULL);
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        const struct sfe_config_output *output = &config->outputs[i];
        SFE_ASSERT(output->type == SFE_OUTPUT_HTTP
                       ? output->http.base != NULL && output->http.path != NULL
                       : output->connection < config->connection_count);
        SFE_ASSERT(output->type == SFE_OUTPUT_HTTP || output->record_count > 0);
        SFE_ASSERT(output->from_count > 0);
        for (uint32_t j = 0; j < output->from_count; j++) {
            SFE_ASSERT(output->from[j] < config->stream_count);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_source source = {"sfedge.json", sfe_slice_make(data, size)};
    const struct sfe_config *config = NULL;
    struct sfe_arena *arena = NULL;
    struct told told = {0, 0};
    struct sfe_error err;
    enum sfe_code code;

    if (sfe_arena_open(256u * 1024u, &arena, &err) != SFE_OK) {
        return 0;
    }
    code = config_load_text(&source, arena, take, &told, &config, &err);
    SFE_ASSERT(code == SFE_OK || code == SFE_E_CONFIG || code == SFE_E_NO_MEMORY);
    SFE_ASSERT((code == SFE_E_CONFIG) == (told.count > 0));
    SFE_ASSERT((code == SFE_OK) == (config != NULL));
    if (config != NULL) {
        check_config(config);
    }
    sfe_arena_close(arena);
    return 0;
}
