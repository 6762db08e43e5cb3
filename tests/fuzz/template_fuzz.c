/* Any text as a template: it compiles or is refused in words, and a compiled one gives text or says
 * why not. */
#include "base/arena.h"
#include "flow/map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_BYTES_MAX 4096u

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void apply(const struct sfe_template *compiled)
{
    static uint8_t memory[64 * 1024];
    struct sfe_json_token tokens[64];
    struct sfe_map_subject subject;
    struct sfe_error err;
    struct sfe_event event = {
        .sequence = 7,
        .source = SFE_TEXT("readings"),
        .topic = SFE_TEXT("plant/p1/telemetry"),
        .payload = SFE_TEXT("{\"a\":{\"b\":[1,\"\\u00e9\",null]},\"\":true}"),
    };
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    sfe_map_subject_make(&event, 1764000123456789000, tokens, 64, &subject);
    enum sfe_code code = sfe_template_add(compiled, &subject, &out, &err);
    require(code == SFE_OK || code == SFE_E_UNMAPPED || code == SFE_E_FULL);
    require(code == SFE_OK || out.size == 0);
    require(!out.overflowed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_BYTES_MAX + 1];
    struct sfe_arena *arena = NULL;
    struct sfe_template *compiled = NULL;
    struct sfe_error err;
    size = size < TEXT_BYTES_MAX ? size : TEXT_BYTES_MAX;
    if (size != 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    require(sfe_arena_open(2u * 1024u * 1024u, &arena, &err) == SFE_OK);
    enum sfe_code code = sfe_template_compile(text, "store-042", arena, &compiled, &err);
    if (code == SFE_OK) {
        apply(compiled);
    } else {
        require(code == SFE_E_CONFIG || code == SFE_E_NO_MEMORY);
        require(err.code == code && err.message[0] != '\0');
    }
    /* The same text as a field, where items are allowed. */
    const struct sfe_map_field field = {.name = "F", .from = text};
    const struct sfe_map_options options = {
        .object = "O", .each = "/a/b", .fields = &field, .field_count = 1};
    struct sfe_map *map = NULL;
    uint32_t bad_field = 0;
    code = sfe_map_compile(&options, arena, &map, &bad_field, &err);
    require(code == SFE_OK || bad_field == 0);
    sfe_arena_close(arena);
    return 0;
}
