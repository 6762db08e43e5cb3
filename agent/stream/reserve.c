#include "stream/reserve.h"

#include "base/assert.h"

#include <stdio.h>

#define NAME_BYTES (SFE_NAME_BYTES_MAX + sizeof(".spare"))

static void spare_name(const struct sfe_stream *stream, char name[NAME_BYTES])
{
    int length = snprintf(name, NAME_BYTES, "%s.spare", stream->name);
    SFE_ASSERT(length > 0 && (size_t)length < NAME_BYTES);
}

static void set_bytes(struct sfe_stream *stream, uint64_t bytes)
{
    sfe_mutex_lock(stream->mutex);
    stream->reserve_bytes = bytes;
    sfe_mutex_unlock(stream->mutex);
}

void reserve_make(struct sfe_stream *stream)
{
    const struct sfe_storage *storage = stream->options.storage;
    const uint32_t segment_bytes = stream->options.segment_bytes;
    char name[NAME_BYTES];
    struct sfe_file *file = NULL;
    struct sfe_error ignored;

    if (!stream->options.has_reserve || stream->reserve_bytes != 0 ||
        stream_used_bytes(stream) + 2u * (uint64_t)segment_bytes > stream_quota_bytes(stream)) {
        return;
    }
    spare_name(stream, name);
    /* One that is found may have been a segment: a new name that was lost in a power cut. Nothing
     * in it was durable, but it must not be taken for another segment's pages. */
    enum sfe_code code = storage->remove(storage->context, name, &ignored);
    if (code == SFE_OK || code == SFE_E_NOT_FOUND) {
        code = storage->open(storage->context, name, SFE_STORAGE_CREATE, &file, &ignored);
    }
    if (code != SFE_OK) {
        return;
    }
    code = storage->allocate(storage->context, file, segment_bytes, &ignored);
    storage->close(storage->context, file);
    if (code == SFE_OK) {
        set_bytes(stream, segment_bytes);
    } else {
        (void)storage->remove(storage->context, name, &ignored);
    }
}

bool reserve_is_due(const struct sfe_stream *stream)
{
    return stream->reserve_bytes != 0 && stream->options.when_full == SFE_STREAM_BLOCK &&
           stream_used_bytes(stream) + stream->options.segment_bytes > stream_quota_bytes(stream);
}

enum sfe_code reserve_use(struct sfe_stream *stream, const char *name, struct sfe_file **file,
                          struct sfe_error *err)
{
    const struct sfe_storage *storage = stream->options.storage;
    char spare[NAME_BYTES];

    if (stream->reserve_bytes == 0) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "the reserve is used up");
    }
    spare_name(stream, spare);
    enum sfe_code code = storage->rename(storage->context, spare, name, err);
    if (code == SFE_OK) {
        set_bytes(stream, 0);
        code = storage->open(storage->context, name, SFE_STORAGE_WRITE, file, err);
        if (code != SFE_OK) {
            struct sfe_error ignored;
            (void)storage->remove(storage->context, name, &ignored);
        }
    }
    if (code == SFE_OK) {
        SFE_LOG(stream->options.log, SFE_WARNING, "the reserve is used",
                sfe_text("stream", stream->name));
    }
    return code;
}
