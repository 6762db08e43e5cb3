#include "salesforce/rest.h"

#include "base/assert.h"
#include "base/card_number.h"

#include <string.h>

/* Copies string `index` unescaped; what does not fit is cut. */
static void copy_text(const struct sfe_json *json, uint32_t index, char *text, size_t capacity)
{
    uint8_t memory[1024];
    struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));
    struct sfe_card_found found = {0, 0};

    text[0] = '\0';
    if (index == SFE_JSON_NONE || sfe_json_kind(json, index) != SFE_JSON_STRING) {
        return;
    }
    sfe_json_add_text(json, index, &plain);
    if (plain.overflowed && plain.size == 0) {
        sfe_builder_rewind(&plain, 0);
        sfe_builder_add(&plain, sfe_slice_part(sfe_json_raw(json, index), 0, sizeof(memory)));
    }
    sfe_card_mask(&plain, &found); /* The org may quote what it refuses. */
    sfe_printable(text, capacity, sfe_builder_slice(&plain));
}

static uint32_t find_any(const struct sfe_json *json, uint32_t object, const char *const names[3])
{
    for (unsigned i = 0; i < 3; i++) {
        uint32_t found = names[i] == NULL ? SFE_JSON_NONE
                                          : sfe_json_member(json, object, sfe_slice_text(names[i]));
        if (found != SFE_JSON_NONE) {
            return found;
        }
    }
    return SFE_JSON_NONE;
}

static void copy_fields(const struct sfe_json *json, uint32_t array, char *text, size_t capacity)
{
    struct sfe_builder list = sfe_builder_make(text, capacity - 1);

    if (array != SFE_JSON_NONE && sfe_json_kind(json, array) == SFE_JSON_ARRAY) {
        for (uint32_t one = sfe_json_first(json, array); one != SFE_JSON_NONE;
             one = sfe_json_next(json, array, one)) {
            char name[sizeof(((struct rest_error *)0)->fields)];
            copy_text(json, one, name, sizeof(name));
            sfe_builder_add_text(&list, list.size == 0 ? "" : ", ");
            sfe_builder_add_text(&list, name);
        }
    }
    text[list.size] = '\0';
}

bool rest_take_error(const struct sfe_json *json, uint32_t object, struct rest_error *error)
{
    static const char *const codes[3] = {"errorCode", "statusCode", "error"};
    static const char *const messages[3] = {"message", "error_description", NULL};

    SFE_ASSERT(error != NULL);
    copy_text(json, find_any(json, object, codes), error->code, sizeof(error->code));
    copy_text(json, find_any(json, object, messages), error->message, sizeof(error->message));
    copy_fields(json, sfe_json_member(json, object, SFE_TEXT("fields")), error->fields,
                sizeof(error->fields));
    return error->code[0] != '\0';
}

bool rest_take_first_error(const struct sfe_json *json, uint32_t list, struct rest_error *error)
{
    uint32_t object = list;

    *error = (struct rest_error){.code = ""};
    if (sfe_json_kind(json, list) == SFE_JSON_ARRAY) {
        object = sfe_json_first(json, list);
    }
    if (object == SFE_JSON_NONE || sfe_json_kind(json, object) != SFE_JSON_OBJECT) {
        return false;
    }
    return rest_take_error(json, object, error);
}

bool rest_read_error(struct sfe_slice body, struct sfe_json_token *tokens, uint32_t capacity,
                     struct rest_error *error)
{
    struct sfe_json json;
    struct sfe_error ignored;

    *error = (struct rest_error){.code = ""};
    return sfe_json_parse(body, 0, tokens, capacity, &json, &ignored) == SFE_OK &&
           rest_take_first_error(&json, 0, error);
}

bool rest_is_html(const char *content_type, struct sfe_slice body)
{
    size_t at = 0;

    if (strcmp(content_type, "text/html") == 0 ||
        strcmp(content_type, "application/xhtml+xml") == 0) {
        return true;
    }
    while (at < body.size && (body.bytes[at] == ' ' || body.bytes[at] == '\n' ||
                              body.bytes[at] == '\r' || body.bytes[at] == '\t')) {
        at++;
    }
    return at < body.size && body.bytes[at] == '<';
}

static const char *read_number(const char *text, uint64_t *number)
{
    *number = 0;
    while (*text >= '0' && *text <= '9' && *number < UINT64_MAX / 10 - 1) {
        *number = *number * 10 + (uint64_t)(*text - '0');
        text++;
    }
    return text;
}

bool rest_read_limit_info(const char *text, uint64_t *used, uint64_t *limit)
{
    static const char name[] = "api-usage=";
    uint64_t first = 0;
    uint64_t second = 0;

    /* "per-app-api-usage=" ends in the same letters. */
    while (text != NULL && strncmp(text, name, sizeof(name) - 1) != 0) {
        text = strchr(text, ';');
        while (text != NULL && (*text == ';' || *text == ' ')) {
            text++;
        }
    }
    if (text == NULL) {
        return false;
    }
    text = read_number(text + sizeof(name) - 1, &first);
    if (*text != '/') {
        return false;
    }
    (void)read_number(text + 1, &second);
    if (second == 0) {
        return false;
    }
    *used = first;
    *limit = second;
    return true;
}

static bool is_unreserved(uint8_t byte)
{
    const uint8_t small = byte | 0x20u;

    return (small >= 'a' && small <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '.' || byte == '_' || byte == '~';
}

void rest_add_encoded(struct sfe_slice text, struct sfe_builder *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.size; i++) {
        const uint8_t byte = text.bytes[i];
        if (is_unreserved(byte)) {
            sfe_builder_add_byte(out, byte);
        } else {
            sfe_builder_add_byte(out, '%');
            sfe_builder_add_byte(out, (uint8_t)digits[byte >> 4]);
            sfe_builder_add_byte(out, (uint8_t)digits[byte & 15u]);
        }
    }
}
