#include "cli/event_lookup.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/limits.h"
#include "salesforce/records.h"

struct sfe_lookup {
    const struct sfe_compiled *compiled;
    struct sfe_json_token *tokens;
};

enum sfe_code sfe_lookup_open(const struct sfe_compiled *compiled, struct sfe_arena *arena,
                              struct sfe_lookup **lookup, struct sfe_error *err)
{
    struct sfe_lookup *opened = sfe_arena_take(arena, sizeof(*opened), err);

    if (opened == NULL) {
        return err->code;
    }
    opened->compiled = compiled;
    opened->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*opened->tokens), err);
    if (opened->tokens == NULL) {
        return err->code;
    }
    *lookup = opened;
    return SFE_OK;
}

/* An event that cannot be mapped has no external ID: it is no match, and no failure here. */
static bool map_matches(const struct sfe_map *map, const struct sfe_map_subject *subject,
                        uint64_t hash)
{
    struct sfe_error ignored;
    uint32_t token = SFE_JSON_NONE;
    uint32_t count = 0;
    enum sfe_code code = sfe_map_count(map, subject, &count, &ignored);

    for (uint32_t i = 0; i < count && code == SFE_OK; i++) {
        uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1u];
        struct sfe_builder id = sfe_builder_make(memory, sizeof(memory));

        token = sfe_map_item(map, subject, i, token);
        if (sfe_map_add_external_id(map, subject, i, token, &id, &ignored) == SFE_OK &&
            sfe_records_hash_id(sfe_builder_slice(&id)) == hash) {
            return true;
        }
    }
    return false;
}

static bool reads(const struct sfe_config_output *output, uint32_t stream)
{
    for (uint32_t i = 0; i < output->from_count; i++) {
        if (output->from[i] == stream) {
            return true;
        }
    }
    return false;
}

bool sfe_lookup_matches(struct sfe_lookup *lookup, uint32_t stream, struct sfe_event *event,
                        struct sfe_slice external_id)
{
    const struct sfe_config *config = lookup->compiled->config;
    const uint64_t hash = sfe_records_hash_id(external_id);
    struct sfe_map_subject subject;

    SFE_ASSERT(stream < config->stream_count);
    sfe_map_subject_make(event, event->received_ns, lookup->tokens, SFE_JSON_TOKENS_MAX, &subject);
    for (uint32_t i = 0; i < config->output_count; i++) {
        if (!reads(&config->outputs[i], stream)) {
            continue;
        }
        for (uint32_t j = 0; j < config->outputs[i].record_count; j++) {
            if (map_matches(lookup->compiled->outputs[i].maps[j], &subject, hash)) {
                return true;
            }
        }
    }
    return false;
}
