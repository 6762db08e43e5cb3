#include "flow/soql.h"

#include "base/arena.h"
#include "base/assert.h"
#include "flow/number.h"
#include "flow/template.h"

enum piece_kind { PIECE_TEXT, PIECE_QUOTED, PIECE_LIKE, PIECE_NUMBER };

struct piece {
    enum piece_kind kind;
    struct sfe_slice text;      /* Of TEXT. */
    struct sfe_template *value; /* Of the others: one part alone. */
};

struct sfe_soql {
    struct piece *pieces;
    uint32_t count;
};

struct compiler {
    struct sfe_slice text;
    size_t offset;
    const char *agent_id;
    struct sfe_arena *arena;
    struct sfe_soql *soql;
    bool is_quoted;
    bool is_like; /* Of the text in quotes. */
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Is the word before `end` LIKE, in any case of letters? */
static bool is_behind_like(struct sfe_slice text, size_t end)
{
    static const char like[] = "like";

    while (end > 0 && is_blank(text.bytes[end - 1u])) {
        end--;
    }
    if (end < sizeof(like) - 1u) {
        return false;
    }
    for (size_t i = 0; i < sizeof(like) - 1u; i++) {
        if ((text.bytes[end - (sizeof(like) - 1u) + i] | 0x20u) != (uint8_t)like[i]) {
            return false;
        }
    }
    return true;
}

static bool is_doubled(const struct compiler *compiler)
{
    const struct sfe_slice text = compiler->text;

    return compiler->offset + 1u < text.size &&
           text.bytes[compiler->offset] == text.bytes[compiler->offset + 1u];
}

/* One byte of the query's own text, or two where it is escaped: what follows a backslash in quotes
 * ends nothing. */
static void pass_byte(struct compiler *compiler, uint8_t *bytes, size_t *size)
{
    const struct sfe_slice text = compiler->text;
    const uint8_t byte = text.bytes[compiler->offset];

    if (byte == '\'') {
        compiler->is_like = !compiler->is_quoted && is_behind_like(text, compiler->offset);
        compiler->is_quoted = !compiler->is_quoted;
    } else if (byte == '{' || byte == '}') {
        compiler->offset++; /* It is doubled. */
    } else if (byte == '\\' && compiler->is_quoted && compiler->offset + 1u < text.size) {
        bytes[(*size)++] = byte;
        compiler->offset++;
    }
    bytes[(*size)++] = text.bytes[compiler->offset++];
}

static enum sfe_code take_text(struct compiler *compiler, struct sfe_error *err)
{
    const struct sfe_slice text = compiler->text;
    uint8_t *bytes = sfe_arena_take(compiler->arena, text.size - compiler->offset + 1u, err);
    size_t size = 0;

    if (bytes == NULL) {
        return err->code;
    }
    while (compiler->offset < text.size) {
        const uint8_t byte = text.bytes[compiler->offset];
        if (byte == '{' && !is_doubled(compiler)) {
            break;
        }
        if (byte == '}' && !is_doubled(compiler)) {
            return sfe_fail(err, SFE_E_CONFIG,
                            "a } without its { at column %zu; a brace itself is written }}",
                            compiler->offset + 1u);
        }
        pass_byte(compiler, bytes, &size);
    }
    if (size != 0) {
        compiler->soql->pieces[compiler->soql->count++] =
            (struct piece){.kind = PIECE_TEXT, .text = sfe_slice_make(bytes, size)};
    }
    return SFE_OK;
}

static enum sfe_code take_value(struct compiler *compiler, struct sfe_error *err)
{
    const struct sfe_slice text = compiler->text;
    const size_t begin = compiler->offset;
    struct piece *piece = &compiler->soql->pieces[compiler->soql->count++];
    size_t end = begin + 1u;

    while (end < text.size && text.bytes[end] != '}' && text.bytes[end] != '{') {
        end++;
    }
    if (end == text.size || text.bytes[end] == '{') {
        return sfe_fail(err, SFE_E_CONFIG,
                        "a { without its } at column %zu; a brace itself is written {{",
                        begin + 1u);
    }
    compiler->offset = end + 1u;
    piece->kind = PIECE_NUMBER;
    if (compiler->is_quoted) {
        piece->kind = compiler->is_like ? PIECE_LIKE : PIECE_QUOTED;
    }
    return flow_template_compile(sfe_slice_part(text, begin, end + 1u - begin), compiler->agent_id,
                                 false, compiler->arena, &piece->value, err);
}

static size_t count_braces(struct sfe_slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '{' ? 1u : 0u;
    }
    return count;
}

enum sfe_code sfe_soql_compile(const char *text, const char *agent_id, struct sfe_arena *arena,
                               struct sfe_soql **soql, struct sfe_error *err)
{
    struct compiler compiler = {.text = sfe_slice_text(text), .agent_id = agent_id, .arena = arena};
    const size_t pieces_max = 2u * count_braces(compiler.text) + 1u;
    enum sfe_code code = SFE_OK;

    *soql = NULL;
    compiler.soql = sfe_arena_take(arena, sizeof(*compiler.soql), err);
    if (compiler.soql == NULL) {
        return err->code;
    }
    compiler.soql->pieces = sfe_arena_take(arena, pieces_max * sizeof(struct piece), err);
    if (compiler.soql->pieces == NULL) {
        return err->code;
    }
    while (compiler.offset < compiler.text.size && code == SFE_OK) {
        code = take_text(&compiler, err);
        if (code == SFE_OK && compiler.offset < compiler.text.size) {
            code = take_value(&compiler, err);
        }
    }
    if (code == SFE_OK && compiler.is_quoted) {
        code = sfe_fail(err, SFE_E_CONFIG, "a text in quotes that does not end");
    }
    SFE_ASSERT(compiler.soql->count <= pieces_max);
    if (code == SFE_OK) {
        *soql = compiler.soql;
    }
    return code;
}

/* The letter behind the backslash; 0: the byte stands for itself. */
static uint8_t escape_of(uint8_t byte, bool is_like)
{
    switch (byte) {
    case '\'':
    case '\\':
        return byte;
    case '%':
    case '_':
        return is_like ? byte : 0;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return 0;
    }
}

static enum sfe_code add_quoted(struct sfe_slice text, bool is_like, struct sfe_builder *out,
                                struct sfe_error *err)
{
    if (!sfe_utf8_valid(text)) {
        return sfe_fail(err, SFE_E_UNMAPPED, "a value that is not UTF-8");
    }
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t escape = escape_of(text.bytes[i], is_like);
        if (escape == 0 && (text.bytes[i] < 0x20u || text.bytes[i] == 0x7Fu)) {
            return sfe_fail(err, SFE_E_UNMAPPED, "a value with a control character (0x%02x)",
                            text.bytes[i]);
        }
        if (escape != 0) {
            sfe_builder_add_byte(out, '\\');
        }
        sfe_builder_add_byte(out, escape != 0 ? escape : text.bytes[i]);
    }
    return SFE_OK;
}

static enum sfe_code add_text(const struct piece *piece, struct sfe_slice text,
                              struct sfe_builder *out, struct sfe_error *err)
{
    if (piece->kind != PIECE_NUMBER) {
        return add_quoted(text, piece->kind == PIECE_LIKE, out, err);
    }
    if (!flow_is_number(text)) {
        return sfe_fail(err, SFE_E_UNMAPPED, "a value outside quotes that is no number");
    }
    sfe_builder_add(out, text);
    return SFE_OK;
}

static enum sfe_code add_value(const struct piece *piece, const struct sfe_map_subject *subject,
                               struct sfe_builder *out, struct sfe_error *err)
{
    const struct flow_place place = {.subject = subject};
    uint8_t memory[SFE_SOQL_VALUE_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    struct flow_scratch scratch;
    struct flow_value value;
    enum sfe_code code = flow_template_value(piece->value, &place, &scratch, &value, err);

    if (code != SFE_OK) {
        return code;
    }
    switch (value.kind) {
    case FLOW_VALUE_ABSENT:
    case FLOW_VALUE_NULL:
        return flow_template_absent(piece->value, &place, err);
    case FLOW_VALUE_OBJECT:
    case FLOW_VALUE_ARRAY:
        return sfe_fail(err, SFE_E_UNMAPPED, "an object or a list where a value must be");
    case FLOW_VALUE_FALSE:
    case FLOW_VALUE_TRUE:
    case FLOW_VALUE_NUMBER:
    case FLOW_VALUE_STRING:
    case FLOW_VALUE_TEXT:
    case FLOW_VALUE_BASE64:
    case FLOW_VALUE_TIME:
        break;
    }
    flow_value_add_plain(&value, &text);
    if (text.overflowed) {
        return sfe_fail(err, SFE_E_UNMAPPED, "a value of more than %u bytes",
                        SFE_SOQL_VALUE_BYTES_MAX);
    }
    return add_text(piece, sfe_builder_slice(&text), out, err);
}

enum sfe_code sfe_soql_add(const struct sfe_soql *soql, const struct sfe_map_subject *subject,
                           struct sfe_builder *out, struct sfe_error *err)
{
    const size_t before = out->size;
    enum sfe_code code = out->overflowed ? SFE_E_FULL : SFE_OK;

    for (uint32_t i = 0; i < soql->count && code == SFE_OK; i++) {
        const struct piece *piece = &soql->pieces[i];
        if (piece->kind == PIECE_TEXT) {
            sfe_builder_add(out, piece->text);
        } else {
            code = add_value(piece, subject, out, err);
        }
        if (code == SFE_OK && out->overflowed) {
            code = SFE_E_FULL;
        }
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}
