#include "compile/parts.h"

#include "base/arena.h"
#include "base/hash.h"
#include "flow/lookup.h"
#include "port/process.h"

#include <stddef.h>
#include <string.h>

/* While it is read: the file, its cells and what they are as JSON, six times the size at most; for
 * each entry itself and where its three pieces begin. The tokens of a JSON file are fewer bytes. */
#define SCRATCH_BYTES                                                                              \
    ((size_t)8u * SFE_LOOKUP_BYTES_MAX +                                                           \
     (SFE_LOOKUP_ENTRIES_MAX + 2u) *                                                               \
         (sizeof(struct sfe_lookup_entry) + 3u * (_Alignof(max_align_t) + 2u)))

static struct sfe_slice copy(struct sfe_slice text, struct sfe_arena *arena, struct sfe_error *err)
{
    uint8_t *bytes = sfe_arena_take(arena, text.size + 1, err);

    if (bytes != NULL && text.size != 0) {
        memcpy(bytes, text.bytes, text.size);
    }
    return sfe_slice_make(bytes, bytes == NULL ? 0 : text.size);
}

static enum sfe_code copy_lookup(const struct sfe_lookup_table *read, struct sfe_arena *arena,
                                 struct sfe_lookup_table *made, struct sfe_error *err)
{
    made->entries = sfe_arena_take(arena, (read->count + 1u) * sizeof(*made->entries), err);
    if (made->entries == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < read->count; i++) {
        made->entries[i].key = copy(read->entries[i].key, arena, err);
        made->entries[i].json = copy(read->entries[i].json, arena, err);
        if (made->entries[i].key.bytes == NULL || made->entries[i].json.bytes == NULL) {
            return err->code;
        }
    }
    made->count = read->count;
    return SFE_OK;
}

static enum sfe_code read_lookup(const char *path, struct sfe_arena *scratch,
                                 struct sfe_arena *arena, struct sfe_lookup_table *made,
                                 struct sfe_error *err)
{
    uint8_t *memory = sfe_arena_take(scratch, SFE_LOOKUP_BYTES_MAX, err);
    struct sfe_lookup_table read = {0};

    if (memory == NULL) {
        return err->code;
    }
    struct sfe_builder file = sfe_builder_make(memory, SFE_LOOKUP_BYTES_MAX);
    enum sfe_code code = sfe_process_read_file(path, &file, err);
    if (code == SFE_OK) {
        const struct sfe_slice text = sfe_builder_slice(&file);
        made->digest = sfe_hash64(0, text);
        code = sfe_lookup_read(text, scratch, &read, err);
    }
    return code == SFE_OK ? copy_lookup(&read, arena, made, err) : code;
}

enum sfe_code compile_lookup(struct compiler *compiler, const char *path,
                             const struct sfe_lookup_table **lookup, struct sfe_error *err)
{
    struct sfe_arena *scratch = NULL;
    enum sfe_code code = SFE_OK;

    *lookup = NULL;
    if (path == NULL) {
        return SFE_OK;
    }
    struct sfe_lookup_table *made = sfe_arena_take(compiler->arena, sizeof(*made), err);
    if (made == NULL || sfe_arena_open(SCRATCH_BYTES, &scratch, err) != SFE_OK) {
        return err->code;
    }
    code = read_lookup(path, scratch, compiler->arena, made, err);
    sfe_arena_close(scratch);
    if (code == SFE_OK) {
        *lookup = made;
    } else if (code != SFE_E_NO_MEMORY) {
        err->code = SFE_E_CONFIG;
        code = sfe_within(err, "lookup %s", path);
    }
    return code;
}
