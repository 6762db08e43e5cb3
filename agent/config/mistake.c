#include "config/load.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>

#define POINTER_BYTES_MAX 512u
#define KEY_BYTES_MAX     160u

static void add_pointer_text(struct sfe_builder *builder, struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '~') {
            sfe_builder_add_text(builder, "~0");
        } else if (text.bytes[i] == '/') {
            sfe_builder_add_text(builder, "~1");
        } else {
            sfe_builder_add_byte(builder, text.bytes[i]);
        }
    }
}

static void add_pointer_key(const struct sfe_json *json, uint32_t key, struct sfe_builder *builder)
{
    uint8_t memory[KEY_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    sfe_json_add_text(json, key, &text);
    sfe_builder_add_byte(builder, '/');
    add_pointer_text(builder, sfe_builder_slice(&text));
}

/* The child of `container` that is or holds `token`; its place among its siblings in *index. */
static uint32_t child_towards(const struct sfe_json *json, uint32_t container, uint32_t token,
                              uint32_t *index)
{
    bool is_object = sfe_json_kind(json, container) == SFE_JSON_OBJECT;
    uint32_t child = sfe_json_first(json, container);

    *index = 0;
    while (child != SFE_JSON_NONE) {
        uint32_t value = is_object ? child + 1 : child;
        if (token < json->tokens[value].next) {
            return child;
        }
        child = sfe_json_next(json, container, child);
        (*index)++;
    }
    return SFE_JSON_NONE;
}

void load_add_pointer(const struct sfe_json *json, uint32_t token, struct sfe_builder *builder)
{
    uint32_t at = 0;
    uint32_t index = 0;

    SFE_ASSERT(token < json->count);
    while (at < token) {
        bool is_object = sfe_json_kind(json, at) == SFE_JSON_OBJECT;
        uint32_t child = child_towards(json, at, token, &index);

        SFE_ASSERT(child != SFE_JSON_NONE);
        if (is_object) {
            add_pointer_key(json, child, builder);
            at = child + 1;
        } else {
            sfe_builder_add_byte(builder, '/');
            sfe_builder_add_u64(builder, index);
            at = child;
        }
    }
}

/* Offset of a token's first byte, the quote of a string included. */
static uint32_t offset_of(const struct config_load *load, uint32_t token)
{
    const struct sfe_json_token *place = &load->json.tokens[token];

    return place->kind == SFE_JSON_STRING ? place->begin - 1 : place->begin;
}

static const struct config_part *part_at(const struct config_load *load, size_t offset)
{
    uint32_t index = load->parts->count;

    SFE_ASSERT(index != 0);
    while (index > 1 && load->parts->parts[index - 1].begin > offset) {
        index--;
    }
    return &load->parts->parts[index - 1];
}

const char *load_place_file(const struct config_load *load, uint32_t token)
{
    return part_at(load, offset_of(load, token))->path;
}

static void find_line(struct config_load *load, size_t offset, uint32_t *line, uint32_t *column)
{
    const uint8_t *bytes = load->json.text.bytes;
    const struct config_part *part = part_at(load, offset);

    if (offset < load->line_begin || load->line_begin < part->begin) {
        load->line = 1;
        load->line_begin = part->begin;
    }
    for (size_t i = load->line_begin; i < offset; i++) {
        if (bytes[i] == '\n') {
            load->line++;
            load->line_begin = i + 1;
        }
    }
    *line = load->line;
    *column = (uint32_t)(offset - load->line_begin) + 1;
}

/* The place of a mistake at `offset` among those kept, all later ones moved up; NULL: it comes
 * behind the last one kept. */
static struct config_mistake *make_room(struct config_load *load, uint32_t offset)
{
    struct config_mistake *mistakes = load->mistakes;
    uint32_t at = load->mistake_count;

    load->mistake_total++;
    while (at > 0 && mistakes[at - 1].offset > offset) {
        at--;
    }
    if (at == SFE_CONFIG_MISTAKES_MAX) {
        return NULL;
    }
    if (load->mistake_count < SFE_CONFIG_MISTAKES_MAX) {
        load->mistake_count++;
    }
    memmove(&mistakes[at + 1], &mistakes[at],
            (load->mistake_count - 1 - at) * sizeof(struct config_mistake));
    mistakes[at].offset = offset;
    return &mistakes[at];
}

void load_mistake(struct config_load *load, uint32_t token, const char *format, ...)
{
    struct sfe_error error;
    char message[sizeof(error.message)];
    char pointer[POINTER_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(pointer, sizeof(pointer) - 1);
    struct config_mistake *mistake = make_room(load, offset_of(load, token));
    uint32_t line;
    uint32_t column;
    va_list arguments;

    if (mistake == NULL) {
        return;
    }
    va_start(arguments, format);
    if (vsnprintf(message, sizeof(message), format, arguments) < 0) {
        message[0] = '\0';
    }
    va_end(arguments);
    load_add_pointer(&load->json, token, &text);
    pointer[text.size] = '\0';
    find_line(load, mistake->offset, &line, &column);
    (void)sfe_fail(&error, SFE_E_CONFIG, "%s", message);
    (void)sfe_error_at(&error, load_place_file(load, token), pointer, line, column);
    mistake->error = error;
}

struct sfe_config_place load_place(struct config_load *load, uint32_t token)
{
    uint8_t pointer[POINTER_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(pointer, sizeof(pointer));
    struct sfe_config_place place;

    load_add_pointer(&load->json, token, &text);
    place.pointer = load_keep(load, sfe_builder_slice(&text));
    find_line(load, offset_of(load, token), &place.line, &place.column);
    place.file = load_place_file(load, token);
    return place;
}

void *load_take(struct config_load *load, size_t size)
{
    void *memory = NULL;

    if (load->failure == SFE_OK) {
        memory = sfe_arena_take(load->arena, size, &load->failure_error);
        if (memory == NULL) {
            load->failure = load->failure_error.code;
        }
    }
    return memory;
}

const char *load_keep(struct config_load *load, struct sfe_slice text)
{
    char *copy = (char *)load_take(load, text.size + 1);

    if (copy != NULL && text.size != 0) {
        memcpy(copy, text.bytes, text.size);
    }
    return copy;
}

struct sfe_slice load_text(struct config_load *load, uint32_t token)
{
    struct sfe_slice raw = sfe_json_raw(&load->json, token);
    struct sfe_builder text;
    void *memory;

    SFE_ASSERT(sfe_json_kind(&load->json, token) == SFE_JSON_STRING);
    if (load->json.tokens[token].escaped == 0) {
        return raw;
    }
    memory = load_take(load, raw.size); /* No escape is shorter than what it stands for. */
    text = sfe_builder_make(memory, memory == NULL ? 0 : raw.size);
    sfe_json_add_text(&load->json, token, &text);
    return sfe_builder_slice(&text);
}

const char *load_quote(struct sfe_slice text, char shown[SFE_CONFIG_SHOWN_BYTES])
{
    static const char ellipsis[] = "…";
    size_t room = SFE_CONFIG_SHOWN_BYTES - sizeof("\"\"") - (sizeof(ellipsis) - 1);
    size_t size = text.size;
    bool is_clipped = size > room;

    if (is_clipped) {
        size = room;
        while (size > 0 && (text.bytes[size] & 0xc0u) == 0x80u) {
            size--; /* Not inside a character. */
        }
    }
    shown[0] = '"';
    if (size != 0) {
        memcpy(shown + 1, text.bytes, size);
    }
    if (is_clipped) {
        memcpy(shown + 1 + size, ellipsis, sizeof(ellipsis) - 1);
        size += sizeof(ellipsis) - 1;
    }
    shown[1 + size] = '"';
    shown[2 + size] = '\0';
    return shown;
}

const char *load_show(const struct config_load *load, uint32_t token,
                      char shown[SFE_CONFIG_SHOWN_BYTES])
{
    struct sfe_slice raw = sfe_json_raw(&load->json, token);

    switch (sfe_json_kind(&load->json, token)) {
    case SFE_JSON_ARRAY:
        return "a list";
    case SFE_JSON_OBJECT:
        return "an object";
    case SFE_JSON_STRING:
        return load_quote(raw, shown);
    case SFE_JSON_NUMBER:
    case SFE_JSON_NULL:
    case SFE_JSON_TRUE:
    case SFE_JSON_FALSE:
    default:
        raw = sfe_slice_part(raw, 0, SFE_CONFIG_SHOWN_BYTES - 1);
        memcpy(shown, raw.bytes, raw.size);
        shown[raw.size] = '\0';
        return shown;
    }
}

uint32_t load_member(const struct config_load *load, uint32_t object, const char *key)
{
    const struct sfe_json *json = &load->json;
    uint32_t child = SFE_JSON_NONE;

    if (sfe_json_kind(json, object) == SFE_JSON_OBJECT) {
        child = sfe_json_first(json, object);
    }
    while (child != SFE_JSON_NONE) {
        if (sfe_json_text_equal(json, child, sfe_slice_text(key))) {
            return child + 1;
        }
        child = sfe_json_next(json, object, child);
    }
    return SFE_JSON_NONE;
}

uint32_t load_named_first(const struct config_load *load, const char *section, uint32_t *object)
{
    *object = load_member(load, 0, section);
    if (*object == SFE_JSON_NONE || sfe_json_kind(&load->json, *object) != SFE_JSON_OBJECT) {
        return SFE_JSON_NONE;
    }
    return sfe_json_first(&load->json, *object);
}
