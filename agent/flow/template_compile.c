#include "flow/template.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"

/* A byte becomes at most six: \u001f. */
#define ESCAPED_BYTES_MAX 6u

struct compiler {
    struct sfe_slice text;
    size_t offset;
    const char *agent_id;
    bool has_each;
    struct sfe_arena *arena;
    struct flow_part *parts;
    uint32_t count;
};

/* `literal` must lie in the arena already. */
static enum sfe_code make_literal(struct sfe_slice literal, struct sfe_arena *arena,
                                  struct flow_part *part, struct sfe_error *err)
{
    const size_t size = literal.size * ESCAPED_BYTES_MAX + 1;
    uint8_t *memory = sfe_arena_take(arena, size, err);
    if (literal.bytes == NULL || memory == NULL) {
        return err->code;
    }
    struct sfe_builder inside = sfe_builder_make(memory, size);
    sfe_json_add_escaped(&inside, literal);
    SFE_ASSERT(!inside.overflowed);
    *part = (struct flow_part){
        .kind = FLOW_PART_LITERAL, .literal = literal, .inside = sfe_builder_slice(&inside)};
    return SFE_OK;
}

/* Reads "topic.N". */
static enum sfe_code make_topic_level(struct sfe_slice name, struct flow_part *part,
                                      struct sfe_error *err)
{
    const struct sfe_slice digits = sfe_slice_part(name, 6, name.size);
    if (digits.size == 0 || digits.size > 5) {
        return flow_part_unknown(name, err);
    }
    part->kind = FLOW_PART_TOPIC_LEVEL;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') {
            return flow_part_unknown(name, err);
        }
        part->level = part->level * 10u + (uint32_t)(digits.bytes[i] - '0');
    }
    return SFE_OK;
}

static bool begins_with(struct sfe_slice name, struct sfe_slice prefix)
{
    return sfe_slice_equal(sfe_slice_part(name, 0, prefix.size), prefix);
}

/* Reads "item" or "item:/pointer". */
static enum sfe_code make_item(struct compiler *compiler, struct sfe_slice name,
                               struct flow_part *part, struct sfe_error *err)
{
    const struct sfe_slice pointer = sfe_slice_part(name, 5, name.size);
    if (name.size > 4 && (pointer.size == 0 || pointer.bytes[0] != '/')) {
        return flow_part_unknown(name, err);
    }
    if (!compiler->has_each) {
        char shown[48];
        sfe_printable(shown, sizeof(shown), name);
        return sfe_fail(err, SFE_E_CONFIG, "{%s} needs `each`, the array whose items are meant",
                        shown);
    }
    part->kind = FLOW_PART_ITEM;
    return flow_pointer_compile(pointer, compiler->arena, &part->pointer, err);
}

static enum sfe_code make_part(struct compiler *compiler, struct sfe_slice name,
                               struct flow_part *part, struct sfe_error *err)
{
    static const struct {
        const char *name;
        enum flow_part_kind kind;
    } plain[] = {
        {"topic", FLOW_PART_TOPIC},
        {"time", FLOW_PART_TIME},
        {"seq", FLOW_PART_SEQUENCE},
        {"id", FLOW_PART_IDENTITY},
        {"index", FLOW_PART_INDEX},
        {"source", FLOW_PART_SOURCE},
        {"identity", FLOW_PART_SENDER},
        {"payload", FLOW_PART_PAYLOAD},
        {"payload:base64", FLOW_PART_PAYLOAD_BASE64},
    };
    *part = (struct flow_part){0};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (sfe_slice_equal(name, sfe_slice_text(plain[i].name))) {
            part->kind = plain[i].kind;
            return SFE_OK;
        }
    }
    if (name.size != 0 && name.bytes[0] == '/') {
        part->kind = FLOW_PART_POINTER;
        return flow_pointer_compile(name, compiler->arena, &part->pointer, err);
    }
    if (sfe_slice_equal(name, SFE_TEXT("agent"))) {
        const struct sfe_slice agent =
            flow_copy(sfe_slice_text(compiler->agent_id), compiler->arena, err);
        return make_literal(agent, compiler->arena, part, err);
    }
    if (begins_with(name, SFE_TEXT("topic."))) {
        return make_topic_level(name, part, err);
    }
    if (sfe_slice_equal(name, SFE_TEXT("item")) || begins_with(name, SFE_TEXT("item:"))) {
        return make_item(compiler, name, part, err);
    }
    return flow_part_unknown(name, err);
}

/* The size of what stands before the first | that no backslash is in front of. */
static size_t size_of_name(struct sfe_slice text)
{
    size_t size = 0;

    while (size < text.size && text.bytes[size] != '|') {
        size += text.bytes[size] == '\\' && size + 1 < text.size && text.bytes[size + 1] == '|'
                    ? 2u
                    : 1u;
    }
    return size;
}

/* A name in which \| is a |. */
static struct sfe_slice unescape_name(struct sfe_slice name, struct sfe_arena *arena,
                                      struct sfe_error *err)
{
    uint8_t *bytes = sfe_arena_take(arena, name.size + 1, err);
    size_t size = 0;

    for (size_t i = 0; bytes != NULL && i < name.size; i++) {
        i += name.bytes[i] == '\\' && i + 1 < name.size && name.bytes[i + 1] == '|';
        bytes[size++] = name.bytes[i];
    }
    return sfe_slice_make(bytes, size);
}

static enum sfe_code make_whole_part(struct compiler *compiler, struct sfe_slice text,
                                     struct flow_part *part, struct sfe_error *err)
{
    const size_t size = size_of_name(text);
    struct sfe_slice name = sfe_slice_part(text, 0, size);

    if (name.size != 0 && memchr(name.bytes, '|', name.size) != NULL) {
        name = unescape_name(name, compiler->arena, err);
        if (name.bytes == NULL) {
            return err->code;
        }
    }
    const enum sfe_code code = make_part(compiler, name, part, err);
    if (code != SFE_OK || size == text.size) {
        return code;
    }
    if (part->kind == FLOW_PART_LITERAL || part->kind == FLOW_PART_PAYLOAD_BASE64) {
        return sfe_fail(err, SFE_E_CONFIG, "{agent} and {payload:base64} have no functions");
    }
    return flow_functions_compile(sfe_slice_part(text, size + 1, text.size), compiler->arena,
                                  &part->functions, err);
}

static bool is_doubled(const struct compiler *compiler)
{
    const struct sfe_slice text = compiler->text;
    const size_t i = compiler->offset;
    return i + 1 < text.size && text.bytes[i] == text.bytes[i + 1];
}

/* Takes text up to the next part. */
static enum sfe_code take_literal(struct compiler *compiler, struct sfe_error *err)
{
    const struct sfe_slice text = compiler->text;
    uint8_t *bytes = sfe_arena_take(compiler->arena, text.size - compiler->offset + 1, err);
    size_t size = 0;
    if (bytes == NULL) {
        return err->code;
    }
    for (; compiler->offset < text.size; compiler->offset++) {
        const uint8_t byte = text.bytes[compiler->offset];
        if (byte == '{' || byte == '}') {
            const bool doubled = is_doubled(compiler);
            if (byte == '{' && !doubled) {
                break;
            }
            if (!doubled) {
                return sfe_fail(err, SFE_E_CONFIG,
                                "a } without its { at column %zu; a brace itself is written }}",
                                compiler->offset + 1);
            }
            compiler->offset++;
        }
        bytes[size++] = byte;
    }
    if (size == 0) {
        return SFE_OK;
    }
    struct flow_part *part = &compiler->parts[compiler->count++];
    return make_literal(sfe_slice_make(bytes, size), compiler->arena, part, err);
}

/* Takes the part that begins at a '{'. */
static enum sfe_code take_part(struct compiler *compiler, struct sfe_error *err)
{
    const struct sfe_slice text = compiler->text;
    const size_t begin = compiler->offset + 1;
    size_t end = begin;
    SFE_ASSERT(text.bytes[compiler->offset] == '{');
    while (end < text.size && text.bytes[end] != '}' && text.bytes[end] != '{') {
        end++;
    }
    if (end == text.size || text.bytes[end] == '{') {
        return sfe_fail(err, SFE_E_CONFIG,
                        "a { without its } at column %zu; a brace itself is written {{", begin);
    }
    compiler->offset = end + 1;
    struct flow_part *part = &compiler->parts[compiler->count++];
    return make_whole_part(compiler, sfe_slice_part(text, begin, end - begin), part, err);
}

static size_t count_braces(struct sfe_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '{' ? 1u : 0u;
    }
    return count;
}

enum sfe_code flow_template_compile(struct sfe_slice text, const char *agent_id, bool has_each,
                                    struct sfe_arena *arena, struct sfe_template **compiled,
                                    struct sfe_error *err)
{
    const size_t parts_max = 2 * count_braces(text) + 1;
    struct compiler compiler = {.text = text, .agent_id = agent_id, .has_each = has_each};
    compiler.arena = arena;
    *compiled = NULL;
    struct sfe_template *made = sfe_arena_take(arena, sizeof(*made), err);
    compiler.parts = sfe_arena_take(arena, parts_max * sizeof(*compiler.parts), err);
    if (made == NULL || compiler.parts == NULL) {
        return err->code;
    }
    while (compiler.offset < text.size) {
        enum sfe_code code = take_literal(&compiler, err);
        if (code == SFE_OK && compiler.offset < text.size) {
            code = take_part(&compiler, err);
        }
        if (code != SFE_OK) {
            return code;
        }
    }
    SFE_ASSERT(compiler.count <= parts_max);
    made->parts = compiler.parts;
    made->count = compiler.count;
    *compiled = made;
    return SFE_OK;
}

enum sfe_code sfe_template_compile(const char *text, const char *agent_id, struct sfe_arena *arena,
                                   struct sfe_template **compiled, struct sfe_error *err)
{
    return flow_template_compile(sfe_slice_text(text), agent_id, false, arena, compiled, err);
}
