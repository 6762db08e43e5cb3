/* A drop is durable before the acknowledgement of the event that caused it, at no cost of its own:
 * drop-oldest needs room only where a segment begins, and what goes is told in that segment's
 * header, which is written and synced with its first frame. Only then are the old files removed;
 * where a crash comes between, recovery removes them. drop-newest writes frames that hold a number
 * instead of events. A segment of nothing but such frames is folded into the header of the next
 * one and removed, so that they never take more than one segment. */
#include "stream/drop.h"

#include "base/assert.h"

/* So many entries of the table stay free for what is staged, whatever fails. */
#define ENTRIES_KEPT 4u

/* Where the events of kept segment `index` end; `end`: where those of the newest do. */
static uint64_t end_of(const struct segment_table *table, uint32_t index, uint64_t end)
{
    const uint32_t next = table_kept_from(table, index + 1);

    return next < table->count ? segment_begin(&table->items[next]) : end;
}

/* Of segment `index`, up to `limit`: those that are neither settled nor were counted when they came
 * (the policy was another one then). What of the settled ones was counted is not known: rather too
 * many than too few. */
static uint64_t uncounted_events(const struct sfe_stream *stream, const struct segment *segment,
                                 uint64_t limit)
{
    const uint64_t settled =
        stream->released > segment->first_sequence ? stream->released - segment->first_sequence : 0;
    const uint64_t gone = settled > segment->told_events ? settled : segment->told_events;
    const uint64_t events = limit > segment->first_sequence ? limit - segment->first_sequence : 0;

    return events > gone ? events - gone : 0;
}

static void plan_oldest(const struct sfe_stream *stream, uint64_t end, struct segment *segment)
{
    const struct segment_table *table = &stream->table;
    struct segment_gap *gap = &segment->gap;
    const uint64_t quota = stream_quota_bytes(stream);
    uint64_t used = stream_used_bytes(stream) + stream->options.segment_bytes;
    uint32_t entries = table->capacity - table->count;

    for (uint32_t i = table_kept_from(table, 0);
         i < table->count && (used > quota || entries <= ENTRIES_KEPT);
         i = table_kept_from(table, i + 1)) {
        const struct segment *oldest = &table->items[i];
        const uint64_t limit = end_of(table, i, end);
        used -= oldest->file_bytes;
        entries++;
        if (limit <= stream->released) {
            continue; /* It goes by itself. */
        }
        if (gap->end == 0) {
            gap->begin = oldest->first_sequence;
            gap->why = SEGMENT_DROPPED_OLDEST;
        }
        gap->end = limit;
        gap->events += uncounted_events(stream, oldest, limit);
        segment->dropped_bytes += oldest->durable_end - SEGMENT_BEGIN;
    }
    segment->dropped_events += gap->events;
    if (gap->end != 0 && stream->gap.end == gap->begin) {
        gap->begin = stream->gap.begin;
        gap->events += stream->gap.events;
    }
}

/* The newest segment holds nothing but gaps: they become one, told in the header. */
static void plan_fold(const struct sfe_stream *stream, uint64_t end, struct segment *segment)
{
    const struct segment_table *table = &stream->table;
    const struct segment *newest = table->count == 0 ? NULL : &table->items[table->count - 1];

    if (newest == NULL || newest->is_doomed || !newest->holds_gaps_only) {
        return;
    }
    segment->gap.begin = segment_begin(newest);
    segment->gap.end = end;
    segment->gap.events = end - segment->gap.begin;
    segment->gap.why = SEGMENT_DROPPED_NEWEST;
}

void drop_plan(const struct sfe_stream *stream, const struct frame *frame, struct segment *segment)
{
    segment->dropped_events = stream->counts.dropped_events;
    segment->dropped_bytes = stream->counts.dropped_bytes;
    segment->holds_gaps_only = (frame->flags & FRAME_GAP) != 0;
    if (stream->options.when_full == SFE_STREAM_DROP_OLDEST) {
        plan_oldest(stream, frame->first_sequence, segment);
    } else if (segment->holds_gaps_only) {
        plan_fold(stream, frame->first_sequence, segment);
    }
}

void drop_take_gap(struct sfe_stream *stream, const struct segment_gap *gap)
{
    if (gap->end == 0) {
        return;
    }
    stream->gap = *gap;
    if (gap->why == SEGMENT_DROPPED_OLDEST) {
        atomic_store_explicit(&stream->dropped_end, gap->end, memory_order_release);
    }
}

void drop_take_told(struct segment_table *table, uint32_t newest)
{
    const struct segment *next = &table->items[newest];

    for (uint32_t i = newest; i-- > 0;) {
        struct segment *segment = &table->items[i];
        const uint64_t before =
            segment->dropped_events + (next->gap.end != 0 ? next->gap.events : 0);
        if (segment->is_headless) {
            continue;
        }
        segment->told_events = next->dropped_events > before ? next->dropped_events - before : 0;
        next = segment;
    }
}

static enum drop_change end_dropping(struct sfe_stream *stream)
{
    if (!stream->is_dropping) {
        return DROP_NO_CHANGE;
    }
    stream->is_dropping = false;
    return DROP_ENDED;
}

enum drop_change drop_note(struct sfe_stream *stream, const struct frame *frame, bool is_new,
                           uint64_t payload_bytes)
{
    const uint64_t before = stream->counts.dropped_events;
    const bool is_gap = (frame->flags & FRAME_GAP) != 0;

    if (is_new) {
        drop_take_gap(stream, &stream->current.gap);
        stream->counts.dropped_events = stream->current.dropped_events;
        stream->counts.dropped_bytes = stream->current.dropped_bytes;
    }
    if (is_gap) {
        stream->counts.dropped_events += frame->count;
        stream->counts.dropped_bytes += payload_bytes;
    }
    SFE_ASSERT(stream->counts.dropped_events >= before);
    if (stream->counts.dropped_events != before) {
        if (stream->is_dropping) {
            return DROP_NO_CHANGE;
        }
        stream->is_dropping = true;
        stream->dropped_before = before;
        return DROP_BEGAN;
    }
    /* An event that finds room again. Of the oldest now and then none has to go, as segments are
     * not all of one size: that ends with a release. */
    return stream->options.when_full == SFE_STREAM_DROP_NEWEST ? end_dropping(stream)
                                                               : DROP_NO_CHANGE;
}

enum drop_change drop_note_release(struct sfe_stream *stream)
{
    const uint64_t used = stream_used_bytes(stream);

    return used + 2u * (uint64_t)stream->options.segment_bytes <= stream_quota_bytes(stream) &&
                   stream->options.when_full == SFE_STREAM_DROP_OLDEST
               ? end_dropping(stream)
               : DROP_NO_CHANGE;
}

bool drop_covers(const struct sfe_stream *stream, uint32_t index)
{
    const struct segment_table *table = &stream->table;
    const uint32_t next = table_kept_from(table, index + 1);
    const uint64_t first = table->items[index].first_sequence;

    /* The one that tells of it begins at its end, and may hold nothing else after a crash. */
    return next < table->count && first >= stream->gap.begin && first < stream->gap.end &&
           segment_begin(&table->items[next]) <= stream->gap.end;
}

void drop_tell(const struct sfe_stream *stream, enum drop_change change)
{
    const bool is_oldest = stream->options.when_full == SFE_STREAM_DROP_OLDEST;

    if (change == DROP_BEGAN) {
        SFE_LOG(stream->options.log, SFE_WARNING, "the quota is used up; events are dropped",
                sfe_text("stream", stream->name),
                sfe_text("which", is_oldest ? "oldest" : "newest"));
    } else if (change == DROP_ENDED) {
        SFE_LOG(stream->options.log, SFE_WARNING, "events are no longer dropped",
                sfe_text("stream", stream->name),
                sfe_count("dropped", stream->counts.dropped_events - stream->dropped_before));
    }
}
