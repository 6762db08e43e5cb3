#include "salesforce/walk.h"

size_t walk_blank(struct sfe_slice text, size_t at)
{
    while (at < text.size && (text.bytes[at] == ' ' || text.bytes[at] == '\t' ||
                              text.bytes[at] == '\n' || text.bytes[at] == '\r')) {
        at++;
    }
    return at;
}

/* Behind the string that begins at `at`; 0: it does not end. */
static size_t skip_string(struct sfe_slice text, size_t at)
{
    for (at++; at < text.size; at++) {
        if (text.bytes[at] == '\\') {
            at++;
        } else if (text.bytes[at] == '"') {
            return at + 1u;
        }
    }
    return 0;
}

static size_t skip_container(struct sfe_slice text, size_t at)
{
    size_t depth = 0;

    while (at < text.size) {
        const uint8_t byte = text.bytes[at];
        if (byte == '"') {
            at = skip_string(text, at);
            if (at == 0) {
                return 0;
            }
            continue;
        }
        at++;
        if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            return at;
        }
    }
    return 0;
}

static bool ends_scalar(uint8_t byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte <= ' ';
}

size_t walk_value(struct sfe_slice text, size_t at)
{
    const size_t begin = at;

    if (at >= text.size) {
        return 0;
    }
    if (text.bytes[at] == '"') {
        return skip_string(text, at);
    }
    if (text.bytes[at] == '{' || text.bytes[at] == '[') {
        return skip_container(text, at);
    }
    while (at < text.size && !ends_scalar(text.bytes[at])) {
        at++;
    }
    return at == begin || at == text.size ? 0 : at;
}

bool walk_next(struct walk *walk, struct sfe_slice *key, struct sfe_slice *value)
{
    size_t at = walk_blank(walk->text, walk->at);

    if (at >= walk->text.size || (walk->text.bytes[at] != '{' && walk->text.bytes[at] != ',')) {
        return false;
    }
    const size_t key_at = walk_blank(walk->text, at + 1u);
    if (key_at >= walk->text.size || walk->text.bytes[key_at] != '"') {
        return false;
    }
    const size_t key_end = skip_string(walk->text, key_at);
    if (key_end == 0) {
        return false;
    }
    at = walk_blank(walk->text, key_end);
    if (at >= walk->text.size || walk->text.bytes[at] != ':') {
        return false;
    }
    at = walk_blank(walk->text, at + 1u);
    const size_t end = walk_value(walk->text, at);
    if (end == 0) {
        return false;
    }
    *key = walk_part(walk->text, key_at + 1u, key_end - 1u);
    *value = walk_part(walk->text, at, end);
    walk->at = end;
    return true;
}

struct sfe_slice walk_member(struct sfe_slice object, const char *name)
{
    struct walk walk = {object, 0};
    struct sfe_slice key;
    struct sfe_slice value;
    struct sfe_slice found = {NULL, 0};

    while (walk_next(&walk, &key, &value)) {
        if (walk_is(key, name)) {
            found = value;
        }
    }
    return found;
}

struct sfe_slice walk_text(struct sfe_slice value)
{
    return value.size >= 2u && value.bytes[0] == '"' ? walk_part(value, 1, value.size - 1u)
                                                     : sfe_slice_make(NULL, 0);
}

/* Names are plain, but for a slash that some servers escape; a backslash may stand before anything,
 * as nobody has checked these bytes. */
bool walk_is(struct sfe_slice raw, const char *text)
{
    size_t at = 0;

    for (; *text != '\0'; text++) {
        if (at < raw.size && raw.bytes[at] == '\\' && *text == '/') {
            at++;
        }
        if (at >= raw.size || raw.bytes[at] != (uint8_t)*text) {
            return false;
        }
        at++;
    }
    return at == raw.size;
}
