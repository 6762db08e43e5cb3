#include "input/files_place.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "stream/kept_file.h"

#include <stdio.h>

/* magic u32, version u16, size of the name u16, offset u64, chain, seed, name, CRC32C u32. */
#define MAGIC      0x50464653u /* "SFFP" */
#define VERSION    1u
#define HEAD_BYTES 48u
#define BYTES_MAX  (HEAD_BYTES + SFE_FOLDER_NAME_BYTES + 4u)
#define SUFFIX     ".place"
#define FILE_BYTES (SFE_NAME_BYTES_MAX + sizeof(SUFFIX))

static void name_file(const char *input, char name[FILE_BYTES])
{
    const int length = snprintf(name, FILE_BYTES, "%s" SUFFIX, input);

    SFE_ASSERT(length > 0 && (size_t)length < FILE_BYTES);
}

enum sfe_code files_place_save(const struct sfe_storage *storage, const char *input,
                               const struct files_place *place, struct sfe_error *err)
{
    uint8_t memory[BYTES_MAX];
    char name[FILE_BYTES];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    const struct sfe_slice file = sfe_slice_text(place->name);

    SFE_ASSERT(file.size != 0 && file.size < SFE_FOLDER_NAME_BYTES);
    sfe_builder_add_u32le(&out, MAGIC);
    sfe_builder_add_u16le(&out, VERSION);
    sfe_builder_add_u16le(&out, (uint16_t)file.size);
    sfe_builder_add_u64le(&out, place->offset);
    sfe_builder_add(&out, sfe_slice_make(place->chain.bytes, sizeof(place->chain.bytes)));
    sfe_builder_add(&out, sfe_slice_make(place->seed.bytes, sizeof(place->seed.bytes)));
    SFE_ASSERT(out.size == HEAD_BYTES);
    sfe_builder_add(&out, file);
    sfe_builder_add_u32le(&out, sfe_crc32c(0, sfe_builder_slice(&out)));
    SFE_ASSERT(!out.overflowed);
    name_file(input, name);
    return kept_file_write(storage, name, sfe_builder_slice(&out), err);
}

void files_place_forget(const struct sfe_storage *storage, const char *input)
{
    char name[FILE_BYTES];
    struct sfe_error ignored;

    name_file(input, name);
    (void)storage->remove(storage->context, name, &ignored);
}

static void parse(struct sfe_slice bytes, struct files_place *place)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    const uint32_t magic = sfe_reader_u32le(&reader);
    const uint16_t version = sfe_reader_u16le(&reader);
    const uint16_t size = sfe_reader_u16le(&reader);
    const uint64_t offset = sfe_reader_u64le(&reader);
    const struct sfe_slice chain = sfe_reader_take(&reader, sizeof(place->chain.bytes));
    const struct sfe_slice seed = sfe_reader_take(&reader, sizeof(place->seed.bytes));
    const struct sfe_slice name = sfe_reader_take(&reader, size);
    const uint32_t crc = sfe_reader_u32le(&reader);

    if (reader.failed || reader.rest.size != 0 || magic != MAGIC || version != VERSION ||
        size == 0 || size >= sizeof(place->name) || memchr(name.bytes, 0, size) != NULL ||
        crc != sfe_crc32c(0, sfe_slice_part(bytes, 0, HEAD_BYTES + (size_t)size))) {
        return;
    }
    place->offset = offset;
    memcpy(place->chain.bytes, chain.bytes, chain.size);
    memcpy(place->seed.bytes, seed.bytes, seed.size);
    memcpy(place->name, name.bytes, name.size);
}

enum sfe_code files_place_load(const struct sfe_storage *storage, const char *input,
                               struct files_place *place, struct sfe_error *err)
{
    uint8_t memory[BYTES_MAX + 1u];
    char name[FILE_BYTES];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code;

    memset(place, 0, sizeof(*place));
    name_file(input, name);
    code = kept_file_read(storage, name, &bytes, err);
    if (code == SFE_OK) {
        parse(sfe_builder_slice(&bytes), place);
    }
    if (code == SFE_E_NOT_FOUND) { /* None was noted: nothing is wrong. */
        memset(err, 0, sizeof(*err));
        code = SFE_OK;
    }
    return code;
}
