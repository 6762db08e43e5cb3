/* Any bytes as a payload, through maps that use every type and part: a record that is made is JSON,
 * one that is not leaves nothing behind, and its message says why without saying much of the
 * payload. */
#include "base/arena.h"
#include "base/limits.h"
#include "flow/map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKENS_MAX 4096u
#define MAP_COUNT  4u

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static const struct sfe_map_field plain_fields[] = {
    {.name = "Id", .from = "/id"},
    {.name = "A", .from = "/a", .is_optional = true},
    {.name = "P__r.B", .from = "/b", .type = SFE_MAP_STRING, .is_optional = true},
    {.name = "C", .from = "x{/a}\"{topic.1}{{", .is_optional = true},
    {.name = "P__r.D", .from = "{/d}", .default_value = "\"none\""},
    {.name = "Q__r.E", .from = "/e/0/f", .is_optional = true},
};

static const struct sfe_map_field typed_fields[] = {
    {.name = "Id", .from = "{topic.1}-{/id}-{id}"},
    {.name = "D", .from = "/n", .type = SFE_MAP_DOUBLE, .is_optional = true},
    {.name = "I", .from = "/i", .type = SFE_MAP_INT, .is_optional = true},
    {.name = "B", .from = "/a", .type = SFE_MAP_BOOLEAN, .is_optional = true},
    {.name = "Y", .from = "/t", .type = SFE_MAP_DATE, .is_optional = true},
    {.name = "T", .from = "{/t}", .type = SFE_MAP_DATETIME, .is_optional = true},
    {.name = "N", .from = "{/n}{/i}", .type = SFE_MAP_DOUBLE, .is_optional = true},
};

static const struct sfe_map_field line_fields[] = {
    {.name = "Id", .from = "{/id}-{item:/no}-{index}"},
    {.name = "S", .from = "{item:/s}", .is_optional = true},
};

static const struct sfe_map_field raw_fields[] = {
    {.name = "Id", .from = "{payload}"},
    {.name = "P", .from = "{payload:base64}"},
    {.name = "X", .from = "{payload}-{source}{seq}{time}{agent}"},
};

static const struct sfe_map *const *compile_once(void)
{
    static struct sfe_map *maps[MAP_COUNT];
    static const struct sfe_map_options options[MAP_COUNT] = {
        {"O", "Id", NULL, plain_fields, sizeof(plain_fields) / sizeof(plain_fields[0]), "a", false},
        {"O", "Id", NULL, typed_fields, sizeof(typed_fields) / sizeof(typed_fields[0]), "a", false},
        {"O", "Id", "/lines", line_fields, sizeof(line_fields) / sizeof(line_fields[0]), "a",
         false},
        {"O", "Id", NULL, raw_fields, sizeof(raw_fields) / sizeof(raw_fields[0]), "a", false},
    };
    if (maps[0] == NULL) {
        static struct sfe_arena *arena; /* Kept: the maps live as long as the program. */
        struct sfe_error err;
        uint32_t bad_field = 0;
        require(sfe_arena_open(1024 * 1024, &arena, &err) == SFE_OK);
        for (uint32_t i = 0; i < MAP_COUNT; i++) {
            require(sfe_map_compile(&options[i], arena, &maps[i], &bad_field, &err) == SFE_OK);
        }
    }
    return (const struct sfe_map *const *)maps;
}

static void require_json(struct sfe_builder *out)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_json json;
    struct sfe_error err;
    sfe_builder_add_text(out, "}");
    require(!out->overflowed);
    require(sfe_json_parse(sfe_builder_slice(out), SFE_JSON_UNIQUE_KEYS, tokens, TOKENS_MAX, &json,
                           &err) == SFE_OK);
    require(sfe_json_kind(&json, 0) == SFE_JSON_OBJECT);
}

static void require_good_message(const struct sfe_error *err)
{
    unsigned digits = 0;
    require(err->code == SFE_E_UNMAPPED && err->message[0] != '\0');
    for (const char *at = err->message; *at != '\0'; at++) {
        digits = *at >= '0' && *at <= '9' ? digits + 1 : 0;
        require(digits < 13 && (unsigned char)*at >= 0x20);
    }
}

static void add_record(const struct sfe_map *map, const struct sfe_map_subject *subject,
                       uint32_t index, uint32_t item)
{
    static uint8_t memory[256 * 1024];
    uint8_t id_memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    uint8_t again_memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_builder id = sfe_builder_make(id_memory, sizeof(id_memory));
    struct sfe_builder again = sfe_builder_make(again_memory, sizeof(again_memory));
    struct sfe_error err = {0};
    struct sfe_error id_err = {0};
    sfe_builder_add_text(&out, "{");
    enum sfe_code code = sfe_map_add_record(map, subject, index, item, &out, &id, &err);
    enum sfe_code id_code = sfe_map_add_external_id(map, subject, index, item, &again, &id_err);
    if (code == SFE_OK) {
        require(id_code == SFE_OK && id.size != 0);
        require(sfe_slice_equal(sfe_builder_slice(&id), sfe_builder_slice(&again)));
        require_json(&out);
        return;
    }
    require(out.size == 1 && id.size == 0 && !out.overflowed);
    require(code == SFE_E_UNMAPPED || code == SFE_E_FULL);
    if (code == SFE_E_UNMAPPED) {
        require_good_message(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    const struct sfe_map *const *maps = compile_once();
    struct sfe_map_subject subject;
    struct sfe_event event = {
        .sequence = 42,
        .source = SFE_TEXT("readings"),
        .topic = SFE_TEXT("plant/p1/telemetry"),
        .payload = sfe_slice_make(data, size),
    };
    sfe_map_subject_make(&event, 1764000123456789000, tokens, TOKENS_MAX, &subject);
    for (uint32_t i = 0; i < MAP_COUNT; i++) {
        struct sfe_error err;
        uint32_t count = 0;
        uint32_t item = SFE_JSON_NONE;
        if (sfe_map_count(maps[i], &subject, &count, &err) != SFE_OK) {
            continue;
        }
        for (uint32_t index = 0; index < count; index++) {
            item = sfe_map_item(maps[i], &subject, index, item);
            require(item != SFE_JSON_NONE);
            add_record(maps[i], &subject, index, item);
        }
    }
    return 0;
}
