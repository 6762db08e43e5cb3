/* Limits of a stream that is open. */
#include "base/assert.h"
#include "stream/parts.h"

/* As many as recovery would make more: two neighbours together are larger than one segment. */
static uint64_t capacity_for(const struct sfe_stream *stream, uint64_t quota_bytes)
{
    const uint64_t now = stream->table_quota_bytes / stream->options.segment_bytes;
    const uint64_t wanted = quota_bytes / stream->options.segment_bytes;

    return stream->table.capacity + (wanted > now ? 2u * (wanted - now) : 0);
}

size_t sfe_stream_table_bytes(const struct sfe_stream *stream, uint64_t quota_bytes)
{
    const uint64_t capacity = capacity_for(stream, quota_bytes);

    SFE_ASSERT(capacity <= UINT32_MAX);
    return capacity == stream->table.capacity ? 0 : (size_t)capacity * sizeof(struct segment);
}

size_t sfe_stream_table_bytes_max(const struct sfe_stream_options *options)
{
    return recovery_memory_bytes(options);
}

void sfe_stream_set_limits(struct sfe_stream *stream, uint64_t quota_bytes, uint64_t linger_ns,
                           void *table)
{
    SFE_ASSERT(quota_bytes >= stream->options.segment_bytes);
    SFE_ASSERT(table != NULL || sfe_stream_table_bytes(stream, quota_bytes) == 0);
    sfe_mutex_lock(stream->mutex);
    if (table != NULL) {
        struct segment *items = table;
        memcpy(items, stream->table.items, stream->table.count * sizeof(*items));
        stream->table.items = items;
        stream->table.capacity = (uint32_t)capacity_for(stream, quota_bytes);
        stream->table_quota_bytes = quota_bytes;
    }
    stream->options.quota_bytes = quota_bytes;
    stream->options.linger_ns = linger_ns;
    stream->stage.is_full = false;
    stream_measure_room(stream);
    sfe_mutex_unlock(stream->mutex);
}

void sfe_stream_set_quota(struct sfe_stream *stream, struct sfe_quota *quota, uint32_t share)
{
    sfe_mutex_lock(stream->mutex);
    stream->options.quota = quota;
    stream->options.quota_share = share;
    if (quota == NULL) {
        stream_measure_room(stream);
    } else {
        (void)sfe_quota_claim(quota, share, stream_used_bytes(stream), 0);
        stream->quota_returns = UINT64_MAX; /* More is claimed in any case. */
    }
    sfe_mutex_unlock(stream->mutex);
}
