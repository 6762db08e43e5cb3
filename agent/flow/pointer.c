#include "flow/pointer.h"

#include "base/arena.h"
#include "base/assert.h"

struct sfe_slice flow_copy(struct sfe_slice text, struct sfe_arena *arena, struct sfe_error *err)
{
    uint8_t *bytes = sfe_arena_take(arena, text.size + 1, err);
    if (bytes == NULL) {
        return sfe_slice_make(NULL, 0);
    }
    if (text.size != 0) {
        memcpy(bytes, text.bytes, text.size);
    }
    return sfe_slice_make(bytes, text.size);
}

/* RFC 6901 section 4: digits without a leading zero. */
static uint32_t array_index(struct sfe_slice key)
{
    if (key.size == 0 || key.size > 9 || (key.bytes[0] == '0' && key.size > 1)) {
        return FLOW_POINTER_NO_INDEX;
    }
    uint32_t index = 0;
    for (size_t i = 0; i < key.size; i++) {
        if (key.bytes[i] < '0' || key.bytes[i] > '9') {
            return FLOW_POINTER_NO_INDEX;
        }
        index = index * 10u + (uint32_t)(key.bytes[i] - '0');
    }
    return index;
}

/* Unescapes one segment from `raw` to `place`; false where a '~' is followed by neither 0 nor 1. */
static bool unescape(struct sfe_slice raw, uint8_t *place, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t byte = raw.bytes[i];
        if (byte == '~') {
            i++;
            if (i == raw.size || (raw.bytes[i] != '0' && raw.bytes[i] != '1')) {
                return false;
            }
            byte = raw.bytes[i] == '0' ? '~' : '/';
        }
        place[(*size)++] = byte;
    }
    return true;
}

static uint32_t count_segments(struct sfe_slice text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '/' ? 1u : 0u;
    }
    return count;
}

static size_t segment_end(struct sfe_slice text, size_t begin)
{
    while (begin < text.size && text.bytes[begin] != '/') {
        begin++;
    }
    return begin;
}

enum sfe_code flow_pointer_compile(struct sfe_slice text, struct sfe_arena *arena,
                                   struct flow_pointer *pointer, struct sfe_error *err)
{
    char shown[64];
    sfe_printable(shown, sizeof(shown), text);
    *pointer = (struct flow_pointer){0};
    if (text.size != 0 && text.bytes[0] != '/') {
        return sfe_fail(err, SFE_E_CONFIG, "the JSON pointer \"%s\" must begin with /", shown);
    }
    uint32_t count = count_segments(text);
    struct flow_pointer_segment *segments =
        sfe_arena_take(arena, (count + 1) * sizeof(*segments), err);
    pointer->text = flow_copy(text, arena, err);
    uint8_t *keys = sfe_arena_take(arena, text.size + 1, err);
    if (segments == NULL || pointer->text.bytes == NULL || keys == NULL) {
        return err->code;
    }
    size_t begin = 0;
    for (uint32_t i = 0; i < count; i++) {
        begin++; /* Over the '/'. */
        size_t end = segment_end(text, begin);
        size_t size = 0;
        if (!unescape(sfe_slice_part(text, begin, end - begin), keys, &size)) {
            return sfe_fail(err, SFE_E_CONFIG,
                            "in the JSON pointer \"%s\" a ~ is written ~0 and a / in a name ~1",
                            shown);
        }
        segments[i].key = sfe_slice_make(keys, size);
        segments[i].index = array_index(segments[i].key);
        keys += size;
        begin = end;
    }
    SFE_ASSERT(begin == text.size);
    pointer->segments = segments;
    pointer->count = count;
    return SFE_OK;
}

static uint32_t find_member(const struct sfe_json *json, uint32_t object, struct sfe_slice name)
{
    const struct sfe_json_token *tokens = json->tokens;
    const uint8_t *text = json->text.bytes;
    const uint32_t end = tokens[object].next;
    uint32_t found = SFE_JSON_NONE;
    for (uint32_t key = object + 1; key < end; key = tokens[key + 1].next) {
        const struct sfe_json_token *token = &tokens[key];
        if (token->escaped != 0) {
            if (sfe_json_text_equal(json, key, name)) {
                found = key + 1;
            }
        } else if (token->end - token->begin == name.size &&
                   memcmp(text + token->begin, name.bytes, name.size) == 0) {
            found = key + 1;
        }
    }
    return found;
}

static uint32_t find_element(const struct sfe_json *json, uint32_t array, uint32_t index)
{
    const uint32_t end = json->tokens[array].next;
    uint32_t element = array + 1;
    while (index > 0 && element < end) {
        element = json->tokens[element].next;
        index--;
    }
    return element < end ? element : SFE_JSON_NONE;
}

uint32_t flow_pointer_find(const struct flow_pointer *pointer, const struct sfe_json *json,
                           uint32_t from)
{
    SFE_ASSERT(from < json->count);
    uint32_t token = from;
    for (uint32_t i = 0; i < pointer->count && token != SFE_JSON_NONE; i++) {
        const struct flow_pointer_segment *segment = &pointer->segments[i];
        enum sfe_json_kind kind = sfe_json_kind(json, token);
        if (kind == SFE_JSON_OBJECT) {
            token = find_member(json, token, segment->key);
        } else if (kind == SFE_JSON_ARRAY && segment->index != FLOW_POINTER_NO_INDEX) {
            token = find_element(json, token, segment->index);
        } else {
            token = SFE_JSON_NONE;
        }
    }
    return token;
}
