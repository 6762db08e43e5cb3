#include "flow/shape.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "flow/pointer.h"
#include "flow/value.h"

#define ESCAPED_BYTES_MAX 6u

struct node {
    enum sfe_shape_kind kind;
    uint32_t next;
    uint32_t value;        /* Of a VALUE: its number. */
    const char *name;      /* NULL: none. */
    struct sfe_slice head; /* "name": or empty. */
};

struct sfe_shape {
    const struct node *nodes;
    uint32_t count;
    const struct sfe_map *map; /* Of all values, in their order. NULL: there are none. */
    const uint32_t *values;    /* The node of each. */
    uint32_t value_count;
};

/* A document on its way: the objects and arrays that are open. */
struct writing {
    struct sfe_builder *out;
    uint32_t open[SFE_SHAPE_DEPTH_MAX];
    uint32_t depth;
    bool has_member; /* The innermost has one. */
};

static enum sfe_code make_node(const struct sfe_shape_node *written, struct sfe_arena *arena,
                               struct node *node, struct sfe_error *err)
{
    const struct sfe_slice name = sfe_slice_text(written->name);

    node->kind = written->kind;
    node->next = written->next;
    if (written->name == NULL) {
        return SFE_OK;
    }
    const size_t capacity = ESCAPED_BYTES_MAX * name.size + 3u;
    uint8_t *memory = sfe_arena_take(arena, capacity, err);
    const struct sfe_slice copy = flow_copy(name, arena, err);
    if (memory == NULL || copy.bytes == NULL) {
        return err->code;
    }
    struct sfe_builder head = sfe_builder_make(memory, capacity);
    sfe_json_add_string(&head, name);
    sfe_builder_add_byte(&head, ':');
    SFE_ASSERT(!head.overflowed);
    node->head = sfe_builder_slice(&head);
    node->name = (const char *)copy.bytes; /* A NUL stands behind it: flow_copy. */
    return SFE_OK;
}

/* How deep is node `index`? */
static uint32_t depth_of(const struct sfe_shape_node *nodes, uint32_t index)
{
    uint32_t depth = 0;

    for (uint32_t i = 0; i < index; i++) {
        depth += nodes[i].next > index ? 1u : 0u;
    }
    return depth;
}

/* Its name in messages: no dot, which would make it a reference. */
static const char *message_name(const char *name, struct sfe_arena *arena, struct sfe_error *err)
{
    const struct sfe_slice text = sfe_slice_text(name == NULL || name[0] == '\0' ? "body" : name);
    char *copy = sfe_arena_take(arena, text.size + 1u, err);

    for (size_t i = 0; copy != NULL && i < text.size; i++) {
        copy[i] = (char)(text.bytes[i] == '.' ? '_' : text.bytes[i]);
    }
    return copy;
}

static enum sfe_code make_values(struct sfe_shape *shape, const struct sfe_shape_node *nodes,
                                 const char *agent_id, struct sfe_arena *arena, uint32_t *bad_node,
                                 struct sfe_error *err)
{
    const size_t count = shape->value_count;
    struct sfe_map_field *fields = sfe_arena_take(arena, count * sizeof(*fields), err);
    struct sfe_map *map = NULL;
    uint32_t bad = 0;

    if (fields == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = nodes[shape->values[i]].field;
        fields[i].name = message_name(fields[i].name, arena, err);
        if (fields[i].name == NULL) {
            return err->code;
        }
    }
    const struct sfe_map_options options = {.object = "body",
                                            .fields = fields,
                                            .field_count = shape->value_count,
                                            .agent_id = agent_id,
                                            .is_document = true};
    const enum sfe_code code = sfe_map_compile(&options, arena, &map, &bad, err);
    *bad_node = bad < count ? shape->values[bad] : 0;
    shape->map = map;
    return code;
}

static enum sfe_code make_nodes(struct sfe_shape *shape, const struct sfe_shape_node *nodes,
                                struct sfe_arena *arena, uint32_t *bad_node, struct sfe_error *err)
{
    struct node *made = sfe_arena_take(arena, shape->count * sizeof(*made), err);
    uint32_t *values = sfe_arena_take(arena, shape->count * sizeof(*values), err);

    if (made == NULL || values == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        SFE_ASSERT(nodes[i].next > i && nodes[i].next <= shape->count);
        *bad_node = i;
        if (nodes[i].kind != SFE_SHAPE_VALUE && depth_of(nodes, i) >= SFE_SHAPE_DEPTH_MAX) {
            return sfe_fail(err, SFE_E_CONFIG, "objects and lists more than %u deep",
                            SFE_SHAPE_DEPTH_MAX);
        }
        const enum sfe_code code = make_node(&nodes[i], arena, &made[i], err);
        if (code != SFE_OK) {
            return code;
        }
        if (nodes[i].kind == SFE_SHAPE_VALUE) {
            made[i].value = shape->value_count;
            values[shape->value_count++] = i;
        }
    }
    shape->nodes = made;
    shape->values = values;
    return SFE_OK;
}

enum sfe_code sfe_shape_compile(const struct sfe_shape_node *nodes, uint32_t count,
                                const char *agent_id, struct sfe_arena *arena,
                                struct sfe_shape **shape, uint32_t *bad_node, struct sfe_error *err)
{
    struct sfe_shape *made = sfe_arena_take(arena, sizeof(*made), err);

    SFE_ASSERT(count > 0 && nodes[0].next == count);
    *shape = NULL;
    *bad_node = 0;
    if (made == NULL) {
        return err->code;
    }
    made->count = count;
    enum sfe_code code = make_nodes(made, nodes, arena, bad_node, err);
    if (code == SFE_OK && made->value_count > 0) {
        code = make_values(made, nodes, agent_id, arena, bad_node, err);
    }
    if (code == SFE_OK) {
        *shape = made;
    }
    return code;
}

static void begin_member(struct writing *writing, const struct node *node)
{
    if (writing->has_member) {
        sfe_builder_add_byte(writing->out, ',');
    }
    sfe_builder_add(writing->out, node->head);
}

/* Closes what ends before node `index`. */
static void close_ended(struct writing *writing, const struct sfe_shape *shape, uint32_t index)
{
    while (writing->depth > 0) {
        const struct node *node = &shape->nodes[writing->open[writing->depth - 1u]];
        if (node->next > index) {
            return;
        }
        sfe_builder_add_byte(writing->out, node->kind == SFE_SHAPE_OBJECT ? '}' : ']');
        writing->depth--;
        writing->has_member = true;
    }
}

static enum sfe_code add_value(struct writing *writing, const struct sfe_shape *shape,
                               const struct node *node, const struct sfe_map_subject *subject,
                               struct sfe_error *err)
{
    const struct sfe_map_record record = {.subject = subject};
    const size_t before = writing->out->size;
    bool is_left_out = false;

    begin_member(writing, node);
    const enum sfe_code code =
        sfe_map_add_field(shape->map, &record, node->value, writing->out, &is_left_out, err);
    if (code != SFE_OK) {
        return code;
    }
    if (is_left_out && writing->depth > 0) {
        sfe_builder_rewind(writing->out, before);
    } else {
        sfe_builder_add_text(writing->out, is_left_out ? "null" : "");
        writing->has_member = true;
    }
    return SFE_OK;
}

enum sfe_code sfe_shape_add(const struct sfe_shape *shape, const struct sfe_map_subject *subject,
                            struct sfe_builder *out, struct sfe_error *err)
{
    struct writing writing = {.out = out};
    const size_t before = out->size;
    enum sfe_code code = out->overflowed ? SFE_E_FULL : SFE_OK;

    for (uint32_t i = 0; i < shape->count && code == SFE_OK; i++) {
        const struct node *node = &shape->nodes[i];
        close_ended(&writing, shape, i);
        if (node->kind == SFE_SHAPE_VALUE) {
            code = add_value(&writing, shape, node, subject, err);
            continue;
        }
        begin_member(&writing, node);
        sfe_builder_add_byte(out, node->kind == SFE_SHAPE_OBJECT ? '{' : '[');
        SFE_ASSERT(writing.depth < SFE_SHAPE_DEPTH_MAX);
        writing.open[writing.depth++] = i;
        writing.has_member = false;
    }
    close_ended(&writing, shape, shape->count);
    if (code == SFE_OK && out->overflowed) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}

uint32_t sfe_shape_value_count(const struct sfe_shape *shape)
{
    return shape->value_count;
}

const char *sfe_shape_value_name(const struct sfe_shape *shape, uint32_t index)
{
    SFE_ASSERT(index < shape->value_count);
    return shape->nodes[shape->values[index]].name;
}

enum sfe_code sfe_shape_add_text(const struct sfe_shape *shape, uint32_t index,
                                 const struct sfe_map_subject *subject, struct sfe_builder *out,
                                 bool *is_left_out, struct sfe_error *err)
{
    uint8_t memory[SFE_SHAPE_TEXT_BYTES_MAX];
    struct sfe_builder json = sfe_builder_make(memory, sizeof(memory));
    const struct sfe_map_record record = {.subject = subject};

    SFE_ASSERT(index < shape->value_count);
    *is_left_out = false;
    const enum sfe_code code =
        sfe_map_add_field(shape->map, &record, index, &json, is_left_out, err);
    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_UNMAPPED, "a text of more than %u bytes",
                        SFE_SHAPE_TEXT_BYTES_MAX);
    }
    if (code != SFE_OK || *is_left_out) {
        return code;
    }
    const struct sfe_slice made = sfe_builder_slice(&json);
    if (made.bytes[0] == '"') {
        flow_add_unescaped(sfe_slice_part(made, 1, made.size - 2u), out);
    } else {
        sfe_builder_add(out, made);
    }
    return out->overflowed ? SFE_E_FULL : SFE_OK;
}
