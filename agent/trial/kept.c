#include "trial/kept.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "stream/kept_file.h"

#define GOOD_NAME    "config.good"
#define REFUSED_NAME "config.refused"
#define MAGIC_BYTES  4u
#define HEAD_BYTES   12u /* Magic, version (2), 0 (2), bytes of the body (4). */
#define CRC_BYTES    4u
#define VERSION      1u

static const char good_magic[] = "SFEG";
static const char refused_magic[] = "SFER";

struct sfe_hash128 sfe_trial_hash(struct sfe_slice text)
{
    return sfe_hash128(&text, 1);
}

bool sfe_trial_same(const struct sfe_hash128 *a, const struct sfe_hash128 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

size_t sfe_trial_room_bytes(size_t text_bytes)
{
    return HEAD_BYTES + text_bytes + CRC_BYTES;
}

static void add_file(const char *magic, struct sfe_slice body, struct sfe_builder *out)
{
    sfe_builder_rewind(out, 0);
    sfe_builder_add(out, sfe_slice_make(magic, MAGIC_BYTES));
    sfe_builder_add_u16le(out, VERSION);
    sfe_builder_add_u16le(out, 0);
    sfe_builder_add_u32le(out, (uint32_t)body.size);
    sfe_builder_add(out, body);
    sfe_builder_add_u32le(out, sfe_crc32c(0, sfe_builder_slice(out)));
    SFE_ASSERT(!out->overflowed);
}

/* False: it is none of this version, or does not check. */
static bool parse_file(const char *magic, struct sfe_slice file, struct sfe_slice *body)
{
    struct sfe_reader reader = sfe_reader_make(file);
    const struct sfe_slice begin = sfe_reader_take(&reader, MAGIC_BYTES);

    if (file.size < HEAD_BYTES + CRC_BYTES ||
        !sfe_slice_equal(begin, sfe_slice_make(magic, MAGIC_BYTES))) {
        return false;
    }
    const uint16_t version = sfe_reader_u16le(&reader);
    const uint16_t zero = sfe_reader_u16le(&reader);
    const uint32_t size = sfe_reader_u32le(&reader);
    if (version != VERSION || zero != 0 || size != file.size - HEAD_BYTES - CRC_BYTES) {
        return false;
    }
    *body = sfe_reader_take(&reader, size);
    return sfe_reader_u32le(&reader) ==
           sfe_crc32c(0, sfe_slice_part(file, 0, HEAD_BYTES + (size_t)size));
}

enum sfe_code sfe_trial_read_good(const struct sfe_storage *storage, struct sfe_builder *room,
                                  struct sfe_slice *text, struct sfe_error *err)
{
    const enum sfe_code code = kept_file_read(storage, GOOD_NAME, room, err);

    if (code != SFE_OK) {
        return code;
    }
    return parse_file(good_magic, sfe_builder_slice(room), text)
               ? SFE_OK
               : sfe_fail(err, SFE_E_NOT_FOUND, "%s does not check", GOOD_NAME);
}

enum sfe_code sfe_trial_write_good(const struct sfe_storage *storage, struct sfe_slice text,
                                   struct sfe_builder *room, struct sfe_error *err)
{
    SFE_ASSERT(text.size <= SFE_TRIAL_TEXT_BYTES_MAX);
    add_file(good_magic, text, room);
    return kept_file_write(storage, GOOD_NAME, sfe_builder_slice(room), err);
}

enum sfe_code sfe_trial_read_refused(const struct sfe_storage *storage, struct sfe_hash128 *hash,
                                     struct sfe_error *err)
{
    uint8_t memory[HEAD_BYTES + sizeof(hash->bytes) + CRC_BYTES + 1u]; /* One more is too long. */
    struct sfe_builder room = sfe_builder_make(memory, sizeof(memory));
    struct sfe_slice body;
    const enum sfe_code code = kept_file_read(storage, REFUSED_NAME, &room, err);

    if (code != SFE_OK) {
        return code;
    }
    if (!parse_file(refused_magic, sfe_builder_slice(&room), &body) ||
        body.size != sizeof(hash->bytes)) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "%s does not check", REFUSED_NAME);
    }
    memcpy(hash->bytes, body.bytes, sizeof(hash->bytes));
    return SFE_OK;
}

enum sfe_code sfe_trial_write_refused(const struct sfe_storage *storage,
                                      const struct sfe_hash128 *hash, struct sfe_error *err)
{
    uint8_t memory[HEAD_BYTES + sizeof(hash->bytes) + CRC_BYTES];
    struct sfe_builder room = sfe_builder_make(memory, sizeof(memory));

    add_file(refused_magic, sfe_slice_make(hash->bytes, sizeof(hash->bytes)), &room);
    return kept_file_write(storage, REFUSED_NAME, sfe_builder_slice(&room), err);
}
