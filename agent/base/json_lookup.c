#include "base/json_text.h"

#include "base/assert.h"

/* A text of 4 GiB has no element with a longer index. */
#define INDEX_DIGITS_MAX 10u

static bool is_container(const struct sfe_json *json, uint32_t index)
{
    return index < json->count && json->tokens[index].kind >= SFE_JSON_ARRAY;
}

static bool is_kind(const struct sfe_json *json, uint32_t index, enum sfe_json_kind kind)
{
    return index < json->count && json->tokens[index].kind == kind;
}

uint32_t sfe_json_first(const struct sfe_json *json, uint32_t container)
{
    if (!is_container(json, container) || json->tokens[container].next == container + 1) {
        return SFE_JSON_NONE;
    }
    return container + 1;
}

uint32_t sfe_json_next(const struct sfe_json *json, uint32_t container, uint32_t child)
{
    if (!is_container(json, container) || child >= json->count) {
        return SFE_JSON_NONE;
    }
    SFE_ASSERT(child > container && child < json->tokens[container].next);
    uint32_t value = json->tokens[container].kind == SFE_JSON_OBJECT ? child + 1 : child;
    uint32_t next = json->tokens[value].next;
    return next < json->tokens[container].next ? next : SFE_JSON_NONE;
}

uint32_t sfe_json_length(const struct sfe_json *json, uint32_t container)
{
    uint32_t length = 0;

    for (uint32_t child = sfe_json_first(json, container); child != SFE_JSON_NONE;
         child = sfe_json_next(json, container, child)) {
        length++;
    }
    return length;
}

/* The value of the last member so named. */
static uint32_t find_member(const struct sfe_json *json, uint32_t object, struct json_text key)
{
    const struct sfe_json_token *tokens = json->tokens;
    uint32_t found = SFE_JSON_NONE;

    if (!is_kind(json, object, SFE_JSON_OBJECT)) {
        return SFE_JSON_NONE;
    }
    for (uint32_t name = object + 1; name < tokens[object].next; name = tokens[name + 1].next) {
        if (json_text_equal(json_text_of(json, name), key)) {
            found = name + 1;
        }
    }
    return found;
}

static uint32_t find_element(const struct sfe_json *json, uint32_t array, struct sfe_slice digits)
{
    uint64_t wanted = 0;
    uint32_t element = sfe_json_first(json, array);

    if (digits.size == 0 || digits.size > INDEX_DIGITS_MAX ||
        (digits.size > 1 && digits.bytes[0] == '0')) {
        return SFE_JSON_NONE;
    }
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') {
            return SFE_JSON_NONE;
        }
        wanted = wanted * 10u + (uint64_t)(digits.bytes[i] - '0');
    }
    while (element != SFE_JSON_NONE && wanted > 0) {
        element = sfe_json_next(json, array, element);
        wanted--;
    }
    return element;
}

uint32_t sfe_json_member(const struct sfe_json *json, uint32_t object, struct sfe_slice key)
{
    return find_member(json, object, (struct json_text){key, JSON_PLAIN});
}

uint32_t sfe_json_find(const struct sfe_json *json, uint32_t from, struct sfe_slice pointer)
{
    uint32_t at = from < json->count ? from : SFE_JSON_NONE;

    while (pointer.size != 0 && at != SFE_JSON_NONE) {
        if (pointer.bytes[0] != '/') {
            return SFE_JSON_NONE;
        }
        pointer = sfe_slice_part(pointer, 1, pointer.size);
        const uint8_t *slash = pointer.size == 0 ? NULL : memchr(pointer.bytes, '/', pointer.size);
        size_t size = slash == NULL ? pointer.size : (size_t)(slash - pointer.bytes);
        struct sfe_slice part = sfe_slice_part(pointer, 0, size);

        if (is_kind(json, at, SFE_JSON_ARRAY)) {
            at = find_element(json, at, part);
        } else {
            bool has_tilde = size != 0 && memchr(part.bytes, '~', size) != NULL;
            at = find_member(json, at,
                             (struct json_text){part, has_tilde ? JSON_POINTER : JSON_PLAIN});
        }
        pointer = sfe_slice_part(pointer, size, pointer.size);
    }
    return at;
}

bool sfe_json_read_count(const struct sfe_json *json, uint32_t index, uint64_t *count)
{
    *count = 0;
    if (index == SFE_JSON_NONE || sfe_json_kind(json, index) != SFE_JSON_NUMBER) {
        return false;
    }
    struct sfe_slice digits = sfe_json_raw(json, index);
    uint64_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9' || number > UINT64_MAX / 100u) {
            return false;
        }
        number = number * 10u + (uint64_t)(digits.bytes[i] - '0');
    }
    *count = number;
    return true;
}
