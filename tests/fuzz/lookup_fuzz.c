/* Any bytes as a table: it is refused in words, or each of its entries is found, with JSON. */
#include "base/arena.h"
#include "base/json_reader.h"
#include "flow/lookup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfe_json_token tokens[4];
    struct sfe_arena *arena = NULL;
    struct sfe_lookup_table lookup;
    struct sfe_json json;
    struct sfe_error err;

    require(sfe_arena_open(4u * 1024u * 1024u, &arena, &err) == SFE_OK);
    const enum sfe_code code = sfe_lookup_read(sfe_slice_make(data, size), arena, &lookup, &err);
    require(code == SFE_OK || ((code == SFE_E_CONFIG || code == SFE_E_NO_MEMORY) &&
                               err.code == code && err.message[0] != '\0'));
    for (uint32_t i = 0; code == SFE_OK && i < lookup.count; i++) {
        require(sfe_lookup_find(&lookup, lookup.entries[i].key) == &lookup.entries[i]);
        require(sfe_json_parse(lookup.entries[i].json, 0, tokens, 4, &json, &err) == SFE_OK);
    }
    sfe_arena_close(arena);
    return 0;
}
