#include "cli/state.h"

#include "base/arena.h"
#include "base/assert.h"
#include "cli/print.h"
#include "run/control.h"

#include <inttypes.h>
#include <stdio.h>

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
/* The largest segment and a table. */
#define WALK_BYTES_MAX (2u * SFE_SEGMENT_BYTES_MAX)
#define WAIT_NS        UINT64_C(5000000000)
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
    state->directory = directory;
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

static enum sfe_code socket_path(const struct state *state, char path[512], struct sfe_error *err)
{
    int length = snprintf(path, 512, "%s/%s", state->directory, SFE_CONTROL_SOCKET);

    return length < 0 || length >= 512
               ? sfe_fail(err, SFE_E_CONFIG, "the path of the state directory is too long")
               : SFE_OK;
}

static enum sfe_code explain(const struct state *state, enum sfe_code code, struct sfe_error *err)
{
    if (code == SFE_E_NOT_FOUND) {
        return sfe_fail(err, SFE_E_NETWORK, "no agent is running on %s", state->directory);
    }
    return code == SFE_E_END ? sfe_fail(err, SFE_E_NETWORK, "the agent has ended") : code;
}

enum sfe_code state_ask(struct state *state, struct sfe_slice question,
                        struct sfe_builder *document, struct sfe_error *err)
{
    char path[512];
    enum sfe_code code = socket_path(state, path, err);

    if (code == SFE_OK) {
        code = sfe_control_ask(&state->platform.poller, path, question,
                               sfe_clock_monotonic_ns(&state->platform.clock) + WAIT_NS, document,
                               err);
    }
    return explain(state, code, err);
}

enum sfe_code state_follow(struct state *state, struct sfe_slice question,
                           bool (*visit)(void *visitor, struct sfe_slice line), void *visitor,
                           struct sfe_error *err)
{
    char path[512];
    uint8_t *memory = sfe_arena_take(state->arena, SFE_CONTROL_BYTES_MAX, err);
    struct sfe_builder line = sfe_builder_make(memory, memory == NULL ? 0 : SFE_CONTROL_BYTES_MAX);
    enum sfe_code code = memory == NULL ? err->code : socket_path(state, path, err);

    if (code == SFE_OK) {
        code =
            sfe_control_follow(&state->platform.poller, path, question, &line, visit, visitor, err);
    }
    return explain(state, code, err);
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

enum sfe_code state_walk_tell_sealed(const struct state_walk *walk, struct sfe_error *err)
{
    struct sfe_stream_walk_facts facts;

    sfe_stream_walk_facts(walk->walk, &facts);
    return facts.sealed == 0
               ? SFE_OK
               : sfe_fail(err, SFE_E_CRYPTO,
                          "%" PRIu64 " events of the stream are encrypted: they are not shown",
                          facts.sealed);
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
