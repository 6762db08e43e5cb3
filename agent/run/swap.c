/* One set takes the place of another, while flash and cloud pause. Edge thread. */
#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

/* For streams whose new quota means more segments than their table has room for. */
enum sfe_code agent_open_tables(struct agent_set *next, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < next->stream_count && code == SFE_OK; i++) {
        struct agent_stream *stream = &next->streams[i];
        size_t bytes = sfe_stream_table_bytes(stream->stream, next->config->streams[i].quota_bytes);
        stream->new_table_arena = NULL;
        if (stream->carried != AGENT_NEW && bytes != 0) {
            code = sfe_arena_open(bytes, &stream->new_table_arena, err);
        }
    }
    return code;
}

static void carry_streams(const struct agent_set *before, struct agent_set *next)
{
    for (uint32_t i = 0; i < next->stream_count; i++) {
        struct agent_stream *stream = &next->streams[i];
        struct sfe_arena *table = stream->new_table_arena;
        struct sfe_error err;
        if (stream->carried == AGENT_NEW) {
            continue;
        }
        stream->rate = before->streams[stream->carried].rate;
        stream->released = before->streams[stream->carried].released;
        stream->marked = before->streams[stream->carried].marked;
        const uint64_t quota = next->config->streams[i].quota_bytes;
        size_t bytes = sfe_stream_table_bytes(stream->stream, quota);
        void *items = table == NULL ? NULL : sfe_arena_take(table, bytes, &err);
        SFE_ASSERT(items != NULL || bytes == 0);
        sfe_stream_set_limits(stream->stream, quota, next->config->streams[i].linger_ns, items);
        if (table != NULL) {
            sfe_arena_close(stream->table_arena);
            stream->table_arena = table;
            stream->new_table_arena = NULL;
        }
    }
}

static void carry_outputs(const struct agent_set *before, struct agent_set *next)
{
    for (uint32_t i = 0; i < next->output_count; i++) {
        struct agent_output *output = &next->outputs[i];
        if (output->carried != AGENT_NEW) {
            output->rate = before->outputs[output->carried].rate;
        }
    }
}

static bool stream_stays(const struct agent_set *next, uint32_t index)
{
    for (uint32_t i = 0; i < next->stream_count; i++) {
        if (next->streams[i].carried == index) {
            return true;
        }
    }
    return false;
}

static bool org_stays(const struct agent_set *next, uint32_t index)
{
    for (uint32_t i = 0; i < next->org_count; i++) {
        if (next->orgs[i].carried == index) {
            return true;
        }
    }
    return false;
}

/* Users before what they use. */
static void close_leaving(struct agent_set *before, const struct agent_set *next)
{
    for (uint32_t i = 0; i < before->source_count; i++) {
        if (before->sources[i].is_leaving) {
            agent_close_source(&before->sources[i]);
        }
    }
    for (uint32_t i = 0; i < before->output_count; i++) {
        if (before->outputs[i].is_leaving) {
            agent_close_output(&before->outputs[i]);
        }
    }
    for (uint32_t i = 0; i < before->org_count; i++) {
        if (!org_stays(next, i)) {
            agent_close_org(&before->orgs[i]);
        }
    }
    for (uint32_t i = 0; i < before->stream_count; i++) {
        if (!stream_stays(next, i)) {
            agent_close_stream(&before->streams[i]);
        }
    }
}

enum sfe_code agent_swap_set(struct sfe_agent *agent, struct agent_set *next, struct sfe_error *err)
{
    struct agent_set before;
    enum sfe_code code = agent_begin_outputs(agent, next, err);

    if (code != SFE_OK) {
        return code;
    }
    carry_streams(&agent->set, next);
    carry_outputs(&agent->set, next);
    close_leaving(&agent->set, next);
    before = agent->set;
    agent->set = *next;
    *next = before;
    agent_forget_set(next);
    return SFE_OK;
}
