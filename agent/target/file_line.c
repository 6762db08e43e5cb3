#include "target/file_line.h"

#include "base/csv_field.h"
#include "base/json_writer.h"
#include "flow/explain.h"

size_t file_line_bytes_max(uint32_t event_bytes_max)
{
    return 2u * (size_t)event_bytes_max + 4096u;
}

void file_line_add_heading(const struct sfe_map *map, struct sfe_builder *out)
{
    for (uint32_t i = 0; i < sfe_map_field_count(map); i++) {
        sfe_builder_add_text(out, i == 0 ? "" : ",");
        sfe_csv_add_field(out, sfe_slice_text(sfe_map_field_name(map, i)));
    }
    sfe_builder_add_byte(out, '\n');
}

/* Line breaks in valid JSON are blanks between its parts: within strings they are escaped. */
static void add_json(struct sfe_slice payload, struct sfe_builder *out)
{
    const bool has_mark = payload.size >= 3 && memcmp(payload.bytes, "\xEF\xBB\xBF", 3) == 0;

    for (size_t i = has_mark ? 3 : 0; i < payload.size; i++) {
        if (payload.bytes[i] != '\n' && payload.bytes[i] != '\r') {
            sfe_builder_add_byte(out, payload.bytes[i]);
        }
    }
}

static void add_payload(const struct sfe_map_subject *subject, struct sfe_builder *out)
{
    const struct sfe_slice payload = subject->event->payload;
    const size_t begin = out->size;

    if (subject->is_json) {
        add_json(payload, out);
        return;
    }
    if (sfe_utf8_valid(payload)) {
        sfe_json_add_string(out, payload);
        /* A control character takes six bytes; where that is too many, base64 is not. */
        if (!out->overflowed && out->size - begin <= 2u * payload.size + 2u) {
            return;
        }
        sfe_builder_rewind(out, begin);
    }
    sfe_builder_add_text(out, "{\"base64\":\"");
    sfe_builder_add_base64(out, payload);
    sfe_builder_add_text(out, "\"}");
}

static enum sfe_code end_line(enum sfe_code code, size_t begin, struct sfe_builder *out)
{
    sfe_builder_add_byte(out, '\n');
    if (code == SFE_OK && out->overflowed) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, begin);
    }
    return code;
}

enum sfe_code file_line_add_json(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                 struct sfe_builder *out, struct sfe_error *err)
{
    const size_t begin = out->size;
    enum sfe_code code = SFE_OK;

    if (map == NULL) {
        add_payload(subject, out);
    } else {
        sfe_builder_add_byte(out, '{');
        code = sfe_map_add_record(map, subject, 0, sfe_map_item(map, subject, 0, SFE_JSON_NONE),
                                  out, NULL, err);
        sfe_builder_add_byte(out, '}');
    }
    return end_line(code, begin, out);
}

/* A value, given as JSON in `value`. */
static enum sfe_code add_value(struct sfe_builder *value, struct sfe_builder *out,
                               struct sfe_error *err)
{
    struct sfe_json_token token;
    struct sfe_json json;
    const struct sfe_slice text = sfe_builder_slice(value);

    if (text.size == 0 || sfe_slice_equal(text, SFE_TEXT("null"))) {
        return SFE_OK;
    }
    if (text.bytes[0] != '"') {
        sfe_csv_add_field(out, text);
        return SFE_OK;
    }
    enum sfe_code code = sfe_json_parse(text, 0, &token, 1, &json, err);
    if (code != SFE_OK) {
        return code;
    }
    struct sfe_builder plain =
        sfe_builder_make(value->bytes + value->size, value->capacity - value->size);
    sfe_json_add_text(&json, 0, &plain);
    if (plain.overflowed) {
        return SFE_E_FULL;
    }
    sfe_csv_add_field(out, sfe_builder_slice(&plain));
    return SFE_OK;
}

enum sfe_code file_line_add_row(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                struct sfe_builder *value, struct sfe_builder *out,
                                struct sfe_error *err)
{
    const struct sfe_map_record record = {subject, 0, sfe_map_item(map, subject, 0, SFE_JSON_NONE)};
    const size_t begin = out->size;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < sfe_map_field_count(map) && code == SFE_OK; i++) {
        bool is_left_out = false;
        sfe_builder_rewind(value, 0);
        sfe_builder_add_text(out, i == 0 ? "" : ",");
        code = sfe_map_add_field(map, &record, i, value, &is_left_out, err);
        if (code == SFE_OK && value->overflowed) {
            code = SFE_E_FULL;
        }
        if (code == SFE_OK && !is_left_out) {
            code = add_value(value, out, err);
        }
    }
    return end_line(code, begin, out);
}
