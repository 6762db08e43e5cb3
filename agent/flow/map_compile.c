#include "flow/map_compile.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/time_zone.h"
#include "flow/decimal.h"
#include "flow/lookup.h"
#include "flow/number.h"
#include "flow/template.h"

#define ESCAPED_BYTES_MAX 6u
/* Constants are single values, seldom a small object; the configuration's own bounds are wider. */
#define CONSTANT_TOKENS_MAX 64u

struct compiler {
    const struct sfe_map_options *options;
    struct sfe_arena *arena;
    struct sfe_map *map;
    struct map_field *fields;
};

/* The part of a name before its dot; the whole name where there is none. */
static struct sfe_slice relationship(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot == NULL ? sfe_slice_text(name) : sfe_slice_make(name, (size_t)(dot - name));
}

static bool is_reference(const char *name)
{
    return strchr(name, '.') != NULL;
}

static enum sfe_code check_name(const char *name, struct sfe_error *err)
{
    if (name == NULL || name[0] == '\0') {
        return sfe_fail(err, SFE_E_CONFIG, "a field needs a name");
    }
    const char *dot = strchr(name, '.');
    if (dot == NULL) {
        return SFE_OK;
    }
    if (dot == name || dot[1] == '\0' || strchr(dot + 1, '.') != NULL) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "\"%.60s\": a reference has one dot, as in \"Parent__r.ExtId__c\"", name);
    }
    return SFE_OK;
}

/* A field may not stand twice, nor be both a value and a reference. */
static enum sfe_code check_pair(const char *name, const char *other, struct sfe_error *err)
{
    if (strcmp(name, other) == 0) {
        return sfe_fail(err, SFE_E_CONFIG, "the field \"%.60s\" stands twice", name);
    }
    if (is_reference(name) != is_reference(other) &&
        sfe_slice_equal(relationship(name), relationship(other))) {
        return sfe_fail(err, SFE_E_CONFIG, "\"%.60s\" and \"%.60s\" cannot stand together", other,
                        name);
    }
    return SFE_OK;
}

static enum sfe_code check_names(const struct sfe_map_options *options, uint32_t *bad_field,
                                 struct sfe_error *err)
{
    for (uint32_t i = 0; i < options->field_count; i++) {
        const char *name = options->fields[i].name;
        *bad_field = i;
        enum sfe_code code = check_name(name, err);
        for (uint32_t j = 0; code == SFE_OK && j < i; j++) {
            code = check_pair(name, options->fields[j].name, err);
        }
        if (code != SFE_OK) {
            return code;
        }
    }
    return SFE_OK;
}

static const char *copy_text(const char *text, struct sfe_arena *arena, struct sfe_error *err)
{
    /* The arena's memory is zeroed and flow_copy takes one byte more: the copy is terminated. */
    return (const char *)flow_copy(sfe_slice_text(text), arena, err).bytes;
}

/* ,"Parent__r":{"Id__c": and the part of it that follows in an open reference. */
static enum sfe_code make_heads(const char *name, struct sfe_arena *arena, struct map_field *field,
                                struct sfe_error *err)
{
    const struct sfe_slice parent = relationship(name);
    const struct sfe_slice whole = sfe_slice_text(name);
    const size_t capacity = 2 * (ESCAPED_BYTES_MAX * whole.size + 8);
    uint8_t *memory = sfe_arena_take(arena, capacity, err);
    if (memory == NULL) {
        return err->code;
    }
    struct sfe_builder builder = sfe_builder_make(memory, capacity);
    struct sfe_slice last = whole;
    if (is_reference(name)) {
        last = sfe_slice_part(whole, parent.size + 1, whole.size);
        sfe_builder_add_byte(&builder, ',');
        sfe_json_add_string(&builder, last);
        sfe_builder_add_byte(&builder, ':');
        field->head_in_group = sfe_builder_slice(&builder);
        sfe_builder_add_byte(&builder, ',');
        sfe_json_add_string(&builder, parent);
        sfe_builder_add_text(&builder, ":{");
    } else {
        sfe_builder_add_byte(&builder, ',');
    }
    sfe_json_add_string(&builder, last);
    sfe_builder_add_byte(&builder, ':');
    SFE_ASSERT(!builder.overflowed);
    const size_t begin = field->head_in_group.size;
    field->head = sfe_slice_make(memory + begin, builder.size - begin);
    return SFE_OK;
}

/* Reads constant JSON text and makes it JSON of the field's type, once for all events. */
static enum sfe_code make_constant(const struct map_field *field, struct sfe_slice text,
                                   const char *what, struct sfe_arena *arena,
                                   struct sfe_slice *made, struct sfe_error *err)
{
    struct sfe_json_token tokens[CONSTANT_TOKENS_MAX];
    struct sfe_json json;
    enum sfe_code code = sfe_json_parse(text, 0, tokens, CONSTANT_TOKENS_MAX, &json, err);
    if (code != SFE_OK) {
        sfe_within(err, "%s is not JSON", what);
        err->code = SFE_E_CONFIG;
        return SFE_E_CONFIG;
    }
    const size_t capacity = ESCAPED_BYTES_MAX * text.size + 64;
    uint8_t *memory = sfe_arena_take(arena, capacity, err);
    if (memory == NULL) {
        return err->code;
    }
    struct sfe_builder builder = sfe_builder_make(memory, capacity);
    const struct flow_value value = flow_value_of(&json, 0);
    if (value.kind == FLOW_VALUE_NULL) {
        sfe_builder_add_text(&builder, "null");
    } else if (field->form.type == SFE_MAP_AUTO && value.kind >= FLOW_VALUE_OBJECT) {
        sfe_builder_add(&builder, value.text); /* What is written in the configuration is meant. */
    } else {
        code = flow_value_add(&value, &field->form, &builder, err);
    }
    if (code != SFE_OK) {
        sfe_within(err, "%s", what);
        err->code = SFE_E_CONFIG;
        return SFE_E_CONFIG;
    }
    SFE_ASSERT(!builder.overflowed);
    *made = sfe_builder_slice(&builder);
    return SFE_OK;
}

/* A copy of the table with values of the field's type. */
static enum sfe_code make_lookup(const struct sfe_lookup_table *read, struct map_field *field,
                                 struct sfe_arena *arena, struct sfe_error *err)
{
    struct sfe_lookup_table *made = sfe_arena_take(arena, sizeof(*made), err);
    struct sfe_lookup_entry *entries =
        sfe_arena_take(arena, (read->count + 1u) * sizeof(*entries), err);
    char shown[48];

    if (made == NULL || entries == NULL) {
        return err->code;
    }
    *made = (struct sfe_lookup_table){.entries = entries, .count = read->count};
    field->lookup = made;
    for (uint32_t i = 0; i < read->count; i++) {
        entries[i].key = flow_copy(read->entries[i].key, arena, err);
        if (entries[i].key.bytes == NULL) {
            return err->code;
        }
        sfe_printable(shown, sizeof(shown), read->entries[i].key);
        const enum sfe_code code =
            make_constant(field, read->entries[i].json, shown, arena, &entries[i].json, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    return SFE_OK;
}

static enum sfe_code make_from(const struct compiler *compiler, const char *from,
                               struct map_field *field, struct sfe_error *err)
{
    const struct sfe_map_options *options = compiler->options;
    const struct sfe_slice text = sfe_slice_text(from);
    struct sfe_template *made = NULL;
    struct sfe_slice source = text;
    if (from[0] == '/' && strpbrk(from, "{}") == NULL) {
        uint8_t *braced = sfe_arena_take(compiler->arena, text.size + 2, err);
        if (braced == NULL) {
            return err->code;
        }
        braced[0] = '{';
        memcpy(braced + 1, text.bytes, text.size);
        braced[text.size + 1] = '}';
        source = sfe_slice_make(braced, text.size + 2);
    }
    enum sfe_code code = flow_template_compile(source, options->agent_id, options->each != NULL,
                                               compiler->arena, &made, err);
    field->from = made;
    return code;
}

/* One number of the arithmetic; NULL leaves it empty. */
static enum sfe_code make_number(const char *text, const char *what, struct sfe_arena *arena,
                                 struct sfe_slice *made, struct sfe_error *err)
{
    if (text == NULL) {
        return SFE_OK;
    }
    if (!flow_is_number(sfe_slice_text(text)) || !flow_decimal_fits(sfe_slice_text(text))) {
        return sfe_fail(err, SFE_E_CONFIG, "%s is a number of at most %u digits", what,
                        FLOW_DECIMAL_DIGITS_MAX);
    }
    *made = flow_copy(sfe_slice_text(text), arena, err);
    return made->bytes == NULL ? err->code : SFE_OK;
}

static enum sfe_code make_arithmetic(const struct compiler *compiler,
                                     const struct sfe_map_field *written, struct map_field *field,
                                     struct sfe_error *err)
{
    enum sfe_code code = make_number(written->scale, "scale", compiler->arena, &field->scale, err);
    field->is_scaled = written->scale != NULL || written->offset != NULL;
    if (code == SFE_OK) {
        code = make_number(written->offset, "offset", compiler->arena, &field->offset, err);
    }
    return code;
}

static enum sfe_code make_zone(const char *text, struct sfe_arena *arena,
                               const struct sfe_time_zone **zone, struct sfe_error *err)
{
    struct sfe_time_zone *made = sfe_arena_take(arena, sizeof(*made), err);

    if (made == NULL) {
        return err->code;
    }
    *zone = made;
    if (sfe_time_zone_parse(sfe_slice_text(text), made, err) != SFE_OK) {
        err->code = SFE_E_CONFIG;
        return SFE_E_CONFIG;
    }
    return SFE_OK;
}

/* What is common to a field of one value and one of several. */
static enum sfe_code make_form(const struct compiler *compiler, const struct sfe_map_field *written,
                               struct map_field *field, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    field->form.type = written->type;
    field->form.unit = written->unit;
    if (written->zone != NULL) {
        code = make_zone(written->zone, compiler->arena, &field->form.zone, err);
    }
    field->is_optional = written->is_optional;
    field->takes_any = compiler->options->is_document; /* Where its type is auto. */
    field->condition = written->condition;
    if (code == SFE_OK && written->default_value != NULL) {
        code = make_constant(field, sfe_slice_text(written->default_value), "the default",
                             compiler->arena, &field->default_json, err);
    }
    return code;
}

/* One value. */
static enum sfe_code make_value(const struct compiler *compiler,
                                const struct sfe_map_field *written, struct map_field *field,
                                struct sfe_error *err)
{
    enum sfe_code code = make_form(compiler, written, field, err);

    if (code == SFE_OK && written->lookup != NULL) {
        code = make_lookup(written->lookup, field, compiler->arena, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    if (written->from != NULL) {
        code = make_from(compiler, written->from, field, err);
    } else if (written->constant != NULL) {
        code = make_constant(field, sfe_slice_text(written->constant), "the constant",
                             compiler->arena, &field->constant_json, err);
    } else {
        return sfe_fail(err, SFE_E_CONFIG, "a field needs a template or a constant");
    }
    return code == SFE_OK ? make_arithmetic(compiler, written, field, err) : code;
}

/* One of several values, under the field's name. */
static enum sfe_code make_cases(const struct compiler *compiler,
                                const struct sfe_map_field *written, struct map_field *field,
                                struct sfe_error *err)
{
    enum sfe_code code = make_form(compiler, written, field, err);

    if (code != SFE_OK) {
        return code;
    }
    field->cases =
        sfe_arena_take(compiler->arena, written->case_count * sizeof(*field->cases), err);
    if (field->cases == NULL) {
        return err->code;
    }
    field->case_count = written->case_count;
    for (uint32_t i = 0; i < written->case_count; i++) {
        SFE_ASSERT(written->cases[i].case_count == 0);
        field->cases[i].name = field->name;
        code = make_value(compiler, &written->cases[i], &field->cases[i], err);
        if (code != SFE_OK) {
            return sfe_within(err, "value %u of case and else", (unsigned)i + 1u);
        }
    }
    return SFE_OK;
}

static enum sfe_code make_field(const struct compiler *compiler,
                                const struct sfe_map_field *written, struct map_field *field,
                                struct sfe_error *err)
{
    const enum sfe_code code = make_heads(written->name, compiler->arena, field, err);

    field->name = copy_text(written->name, compiler->arena, err);
    if (code != SFE_OK || field->name == NULL) {
        return err->code;
    }
    return written->case_count == 0 ? make_value(compiler, written, field, err)
                                    : make_cases(compiler, written, field, err);
}

/* Compiles field `index` of the options into the next place, in group `group`. */
static enum sfe_code place_field(struct compiler *compiler, uint32_t index, uint32_t group,
                                 struct sfe_error *err)
{
    struct map_field *field = &compiler->fields[compiler->map->field_count];
    const struct sfe_map_field *written = &compiler->options->fields[index];
    enum sfe_code code = make_field(compiler, written, field, err);
    if (code != SFE_OK) {
        return code;
    }
    field->group = group;
    const char *id = compiler->options->external_id;
    if (id != NULL && strcmp(id, written->name) == 0) {
        compiler->map->id_field = field;
        field->is_optional = false; /* Without it there is no record. */
        for (uint32_t i = 0; i < field->case_count; i++) {
            field->cases[i].is_optional = false;
        }
    }
    compiler->map->field_count++;
    return SFE_OK;
}

/* True where an earlier field has brought this one's reference, and this one with it, to its place.
 */
static bool is_placed(const struct sfe_map_field *fields, uint32_t index)
{
    if (!is_reference(fields[index].name)) {
        return false;
    }
    const struct sfe_slice parent = relationship(fields[index].name);
    for (uint32_t i = 0; i < index; i++) {
        if (sfe_slice_equal(relationship(fields[i].name), parent)) {
            return true;
        }
    }
    return false;
}

/* A reference stands once in a record, so its fields are brought together at the first of them. */
static enum sfe_code place_fields(struct compiler *compiler, uint32_t *bad_field,
                                  struct sfe_error *err)
{
    const struct sfe_map_field *written = compiler->options->fields;
    const uint32_t count = compiler->options->field_count;
    for (uint32_t i = 0; i < count; i++) {
        if (is_placed(written, i)) {
            continue;
        }
        const struct sfe_slice parent = relationship(written[i].name);
        const uint32_t group = is_reference(written[i].name) ? i + 1 : 0;
        for (uint32_t j = i; j < (group != 0 ? count : i + 1); j++) {
            if (!sfe_slice_equal(relationship(written[j].name), parent)) {
                continue;
            }
            *bad_field = j;
            enum sfe_code code = place_field(compiler, j, group, err);
            if (code != SFE_OK) {
                return code;
            }
        }
    }
    SFE_ASSERT(compiler->map->field_count == count);
    return SFE_OK;
}

static enum sfe_code make_record(struct compiler *compiler, struct sfe_error *err)
{
    const struct sfe_map_options *options = compiler->options;
    struct sfe_map *map = compiler->map;
    map->fields = compiler->fields;
    map->object = copy_text(options->object, compiler->arena, err);
    if (map->object == NULL) {
        return err->code;
    }
    if (options->each == NULL) {
        return SFE_OK;
    }
    map->each = copy_text(options->each, compiler->arena, err);
    if (map->each == NULL) {
        return err->code;
    }
    return flow_pointer_compile(sfe_slice_text(options->each), compiler->arena, &map->each_pointer,
                                err);
}

static enum sfe_code check_id(const struct sfe_map_options *options, const struct sfe_map *map,
                              struct sfe_error *err)
{
    if (options->external_id == NULL) {
        return SFE_OK;
    }
    if (map->id_field == NULL) {
        return sfe_fail(err, SFE_E_CONFIG, "the external ID \"%.60s\" is not among the fields",
                        options->external_id);
    }
    if (map->id_field->condition != NULL) {
        return sfe_fail(err, SFE_E_CONFIG, "the external ID \"%.60s\" cannot depend on conditions",
                        options->external_id);
    }
    if (map->id_field->group != 0) {
        return sfe_fail(err, SFE_E_CONFIG, "the external ID \"%.60s\" cannot be a reference",
                        options->external_id);
    }
    return SFE_OK;
}

enum sfe_code sfe_map_compile(const struct sfe_map_options *options, struct sfe_arena *arena,
                              struct sfe_map **map, uint32_t *bad_field, struct sfe_error *err)
{
    const uint32_t count = options->field_count;
    struct compiler compiler = {.options = options, .arena = arena};
    *map = NULL;
    *bad_field = count;
    if (count > SFE_FIELDS_PER_RECORD_MAX) {
        return sfe_fail(err, SFE_E_CONFIG, "%u fields; %u are allowed", (unsigned)count,
                        SFE_FIELDS_PER_RECORD_MAX);
    }
    compiler.map = sfe_arena_take(arena, sizeof(*compiler.map), err);
    compiler.fields = sfe_arena_take(arena, (count + 1) * sizeof(*compiler.fields), err);
    if (compiler.map == NULL || compiler.fields == NULL) {
        return err->code;
    }
    enum sfe_code code = make_record(&compiler, err);
    if (code == SFE_OK && !options->is_document) {
        code = check_names(options, bad_field, err);
    }
    if (code == SFE_OK) {
        code = place_fields(&compiler, bad_field, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    *bad_field = count;
    code = check_id(options, compiler.map, err);
    if (code == SFE_OK) {
        *map = compiler.map;
    }
    return code;
}
