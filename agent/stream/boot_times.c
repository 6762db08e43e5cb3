#include "stream/boot_times.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "stream/kept_file.h"

#define TABLE_NAME  "boots.table"
#define MAGIC       0x42454653u /* "SFEB" */
#define VERSION     2u
#define SEEN_BYTES  8u
#define HEAD_BYTES  8u
#define ITEM_BYTES  24u
#define CRC_BYTES   4u
#define TABLE_BYTES (HEAD_BYTES + SFE_BOOT_TIMES_MAX * ITEM_BYTES + SEEN_BYTES + CRC_BYTES)

const struct sfe_boot_time *sfe_boot_times_find(const struct sfe_boot_times *times,
                                                const uint8_t boot_id[16])
{
    SFE_ASSERT(times->count <= SFE_BOOT_TIMES_MAX);
    for (uint32_t i = 0; i < times->count; i++) {
        if (memcmp(times->items[i].boot_id, boot_id, sizeof(times->items[i].boot_id)) == 0) {
            return &times->items[i];
        }
    }
    return NULL;
}

static void parse(struct sfe_slice bytes, struct sfe_boot_times *times)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    uint32_t magic = sfe_reader_u32le(&reader);
    uint16_t version = sfe_reader_u16le(&reader);
    uint16_t count = sfe_reader_u16le(&reader);
    const size_t seen_bytes = version == 1 ? 0 : SEEN_BYTES; /* Version 1 ends with the boots. */
    size_t body = HEAD_BYTES + (size_t)count * ITEM_BYTES + seen_bytes;

    if (magic != MAGIC || version == 0 || version > VERSION || count > SFE_BOOT_TIMES_MAX ||
        bytes.size != body + CRC_BYTES) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct sfe_slice id = sfe_reader_take(&reader, sizeof(times->items[i].boot_id));
        SFE_ASSERT(id.size == sizeof(times->items[i].boot_id));
        memcpy(times->items[i].boot_id, id.bytes, id.size);
        times->items[i].wall_minus_monotonic_ns = (int64_t)sfe_reader_u64le(&reader);
    }
    const int64_t seen_ns = seen_bytes == 0 ? 0 : (int64_t)sfe_reader_u64le(&reader);
    if (sfe_reader_u32le(&reader) == sfe_crc32c(0, sfe_slice_part(bytes, 0, body))) {
        times->count = count;
        times->seen_ns = seen_ns;
    }
}

enum sfe_code sfe_boot_times_load(const struct sfe_storage *storage, struct sfe_boot_times *times,
                                  struct sfe_error *err)
{
    uint8_t memory[TABLE_BYTES];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));

    memset(times, 0, sizeof(*times));
    enum sfe_code code = kept_file_read(storage, TABLE_NAME, &bytes, err);
    if (code == SFE_OK) {
        parse(sfe_builder_slice(&bytes), times);
    }
    return code == SFE_E_NOT_FOUND ? SFE_OK : code;
}

static void add_item(struct sfe_builder *out, const struct sfe_boot_time *item)
{
    sfe_builder_add(out, sfe_slice_make(item->boot_id, sizeof(item->boot_id)));
    sfe_builder_add_u64le(out, (uint64_t)item->wall_minus_monotonic_ns);
}

static void write_table(const struct sfe_boot_times *times, const struct sfe_boot_time *boot,
                        int64_t seen_ns, struct sfe_builder *out)
{
    uint16_t count = 1;

    sfe_builder_add_u32le(out, MAGIC);
    sfe_builder_add_u16le(out, VERSION);
    sfe_builder_add_u16le(out, 0);
    add_item(out, boot);
    for (uint32_t i = 0; i < times->count && count < SFE_BOOT_TIMES_MAX; i++) {
        if (memcmp(times->items[i].boot_id, boot->boot_id, sizeof(boot->boot_id)) != 0) {
            add_item(out, &times->items[i]);
            count++;
        }
    }
    out->bytes[6] = (uint8_t)count;
    sfe_builder_add_u64le(out, (uint64_t)seen_ns);
    sfe_builder_add_u32le(out, sfe_crc32c(0, sfe_builder_slice(out)));
    SFE_ASSERT(!out->overflowed);
}

enum sfe_code sfe_boot_times_save(const struct sfe_storage *storage,
                                  const struct sfe_boot_times *times,
                                  const struct sfe_boot_time *boot, int64_t seen_ns,
                                  struct sfe_error *err)
{
    uint8_t memory[TABLE_BYTES];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    write_table(times, boot, seen_ns, &out);
    return kept_file_write(storage, TABLE_NAME, sfe_builder_slice(&out), err);
}
