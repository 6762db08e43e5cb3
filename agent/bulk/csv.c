#include "bulk/csv.h"

#include "base/assert.h"
#include "base/csv_field.h"
#include "base/utf8.h"
#include "flow/explain.h"

#define NULL_TEXT "#N/A"

void bulk_csv_add_header(const struct sfe_map *map, struct sfe_builder *out)
{
    for (uint32_t i = 0; i < sfe_map_field_count(map); i++) {
        sfe_builder_add_text(out, i == 0 ? "" : ",");
        sfe_builder_add_text(out, sfe_map_field_name(map, i));
    }
    sfe_builder_add_byte(out, '\n');
}

static enum sfe_code add_text(struct sfe_slice text, struct sfe_builder *out, struct sfe_error *err)
{
    if (sfe_slice_equal(text, SFE_TEXT(NULL_TEXT))) {
        return sfe_fail(err, SFE_E_UNSUPPORTED, "the text #N/A means null in a bulk job");
    }
    if (sfe_utf8_count(text) > BULK_FIELD_CHARACTERS_MAX) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "a bulk job takes %u characters of a field at most",
                        BULK_FIELD_CHARACTERS_MAX);
    }
    if (text.size == 0) {
        sfe_builder_add_text(out, NULL_TEXT);
    } else {
        sfe_csv_add_field(out, text);
    }
    return SFE_OK;
}

/* A string is unescaped in the room behind its own JSON, which is never shorter. */
static enum sfe_code add_string(struct sfe_builder *value, struct sfe_builder *out,
                                struct sfe_error *err)
{
    const struct sfe_json_token token = {.begin = 1,
                                         .end = (uint32_t)(value->size - 1),
                                         .next = 1,
                                         .kind = SFE_JSON_STRING,
                                         .escaped = 1};
    const struct sfe_json json = {sfe_builder_slice(value), &token, 1};
    struct sfe_builder text =
        sfe_builder_make(value->bytes + value->size, value->capacity - value->size);

    if (memchr(value->bytes, '\\', value->size) == NULL) {
        return add_text(sfe_json_raw(&json, 0), out, err);
    }
    sfe_json_add_text(&json, 0, &text);
    if (text.overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the text of a field is too long");
    }
    return add_text(sfe_builder_slice(&text), out, err);
}

static enum sfe_code add_value(struct sfe_builder *value, struct sfe_builder *out,
                               struct sfe_error *err)
{
    SFE_ASSERT(value->size > 0);
    if (value->bytes[0] == '"') {
        return add_string(value, out, err);
    }
    if (value->bytes[0] == 'n') {
        sfe_builder_add_text(out, NULL_TEXT);
    } else {
        sfe_builder_add(out, sfe_builder_slice(value));
    }
    return SFE_OK;
}

static enum sfe_code add_field(const struct sfe_map *map, const struct sfe_map_record *record,
                               uint32_t field, struct sfe_builder *value, struct sfe_builder *out,
                               struct sfe_error *err)
{
    bool is_left_out = false;

    sfe_builder_rewind(value, 0);
    enum sfe_code code = sfe_map_add_field(map, record, field, value, &is_left_out, err);
    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "%.64s: the value is too long for a bulk job",
                        sfe_map_field_name(map, field));
    }
    if (code != SFE_OK || is_left_out) {
        return code;
    }
    code = add_value(value, out, err);
    return code == SFE_OK ? code : sfe_within(err, "%.64s", sfe_map_field_name(map, field));
}

enum sfe_code bulk_csv_add_row(const struct sfe_map *map, const struct sfe_map_record *record,
                               struct sfe_builder *value, struct sfe_builder *out,
                               struct sfe_error *err)
{
    const size_t before = out->size;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < sfe_map_field_count(map) && code == SFE_OK; i++) {
        if (i > 0) {
            sfe_builder_add_byte(out, ',');
        }
        code = add_field(map, record, i, value, out, err);
    }
    sfe_builder_add_byte(out, '\n');
    const struct sfe_slice row = sfe_slice_make(out->bytes + before, out->size - before);
    if (code == SFE_OK && (out->overflowed || sfe_utf8_count(row) > BULK_ROW_CHARACTERS_MAX)) {
        code = sfe_fail(err, SFE_E_TOO_LARGE, "a bulk job takes %u characters of a record at most",
                        BULK_ROW_CHARACTERS_MAX);
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}
