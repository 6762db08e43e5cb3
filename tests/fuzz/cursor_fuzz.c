/* Any bytes as a file of the cursor log. Input: a byte of flags, then pages of 128 bytes. With flag
 * 1 they stand behind a right header; with flag 2 checksums of snapshots are put right first. */
#include "unit/stream/memory_storage.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "stream/cursor.h"
#include "stream/cursor_snapshot.h"

#define FILE_BYTES (64u * SFE_PAGE)
#define SFE_PAGE   4096u
#define BEGIN      (2u * SFE_PAGE)
#define SALT       0x11223344u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sfe_code fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    (void)context;
    (void)err;
    memset(bytes, 5, size);
    return SFE_OK;
}

static void put_right(uint8_t *bytes, size_t size)
{
    for (size_t at = BEGIN; at + SFE_PAGE <= size; at += SFE_PAGE) {
        const size_t whole = snapshot_size(sfe_slice_make(bytes + at, SNAPSHOT_HEADER_BYTES));
        if (whole == 0 || whole > size - at) {
            continue;
        }
        uint32_t checksum =
            sfe_crc32c(SALT, sfe_slice_make(bytes + at, SNAPSHOT_HEADER_BYTES - 4u));
        checksum = sfe_crc32c(checksum, sfe_slice_make(bytes + at + SNAPSHOT_HEADER_BYTES,
                                                       whole - SNAPSHOT_HEADER_BYTES));
        struct sfe_builder builder = sfe_builder_make(bytes + at + SNAPSHOT_HEADER_BYTES - 4u, 4);
        sfe_builder_add_u32le(&builder, checksum);
    }
}

static void put_file(struct memory_storage *memory, const uint8_t *data, size_t size, uint8_t flags)
{
    static uint8_t bytes[FILE_BYTES];
    size_t at = 0;

    memset(bytes, 0, sizeof(bytes));
    if ((flags & 1u) != 0) {
        cursor_header_write(SALT, bytes);
        at = BEGIN;
    }
    for (size_t from = 0; from < size && at + SFE_PAGE <= sizeof(bytes);
         from += 128, at += SFE_PAGE) {
        memcpy(bytes + at, data + from, size - from < 128 ? size - from : 128);
    }
    if ((flags & 2u) != 0) {
        put_right(bytes, at);
    }
    memory_put(memory, "cursors-000001.log", bytes, sizeof(bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_storage *memory = memory_storage_open(1);
    const struct sfe_entropy entropy = {NULL, fill};
    struct sfe_arena *arena = NULL;
    struct sfe_cursor_log *log = NULL;
    struct sfe_error err;
    const struct sfe_cursor cursor = {.name = "a/b", .sequence = 7};

    if (size > 1) {
        put_file(memory, data + 1, size - 1, data[0]);
    }
    if (sfe_arena_open(128u * 1024u, &arena, &err) != SFE_OK) {
        abort();
    }
    enum sfe_code code = sfe_cursor_log_open(&memory->storage, &entropy, 4, 4, arena, &log, &err);
    if (code == SFE_OK) {
        code = sfe_cursor_log_save(log, &cursor, 1, NULL, 0, &err);
        if (code == SFE_OK && sfe_cursor_log_find(log, "a/b")->sequence != 7) {
            abort();
        }
        if (code != SFE_OK && code != SFE_E_TOO_LARGE) {
            abort();
        }
        sfe_cursor_log_close(log);
    } else if (code != SFE_E_CORRUPT) {
        abort();
    }
    sfe_arena_close(arena);
    memory_storage_close(memory);
    return 0;
}
