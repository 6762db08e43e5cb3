#include "run/parts.h"
#include "run/waits.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/learned_clock.h"
#include "run/room.h"

#include <stdio.h>

/* Acknowledgements can leave, and there is something to deliver. */
static void on_durable(void *owner)
{
    struct sfe_agent *agent = owner;

    agent_kick_edge(agent);
    agent->platform->http.wake(agent->platform->http.context);
}

/* In the stream's own arena: a reload that carries the stream over ends the setup they are from. */
static enum sfe_code open_keys(struct sfe_agent *agent, struct agent_set *set, uint32_t index,
                               struct sfe_error *err)
{
    struct agent_stream *stream = &set->streams[index];
    const struct sfe_compiled_stream *compiled = &set->compiled->streams[index];

    stream->crypto = &agent->platform->crypto;
    if (compiled->key_count == 0) {
        return SFE_OK;
    }
    stream->keys = sfe_arena_take(stream->arena, AGENT_KEYS_BYTES, err);
    if (stream->keys == NULL) {
        return err->code;
    }
    return sfe_compiled_open_keys(compiled, stream->crypto, stream->keys, &stream->key_count, err);
}

static enum sfe_code open_stream(struct sfe_agent *agent, struct agent_set *set, uint32_t index,
                                 struct sfe_error *err)
{
    const struct sfe_config_stream *config = &set->config->streams[index];
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(agent->cursor_log, config->name);
    struct sfe_stream_recovery recovery = {0};
    struct agent_stream *stream = &set->streams[index];
    enum sfe_code code = agent_open_stream_arena(set->config, index, &stream->arena, err);

    if (code == SFE_OK) {
        code = open_keys(agent, set, index, err);
    }
    if (code != SFE_OK) {
        return sfe_within(err, "cannot open stream \"%s\"", config->name);
    }
    _Static_assert((int)SFE_STREAM_DROP_OLDEST == (int)SFE_WHEN_FULL_DROP_OLDEST &&
                       (int)SFE_STREAM_DROP_NEWEST == (int)SFE_WHEN_FULL_DROP_NEWEST,
                   "the same words");
    const struct sfe_stream_options options = {
        .storage = &agent->platform->storage,
        .clock = &agent->platform->clock,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
        .name = config->name,
        .quota_bytes = config->quota_bytes,
        .segment_bytes = config->segment_bytes,
        .event_bytes_max = set->config->agent.event_bytes_max,
        .linger_ns = config->linger_ns,
        .known_durable = mark == NULL ? 0 : mark->durable,
        .on_staged = agent_kick_flash,
        .on_durable = on_durable,
        .owner = agent,
        .boot_times = &agent->boot_times,
        .when_full = (enum sfe_stream_when_full)config->when_full,
        /* A rehearsal has no keys, and keeps nothing. */
        .is_encrypted = config->encrypt && !set->compiled->without_secrets,
        .crypto = &agent->platform->crypto,
        .keys = stream->keys,
        .key_count = stream->key_count,
        .quota = set->quota,
        .quota_share = index,
        .has_reserve = index == set->config->dead_stream,
        .watch = agent->watch,
    };

    code = sfe_stream_open(&options, stream->arena, &stream->stream, &recovery, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot open stream \"%s\"", config->name);
    }
    SFE_LOG(agent->log, SFE_INFO, "stream opened", sfe_text("stream", config->name),
            sfe_count("kept", recovery.kept_events), sfe_count("segments", recovery.segments),
            sfe_count("torn_bytes", recovery.torn_bytes));
    if (recovery.lost_events != 0 || recovery.damaged_places != 0) {
        SFE_LOG(agent->log, SFE_ERROR, "flash is damaged: acknowledged events are lost",
                sfe_text("stream", config->name), sfe_count("lost", recovery.lost_events),
                sfe_count("places", recovery.damaged_places));
    }
    return SFE_OK;
}

static enum sfe_code open_thin(struct sfe_agent *agent, struct agent_set *set, uint32_t index,
                               struct sfe_error *err)
{
    const struct sfe_config_thin *config = &set->config->streams[index].thin;
    struct agent_stream *stream = &set->streams[index];
    const struct sfe_thin_options options = {
        .stream = stream->stream,
        .key = set->compiled->streams[index].thin_key,
        .from_percent = config->from_percent,
        .keep_every = config->keep_every,
        .log = agent->log,
    };

    return options.key == NULL ? SFE_OK
                               : sfe_thin_open(&options, stream->arena, &stream->thin, err);
}

/* Made anew with each set: the shares are those of its streams. */
static enum sfe_code open_quota(struct agent_set *set, struct sfe_error *err)
{
    const struct sfe_config *config = set->config;
    struct sfe_quota_share shares[SFE_STREAMS_MAX + 1u];

    if (config->agent.quota_bytes == 0) {
        return SFE_OK;
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        shares[i] = sfe_room_share(config, i);
    }
    enum sfe_code code =
        sfe_arena_open(sfe_quota_memory_bytes(config->stream_count), &set->quota_arena, err);
    return code != SFE_OK ? code
                          : sfe_quota_open(config->agent.quota_bytes, shares, config->stream_count,
                                           set->quota_arena, &set->quota, err);
}

enum sfe_code agent_open_cursors(struct sfe_agent *agent, struct sfe_error *err)
{
    enum sfe_code code;

    agent->cursors = sfe_arena_take(agent->arena, AGENT_OUTPUTS_MAX * sizeof(*agent->cursors), err);
    agent->marks =
        sfe_arena_take(agent->arena, (SFE_STREAMS_MAX + 1u) * sizeof(*agent->marks), err);
    if (agent->cursors == NULL || agent->marks == NULL) {
        return err->code;
    }
    code =
        sfe_cursor_log_open(&agent->platform->storage, &agent->platform->entropy, AGENT_OUTPUTS_MAX,
                            SFE_STREAMS_MAX + 1u, agent->arena, &agent->cursor_log, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot open the cursors");
    }
    if (sfe_boot_times_load(&agent->platform->storage, &agent->boot_times, err) != SFE_OK) {
        sfe_log_error(agent->log, SFE_WARNING, "cannot read when earlier boots were", err);
    }
    if (agent->learned != NULL) {
        sfe_learned_clock_set_floor(agent->learned, agent->boot_times.seen_ns);
    }
    return SFE_OK;
}

enum sfe_code agent_open_streams(struct sfe_agent *agent, struct agent_set *set,
                                 struct sfe_error *err)
{
    SFE_ASSERT(set->stream_count != 0 && set->stream_count <= SFE_STREAMS_MAX + 1u);
    enum sfe_code code = open_quota(set, err);
    for (uint32_t i = 0; i < set->stream_count && code == SFE_OK; i++) {
        if (set->streams[i].carried == AGENT_NEW) {
            code = open_stream(agent, set, i, err);
            code = code == SFE_OK ? open_thin(agent, set, i, err) : code;
        }
    }
    return code;
}

void agent_close_stream(struct agent_stream *stream)
{
    sfe_stream_close(stream->stream);
    stream->stream = NULL;
    stream->thin = NULL;
    for (uint32_t i = 0; i < stream->key_count; i++) {
        stream->crypto->aead_close(stream->crypto->context, stream->keys[i]);
    }
    stream->keys = NULL;
    stream->key_count = 0;
    sfe_arena_close(stream->table_arena);
    stream->table_arena = NULL;
    sfe_arena_close(stream->arena);
    stream->arena = NULL;
}

/* Names of outputs and streams that the cursor log does not know yet. */
static void count_unknown(const struct sfe_agent *agent, const struct agent_set *set,
                          uint32_t *cursors, uint32_t *marks)
{
    for (uint32_t i = 0; i < set->output_count; i++) {
        char name[SFE_CURSOR_NAME_BYTES];
        int length = snprintf(name, sizeof(name), "%s/%s", set->outputs[i].name,
                              set->config->streams[set->outputs[i].stream_index].name);
        SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
        *cursors += sfe_cursor_log_find(agent->cursor_log, name) == NULL ? 1u : 0u;
    }
    *cursors += agent_unknown_join_cursors(agent, set);
    for (uint32_t i = 0; i < set->stream_count; i++) {
        const char *name = set->config->streams[i].name;
        *marks += sfe_cursor_log_mark(agent->cursor_log, name) == NULL ? 1u : 0u;
    }
}

enum sfe_code agent_check_room(const struct sfe_agent *agent, const struct agent_set *set,
                               struct sfe_error *err)
{
    uint32_t cursors = 0;
    uint32_t marks = 0;

    /* What runs and was not saved yet counts as well. */
    count_unknown(agent, &agent->set, &cursors, &marks);
    count_unknown(agent, set, &cursors, &marks);
    if (!sfe_cursor_log_has_room(agent->cursor_log, cursors, marks)) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "the cursors of too many former outputs and streams are kept");
    }
    return SFE_OK;
}

/* Each says what it has before any claims more. */
void agent_share_quota(struct agent_set *set)
{
    for (uint32_t i = 0; i < set->stream_count; i++) {
        sfe_stream_set_quota(set->streams[i].stream, set->quota, i);
    }
    for (uint32_t i = 0; i < set->stream_count; i++) {
        sfe_stream_share(set->streams[i].stream);
    }
}
