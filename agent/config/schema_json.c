#include "config/schema_table.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "config/keys.h"
#include "config/rules.h"
#include "config/tree.h"
#include "config/where.h"

#define NAME_BYTES_MAX    96u
#define PATTERN_BYTES_MAX 256u

static const char name_pattern[] = "^[a-z0-9_-]{1,32}$";
static const char field_pattern[] = "^[A-Za-z][A-Za-z0-9_]{0,127}"
                                    "(\\.[A-Za-z][A-Za-z0-9_]{0,127})?$";
static const char secret_pattern[] = "^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|"
                                     "credential:[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})$";
static const char topic_pattern[] = "^(\\$share/[^#+/]+/(?=.)|(?!\\$share(/|$)))"
                                    "(([^#+/]*|\\+)/)*([^#+/]*|\\+|#)$";

/* The pattern of the kinds that are plain text; a schema cannot say their range. */
static const char *const patterns[SFE_KEY_KINDS] = {
    [SFE_KEY_TEXT] = "^[^\\u0000-\\u001f\\u007f]+$",
    [SFE_KEY_FILE] = "^[^\\u0000-\\u001f\\u007f]+$",
    [SFE_KEY_TEMPLATE] = "^[^\\u0000]+$",
    [SFE_KEY_SECRET] = secret_pattern,
    [SFE_KEY_INTERFACE] = "^[A-Za-z0-9._:-]{1,45}$",
    [SFE_KEY_DURATION] = "^[0-9]+(ms|s|m|h|d)$",
    [SFE_KEY_POINTER] = "^/([^~]|~0|~1)*$",
    [SFE_KEY_TOPIC] = topic_pattern,
    [SFE_KEY_HOSTS] = "^[A-Za-z0-9._:/\\[\\]-]{1,253}$",
    [SFE_KEY_IDENTIFIER] = "^[A-Za-z][A-Za-z0-9_]{0,127}$",
    [SFE_KEY_VERSION] = "^v([5-9][0-9]|[1-9][0-9][0-9])\\.0$",
    [SFE_KEY_CONNECTION] = name_pattern,
    [SFE_KEY_STREAM] = name_pattern,
};

static void put(struct sfe_json_writer *writer, const char *name, const char *text)
{
    sfe_json_put_text(writer, name, sfe_slice_text(text));
}

static void put_pattern(struct sfe_json_writer *writer, const char *pattern)
{
    put(writer, "type", "string");
    put(writer, "pattern", pattern);
}

/* "#/$defs/connection-mqtt", or without a type "#/$defs/connection". */
static void put_reference(struct sfe_json_writer *writer, enum config_section section,
                          struct sfe_slice type)
{
    uint8_t memory[NAME_BYTES_MAX];
    struct sfe_builder name = sfe_builder_make(memory, sizeof(memory));

    sfe_builder_format(&name, "#/$defs/%s%s%.*s", keys_form(section)->name,
                       type.size == 0 ? "" : "-", (int)type.size, (const char *)type.bytes);
    SFE_ASSERT(!name.overflowed);
    sfe_json_put_text(writer, "$ref", sfe_builder_slice(&name));
}

static void put_words(struct sfe_json_writer *writer, const struct config_key *row)
{
    struct sfe_slice word = keys_word(row->allowed, 0);

    sfe_json_begin_array(writer, "enum");
    for (uint32_t i = 0; word.size != 0; i++) {
        if (!keys_is_later_word(row, word)) {
            sfe_json_put_text(writer, NULL, word);
        }
        word = keys_word(row->allowed, i + 1);
    }
    sfe_json_end_array(writer);
}

static void put_url(struct sfe_json_writer *writer, const struct config_key *row)
{
    uint8_t memory[PATTERN_BYTES_MAX];
    struct sfe_builder pattern = sfe_builder_make(memory, sizeof(memory));
    struct sfe_slice scheme = keys_word(row->allowed, 0);

    for (uint32_t i = 0; scheme.size != 0; i++) {
        if (!keys_is_later_word(row, scheme)) {
            sfe_builder_add_text(&pattern, pattern.size == 0 ? "^(" : "|");
            sfe_builder_add(&pattern, scheme);
        }
        scheme = keys_word(row->allowed, i + 1);
    }
    sfe_builder_add_text(&pattern, ")://([A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]{1,253}\\])"
                                   "(:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|"
                                   "65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?/?$");
    SFE_ASSERT(!pattern.overflowed);
    put(writer, "type", "string");
    sfe_json_put_text(writer, "pattern", sfe_builder_slice(&pattern));
}

static void put_urls(struct sfe_json_writer *writer, const struct config_key *row)
{
    sfe_json_begin_array(writer, "anyOf");
    sfe_json_begin_object(writer, NULL);
    put_url(writer, row);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, NULL);
    put(writer, "type", "array");
    sfe_json_put_u64(writer, "minItems", row->min);
    sfe_json_put_u64(writer, "maxItems", row->max);
    sfe_json_begin_object(writer, "items");
    put_url(writer, row);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
}

static void put_types(struct sfe_json_writer *writer, const char *const *types, size_t count)
{
    sfe_json_begin_array(writer, "type");
    for (size_t i = 0; i < count; i++) {
        put(writer, NULL, types[i]);
    }
    sfe_json_end_array(writer);
}

static void put_range(struct sfe_json_writer *writer, const struct config_key *row)
{
    sfe_json_put_u64(writer, "minimum", row->min);
    if (row->max != 0) {
        sfe_json_put_u64(writer, "maximum", row->max);
    }
}

/* What is written in front of the names of an object's members. */
static void put_names(struct sfe_json_writer *writer, const char *pattern)
{
    sfe_json_begin_object(writer, "propertyNames");
    put(writer, "pattern", pattern);
    sfe_json_end_object(writer);
}

static void put_scalar_types(struct sfe_json_writer *writer)
{
    static const char *const scalars[] = {"string", "number", "boolean", "null"};

    put_types(writer, scalars, sizeof(scalars) / sizeof(scalars[0]));
}

/* A scalar, text, or the section in full, whose object stays open. */
static void begin_value(struct sfe_json_writer *writer, const struct config_key *row)
{
    sfe_json_begin_array(writer, "anyOf");
    sfe_json_begin_object(writer, NULL);
    put_scalar_types(writer);
    sfe_json_put_u64(writer, "minLength", 1);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, NULL);
    put_reference(writer, row->of, SFE_TEXT(""));
}

static void put_map(struct sfe_json_writer *writer, const struct config_key *row)
{
    put(writer, "type", "object");
    sfe_json_put_u64(writer, "minProperties", row->min);
    sfe_json_put_u64(writer, "maxProperties", row->max);
    put_names(writer, field_pattern);
    sfe_json_begin_object(writer, "additionalProperties");
    begin_value(writer, row);
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
    sfe_json_end_object(writer);
}

static void put_named(struct sfe_json_writer *writer, const struct config_key *row)
{
    put(writer, "type", "object");
    sfe_json_put_u64(writer, "maxProperties", row->max);
    put_names(writer, name_pattern);
    sfe_json_begin_object(writer, "additionalProperties");
    put_reference(writer, row->of, SFE_TEXT(""));
    sfe_json_end_object(writer);
}

static void put_list(struct sfe_json_writer *writer, const struct config_key *row)
{
    put(writer, "type", "array");
    sfe_json_put_u64(writer, "minItems", row->min);
    sfe_json_put_u64(writer, "maxItems", row->max);
    sfe_json_begin_object(writer, "items");
    if (row->kind == SFE_KEY_LIST) {
        put_reference(writer, row->of, SFE_TEXT(""));
    } else {
        put_pattern(writer, row->kind == SFE_KEY_STREAMS ? name_pattern
                            : row->kind == SFE_KEY_HOSTS ? patterns[SFE_KEY_HOSTS]
                                                         : patterns[SFE_KEY_TEXT]);
    }
    sfe_json_end_object(writer);
}

static void put_streams(struct sfe_json_writer *writer, const struct config_key *row)
{
    struct config_key list = *row;

    list.min = 1;
    sfe_json_begin_array(writer, "anyOf");
    sfe_json_begin_object(writer, NULL);
    put_pattern(writer, name_pattern);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, NULL);
    put_list(writer, &list);
    sfe_json_put_bool(writer, "uniqueItems", true);
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
}

static void put_size(struct sfe_json_writer *writer, const struct config_key *row)
{
    static const char *const types[] = {"string", "integer"};

    put_types(writer, types, sizeof(types) / sizeof(types[0]));
    put(writer, "pattern", "^[0-9]+(B|[kKMG]B|[KMG]iB)?$");
    put_range(writer, row); /* Of a number only: a schema cannot say it of text. */
}

static void put_text(struct sfe_json_writer *writer, const struct config_key *row)
{
    put(writer, "type", "string");
    sfe_json_put_u64(writer, "minLength", 1);
    if (row->max != 0 && row->kind == SFE_KEY_TEXT) {
        sfe_json_put_u64(writer, "maxLength", row->max);
    }
    if (patterns[row->kind] != NULL) {
        put(writer, "pattern", patterns[row->kind]);
    }
}

static void put_flag(struct sfe_json_writer *writer, const struct config_key *row)
{
    SFE_ASSERT(row->kind == SFE_KEY_FLAG);
    put(writer, "type", "boolean");
}

static void put_whole(struct sfe_json_writer *writer, const struct config_key *row)
{
    put(writer, "type", "integer");
    put_range(writer, row);
}

static void put_number(struct sfe_json_writer *writer, const struct config_key *row)
{
    SFE_ASSERT(row->kind == SFE_KEY_NUMBER);
    put(writer, "type", "number");
}

static void put_scalar(struct sfe_json_writer *writer, const struct config_key *row)
{
    SFE_ASSERT(row->kind == SFE_KEY_SCALAR);
    put_scalar_types(writer);
}

static void put_value(struct sfe_json_writer *writer, const struct config_key *row)
{
    begin_value(writer, row);
    sfe_json_put_raw(writer, "properties",
                     SFE_TEXT("{\"if\":false,\"case\":false,\"else\":false}"));
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
}

static void put_section(struct sfe_json_writer *writer, const struct config_key *row)
{
    put_reference(writer, row->of, SFE_TEXT(""));
}

static void put_where(struct sfe_json_writer *writer, const struct config_key *row)
{
    SFE_ASSERT(row->kind == SFE_KEY_WHERE);
    put(writer, "$ref", "#/$defs/where");
}

static void put_tree(struct sfe_json_writer *writer, const struct config_key *row)
{
    SFE_ASSERT(row->kind == SFE_KEY_TREE);
    put(writer, "$ref", "#/$defs/tree");
}

/* How the kinds that are no plain text are put. */
static void (*const puts_of[SFE_KEY_KINDS])(struct sfe_json_writer *, const struct config_key *) = {
    [SFE_KEY_WORD] = put_words,      [SFE_KEY_FLAG] = put_flag,     [SFE_KEY_WHOLE] = put_whole,
    [SFE_KEY_SIZE] = put_size,       [SFE_KEY_MQTT_URL] = put_urls, [SFE_KEY_HTTP_URL] = put_url,
    [SFE_KEY_STREAMS] = put_streams, [SFE_KEY_TEXTS] = put_list,    [SFE_KEY_FILES] = put_list,
    [SFE_KEY_HOSTS] = put_list,      [SFE_KEY_SCALAR] = put_scalar, [SFE_KEY_SECTION] = put_section,
    [SFE_KEY_NAMED] = put_named,     [SFE_KEY_LIST] = put_list,     [SFE_KEY_MAP] = put_map,
    [SFE_KEY_WHERE] = put_where,     [SFE_KEY_NUMBER] = put_number, [SFE_KEY_TREE] = put_tree,
    [SFE_KEY_VALUE] = put_value,
};

static void put_default(struct sfe_json_writer *writer, const struct config_key *row)
{
    if (row->fallback == NULL) {
        return;
    }
    if (row->kind == SFE_KEY_FLAG || row->kind == SFE_KEY_WHOLE) {
        sfe_json_put_raw(writer, "default", sfe_slice_text(row->fallback));
    } else {
        put(writer, "default", row->fallback);
    }
}

static void put_key(struct sfe_json_writer *writer, const struct config_key *row)
{
    sfe_json_begin_object(writer, row->key);
    put(writer, "description", row->help);
    if (puts_of[row->kind] != NULL) {
        puts_of[row->kind](writer, row);
    } else {
        put_text(writer, row);
    }
    put_default(writer, row);
    sfe_json_end_object(writer);
}

static bool belongs(const struct config_key *row, enum config_section section,
                    struct sfe_slice type)
{
    return row->section == section && !keys_is_later(row) &&
           (type.size == 0 || keys_fits(row, type));
}

/* The members of a section's schema, for entries of one type where it has types. */
static void put_object(struct sfe_json_writer *writer, enum config_section section,
                       struct sfe_slice type)
{
    const uint32_t count = keys_count();

    put(writer, "type", "object");
    sfe_json_put_bool(writer, "additionalProperties", false);
    sfe_json_begin_array(writer, "required");
    for (uint32_t i = 0; i < count; i++) {
        if (belongs(keys_row(i), section, type) && keys_row(i)->required) {
            put(writer, NULL, keys_row(i)->key);
        }
    }
    sfe_json_end_array(writer);
    sfe_json_begin_object(writer, "properties");
    for (uint32_t i = 0; i < count; i++) {
        if (belongs(keys_row(i), section, type)) {
            put_key(writer, keys_row(i));
        }
    }
    sfe_json_end_object(writer);
    rules_add_schema(writer, section, type);
}

/* {"if": {"properties": {"type": {"const": T}}}, "then": {"$ref": …}}. An object without the key
 * passes the condition of the default type alone. */
static void put_choice(struct sfe_json_writer *writer, enum config_section section,
                       const struct config_key *types, struct sfe_slice type)
{
    sfe_json_begin_object(writer, NULL);
    sfe_json_begin_object(writer, "if");
    if (!sfe_slice_equal(type, sfe_slice_text(types->fallback))) {
        sfe_json_begin_array(writer, "required");
        put(writer, NULL, types->key);
        sfe_json_end_array(writer);
    }
    sfe_json_begin_object(writer, "properties");
    sfe_json_begin_object(writer, types->key);
    sfe_json_put_text(writer, "const", type);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, "then");
    put_reference(writer, section, type);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
}

/* A section whose entries differ by type: one definition that chooses, and one for each type. */
static void put_typed(struct sfe_json_writer *writer, enum config_section section)
{
    const struct config_key *types = keys_types(section);
    struct sfe_slice type = keys_word(types->allowed, 0);

    sfe_json_begin_object(writer, keys_form(section)->name);
    put(writer, "type", "object");
    if (types->required) {
        sfe_json_begin_array(writer, "required");
        put(writer, NULL, types->key);
        sfe_json_end_array(writer);
    }
    sfe_json_begin_object(writer, "properties");
    put_key(writer, types);
    sfe_json_end_object(writer);
    sfe_json_begin_array(writer, "allOf");
    for (uint32_t i = 0; type.size != 0; i++) {
        if (!keys_is_later_word(types, type)) {
            put_choice(writer, section, types, type);
        }
        type = keys_word(types->allowed, i + 1);
    }
    sfe_json_end_array(writer);
    sfe_json_end_object(writer);
}

static void put_each_type(struct sfe_json_writer *writer, enum config_section section)
{
    const struct config_key *types = keys_types(section);
    struct sfe_slice type = keys_word(types->allowed, 0);
    char name[NAME_BYTES_MAX];

    for (uint32_t i = 0; type.size != 0; i++) {
        if (!keys_is_later_word(types, type)) {
            struct sfe_builder builder = sfe_builder_make(name, sizeof(name) - 1);
            sfe_builder_format(&builder, "%s-%.*s", keys_form(section)->name, (int)type.size,
                               (const char *)type.bytes);
            name[builder.size] = '\0';
            sfe_json_begin_object(writer, name);
            put_object(writer, section, type);
            sfe_json_end_object(writer);
        }
        type = keys_word(types->allowed, i + 1);
    }
}

static void put_definitions(struct sfe_json_writer *writer)
{
    sfe_json_begin_object(writer, "$defs");
    for (unsigned i = SFE_SECTION_ROOT + 1; i < SFE_SECTION_COUNT; i++) {
        enum config_section section = (enum config_section)i;
        if (!keys_is_used(section)) {
            continue;
        }
        if (keys_form(section)->types != NULL) {
            put_typed(writer, section);
            put_each_type(writer, section);
        } else {
            sfe_json_begin_object(writer, keys_form(section)->name);
            put_object(writer, section, SFE_TEXT(""));
            sfe_json_end_object(writer);
        }
    }
    where_add_schema(writer);
    tree_add_schema(writer);
    sfe_json_end_object(writer);
}

/* A compact JSON text on its way into lines: two blanks a level. */
struct layout {
    struct sfe_builder *out;
    uint32_t depth;
    bool is_text;    /* Between quotes. */
    bool is_escaped; /* Behind a backslash there. */
};

static void add_line(struct layout *layout)
{
    sfe_builder_add_byte(layout->out, '\n');
    for (uint32_t i = 0; i < layout->depth; i++) {
        sfe_builder_add_text(layout->out, "  ");
    }
}

/* Follows `byte` through the quotes; true where it is part of a text and not its end. */
static bool pass_text(struct layout *layout, uint8_t byte)
{
    bool was_text = layout->is_text;

    if (byte == '"' && !layout->is_escaped) {
        layout->is_text = !was_text;
    }
    layout->is_escaped = was_text && byte == '\\' && !layout->is_escaped;
    return layout->is_text;
}

static void add_laid_out(struct layout *layout, uint8_t byte, uint8_t next)
{
    bool is_closing = next == '}' || next == ']';

    sfe_builder_add_byte(layout->out, byte);
    if (pass_text(layout, byte)) {
        return;
    }
    if (byte == '{' || byte == '[') {
        if (!is_closing) {
            layout->depth++;
            add_line(layout);
        }
    } else if (is_closing) {
        layout->depth--;
        add_line(layout);
    } else if (byte == ',') {
        add_line(layout);
    } else if (byte == ':') {
        sfe_builder_add_byte(layout->out, ' ');
    }
}

/* Puts the text from `begin` on into lines. It is moved to the end of the room and written from
 * there: the lines never reach what is still to be read, or the builder overflows. */
static void lay_out(struct sfe_builder *builder, size_t begin)
{
    struct layout layout = {builder, 0, false, false};
    size_t size = builder->size - begin;
    uint8_t *end = builder->bytes + builder->capacity;
    uint8_t *text = end - size;

    memmove(text, builder->bytes + begin, size);
    builder->size = begin;
    while (text < end && !builder->overflowed) {
        uint8_t byte = *text++;
        builder->capacity = (size_t)(text - builder->bytes);
        add_laid_out(&layout, byte, text < end ? *text : 0);
    }
    builder->capacity = (size_t)(end - builder->bytes);
    sfe_builder_add_byte(builder, '\n');
}

void sfe_config_add_schema(struct sfe_builder *builder)
{
    struct sfe_json_writer writer = sfe_json_writer_make(builder);
    size_t begin = builder->size;

    sfe_json_begin_object(&writer, NULL);
    put(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put(&writer, "title", "Configuration of sfedge");
    put_object(&writer, SFE_SECTION_ROOT, SFE_TEXT(""));
    put_definitions(&writer);
    sfe_json_end_object(&writer);
    if (!builder->overflowed) {
        lay_out(builder, begin);
    }
}
