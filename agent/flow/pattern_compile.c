#include "base/arena.h"
#include "base/assert.h"
#include "flow/pattern.h"

#define REPEAT_MAX    1000u
#define WITHOUT_LIMIT UINT32_MAX

struct group {
    uint32_t begin;
    uint32_t alternative; /* Where its alternative under way begins. */
};

struct compiler {
    struct sfe_slice text;
    size_t at;
    struct flow_pattern_step *steps;
    uint32_t count;
    struct flow_pattern_range *ranges;
    uint32_t range_count;
    struct group groups[FLOW_PATTERN_GROUPS_MAX + 1u]; /* The first is the whole. */
    uint32_t depth;
    uint32_t atom; /* What a repetition is of: the steps from here to the end. */
    bool has_atom;
    struct sfe_error *err;
};

static enum sfe_code fail(const struct compiler *compiler, const char *what)
{
    return sfe_fail(compiler->err, SFE_E_CONFIG, "the expression at its character %zu: %s",
                    compiler->at + 1u, what);
}

static bool is_next(const struct compiler *compiler, char byte)
{
    return compiler->at < compiler->text.size &&
           compiler->text.bytes[compiler->at] == (uint8_t)byte;
}

/* Makes room for `count` steps at `place`; those behind it move. */
static enum sfe_code insert(struct compiler *compiler, uint32_t place, uint32_t count)
{
    /* One step is kept for the end. */
    if (count > FLOW_PATTERN_STEPS_MAX - 1u - compiler->count) {
        return fail(compiler, "it is too large; repetitions are written out: use smaller counts");
    }
    memmove(&compiler->steps[place + count], &compiler->steps[place],
            (compiler->count - place) * sizeof(*compiler->steps));
    memset(&compiler->steps[place], 0, count * sizeof(*compiler->steps));
    compiler->count += count;
    return SFE_OK;
}

static enum sfe_code insert_step(struct compiler *compiler, uint32_t place, enum flow_pattern_op op,
                                 int x, int y)
{
    const enum sfe_code code = insert(compiler, place, 1);

    if (code == SFE_OK) {
        compiler->steps[place].op = (uint8_t)op;
        compiler->steps[place].x = (int16_t)x;
        compiler->steps[place].y = (int16_t)y;
    }
    return code;
}

/* A new last step, which is what a repetition behind it is of. */
static enum sfe_code add_atom(struct compiler *compiler, enum flow_pattern_op op, uint32_t first)
{
    const enum sfe_code code = insert_step(compiler, compiler->count, op, 0, 0);

    if (code == SFE_OK) {
        compiler->atom = compiler->count - 1u;
        compiler->has_atom = op == FLOW_PATTERN_CHARACTER || op == FLOW_PATTERN_SET;
        compiler->steps[compiler->atom].first = first;
    }
    return code;
}

static enum sfe_code add_range(struct compiler *compiler, uint32_t low, uint32_t high)
{
    if (low > high) {
        return fail(compiler, "a range goes upwards, as in [a-z]");
    }
    if (compiler->range_count == FLOW_PATTERN_RANGES_MAX) {
        return fail(compiler, "it has too many ranges");
    }
    compiler->ranges[compiler->range_count++] = (struct flow_pattern_range){low, high};
    return SFE_OK;
}

/* The ranges of \d, \w and \s; false for any other letter. */
static bool add_class(struct compiler *compiler, uint8_t letter, enum sfe_code *code)
{
    static const struct class_range {
        char letter;
        char low;
        char high;
    } ranges[] = {{'d', '0', '9'}, {'w', '0', '9'}, {'w', 'A', 'Z'},   {'w', 'a', 'z'},
                  {'w', '_', '_'}, {'s', ' ', ' '}, {'s', '\t', '\n'}, {'s', '\f', '\r'}};
    bool is_found = false;

    *code = SFE_OK;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && *code == SFE_OK; i++) {
        if ((uint8_t)ranges[i].letter == letter) {
            is_found = true;
            *code = add_range(compiler, (uint32_t)ranges[i].low, (uint32_t)ranges[i].high);
        }
    }
    return is_found;
}

/* The character that `escaped` behind a backslash stands for; UINT32_MAX: none. */
static uint32_t escaped_character(uint8_t escaped)
{
    static const char letters[] = "tnrfv";
    static const char meant[] = "\t\n\r\f\v";
    const char *letter = escaped == 0 ? NULL : strchr(letters, escaped);

    if (letter != NULL) {
        return (uint32_t)meant[letter - letters];
    }
    const bool is_word = (escaped >= '0' && escaped <= '9') ||
                         ((escaped | 0x20u) >= 'a' && (escaped | 0x20u) <= 'z');
    return escaped > ' ' && escaped < 0x7Fu && !is_word ? escaped : UINT32_MAX;
}

/* Behind a backslash outside a set. */
static enum sfe_code read_escape(struct compiler *compiler)
{
    const uint32_t first = compiler->range_count;
    enum sfe_code code = SFE_OK;

    if (compiler->at == compiler->text.size) {
        return fail(compiler, "a backslash needs something behind it");
    }
    const uint8_t escaped = compiler->text.bytes[compiler->at++];
    const uint32_t character = escaped_character(escaped);
    if (character != UINT32_MAX) {
        return add_atom(compiler, FLOW_PATTERN_CHARACTER, character);
    }
    if (!add_class(compiler, escaped | 0x20u, &code)) {
        compiler->at--;
        return fail(compiler, "this is not known behind a backslash; \\d \\w \\s \\D \\W \\S \\t "
                              "\\n \\r \\f \\v and punctuation are");
    }
    if (code == SFE_OK) {
        code = add_atom(compiler, FLOW_PATTERN_SET, first);
    }
    if (code == SFE_OK) {
        compiler->steps[compiler->atom].count = (uint16_t)(compiler->range_count - first);
        compiler->steps[compiler->atom].is_negated = (escaped & 0x20u) == 0;
    }
    return code;
}

/* One character of a set, or a whole class (*is_class; its ranges are added). */
static enum sfe_code read_member(struct compiler *compiler, uint32_t *character, bool *is_class)
{
    enum sfe_code code = SFE_OK;

    *is_class = false;
    if (compiler->at == compiler->text.size) {
        return fail(compiler, "the [ is not closed");
    }
    if (!is_next(compiler, '\\')) {
        compiler->at += flow_pattern_character(
            sfe_slice_part(compiler->text, compiler->at, compiler->text.size), character);
        return SFE_OK;
    }
    compiler->at++;
    if (compiler->at == compiler->text.size) {
        return fail(compiler, "the [ is not closed");
    }
    const uint8_t escaped = compiler->text.bytes[compiler->at];
    *character = escaped_character(escaped);
    if (*character == UINT32_MAX) {
        *is_class = add_class(compiler, escaped, &code);
        if (!*is_class) {
            return fail(compiler, "this is not known behind a backslash in [ ]");
        }
    }
    compiler->at++;
    return code;
}

/* One member of a set or a range of them. */
static enum sfe_code read_range(struct compiler *compiler)
{
    uint32_t low = 0;
    uint32_t high = 0;
    bool is_class = false;
    enum sfe_code code = read_member(compiler, &low, &is_class);
    const bool is_last =
        compiler->at + 1u < compiler->text.size && compiler->text.bytes[compiler->at + 1u] == ']';

    if (code != SFE_OK || is_class) {
        return code;
    }
    if (!is_next(compiler, '-') || is_last) {
        return add_range(compiler, low, low);
    }
    compiler->at++;
    code = read_member(compiler, &high, &is_class);
    if (code == SFE_OK && is_class) {
        return fail(compiler, "a range ends with a character");
    }
    return code == SFE_OK ? add_range(compiler, low, high) : code;
}

/* Behind '['. */
static enum sfe_code read_set(struct compiler *compiler)
{
    const uint32_t first = compiler->range_count;
    const bool is_negated = is_next(compiler, '^');
    enum sfe_code code = SFE_OK;

    compiler->at += is_negated ? 1u : 0u;
    if (is_next(compiler, ':')) {
        return fail(compiler, "classes by name are not known; write the ranges, as in [a-z]");
    }
    do { /* A ']' in front is one of the members. */
        if (is_next(compiler, '[') && compiler->at + 1u < compiler->text.size &&
            compiler->text.bytes[compiler->at + 1u] == ':') {
            return fail(compiler, "classes by name are not known; write the ranges, as in [a-z]");
        }
        code = read_range(compiler);
    } while (code == SFE_OK && !is_next(compiler, ']'));
    if (code == SFE_OK) {
        compiler->at++;
        code = add_atom(compiler, FLOW_PATTERN_SET, first);
    }
    if (code == SFE_OK) {
        compiler->steps[compiler->atom].count = (uint16_t)(compiler->range_count - first);
        compiler->steps[compiler->atom].is_negated = is_negated;
    }
    return code;
}

static enum sfe_code open_group(struct compiler *compiler)
{
    if (is_next(compiler, '?')) {
        compiler->at++;
        if (!is_next(compiler, ':')) {
            return fail(compiler, "of the groups with ? only (?: ) is known");
        }
        compiler->at++;
    }
    if (compiler->depth == FLOW_PATTERN_GROUPS_MAX) {
        return fail(compiler, "too many groups within each other");
    }
    compiler->groups[++compiler->depth] = (struct group){compiler->count, compiler->count};
    compiler->has_atom = false;
    return SFE_OK;
}

/* Behind '|': the alternative before it begins with a split and ends with a jump, whose aim is
 * known when the group closes. */
static enum sfe_code next_alternative(struct compiler *compiler)
{
    struct group *group = &compiler->groups[compiler->depth];
    enum sfe_code code = insert_step(compiler, group->alternative, FLOW_PATTERN_ALTERNATIVE, 1, 0);

    if (code == SFE_OK) {
        code = insert_step(compiler, compiler->count, FLOW_PATTERN_JUMP, 0, 0);
    }
    if (code == SFE_OK) {
        compiler->steps[group->alternative].y = (int16_t)(compiler->count - group->alternative);
        group->alternative = compiler->count;
        compiler->has_atom = false;
    }
    return code;
}

/* Lets the jumps of a group's alternatives lead to its end. */
static void close_alternatives(struct compiler *compiler)
{
    uint32_t at = compiler->groups[compiler->depth].begin;

    while (at < compiler->count && compiler->steps[at].op == FLOW_PATTERN_ALTERNATIVE) {
        const uint32_t next = (uint32_t)((int32_t)at + compiler->steps[at].y);
        SFE_ASSERT(next <= compiler->count && compiler->steps[next - 1u].op == FLOW_PATTERN_JUMP);
        compiler->steps[next - 1u].x = (int16_t)(compiler->count - (next - 1u));
        compiler->steps[at].op = FLOW_PATTERN_SPLIT;
        at = next;
    }
}

static enum sfe_code close_group(struct compiler *compiler)
{
    if (compiler->depth == 0) {
        compiler->at--;
        return fail(compiler, "no ( belongs to this )");
    }
    close_alternatives(compiler);
    compiler->atom = compiler->groups[compiler->depth].begin;
    compiler->has_atom = true;
    compiler->depth--;
    return SFE_OK;
}

/* Appends a copy of the `size` steps from `from` on. */
static enum sfe_code append_copy(struct compiler *compiler, uint32_t from, uint32_t size)
{
    const uint32_t place = compiler->count;
    const enum sfe_code code = insert(compiler, place, size);

    if (code == SFE_OK) {
        memcpy(&compiler->steps[place], &compiler->steps[from], size * sizeof(*compiler->steps));
    }
    return code;
}

/* Appends copies of the atom that may be left out. */
static enum sfe_code append_optional(struct compiler *compiler, uint32_t from, uint32_t size,
                                     uint32_t count)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < count && code == SFE_OK; i++) {
        code = insert_step(compiler, compiler->count, FLOW_PATTERN_SPLIT, 1, (int)(size + 1u));
        if (code == SFE_OK) {
            code = append_copy(compiler, from, size);
        }
    }
    return code;
}

/* Lets the steps from `from` on stand any number of times, or at least once. */
static enum sfe_code repeat_without_limit(struct compiler *compiler, uint32_t from, uint32_t size,
                                          bool at_least_once)
{
    enum sfe_code code;

    if (at_least_once) {
        return insert_step(compiler, compiler->count, FLOW_PATTERN_SPLIT, -(int)size, 1);
    }
    code = insert_step(compiler, from, FLOW_PATTERN_SPLIT, 1, (int)(size + 2u));
    return code == SFE_OK
               ? insert_step(compiler, compiler->count, FLOW_PATTERN_JUMP, -(int)(size + 1u), 0)
               : code;
}

/* Lets the atom, which stands once, stand `least` to `most` times. */
static enum sfe_code repeat(struct compiler *compiler, uint32_t least, uint32_t most)
{
    const uint32_t size = compiler->count - compiler->atom;
    const uint32_t from = compiler->atom;
    enum sfe_code code = SFE_OK;

    if (most == 0) {
        compiler->count = compiler->atom;
        return SFE_OK;
    }
    for (uint32_t i = 1; i < least && code == SFE_OK; i++) {
        code = append_copy(compiler, from, size);
    }
    if (code != SFE_OK) {
        return code;
    }
    if (most == WITHOUT_LIMIT) {
        return repeat_without_limit(compiler, from, size, least > 0);
    }
    if (least > 0) {
        return append_optional(compiler, from, size, most - least);
    }
    code = insert_step(compiler, from, FLOW_PATTERN_SPLIT, 1, (int)(size + 1u));
    return code == SFE_OK ? append_optional(compiler, from + 1u, size, most - 1u) : code;
}

static bool read_number(struct compiler *compiler, uint32_t *number)
{
    const size_t begin = compiler->at;

    *number = 0;
    while (compiler->at < compiler->text.size && compiler->text.bytes[compiler->at] >= '0' &&
           compiler->text.bytes[compiler->at] <= '9' && *number <= REPEAT_MAX) {
        *number = *number * 10u + (uint32_t)(compiler->text.bytes[compiler->at++] - '0');
    }
    return compiler->at > begin && *number <= REPEAT_MAX;
}

/* Behind '{'. */
static bool read_counts(struct compiler *compiler, uint32_t *least, uint32_t *most)
{
    if (!read_number(compiler, least)) {
        return false;
    }
    *most = *least;
    if (is_next(compiler, ',')) {
        compiler->at++;
        *most = WITHOUT_LIMIT;
        if (!is_next(compiler, '}') && !read_number(compiler, most)) {
            return false;
        }
    }
    if (!is_next(compiler, '}')) {
        return false;
    }
    compiler->at++;
    return *least <= *most;
}

static enum sfe_code read_repetition(struct compiler *compiler, uint8_t byte)
{
    uint32_t least = byte == '+' ? 1u : 0u;
    uint32_t most = byte == '?' ? 1u : WITHOUT_LIMIT;

    if (!compiler->has_atom) {
        compiler->at--;
        return fail(compiler, "there is nothing to repeat");
    }
    if (byte == '{' && !read_counts(compiler, &least, &most)) {
        return fail(compiler, "a count is {2}, {2,} or {2,5}; a brace itself is \\{");
    }
    if (is_next(compiler, '?')) {
        compiler->at++; /* As few as possible: found is found. */
    }
    compiler->has_atom = false;
    return repeat(compiler, least, most);
}

static enum sfe_code read_dot(struct compiler *compiler)
{
    enum sfe_code code = add_range(compiler, '\n', '\n');

    if (code == SFE_OK) {
        code = add_atom(compiler, FLOW_PATTERN_SET, compiler->range_count - 1u);
    }
    if (code == SFE_OK) {
        compiler->steps[compiler->atom].count = 1;
        compiler->steps[compiler->atom].is_negated = true;
    }
    return code;
}

static enum sfe_code read_one(struct compiler *compiler)
{
    uint32_t character = 0;
    const uint8_t byte = compiler->text.bytes[compiler->at];

    compiler->at += flow_pattern_character(
        sfe_slice_part(compiler->text, compiler->at, compiler->text.size), &character);
    switch (byte) {
    case '(':
        return open_group(compiler);
    case ')':
        return close_group(compiler);
    case '|':
        return next_alternative(compiler);
    case '*':
    case '+':
    case '?':
    case '{':
        return read_repetition(compiler, byte);
    case '[':
        return read_set(compiler);
    case '.':
        return read_dot(compiler);
    case '^':
        return add_atom(compiler, FLOW_PATTERN_BEGIN, 0);
    case '$':
        return add_atom(compiler, FLOW_PATTERN_END, 0);
    case '\\':
        return read_escape(compiler);
    default:
        return add_atom(compiler, FLOW_PATTERN_CHARACTER, character);
    }
}

enum sfe_code flow_pattern_compile(struct sfe_slice text, struct sfe_arena *arena,
                                   struct flow_pattern *pattern, struct sfe_error *err)
{
    struct compiler compiler = {.text = text, .err = err};
    enum sfe_code code = SFE_OK;

    compiler.steps = sfe_arena_take(arena, FLOW_PATTERN_STEPS_MAX * sizeof(*compiler.steps), err);
    compiler.ranges =
        sfe_arena_take(arena, FLOW_PATTERN_RANGES_MAX * sizeof(*compiler.ranges), err);
    if (compiler.steps == NULL || compiler.ranges == NULL) {
        return err->code;
    }
    while (compiler.at < text.size && code == SFE_OK) {
        code = read_one(&compiler);
    }
    if (code == SFE_OK && compiler.depth != 0) {
        code = fail(&compiler, "a ( is not closed");
    }
    if (code != SFE_OK) {
        return code;
    }
    close_alternatives(&compiler);
    SFE_ASSERT(compiler.count < FLOW_PATTERN_STEPS_MAX);
    compiler.steps[compiler.count++] = (struct flow_pattern_step){.op = FLOW_PATTERN_FOUND};
    *pattern = (struct flow_pattern){compiler.steps, compiler.ranges, compiler.count};
    return SFE_OK;
}
