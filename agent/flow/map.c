#include "flow/map.h"

#include "base/assert.h"
#include "base/limits.h"
#include "flow/decimal.h"
#include "flow/excerpt.h"
#include "flow/lookup.h"
#include "flow/map_compile.h"
#include "flow/template.h"
#include "flow/where.h"

/* 255 bytes that are all written as \u00XX, in quotes, and some blanks around them. */
#define ID_JSON_BYTES_MAX 1600u

/* A record while it is being written. */
struct record {
    const struct sfe_map *map;
    struct flow_place place;
    struct sfe_builder *out;
    struct sfe_slice id_json; /* The external ID as it stands in `out`; empty before. */
    uint32_t open_group;      /* The reference whose object is open; 0: none. */
    bool has_member;
    struct sfe_map_linked *linked; /* NULL: the external ID stands in it, and no links. */
};

void sfe_map_subject_make(const struct sfe_event *event, int64_t time_ns,
                          struct sfe_json_token *tokens, uint32_t token_capacity,
                          struct sfe_map_subject *subject)
{
    SFE_ASSERT(event != NULL && subject != NULL);
    subject->event = event;
    subject->time_ns = time_ns;
    subject->is_json = sfe_json_parse(event->payload, 0, tokens, token_capacity, &subject->json,
                                      &subject->json_error) == SFE_OK;
}

const char *sfe_map_object(const struct sfe_map *map)
{
    return map->object;
}

bool sfe_map_is_single(const struct sfe_map *map)
{
    return map->each == NULL;
}

const char *sfe_map_external_id_field(const struct sfe_map *map)
{
    return map->id_field == NULL ? NULL : map->id_field->name;
}

/* The array of `each`, or SFE_JSON_NONE where it is missing or null. */
static enum sfe_code find_array(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                uint32_t *array, struct sfe_error *err)
{
    *array = SFE_JSON_NONE;
    if (!subject->is_json) {
        return sfe_fail(err, SFE_E_UNMAPPED, "no array at %.90s: the payload is not JSON",
                        map->each);
    }
    uint32_t token = flow_pointer_find(&map->each_pointer, &subject->json, 0);
    if (token == SFE_JSON_NONE || sfe_json_kind(&subject->json, token) == SFE_JSON_NULL) {
        return SFE_OK;
    }
    if (sfe_json_kind(&subject->json, token) != SFE_JSON_ARRAY) {
        enum sfe_code code =
            sfe_fail(err, SFE_E_UNMAPPED, "the value at %.90s is not an array", map->each);
        sfe_error_at(err, "payload", map->each, 0, 0);
        return code;
    }
    *array = token;
    return SFE_OK;
}

enum sfe_code sfe_map_count(const struct sfe_map *map, const struct sfe_map_subject *subject,
                            uint32_t *count, struct sfe_error *err)
{
    uint32_t array = SFE_JSON_NONE;
    *count = 1;
    if (map->each == NULL) {
        return SFE_OK;
    }
    *count = 0;
    enum sfe_code code = find_array(map, subject, &array, err);
    if (code == SFE_OK && array != SFE_JSON_NONE) {
        *count = sfe_json_length(&subject->json, array);
    }
    return code;
}

uint32_t sfe_map_item(const struct sfe_map *map, const struct sfe_map_subject *subject,
                      uint32_t index, uint32_t token_before)
{
    struct sfe_error ignored;
    uint32_t array = SFE_JSON_NONE;
    if (map->each == NULL) {
        return 0;
    }
    if (find_array(map, subject, &array, &ignored) != SFE_OK || array == SFE_JSON_NONE) {
        return SFE_JSON_NONE;
    }
    const struct sfe_json_token *tokens = subject->json.tokens;
    const uint32_t end = tokens[array].next;
    uint32_t item = array + 1;
    if (token_before != SFE_JSON_NONE && index > 0) {
        SFE_ASSERT(token_before > array && token_before < end);
        item = tokens[token_before].next;
        index = 0;
    }
    for (; index > 0 && item < end; index--) {
        item = tokens[item].next;
    }
    return item < end ? item : SFE_JSON_NONE;
}

/* Adds what goes between the value before and this one: comma, opened and closed references, key.
 */
static void begin_member(struct record *record, const struct map_field *field)
{
    struct sfe_slice head = field->head;
    if (field->group != 0 && field->group == record->open_group) {
        head = field->head_in_group;
    } else if (record->open_group != 0) {
        sfe_builder_add_byte(record->out, '}');
    }
    if (!record->has_member) {
        head = sfe_slice_part(head, 1, head.size); /* No comma. */
    }
    sfe_builder_add(record->out, head);
    record->open_group = field->group;
    record->has_member = true;
}

/* What to do without a value. `is_null`: the payload says null there. */
static enum sfe_code add_missing(const struct map_field *field, const struct flow_place *place,
                                 bool is_null, struct sfe_builder *out, bool *is_left_out,
                                 struct sfe_error *err)
{
    if (field->default_json.size != 0) {
        sfe_builder_add(out, field->default_json);
        return SFE_OK;
    }
    if (!field->is_optional) {
        return flow_template_absent(field->from, place, err);
    }
    if (is_null) {
        sfe_builder_add(out, SFE_TEXT("null"));
    } else {
        *is_left_out = true;
    }
    return SFE_OK;
}

/* Text made of several parts goes straight to its place. */
static enum sfe_code add_text(const struct map_field *field, const struct flow_place *place,
                              struct sfe_builder *out, bool *is_left_out, struct sfe_error *err)
{
    const size_t before = out->size;
    bool is_absent = false;
    sfe_builder_add_byte(out, '"');
    enum sfe_code code =
        flow_template_add(field->from, place, FLOW_INSIDE_STRING, out, &is_absent, err);
    if (code == SFE_OK && is_absent) {
        sfe_builder_rewind(out, before);
        return add_missing(field, place, false, out, is_left_out, err);
    }
    sfe_builder_add_byte(out, '"');
    return code;
}

/* Whether the field's conditions hold: SFE_OK, SFE_E_SKIPPED, SFE_E_UNMAPPED. */
static enum sfe_code judge_condition(const struct map_field *field, const struct flow_place *place,
                                     struct sfe_error *err)
{
    const enum sfe_code code = sfe_where_judge(field->condition, place->subject, err);
    return code == SFE_E_UNMAPPED ? sfe_within(err, "if") : code;
}

static enum sfe_code add_scaled(const struct map_field *field, struct flow_value *value,
                                struct sfe_builder *out, struct sfe_error *err)
{
    uint8_t memory[FLOW_DECIMAL_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    const enum sfe_code code = flow_value_scale(value, field->scale, field->offset, &text, err);
    return code == SFE_OK ? flow_value_add(value, &field->form, out, err) : code;
}

/* Adds what stands in the field's table, or what a field is without a value. */
static enum sfe_code add_looked_up(const struct map_field *field, const struct flow_place *place,
                                   const struct flow_value *value, struct sfe_builder *out,
                                   bool *is_left_out, struct sfe_error *err)
{
    uint8_t memory[FLOW_SCRATCH_BYTES];
    struct sfe_builder key = sfe_builder_make(memory, sizeof(memory));
    const struct sfe_lookup_entry *entry = NULL;

    if (value->kind == FLOW_VALUE_OBJECT || value->kind == FLOW_VALUE_ARRAY) {
        return sfe_fail(err, SFE_E_UNMAPPED, "an object or array is looked up nowhere");
    }
    flow_value_add_plain(value, &key);
    if (!key.overflowed) {
        entry = sfe_lookup_find(field->lookup, sfe_builder_slice(&key));
    }
    if (entry != NULL) {
        sfe_builder_add(out, entry->json);
        return SFE_OK;
    }
    if (field->default_json.size == 0 && !field->is_optional) {
        const struct flow_excerpt excerpt = flow_excerpt_make(sfe_builder_slice(&key));
        return sfe_fail(err, SFE_E_UNMAPPED, "\"%s\" is not in the lookup table", excerpt.text);
    }
    return add_missing(field, place, false, out, is_left_out, err);
}

static enum sfe_code add_found(const struct map_field *field, struct flow_value *value,
                               struct sfe_builder *out, struct sfe_error *err)
{
    if (field->is_scaled) {
        return add_scaled(field, value, out, err);
    }
    if (field->takes_any && field->form.type == SFE_MAP_AUTO && value->kind >= FLOW_VALUE_OBJECT) {
        sfe_builder_add(out, value->text);
        return SFE_OK;
    }
    return flow_value_add(value, &field->form, out, err);
}

/* Adds the value of a field that has no conditions, or whose conditions hold. */
static enum sfe_code add_wanted(const struct map_field *field, const struct flow_place *place,
                                struct sfe_builder *out, bool *is_left_out, struct sfe_error *err)
{
    struct flow_scratch scratch;
    struct flow_value value;
    if (field->from == NULL) {
        sfe_builder_add(out, field->constant_json);
        return SFE_OK;
    }
    const bool is_text = field->form.type == SFE_MAP_STRING || field->form.type == SFE_MAP_AUTO;
    if (is_text && !field->is_scaled && field->lookup == NULL &&
        !flow_template_is_alone(field->from)) {
        return add_text(field, place, out, is_left_out, err);
    }
    enum sfe_code code = flow_template_value(field->from, place, &scratch, &value, err);
    if (code != SFE_OK) {
        return code;
    }
    if (value.kind == FLOW_VALUE_ABSENT || value.kind == FLOW_VALUE_NULL) {
        return add_missing(field, place, value.kind == FLOW_VALUE_NULL, out, is_left_out, err);
    }
    if (field->lookup != NULL) {
        return add_looked_up(field, place, &value, out, is_left_out, err);
    }
    return add_found(field, &value, out, err);
}

enum sfe_code map_choose_case(const struct map_field *field, const struct flow_place *place,
                              const struct map_field **chosen, struct sfe_error *err)
{
    *chosen = field;
    for (uint32_t i = 0; i < field->case_count; i++) {
        const enum sfe_code code = sfe_where_judge(field->cases[i].condition, place->subject, err);
        *chosen = &field->cases[i];
        if (code != SFE_E_SKIPPED) {
            return code == SFE_E_UNMAPPED ? sfe_within(err, "case %u", (unsigned)i + 1u) : code;
        }
    }
    return field->case_count == 0 ? SFE_OK : SFE_E_SKIPPED;
}

/* Adds the value of the case that holds, or what the field is where none does. */
static enum sfe_code add_case(const struct map_field *field, const struct flow_place *place,
                              struct sfe_builder *out, bool *is_left_out, struct sfe_error *err)
{
    const struct map_field *chosen = NULL;
    enum sfe_code code = map_choose_case(field, place, &chosen, err);

    if (code == SFE_OK) {
        code = add_wanted(chosen, place, out, is_left_out, err);
        if (code == SFE_E_UNMAPPED && chosen->from != NULL && err->pointer[0] == '\0') {
            flow_template_locate(chosen->from, place, err);
        }
        return code;
    }
    if (code != SFE_E_SKIPPED) {
        return code;
    }
    if (field->default_json.size == 0 && !field->is_optional) {
        return sfe_fail(err, SFE_E_UNMAPPED, "no case holds, and there is no else");
    }
    *is_left_out = field->default_json.size == 0;
    sfe_builder_add(out, field->default_json);
    return SFE_OK;
}

/* Adds the field's value as JSON, or sets *is_left_out. */
static enum sfe_code add_value(const struct map_field *field, const struct flow_place *place,
                               struct sfe_builder *out, bool *is_left_out, struct sfe_error *err)
{
    const enum sfe_code code = judge_condition(field, place, err);
    *is_left_out = false;
    if (code == SFE_E_SKIPPED) {
        *is_left_out = field->default_json.size == 0;
        sfe_builder_add(out, field->default_json);
        return SFE_OK;
    }
    return code == SFE_OK ? add_case(field, place, out, is_left_out, err) : code;
}

static enum sfe_code fail_field(const struct map_field *field, const struct flow_place *place,
                                struct sfe_error *err)
{
    if (field->from != NULL && err->pointer[0] == '\0') {
        flow_template_locate(field->from, place, err);
    }
    return sfe_within(err, "%.64s", field->name);
}

enum sfe_code map_add_field_value(const struct map_field *field, const struct flow_place *place,
                                  struct sfe_builder *out, bool *is_left_out, struct sfe_error *err)
{
    enum sfe_code code = add_value(field, place, out, is_left_out, err);
    return code == SFE_OK ? code : fail_field(field, place, err);
}

static struct sfe_slice trim(struct sfe_slice text)
{
    static const char blanks[] = " \t\r\n";
    size_t begin = 0;
    size_t end = text.size;
    while (begin < end && memchr(blanks, text.bytes[begin], sizeof(blanks) - 1) != NULL) {
        begin++;
    }
    while (end > begin && memchr(blanks, text.bytes[end - 1], sizeof(blanks) - 1) != NULL) {
        end--;
    }
    return sfe_slice_part(text, begin, end - begin);
}

static enum sfe_code add_id(struct sfe_slice id, struct sfe_builder *external_id,
                            struct sfe_error *err)
{
    id = trim(id);
    if (id.size == 0) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the external ID is empty");
    }
    if (id.size > SFE_EXTERNAL_ID_BYTES_MAX) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the external ID is longer than %u bytes",
                        SFE_EXTERNAL_ID_BYTES_MAX);
    }
    if (external_id->overflowed || id.size > sfe_builder_room(external_id)) {
        return SFE_E_FULL;
    }
    sfe_builder_add(external_id, id);
    return SFE_OK;
}

/* Takes the external ID from its own JSON, so that both are always the same. */
static enum sfe_code add_id_of_json(struct sfe_slice json, struct sfe_builder *external_id,
                                    struct sfe_error *err)
{
    uint8_t memory[ID_JSON_BYTES_MAX];
    struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));
    if (json.size > ID_JSON_BYTES_MAX) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the external ID is longer than %u bytes",
                        SFE_EXTERNAL_ID_BYTES_MAX);
    }
    SFE_ASSERT(json.size > 0);
    const uint8_t first = json.bytes[0];
    if (first == '-' || (first >= '0' && first <= '9')) {
        return add_id(json, external_id, err);
    }
    if (first != '"') {
        return sfe_fail(err, SFE_E_UNMAPPED, "an external ID is text or a number");
    }
    struct sfe_slice inside = sfe_slice_part(json, 1, json.size - 2);
    if (inside.size != 0 && memchr(inside.bytes, '\\', inside.size) != NULL) {
        flow_add_unescaped(inside, &plain);
        SFE_ASSERT(!plain.overflowed);
        inside = sfe_builder_slice(&plain);
    }
    return add_id(inside, external_id, err);
}

/* The link to the record that the reference with value `json` names; NULL: none. */
static const struct sfe_map_link *find_link(const struct record *record,
                                            const struct map_field *field, struct sfe_slice json)
{
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error ignored;

    if (record->linked == NULL || field->group == 0 ||
        add_id_of_json(json, &text, &ignored) != SFE_OK) {
        return NULL;
    }
    const char *dot = strchr(field->name, '.');
    SFE_ASSERT(dot != NULL);
    for (uint32_t i = 0; i < record->linked->link_count; i++) {
        const struct sfe_map_link *link = &record->linked->links[i];
        if (strcmp(link->external_id_field, dot + 1) == 0 &&
            sfe_slice_equal(link->external_id, sfe_builder_slice(&text))) {
            return link;
        }
    }
    return NULL;
}

/* The reference as a member of its own: ,"PosSale__c":"@{m0_0.id}" */
static void add_link(struct record *record, const struct map_field *field,
                     const struct sfe_map_link *link)
{
    struct sfe_builder *out = record->out;
    const size_t size = strcspn(field->name, ".");
    const bool is_custom = size > 3 && memcmp(field->name + size - 3, "__r", 3) == 0;

    if (record->open_group != 0) {
        sfe_builder_add_byte(out, '}');
        record->open_group = 0;
    }
    sfe_builder_add_text(out, record->has_member ? ",\"" : "\"");
    sfe_builder_add(out, sfe_slice_make(field->name, is_custom ? size - 1u : size));
    sfe_builder_add_text(out, is_custom ? "c\":\"@{" : "Id\":\"@{");
    sfe_builder_add(out, link->reference);
    sfe_builder_add(out, SFE_TEXT(".id}\""));
    record->has_member = true;
}

/* Adds one member, or nothing. */
static enum sfe_code add_member(struct record *record, const struct map_field *field,
                                struct sfe_error *err)
{
    const struct record before = *record;
    struct sfe_builder *out = record->out;
    const size_t size_before = out->size;
    const struct sfe_map_link *link = NULL;
    bool is_left_out = false;
    if (record->linked != NULL && field == record->map->id_field) {
        return SFE_OK;
    }
    begin_member(record, field);
    const size_t begin = out->size;
    enum sfe_code code = add_value(field, &record->place, out, &is_left_out, err);
    if (code != SFE_OK) {
        return fail_field(field, &record->place, err);
    }
    if (!is_left_out && out->overflowed) {
        return SFE_E_FULL;
    }
    if (!is_left_out) {
        link = find_link(record, field, sfe_slice_make(out->bytes + begin, out->size - begin));
    }
    if (is_left_out || link != NULL) {
        sfe_builder_rewind(out, size_before);
        *record = before;
    }
    if (link != NULL) {
        add_link(record, field, link);
        record->linked->made++;
    } else if (!is_left_out && field == record->map->id_field) {
        record->id_json = sfe_slice_make(out->bytes + begin, out->size - begin);
    }
    return SFE_OK;
}

static enum sfe_code add_members(struct record *record, struct sfe_error *err)
{
    const struct sfe_map *map = record->map;
    for (uint32_t i = 0; i < map->field_count; i++) {
        enum sfe_code code = add_member(record, &map->fields[i], err);
        if (code != SFE_OK) {
            return code;
        }
    }
    if (record->open_group != 0) {
        sfe_builder_add_byte(record->out, '}');
    }
    return record->out->overflowed ? SFE_E_FULL : SFE_OK;
}

static struct flow_place place_of(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                  uint32_t index, uint32_t item)
{
    SFE_ASSERT(!subject->is_json || item < subject->json.count);
    return (struct flow_place){.subject = subject, .each = map->each, .item = item, .index = index};
}

static enum sfe_code finish_id(const struct map_field *field, const struct flow_place *place,
                               struct sfe_slice id_json, struct sfe_builder *external_id,
                               struct sfe_error *err)
{
    enum sfe_code code = add_id_of_json(id_json, external_id, err);
    return code == SFE_E_UNMAPPED ? fail_field(field, place, err) : code;
}

enum sfe_code sfe_map_add_record(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                 uint32_t index, uint32_t item, struct sfe_builder *out,
                                 struct sfe_builder *external_id, struct sfe_error *err)
{
    struct record record = {.map = map, .out = out};
    const size_t before = out->size;
    if (out->overflowed) {
        return SFE_E_FULL;
    }
    record.place = place_of(map, subject, index, item);
    enum sfe_code code = add_members(&record, err);
    if (code == SFE_OK && map->id_field != NULL) {
        code = finish_id(map->id_field, &record.place, record.id_json, external_id, err);
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}

enum sfe_code sfe_map_add_linked(const struct sfe_map *map, struct sfe_map_linked *linked,
                                 struct sfe_builder *out, struct sfe_error *err)
{
    struct record record = {.map = map, .out = out, .linked = linked};
    const size_t before = out->size;
    if (out->overflowed) {
        return SFE_E_FULL;
    }
    linked->made = 0;
    record.place = place_of(map, linked->subject, linked->index, linked->item);
    enum sfe_code code = add_members(&record, err);
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}

enum sfe_code sfe_map_add_external_id(const struct sfe_map *map,
                                      const struct sfe_map_subject *subject, uint32_t index,
                                      uint32_t item, struct sfe_builder *external_id,
                                      struct sfe_error *err)
{
    uint8_t memory[ID_JSON_BYTES_MAX + 1]; /* One more than is allowed: too long shows. */
    struct sfe_builder json = sfe_builder_make(memory, sizeof(memory));
    bool is_left_out = false;
    if (map->id_field == NULL) {
        return SFE_OK;
    }
    const struct flow_place place = place_of(map, subject, index, item);
    enum sfe_code code = add_value(map->id_field, &place, &json, &is_left_out, err);
    if (code != SFE_OK) {
        return fail_field(map->id_field, &place, err);
    }
    if (json.overflowed) {
        json.size = json.capacity;
    }
    return finish_id(map->id_field, &place, sfe_builder_slice(&json), external_id, err);
}

enum sfe_code sfe_map_add_parent(const struct sfe_map *map, const struct sfe_map_subject *subject,
                                 uint32_t index, uint32_t item, struct sfe_builder *out,
                                 struct sfe_error *err)
{
    const size_t before = out->size;
    uint32_t i = 0;
    bool is_left_out = false;

    while (i < map->field_count && map->fields[i].group == 0) {
        i++;
    }
    if (i == map->field_count) {
        return SFE_OK;
    }
    const struct flow_place place = place_of(map, subject, index, item);
    enum sfe_code code = map_add_field_value(&map->fields[i], &place, out, &is_left_out, err);
    if (code == SFE_OK && out->overflowed) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}

const char *sfe_map_field_name(const struct sfe_map *map, uint32_t field)
{
    SFE_ASSERT(field < map->field_count);
    return map->fields[field].name;
}

enum sfe_code sfe_map_add_field(const struct sfe_map *map, const struct sfe_map_record *record,
                                uint32_t field, struct sfe_builder *out, bool *is_left_out,
                                struct sfe_error *err)
{
    SFE_ASSERT(field < map->field_count);
    const struct flow_place place = place_of(map, record->subject, record->index, record->item);
    enum sfe_code code = map_add_field_value(&map->fields[field], &place, out, is_left_out, err);
    return code == SFE_OK && out->overflowed ? SFE_E_FULL : code;
}
