#include "flow/explain.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "flow/map_compile.h"

#include <stdio.h>

/* "item:" and a pointer. */
#define PART_NAME_BYTES 256u

uint32_t sfe_map_field_count(const struct sfe_map *map)
{
    return map->field_count;
}

struct sfe_where *sfe_map_field_condition(const struct sfe_map *map, uint32_t field)
{
    SFE_ASSERT(field < map->field_count);
    return map->fields[field].condition;
}

uint32_t sfe_map_field_case_count(const struct sfe_map *map, uint32_t field)
{
    SFE_ASSERT(field < map->field_count);
    return map->fields[field].case_count;
}

struct sfe_where *sfe_map_case_condition(const struct sfe_map *map, uint32_t field, uint32_t index)
{
    SFE_ASSERT(field < map->field_count && index < map->fields[field].case_count);
    return map->fields[field].cases[index].condition;
}

static const char *type_name(enum sfe_map_type type)
{
    static const char *const names[] = {
        [SFE_MAP_AUTO] = "auto",         [SFE_MAP_STRING] = "string",   [SFE_MAP_DOUBLE] = "double",
        [SFE_MAP_INT] = "int",           [SFE_MAP_BOOLEAN] = "boolean", [SFE_MAP_DATE] = "date",
        [SFE_MAP_DATETIME] = "datetime",
    };

    SFE_ASSERT((size_t)type < sizeof(names) / sizeof(names[0]));
    return names[type];
}

/* What the part is called between its braces; empty for a literal. */
static void name_part(const struct flow_part *part, char *name, size_t capacity)
{
    static const char *const names[] = {
        [FLOW_PART_LITERAL] = "",
        [FLOW_PART_POINTER] = "",
        [FLOW_PART_ITEM] = "item",
        [FLOW_PART_TOPIC] = "topic",
        [FLOW_PART_TOPIC_LEVEL] = "topic.",
        [FLOW_PART_TIME] = "time",
        [FLOW_PART_SEQUENCE] = "seq",
        [FLOW_PART_IDENTITY] = "id",
        [FLOW_PART_INDEX] = "index",
        [FLOW_PART_SOURCE] = "source",
        [FLOW_PART_SENDER] = "identity",
        [FLOW_PART_PAYLOAD] = "payload",
        [FLOW_PART_PAYLOAD_BASE64] = "payload:base64",
    };
    struct sfe_builder out = sfe_builder_make(name, capacity - 1u);

    SFE_ASSERT((size_t)part->kind < sizeof(names) / sizeof(names[0]));
    sfe_builder_add_text(&out, names[part->kind]);
    if (part->kind == FLOW_PART_TOPIC_LEVEL) {
        sfe_builder_add_u64(&out, part->level);
    }
    if (part->kind == FLOW_PART_ITEM && part->pointer.text.size != 0) {
        sfe_builder_add_byte(&out, ':');
    }
    if (part->kind == FLOW_PART_ITEM || part->kind == FLOW_PART_POINTER) {
        sfe_builder_add(&out, part->pointer.text);
    }
    name[out.size] = '\0';
}

static void put_value(struct sfe_json_writer *writer, const char *name,
                      const struct flow_value *value)
{
    struct sfe_builder *out = writer->out;

    switch (value->kind) {
    case FLOW_VALUE_ABSENT:
        return;
    case FLOW_VALUE_NULL:
        sfe_json_put_null(writer, name);
        return;
    case FLOW_VALUE_FALSE:
    case FLOW_VALUE_TRUE:
        sfe_json_put_bool(writer, name, value->kind == FLOW_VALUE_TRUE);
        return;
    case FLOW_VALUE_NUMBER:
    case FLOW_VALUE_OBJECT:
    case FLOW_VALUE_ARRAY:
        sfe_json_put_raw(writer, name, value->text);
        return;
    case FLOW_VALUE_TEXT:
        sfe_json_put_text(writer, name, value->text);
        return;
    default:
        break;
    }
    /* What stands inside a string already, base64 and times: an empty text, and what it holds
     * before its last quote. */
    sfe_json_put_text(writer, name, SFE_TEXT(""));
    if (!out->overflowed) {
        out->size--;
        flow_value_add_inside(value, out);
        sfe_builder_add_byte(out, '"');
    }
}

static void add_found(const struct sfe_template *compiled, const struct flow_place *place,
                      struct sfe_builder *found)
{
    struct sfe_json_writer writer = sfe_json_writer_make(found);

    sfe_json_begin_object(&writer, NULL);
    found->capacity--; /* The closing bracket always has its place. */
    for (uint32_t i = 0; compiled != NULL && i < compiled->count; i++) {
        const struct sfe_template alone = {&compiled->parts[i], 1};
        char name[PART_NAME_BYTES];
        struct flow_scratch scratch;
        struct flow_value value;
        struct sfe_error ignored;
        name_part(&compiled->parts[i], name, sizeof(name));
        if (compiled->parts[i].kind == FLOW_PART_LITERAL) {
            continue;
        }
        const struct sfe_json_writer writer_before = writer;
        const size_t before = found->size;
        if (flow_template_value(&alone, place, &scratch, &value, &ignored) == SFE_OK) {
            put_value(&writer, name, &value);
        }
        if (found->overflowed) {
            sfe_builder_rewind(found, before);
            writer = writer_before;
        }
    }
    found->capacity++;
    sfe_json_end_object(&writer);
}

void sfe_map_explain(const struct sfe_map *map, uint32_t field,
                     const struct sfe_map_subject *subject, uint32_t index, uint32_t item,
                     struct sfe_map_step *step)
{
    SFE_ASSERT(field < map->field_count);
    const struct map_field *compiled = &map->fields[field];
    const struct flow_place place = {
        .subject = subject, .each = map->each, .item = item, .index = index};

    const struct map_field *chosen = compiled;
    struct sfe_error ignored;

    step->field = compiled->name;
    if (map_choose_case(compiled, &place, &chosen, &ignored) == SFE_E_SKIPPED) {
        chosen = compiled;
    }
    step->chosen = chosen == compiled ? 0 : (uint32_t)(chosen - compiled->cases) + 1u;
    step->type = type_name(chosen->form.type);
    step->err.code = SFE_OK;
    sfe_builder_rewind(&step->found, 0);
    sfe_builder_rewind(&step->result, 0);
    add_found(chosen->from, &place, &step->found);
    const enum sfe_code code =
        map_add_field_value(compiled, &place, &step->result, &step->is_left_out, &step->err);
    if (code != SFE_OK || step->is_left_out || step->result.overflowed) {
        sfe_builder_rewind(&step->result, 0);
    }
}
