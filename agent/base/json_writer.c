#include "base/json_writer.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "base/words.h"

#define LEVELS_MAX 64u

static const char replacement[] = "\xEF\xBF\xBD";

/* The escapes of two bytes (RFC 8259 section 7); 0 where there is none. */
static uint8_t short_escape(uint8_t byte)
{
    static const uint8_t letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    if (byte >= sizeof(letters)) {
        return byte; /* The quote and the backslash stand for themselves. */
    }
    return letters[byte];
}

static void add_escape(struct sfe_builder *builder, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t letter = short_escape(byte);

    if (letter != 0) {
        sfe_builder_add(builder, sfe_slice_make((const uint8_t[]){'\\', letter}, 2));
        return;
    }
    const uint8_t escape[] = {
        '\\', 'u', '0', '0', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 0x0Fu]};
    sfe_builder_add(builder, sfe_slice_make(escape, sizeof(escape)));
}

void sfe_json_add_escaped(struct sfe_builder *builder, struct sfe_slice text)
{
    const uint8_t *at = text.bytes;
    const uint8_t *run = at;
    const uint8_t *end = text.size == 0 ? at : at + text.size;

    /* Runs of bytes that stand for themselves are copied whole. */
    for (;;) {
        at = sfe_word_skip_plain(at, end);
        size_t size = at != end && *at >= 0x80u ? sfe_utf8_size(at, (size_t)(end - at)) : 0;
        if (size != 0) {
            at += size;
            continue;
        }
        sfe_builder_add(builder, sfe_slice_make(run, (size_t)(at - run)));
        if (at == end) {
            return;
        }
        if (*at >= 0x80u) {
            sfe_builder_add_text(builder, replacement);
        } else {
            add_escape(builder, *at);
        }
        run = ++at;
    }
}

void sfe_json_add_string(struct sfe_builder *builder, struct sfe_slice text)
{
    sfe_builder_add_byte(builder, '"');
    sfe_json_add_escaped(builder, text);
    sfe_builder_add_byte(builder, '"');
}

/* Writes what stands in front of a value: the comma that is due, and the name. */
static void begin_value(struct sfe_json_writer *writer, const char *name)
{
    SFE_ASSERT(writer->depth <= LEVELS_MAX);

    if (writer->depth > 0) {
        uint64_t level = (uint64_t)1 << (writer->depth - 1);
        if ((writer->has_member & level) != 0) {
            sfe_builder_add_byte(writer->out, ',');
        }
        writer->has_member |= level;
    }
    if (name != NULL) {
        sfe_json_add_string(writer->out, sfe_slice_text(name));
        sfe_builder_add_byte(writer->out, ':');
    }
}

static void begin_container(struct sfe_json_writer *writer, const char *name, uint8_t bracket)
{
    begin_value(writer, name);
    sfe_builder_add_byte(writer->out, bracket);
    SFE_ASSERT(writer->depth < LEVELS_MAX);
    writer->has_member &= ~((uint64_t)1 << writer->depth);
    writer->depth++;
}

static void end_container(struct sfe_json_writer *writer, uint8_t bracket)
{
    SFE_ASSERT(writer->depth > 0);
    writer->depth--;
    sfe_builder_add_byte(writer->out, bracket);
}

void sfe_json_begin_object(struct sfe_json_writer *writer, const char *name)
{
    begin_container(writer, name, '{');
}

void sfe_json_end_object(struct sfe_json_writer *writer)
{
    end_container(writer, '}');
}

void sfe_json_begin_array(struct sfe_json_writer *writer, const char *name)
{
    begin_container(writer, name, '[');
}

void sfe_json_end_array(struct sfe_json_writer *writer)
{
    end_container(writer, ']');
}

void sfe_json_put_text(struct sfe_json_writer *writer, const char *name, struct sfe_slice text)
{
    begin_value(writer, name);
    sfe_json_add_string(writer->out, text);
}

void sfe_json_put_u64(struct sfe_json_writer *writer, const char *name, uint64_t value)
{
    begin_value(writer, name);
    sfe_builder_add_u64(writer->out, value);
}

void sfe_json_put_i64(struct sfe_json_writer *writer, const char *name, int64_t value)
{
    begin_value(writer, name);
    sfe_builder_add_i64(writer->out, value);
}

void sfe_json_put_bool(struct sfe_json_writer *writer, const char *name, bool value)
{
    begin_value(writer, name);
    sfe_builder_add(writer->out, value ? SFE_TEXT("true") : SFE_TEXT("false"));
}

void sfe_json_put_null(struct sfe_json_writer *writer, const char *name)
{
    begin_value(writer, name);
    sfe_builder_add(writer->out, SFE_TEXT("null"));
}

void sfe_json_put_raw(struct sfe_json_writer *writer, const char *name, struct sfe_slice json)
{
    begin_value(writer, name);
    sfe_builder_add(writer->out, json);
}
