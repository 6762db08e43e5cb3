#include "cli/state.h"

#include "base/arena.h"
#include "base/assert.h"
#include "cli/print.h"
#include "port/process.h"
#include "control/control.h"

#include <inttypes.h>
#include <stdio.h>

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
/* The largest segment, as it is and opened, and a table. */
#define WALK_BYTES_MAX (3u * SFE_SEGMENT_BYTES_MAX)
/* More than any configuration has. */
#define CURSORS_MAX (SFE_OUTPUTS_MAX * 4u)

static enum sfe_code find_directory(const struct sfe_arguments *arguments, struct state *state,
                                    struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    state->directory = arguments->state;
    if (state->directory == NULL) {
        code = sfe_config_load(arguments->config, state->arena, sfe_cli_print_mistake, NULL,
                               &state->config, err);
        state->directory = code == SFE_OK ? state->config->agent.state : NULL;
    }
    return code;
}

enum sfe_code state_claim(const struct sfe_arguments *arguments, struct sfe_error *err)
{
    struct state state = {.arena = NULL};
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX, &state.arena, err);

    if (code != SFE_OK) {
        return code;
    }
    code = find_directory(arguments, &state, err);
    if (code == SFE_OK) {
        code = sfe_process_claim_directory(state.directory, err);
    }
    if (code == SFE_E_REFUSED) {
        code = sfe_fail(err, code, "an agent works in %.120s: stop it first", state.directory);
    }
    sfe_arena_close(state.arena);
    return code;
}

enum sfe_code state_open(const struct sfe_arguments *arguments, struct state *state,
                         struct sfe_error *err)
{
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX, &state->arena, err);

    if (code == SFE_OK) {
        code = find_directory(arguments, state, err);
    }
    if (code == SFE_OK && state->config != NULL) {
        /* What can be read without a key is read. */
        struct sfe_error told;
        code = sfe_compile_keys(state->config, state->arena, sfe_cli_print_mistake, NULL,
                                &state->compiled, &told);
        code = code == SFE_E_CONFIG ? SFE_OK : code;
        if (code != SFE_OK) {
            *err = told;
        }
    }
    if (code == SFE_OK) {
        code = sfe_platform_open(state->directory, &state->platform, err);
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
    sfe_compiled_wipe(&state->compiled);
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

enum sfe_code state_ask(struct state *state, struct sfe_slice question, uint64_t wait_ns,
                        struct sfe_builder *document, struct sfe_error *err)
{
    char path[512];
    enum sfe_code code = socket_path(state, path, err);

    if (code == SFE_OK) {
        code = sfe_control_ask(&state->platform.poller, path, question,
                               sfe_clock_monotonic_ns(&state->platform.clock) + wait_ns, document,
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

static enum sfe_code open_keys(const struct state *state, const char *name, struct state_walk *walk,
                               struct sfe_error *err)
{
    walk->crypto = &state->platform.crypto;
    walk->key_count = 0;
    for (uint32_t i = 0; state->config != NULL && i < state->config->stream_count; i++) {
        if (strcmp(state->config->streams[i].name, name) == 0) {
            return sfe_compiled_open_keys(&state->compiled.streams[i], walk->crypto, walk->keys,
                                          &walk->key_count, err);
        }
    }
    return SFE_OK;
}

enum sfe_code state_walk_open(const struct state *state, const char *name, struct state_walk *walk,
                              struct sfe_error *err)
{
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(state->cursors, name);
    enum sfe_code code = open_keys(state, name, walk, err);

    if (code == SFE_OK) {
        code = sfe_arena_open(WALK_BYTES_MAX, &walk->arena, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_stream_walk_options options = {
        .storage = &state->platform.storage,
        .name = name,
        .known_durable = mark == NULL ? 0 : mark->durable,
        .crypto = walk->crypto,
        .keys = walk->keys,
        .key_count = walk->key_count,
        .on_damage = walk->on_damage,
        .owner = walk->owner,
    };
    return sfe_stream_walk_open(&options, walk->arena, &walk->walk, err);
}

void state_walk_close(struct state_walk *walk)
{
    sfe_stream_walk_close(walk->walk);
    sfe_arena_close(walk->arena);
    walk->walk = NULL;
    walk->arena = NULL;
    for (uint32_t i = 0; i < walk->key_count; i++) {
        walk->crypto->aead_close(walk->crypto->context, walk->keys[i]);
    }
    walk->key_count = 0;
}

enum sfe_code state_walk_tell_locked(const struct state_walk *walk, struct sfe_error *err)
{
    struct sfe_stream_walk_facts facts;
    char memory[2u * SFE_AEAD_ID_BYTES + 1u];
    struct sfe_builder id = sfe_builder_make(memory, sizeof(memory) - 1u);

    sfe_stream_walk_facts(walk->walk, &facts);
    if (facts.locked == 0) {
        return SFE_OK;
    }
    sfe_builder_add_hex(&id, sfe_slice_make(facts.locked_key, sizeof(facts.locked_key)));
    memory[id.size] = '\0';
    if (walk->key_count == 0) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "%" PRIu64 " events are encrypted with key %s and there is no key to open "
                        "them; name its file in \"encrypt_key_file\"",
                        facts.locked, memory);
    }
    if (facts.locked == facts.sealed) {
        return sfe_fail(err, SFE_E_PERMISSION,
                        "the key is wrong: %" PRIu64 " events are encrypted with key %s, which is "
                        "none of the %u given",
                        facts.locked, memory, (unsigned)walk->key_count);
    }
    return sfe_fail(err, SFE_E_NOT_FOUND,
                    "the key was changed: %" PRIu64 " events are encrypted with key %s still; name "
                    "its file in \"encrypt_old_key_files\"",
                    facts.locked, memory);
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
