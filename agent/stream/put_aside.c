/* Damage that was met, and its bytes: a segment in which something did not check is not removed
 * when all else in it is settled, but renamed, so that an expert can look at it. Without copying,
 * and without asking a medium that may be full for more. */
#include "stream/parts.h"

#include "base/assert.h"
#include "stream/scan.h"

static bool is_noted(const struct sfe_stream *stream, uint32_t segment, uint64_t offset)
{
    for (uint32_t i = 0; i < STREAM_PLACES_NOTED && i < stream->damage.count; i++) {
        if (stream->damage.segments[i] == segment && stream->damage.offsets[i] == offset) {
            return true;
        }
    }
    return false;
}

void stream_note_damage(struct sfe_stream *stream, uint32_t segment, uint64_t offset)
{
    sfe_mutex_lock(stream->mutex);
    struct segment *kept = table_find(&stream->table, segment);
    if (kept != NULL) {
        kept->is_damaged = true;
    }
    if (!is_noted(stream, segment, offset)) {
        const uint32_t place = stream->damage.count % STREAM_PLACES_NOTED;
        stream->damage.segments[place] = segment;
        stream->damage.offsets[place] = offset;
        stream->damage.last_segment = segment;
        stream->damage.last_offset = offset;
        stream->damage.count++;
    }
    sfe_mutex_unlock(stream->mutex);
}

/* Of an earlier run: what was met then is forgotten. */
static bool scan_finds_damage(struct sfe_stream *stream, const struct segment *segment,
                              uint64_t limit)
{
    const struct sfe_storage *storage = stream->options.storage;
    struct window window = {
        .storage = storage, .bytes = stream->header_bytes, .capacity = SEGMENT_BEGIN};
    struct scan scan = {.salt = segment->salt, .expected = segment->first_sequence, .limit = limit};
    char name[SEGMENT_NAME_BYTES];
    struct sfe_file *file = NULL;
    struct sfe_error ignored;

    segment_name(name, stream->name, segment->number, SEGMENT_SUFFIX);
    if (storage->open(storage->context, name, SFE_STORAGE_READ, &file, &ignored) != SFE_OK) {
        return false;
    }
    window_show(&window, file, segment->file_bytes);
    const enum sfe_code code = scan_segment(&window, &scan, &ignored);
    storage->close(storage->context, file);
    return code == SFE_OK && (scan.places > 0 || scan.expected < limit);
}

struct count {
    const char *stream;
    uint32_t files;
};

static bool count_file(void *visitor, const char *name, uint64_t size)
{
    struct count *count = visitor;
    uint32_t number = 0;

    (void)size;
    count->files += segment_number_of(name, count->stream, SEGMENT_BAD_SUFFIX, &number) ? 1u : 0u;
    return true;
}

/* The first ones are kept: they tell when it began, and a medium that fails all over must not fill
 * itself. */
static bool is_room(const struct sfe_stream *stream)
{
    const struct sfe_storage *storage = stream->options.storage;
    struct count count = {stream->name, 0};
    struct sfe_error ignored;

    return storage->list(storage->context, count_file, &count, &ignored) == SFE_OK &&
           count.files < SFE_SEGMENTS_ASIDE_MAX;
}

bool stream_put_aside(struct sfe_stream *stream, const struct segment *segment, uint64_t limit)
{
    const struct sfe_storage *storage = stream->options.storage;
    char from[SEGMENT_NAME_BYTES];
    char to[SEGMENT_NAME_BYTES];
    struct sfe_error err;

    if (segment->is_headless ||
        (!segment->is_damaged &&
         !(segment->is_inherited && scan_finds_damage(stream, segment, limit)))) {
        return false;
    }
    if (!is_room(stream)) {
        SFE_LOG(stream->options.log, SFE_WARNING, "a damaged segment goes: enough are put aside",
                sfe_text("stream", stream->name), sfe_count("segment", segment->number));
        return false;
    }
    segment_name(from, stream->name, segment->number, SEGMENT_SUFFIX);
    segment_name(to, stream->name, segment->number, SEGMENT_BAD_SUFFIX);
    if (storage->rename(storage->context, from, to, &err) != SFE_OK) {
        sfe_log_error(stream->options.log, SFE_WARNING, "cannot put a damaged segment aside", &err);
        return false;
    }
    SFE_LOG(stream->options.log, SFE_WARNING, "a damaged segment is put aside for export",
            sfe_text("stream", stream->name), sfe_count("segment", segment->number));
    return true;
}
