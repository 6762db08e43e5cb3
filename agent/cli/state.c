#include "cli/state.h"

#include "base/arena.h"
#include "base/assert.h"
#include "cli/print.h"

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
/* The largest segment and a table. */
#define WALK_BYTES_MAX (2u * SFE_SEGMENT_BYTES_MAX)
/* More than any configuration has. */
#define CURSORS_MAX (SFE_OUTPUTS_MAX * 4u)

enum sfe_code state_open(const struct sfe_arguments *arguments, struct state *state,
                         struct sfe_error *err)
{
    const char *directory = arguments->state;
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX, &state->arena, err);

    if (code == SFE_OK && directory == NULL) {
        code = sfe_config_load(arguments->config, state->arena, sfe_cli_print_mistake, NULL,
                               &state->config, err);
        directory = code == SFE_OK ? state->config->agent.state : NULL;
    }
    if (code == SFE_OK) {
        code = sfe_platform_open(directory, &state->platform, err);
        state->has_platform = code == SFE_OK;
    }
    if (code == SFE_OK) {
        code = sfe_cursor_log_open(&state->platform.storage, &state->platform.entropy, CURSORS_MAX,
                                   SFE_STREAMS_MAX + 1u, state->arena, &state->cursors, err);
    }
    return code;
}

void state_close(struct state *state)
{
    sfe_cursor_log_close(state->cursors);
    if (state->has_platform) {
        sfe_platform_close(&state->platform);
    }
    sfe_arena_close(state->arena);
}

enum sfe_code state_walk_open(const struct state *state, const char *name, struct state_walk *walk,
                              struct sfe_error *err)
{
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(state->cursors, name);
    const struct sfe_stream_walk_options options = {&state->platform.storage, name,
                                                    mark == NULL ? 0 : mark->durable};
    enum sfe_code code = sfe_arena_open(WALK_BYTES_MAX, &walk->arena, err);

    return code == SFE_OK ? sfe_stream_walk_open(&options, walk->arena, &walk->walk, err) : code;
}

void state_walk_close(struct state_walk *walk)
{
    sfe_stream_walk_close(walk->walk);
    sfe_arena_close(walk->arena);
    walk->walk = NULL;
    walk->arena = NULL;
}

/* Names that the directory holds, as they are found. */
struct found {
    char names[SFE_STREAMS_MAX + 1u][SFE_NAME_BYTES_MAX + 1u];
    uint32_t count;
};

static void add_name(void *visitor, const char *name)
{
    struct found *found = visitor;

    SFE_ASSERT(found->count < SFE_STREAMS_MAX + 1u);
    SFE_ASSERT(strlen(name) <= SFE_NAME_BYTES_MAX);
    memcpy(found->names[found->count++], name, strlen(name) + 1u);
}

static bool is_configured(const struct state *state, const char *name)
{
    for (uint32_t i = 0; state->config != NULL && i < state->config->stream_count; i++) {
        if (strcmp(state->config->streams[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

enum sfe_code state_each(const struct state *state,
                         enum sfe_code (*visit)(void *visitor, const char *name,
                                                struct sfe_error *err),
                         void *visitor, struct sfe_error *err)
{
    struct found found = {.count = 0};
    enum sfe_code code = sfe_stream_walk_names(&state->platform.storage, add_name, &found, err);

    for (uint32_t i = 0; state->config != NULL && code == SFE_OK && i < state->config->stream_count;
         i++) {
        code = visit(visitor, state->config->streams[i].name, err);
    }
    for (uint32_t i = 0; i < found.count && code == SFE_OK; i++) {
        if (!is_configured(state, found.names[i])) {
            code = visit(visitor, found.names[i], err);
        }
    }
    return code;
}
