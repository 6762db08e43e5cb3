#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/learned_clock.h"
#include "run/room.h"

static void on_staged(void *owner)
{
    agent_kick_flash(owner);
}

/* Acknowledgements can leave, and there is something to deliver. */
static void on_durable(void *owner)
{
    struct sfe_agent *agent = owner;

    agent->platform->poller.wake(agent->platform->poller.context);
    agent->platform->http.wake(agent->platform->http.context);
}

static enum sfe_code open_stream(struct sfe_agent *agent, uint32_t index, struct sfe_error *err)
{
    const struct sfe_config_stream *config = &agent->config->streams[index];
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(agent->cursor_log, config->name);
    struct sfe_stream_recovery recovery = {0};
    struct agent_stream *stream = &agent->streams[index];
    enum sfe_code code =
        sfe_compiled_open_keys(&agent->compiled->streams[index], &agent->platform->crypto,
                               stream->keys, &stream->key_count, err);

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
        .event_bytes_max = agent->config->agent.event_bytes_max,
        .linger_ns = config->linger_ns,
        .known_durable = mark == NULL ? 0 : mark->durable,
        .on_staged = on_staged,
        .on_durable = on_durable,
        .owner = agent,
        .boot_times = &agent->boot_times,
        .when_full = (enum sfe_stream_when_full)config->when_full,
        /* A rehearsal has no keys, and keeps nothing. */
        .is_encrypted = config->encrypt && !agent->compiled->without_secrets,
        .crypto = &agent->platform->crypto,
        .keys = stream->keys,
        .key_count = stream->key_count,
        .quota = agent->quota,
        .quota_share = index,
        .has_reserve = index == agent->config->dead_stream,
    };

    code = sfe_stream_open(&options, agent->arena, &agent->streams[index].stream, &recovery, err);
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

static enum sfe_code open_thin(struct sfe_agent *agent, uint32_t index, struct sfe_error *err)
{
    const struct sfe_config_thin *config = &agent->config->streams[index].thin;
    const struct sfe_thin_options options = {
        .stream = agent->streams[index].stream,
        .key = agent->compiled->streams[index].thin_key,
        .from_percent = config->from_percent,
        .keep_every = config->keep_every,
        .log = agent->log,
    };

    return options.key == NULL
               ? SFE_OK
               : sfe_thin_open(&options, agent->arena, &agent->streams[index].thin, err);
}

static enum sfe_code open_quota(struct sfe_agent *agent, struct sfe_error *err)
{
    const struct sfe_config *config = agent->config;
    struct sfe_quota_share shares[SFE_STREAMS_MAX + 1u];

    if (config->agent.quota_bytes == 0) {
        return SFE_OK;
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        shares[i] = sfe_room_share(config, i);
    }
    return sfe_quota_open(config->agent.quota_bytes, shares, config->stream_count, agent->arena,
                          &agent->quota, err);
}

enum sfe_code agent_open_streams(struct sfe_agent *agent, struct sfe_error *err)
{
    enum sfe_code code;
    uint32_t count = agent->config->stream_count;

    SFE_ASSERT(count != 0 && count <= SFE_STREAMS_MAX + 1u);
    agent->streams = sfe_arena_take(agent->arena, count * sizeof(*agent->streams), err);
    agent->cursors = sfe_arena_take(agent->arena, AGENT_OUTPUTS_MAX * sizeof(*agent->cursors), err);
    agent->marks = sfe_arena_take(agent->arena, count * sizeof(*agent->marks), err);
    if (agent->streams == NULL || agent->cursors == NULL || agent->marks == NULL) {
        return err->code;
    }
    code = open_quota(agent, err);
    if (code != SFE_OK) {
        return code;
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
    for (uint32_t i = 0; i < count; i++) {
        agent->stream_count = i + 1u; /* What is opened of it is closed. */
        code = open_stream(agent, i, err);
        if (code == SFE_OK) {
            code = open_thin(agent, i, err);
        }
        if (code != SFE_OK) {
            return code;
        }
    }
    return SFE_OK;
}

void agent_close_streams(struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->stream_count; i++) {
        sfe_stream_close(agent->streams[i].stream);
        for (uint32_t key = 0; key < agent->streams[i].key_count; key++) {
            agent->platform->crypto.aead_close(agent->platform->crypto.context,
                                               agent->streams[i].keys[key]);
        }
    }
    agent->stream_count = 0;
    sfe_cursor_log_close(agent->cursor_log);
    agent->cursor_log = NULL;
}
