#include "flow/where_compile.h"

#include "base/arena.h"
#include "base/assert.h"
#include "flow/template.h"

static const char *copy_text(const char *text, struct sfe_arena *arena, struct sfe_error *err)
{
    /* The arena's memory is zeroed and flow_copy takes one byte more: the copy is terminated. */
    return (const char *)flow_copy(sfe_slice_text(text), arena, err).bytes;
}

/* Reads the operand; its text is left plain. */
static enum sfe_code make_operand(struct where_node *node, struct sfe_arena *arena,
                                  struct sfe_error *err)
{
    struct sfe_json_token token;
    struct sfe_json json;
    const enum sfe_code code =
        sfe_json_parse(sfe_slice_text(node->operand_json), 0, &token, 1, &json, err);

    if (code != SFE_OK) {
        (void)sfe_within(err, "the value to compare with");
        err->code = SFE_E_CONFIG;
        return SFE_E_CONFIG;
    }
    node->operand = flow_value_of(&json, 0);
    if (node->operand.kind == FLOW_VALUE_STRING) {
        uint8_t *bytes = sfe_arena_take(arena, node->operand.text.size + 1u, err);
        if (bytes == NULL) {
            return err->code;
        }
        struct sfe_builder plain = sfe_builder_make(bytes, node->operand.text.size + 1u);
        flow_value_add_plain(&node->operand, &plain);
        SFE_ASSERT(!plain.overflowed);
        node->operand =
            (struct flow_value){.kind = FLOW_VALUE_TEXT, .text = sfe_builder_slice(&plain)};
    }
    return SFE_OK;
}

static bool fits(enum sfe_where_kind kind, enum flow_value_kind operand)
{
    switch (kind) {
    case SFE_WHERE_MATCHES:
        return operand == FLOW_VALUE_TEXT;
    case SFE_WHERE_EXISTS:
        return operand == FLOW_VALUE_TRUE || operand == FLOW_VALUE_FALSE;
    case SFE_WHERE_EQ:
    case SFE_WHERE_NE:
        return operand < FLOW_VALUE_OBJECT;
    default:
        return operand == FLOW_VALUE_NUMBER || operand == FLOW_VALUE_TEXT;
    }
}

/* Where the node looks; a neighbour at the same place lends its pointer. */
static enum sfe_code make_place(struct where_node *node, const struct where_node *before,
                                struct sfe_arena *arena, struct sfe_error *err)
{
    if (strcmp(node->at, "topic") == 0) {
        return SFE_OK;
    }
    if (before != NULL && before->at != NULL && strcmp(before->at, node->at) == 0) {
        node->pointer = before->pointer;
        return SFE_OK;
    }
    struct flow_pointer *pointer = sfe_arena_take(arena, sizeof(*pointer), err);
    if (pointer == NULL) {
        return err->code;
    }
    node->pointer = pointer;
    return flow_pointer_compile(sfe_slice_text(node->at), arena, pointer, err);
}

static enum sfe_code make_comparison(const struct sfe_where_node *written, struct where_node *node,
                                     const struct where_node *before, struct sfe_arena *arena,
                                     struct sfe_error *err)
{
    SFE_ASSERT(written->at != NULL && written->operand != NULL);
    node->at = copy_text(written->at, arena, err);
    node->operand_json = copy_text(written->operand, arena, err);
    if (node->at == NULL || node->operand_json == NULL) {
        return err->code;
    }
    enum sfe_code code = make_place(node, before, arena, err);
    if (code == SFE_OK) {
        code = make_operand(node, arena, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    if (!fits(node->kind, node->operand.kind)) {
        return sfe_fail(err, SFE_E_CONFIG, "this cannot be compared with such a value");
    }
    return node->kind == SFE_WHERE_MATCHES
               ? flow_pattern_compile(node->operand.text, arena, &node->pattern, err)
               : SFE_OK;
}

static enum sfe_code make_nodes(const struct sfe_where_node *written, uint32_t count,
                                struct sfe_arena *arena, struct where_node *nodes,
                                uint32_t *bad_node, struct sfe_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        SFE_ASSERT(written[i].next > i && written[i].next <= count);
        *bad_node = i;
        nodes[i].kind = written[i].kind;
        nodes[i].next = written[i].next;
        for (uint32_t inner = i + 1u; inner < nodes[i].next; inner++) {
            nodes[inner].depth++;
        }
        if (where_is_comparison(nodes[i].kind)) {
            const enum sfe_code code =
                make_comparison(&written[i], &nodes[i], i == 0 ? NULL : &nodes[i - 1u], arena, err);
            if (code != SFE_OK) {
                return code;
            }
        }
    }
    return SFE_OK;
}

enum sfe_code sfe_where_compile(const struct sfe_where_node *nodes, uint32_t count,
                                struct sfe_arena *arena, struct sfe_where **where,
                                uint32_t *bad_node, struct sfe_error *err)
{
    struct sfe_where *made = sfe_arena_take(arena, sizeof(*made), err);

    SFE_ASSERT(count > 0 && nodes[0].next == count);
    *where = NULL;
    *bad_node = 0;
    if (made == NULL) {
        return err->code;
    }
    struct where_node *table = sfe_arena_take(arena, count * sizeof(*table), err);
    made->answers = sfe_arena_take(arena, count, err);
    made->text = sfe_arena_take(arena, SFE_WHERE_TEXT_BYTES_MAX, err);
    made->nodes = table;
    made->count = count;
    if (table == NULL || made->answers == NULL || made->text == NULL) {
        return err->code;
    }
    const enum sfe_code code = make_nodes(nodes, count, arena, table, bad_node, err);
    if (code == SFE_OK) {
        *where = made;
    }
    return code;
}

static bool may_refer(const struct where_node *node)
{
    return (node->kind == SFE_WHERE_EQ || node->kind == SFE_WHERE_NE) &&
           node->operand.kind == FLOW_VALUE_TEXT && node->operand.text.size != 0 &&
           memchr(node->operand.text.bytes, '{', node->operand.text.size) != NULL;
}

/* The operand's text ends with a NUL, as its memory was zeroed and has a byte more. */
static enum sfe_code make_reference(struct where_node *node, const char *agent_id,
                                    struct sfe_arena *arena, struct sfe_error *err)
{
    const char *text = (const char *)node->operand.text.bytes;
    enum sfe_code code;

    if (strlen(text) != node->operand.text.size) {
        return sfe_fail(err, SFE_E_CONFIG, "there is a NUL in a template");
    }
    code = sfe_template_compile(text, agent_id, arena, &node->reference, err);
    if (code == SFE_OK && !sfe_template_is_of_sender(node->reference)) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "that needs more than the topic; allowed: {topic}, {topic.N}, {source}, "
                        "{identity}, {agent}");
    }
    return code;
}

enum sfe_code sfe_where_refer(struct sfe_where *where, const char *agent_id,
                              struct sfe_arena *arena, uint32_t *bad_node, struct sfe_error *err)
{
    for (uint32_t i = 0; i < where->count; i++) {
        struct where_node *node = &where->nodes[i];

        if (!where_is_comparison(node->kind) || !may_refer(node)) {
            continue;
        }
        *bad_node = i;
        if (where->referred == NULL) {
            where->referred = sfe_arena_take(arena, SFE_WHERE_TEXT_BYTES_MAX, err);
        }
        if (where->referred == NULL) {
            return err->code;
        }
        const enum sfe_code code = make_reference(node, agent_id, arena, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    return SFE_OK;
}
