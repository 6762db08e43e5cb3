#include "status/progress.h"

#include "base/assert.h"
#include "base/hash.h"

#include <inttypes.h>

#define NANOSECONDS UINT64_C(1000000000)

/* What is to be known of one output or stream. */
struct work {
    uint64_t key;
    uint64_t done;   /* Changes with every step. */
    uint64_t events; /* That wait; 0: no work. */
};

static struct work output_work(const struct sfe_status_output *output)
{
    const struct sfe_output_facts *facts = &output->facts;
    const uint64_t seed = sfe_hash64(1, sfe_slice_text(output->stream));

    return (struct work){
        .key = sfe_hash64(seed, sfe_slice_text(output->name)),
        .done = facts->cursor + facts->delivered + facts->dead + facts->skipped + facts->late,
        .events = facts->backlog > facts->held ? facts->backlog - facts->held : 0,
    };
}

static struct work stream_work(const struct sfe_status_stream *stream)
{
    return (struct work){
        .key = sfe_hash64(0, sfe_slice_text(stream->name)),
        .done = stream->facts.durable_sequence,
        .events = stream->facts.staged_events,
    };
}

/* Most stand where they stood. NULL: it is new. */
static const struct sfe_progress_row *find(const struct sfe_progress *progress, uint32_t guess,
                                           uint64_t key)
{
    const struct sfe_progress_row *rows = progress->rows[progress->last];

    if (guess < progress->count && rows[guess].key == key) {
        return &rows[guess];
    }
    for (uint32_t i = 0; i < progress->count; i++) {
        if (rows[i].key == key) {
            return &rows[i];
        }
    }
    return NULL;
}

static uint64_t still_ns(const struct sfe_progress *progress, uint32_t guess,
                         const struct work *work, uint64_t now_ns)
{
    const struct sfe_progress_row *row = find(progress, guess, work->key);

    return row == NULL || work->events == 0 || row->done != work->done ? 0 : now_ns - row->moved_ns;
}

void sfe_progress_note(struct sfe_progress *progress, const struct sfe_status *status,
                       uint64_t now_ns)
{
    struct sfe_progress_row *next = progress->rows[1u - progress->last];
    const uint32_t count = status->output_count + status->stream_count;

    SFE_ASSERT(count <= SFE_PROGRESS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct work work = i < status->output_count
                                     ? output_work(&status->outputs[i])
                                     : stream_work(&status->streams[i - status->output_count]);
        next[i] = (struct sfe_progress_row){work.key, work.done,
                                            now_ns - still_ns(progress, i, &work, now_ns)};
    }
    progress->last = 1u - progress->last;
    progress->count = count;
}

static void add_output(const struct sfe_status_output *output, const struct work *work,
                       uint64_t for_ns, struct sfe_builder *out)
{
    sfe_builder_format(out,
                       "output %s of stream %s: %" PRIu64
                       " events wait, and none was settled for %" PRIu64 " s",
                       output->name, output->stream, work->events, for_ns / NANOSECONDS);
    if (output->facts.last_error.code != SFE_OK) {
        sfe_builder_format(out, ": %s", output->facts.last_error.message);
    }
}

static void add_stream(const struct sfe_status_stream *stream, const struct work *work,
                       uint64_t for_ns, struct sfe_builder *out)
{
    sfe_builder_format(
        out, "stream %s: %" PRIu64 " events wait, and none was written to flash for %" PRIu64 " s",
        stream->name, work->events, for_ns / NANOSECONDS);
    if (stream->facts.is_failing) {
        sfe_builder_format(out, ": %s", stream->facts.failure.message);
    }
}

void sfe_progress_add_trouble(const struct sfe_progress *progress, const struct sfe_status *status,
                              uint64_t limit_ns, uint64_t now_ns, struct sfe_builder *out)
{
    for (uint32_t i = 0; i < status->stream_count; i++) {
        const struct work work = stream_work(&status->streams[i]);
        const uint64_t for_ns = still_ns(progress, status->output_count + i, &work, now_ns);
        if (for_ns >= limit_ns) {
            add_stream(&status->streams[i], &work, for_ns, out);
            return;
        }
    }
    for (uint32_t i = 0; i < status->output_count; i++) {
        const struct work work = output_work(&status->outputs[i]);
        const uint64_t for_ns = still_ns(progress, i, &work, now_ns);
        if (for_ns >= limit_ns) {
            add_output(&status->outputs[i], &work, for_ns, out);
            return;
        }
    }
}
