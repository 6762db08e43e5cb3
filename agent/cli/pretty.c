#include "cli/pretty.h"

static void add_line(struct sfe_builder *out, uint32_t depth)
{
    sfe_builder_add_byte(out, '\n');
    for (uint32_t i = 0; i < depth; i++) {
        sfe_builder_add_text(out, "  ");
    }
}

/* The place behind the string that begins at `at`. */
static size_t end_of_string(struct sfe_slice json, size_t at)
{
    for (at++; at < json.size && json.bytes[at] != '"'; at++) {
        if (json.bytes[at] == '\\') {
            at++;
        }
    }
    return at < json.size ? at + 1u : json.size;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The first byte from `at` on that is no blank; the size where there is none. */
static size_t pass_blanks(struct sfe_slice json, size_t at)
{
    while (at < json.size && is_blank(json.bytes[at])) {
        at++;
    }
    return at;
}

/* Opens an object or array; an empty one stays on its line. Returns where to go on. */
static size_t open_bracket(struct sfe_slice json, size_t at, uint32_t *depth,
                           struct sfe_builder *out)
{
    const size_t next = pass_blanks(json, at + 1u);

    sfe_builder_add_byte(out, json.bytes[at]);
    if (next < json.size && (json.bytes[next] == '}' || json.bytes[next] == ']')) {
        sfe_builder_add_byte(out, json.bytes[next]);
        return next + 1u;
    }
    (*depth)++;
    add_line(out, *depth);
    return next;
}

void pretty_add(struct sfe_slice json, struct sfe_builder *out)
{
    uint32_t depth = 0;

    for (size_t at = pass_blanks(json, 0); at < json.size; at = pass_blanks(json, at)) {
        const uint8_t byte = json.bytes[at];
        if (byte == '"') {
            const size_t end = end_of_string(json, at);
            sfe_builder_add(out, sfe_slice_part(json, at, end - at));
            at = end;
        } else if (byte == '{' || byte == '[') {
            at = open_bracket(json, at, &depth, out);
        } else if (byte == '}' || byte == ']') {
            depth -= depth > 0 ? 1u : 0u;
            add_line(out, depth);
            sfe_builder_add_byte(out, byte);
            at++;
        } else {
            sfe_builder_add_byte(out, byte);
            at++;
            if (byte == ',') {
                add_line(out, depth);
            } else if (byte == ':') {
                sfe_builder_add_byte(out, ' ');
            }
        }
    }
}
