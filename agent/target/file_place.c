/* The bytes, little-endian: magic, version (u32), target, layout, serial, length, age, last (u64),
 * 1 for csv (u32), FILE_PASSED_MAX sequences (u64), place of the next (u32), CRC32C of all before.
 */
#include "target/file_place.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "stream/kept_file.h"

#include <stdio.h>

#define MAGIC   0x46454653u /* "SFEF" */
#define VERSION 1u

void file_place_pass(struct file_passed *passed, uint64_t sequence)
{
    for (uint32_t i = 0; i < FILE_PASSED_MAX; i++) {
        if (passed->sequences[i] == sequence) {
            return;
        }
    }
    passed->sequences[passed->next] = sequence;
    passed->next = (passed->next + 1u) % FILE_PASSED_MAX;
}

void file_place_unpass(struct file_passed *passed, uint64_t sequence)
{
    for (uint32_t i = 0; i < FILE_PASSED_MAX; i++) {
        if (passed->sequences[i] == sequence) {
            passed->sequences[i] = 0;
        }
    }
}

bool file_place_holds(const struct file_place *place, uint64_t sequence)
{
    if (sequence > place->last) {
        return false;
    }
    for (uint32_t i = 0; i < FILE_PASSED_MAX; i++) {
        if (place->passed.sequences[i] == sequence) {
            return false;
        }
    }
    return true;
}

void file_place_name(const char *output, const char *stream, char *name)
{
    const int length = snprintf(name, FILE_PLACE_NAME_BYTES, "file-%s.%s", output, stream);

    SFE_ASSERT(length > 0 && (size_t)length < FILE_PLACE_NAME_BYTES);
}

static bool parse(struct sfe_slice bytes, struct file_place *place)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    const bool is_ours = sfe_reader_u32le(&reader) == MAGIC && sfe_reader_u32le(&reader) == VERSION;

    place->target = sfe_reader_u64le(&reader);
    place->layout = sfe_reader_u64le(&reader);
    place->serial = sfe_reader_u64le(&reader);
    place->length = sfe_reader_u64le(&reader);
    place->age_ns = sfe_reader_u64le(&reader);
    place->last = sfe_reader_u64le(&reader);
    place->is_csv = sfe_reader_u32le(&reader) == 1u;
    for (uint32_t i = 0; i < FILE_PASSED_MAX; i++) {
        place->passed.sequences[i] = sfe_reader_u64le(&reader);
    }
    place->passed.next = sfe_reader_u32le(&reader);
    const size_t size = bytes.size - reader.rest.size;
    const uint32_t crc = sfe_reader_u32le(&reader);
    return is_ours && !reader.failed && crc == sfe_crc32c(0, sfe_slice_part(bytes, 0, size)) &&
           place->passed.next < FILE_PASSED_MAX;
}

enum sfe_code file_place_load(const struct sfe_storage *state, const char *name, uint64_t durable,
                              struct file_place *place, bool *is_lost, struct sfe_error *err)
{
    uint8_t memory[FILE_PLACE_BYTES_MAX];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code = kept_file_read(state, name, &bytes, err);

    memset(place, 0, sizeof(*place));
    *is_lost = false;
    if (code != SFE_OK) {
        return code == SFE_E_NOT_FOUND ? SFE_OK : code;
    }
    if (!parse(sfe_builder_slice(&bytes), place) || place->last > durable) {
        memset(place, 0, sizeof(*place));
        *is_lost = true;
        return SFE_OK;
    }
    /* The last run may have ended between its rename and the sync of it: what is settled by this
     * must not be undone by a power cut. */
    return state->sync_directory(state->context, err);
}

enum sfe_code file_place_save(const struct sfe_storage *state, const char *name,
                              const struct file_place *place, struct sfe_error *err)
{
    uint8_t memory[FILE_PLACE_BYTES_MAX];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    sfe_builder_add_u32le(&out, MAGIC);
    sfe_builder_add_u32le(&out, VERSION);
    sfe_builder_add_u64le(&out, place->target);
    sfe_builder_add_u64le(&out, place->layout);
    sfe_builder_add_u64le(&out, place->serial);
    sfe_builder_add_u64le(&out, place->length);
    sfe_builder_add_u64le(&out, place->age_ns);
    sfe_builder_add_u64le(&out, place->last);
    sfe_builder_add_u32le(&out, place->is_csv ? 1u : 0u);
    for (uint32_t i = 0; i < FILE_PASSED_MAX; i++) {
        sfe_builder_add_u64le(&out, place->passed.sequences[i]);
    }
    sfe_builder_add_u32le(&out, place->passed.next);
    sfe_builder_add_u32le(&out, sfe_crc32c(0, sfe_builder_slice(&out)));
    SFE_ASSERT(!out.overflowed);
    return kept_file_write(state, name, sfe_builder_slice(&out), err);
}
