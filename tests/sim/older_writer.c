#include "older_writer.h"

#include "base/crc32c.h"
#include "stream/segment.h"

#include <string.h>

/* FORMAT.md: the size of the largest frame, and the checksum of all before it. */
#define FRAME_BYTES_MAX_AT 28u
#define CHECKSUM_AT        84u
#define MAGIC              "SFESEGM\n"

static void make_older(uint8_t *header)
{
    struct sfe_builder checksum = sfe_builder_make(header + CHECKSUM_AT, sizeof(uint32_t));

    memset(header + FRAME_BYTES_MAX_AT, 0, sizeof(uint32_t));
    sfe_builder_add_u32le(&checksum, sfe_crc32c(0, sfe_slice_make(header, CHECKSUM_AT)));
}

static enum sfe_code write_older(void *context, struct sfe_file *file, uint64_t offset,
                                 const struct sfe_slice *parts, size_t part_count,
                                 struct sfe_error *err)
{
    struct sfe_storage port;
    uint8_t header[SEGMENT_BEGIN];
    struct sfe_slice changed[2];

    sim_storage_port(context, &port);
    if (offset != 0 || part_count != 2 || parts[0].size != sizeof(header) ||
        memcmp(parts[0].bytes, MAGIC, sizeof(MAGIC) - 1u) != 0) {
        return port.write(context, file, offset, parts, part_count, err);
    }
    memcpy(header, parts[0].bytes, sizeof(header));
    for (uint32_t copy = 0; copy < SEGMENT_HEADER_COPIES; copy++) {
        make_older(header + (size_t)copy * SFE_PAGE_BYTES);
    }
    changed[0] = sfe_slice_make(header, sizeof(header));
    changed[1] = parts[1];
    return port.write(context, file, offset, changed, part_count, err);
}

void older_writer_port(struct sim_storage *storage, struct sfe_storage *port)
{
    sim_storage_port(storage, port);
    port->write = write_older;
}
