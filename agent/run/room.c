#include "run/room.h"

#include "base/assert.h"
#include "run/output_kind.h"

#include <inttypes.h>

/* Pages of files that are replaced whole: the old and the new. */
#define BOOT_TIMES_FLASH_BYTES UINT64_C(8192)

/* Without the segments that are put aside, which no quota counts. */
static uint64_t streams_bytes_max(const struct sfe_config *config)
{
    uint64_t bytes = 0;
    uint64_t segment_bytes_max = 0;

    for (uint32_t i = 0; i < config->stream_count; i++) {
        const struct sfe_config_stream *stream = &config->streams[i];
        bytes += stream->quota_bytes + stream->segment_bytes;
        if (stream->segment_bytes > segment_bytes_max) {
            segment_bytes_max = stream->segment_bytes;
        }
    }
    const uint64_t together = config->agent.quota_bytes + segment_bytes_max;
    return config->agent.quota_bytes != 0 && together < bytes ? together : bytes;
}

uint64_t sfe_room_bytes_max(const struct sfe_config *config)
{
    uint64_t bytes = streams_bytes_max(config) + BOOT_TIMES_FLASH_BYTES +
                     sfe_cursor_log_flash_bytes(AGENT_OUTPUTS_MAX, SFE_STREAMS_MAX + 1u);

    for (uint32_t i = 0; i < config->stream_count; i++) {
        bytes += SFE_SEGMENTS_ASIDE_MAX * (uint64_t)config->streams[i].segment_bytes;
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        const struct sfe_config_output *output = &config->outputs[i];
        const struct agent_output_kind *kind = agent_output_kind(output->type);
        if (kind->flash_bytes != NULL) {
            bytes += output->from_count * kind->flash_bytes(config, output);
        }
    }
    return bytes;
}

struct sfe_quota_share sfe_room_share(const struct sfe_config *config, uint32_t index)
{
    const struct sfe_config_stream *stream = &config->streams[index];

    return (struct sfe_quota_share){
        .quota_bytes = stream->quota_bytes,
        .segment_bytes = stream->segment_bytes,
        .priority = index == config->dead_stream ? SFE_QUOTA_PRIORITY_MOST : stream->priority,
    };
}

enum sfe_code sfe_room_check(const struct sfe_config *config, struct sfe_error *err)
{
    struct sfe_quota_share shares[SFE_STREAMS_MAX + 1u];
    uint64_t wanted = 0;
    uint32_t worst = 0;

    SFE_ASSERT(config->stream_count <= SFE_STREAMS_MAX + 1u);
    if (config->agent.quota_bytes == 0) {
        return SFE_OK;
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        shares[i] = sfe_room_share(config, i);
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        const uint64_t bytes = sfe_quota_bytes_min(shares, config->stream_count, i);
        if (bytes > wanted) {
            wanted = bytes;
            worst = i;
        }
    }
    if (wanted <= config->agent.quota_bytes) {
        return SFE_OK;
    }
    return sfe_fail(
        err, SFE_E_CONFIG,
        "too little is left for stream \"%s\" beside the quotas of \"dead\" and of "
        "streams of higher priority, which are kept for them; allowed: at least %" PRIu64
        "KiB, or smaller quotas of those",
        config->streams[worst].name, (wanted + 1023u) / 1024u);
}
