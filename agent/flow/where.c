#include "flow/where.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "flow/number.h"
#include "flow/template.h"
#include "flow/where_compile.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* What a comparison looks at. Neighbours look at the same place: it is sought once. */
struct sight {
    const struct sfe_map_subject *subject;
    const struct flow_pointer *pointer; /* What `value` was found at; NULL: nothing yet. */
    struct flow_value value;
    uint32_t token; /* Of `value`. */
};

/* Finds the node's value; false where the payload is not JSON. */
static bool look(const struct where_node *node, struct sight *sight)
{
    const struct sfe_map_subject *subject = sight->subject;

    if (node->pointer == NULL) {
        sight->pointer = NULL;
        sight->value = (struct flow_value){.kind = FLOW_VALUE_TEXT, .text = subject->event->topic};
        return true;
    }
    if (!subject->is_json) {
        return false;
    }
    if (sight->pointer != node->pointer) {
        sight->pointer = node->pointer;
        sight->token = flow_pointer_find(node->pointer, &subject->json, 0);
        sight->value = flow_value_of(&subject->json, sight->token);
    }
    return true;
}

static bool is_text(const struct flow_value *value)
{
    return value->kind == FLOW_VALUE_TEXT || value->kind == FLOW_VALUE_STRING;
}

static bool is_equal(const struct flow_value *operand, const struct sight *sight)
{
    const struct flow_value *value = &sight->value;

    if (operand->kind == FLOW_VALUE_TEXT && value->kind == FLOW_VALUE_STRING) {
        return value->is_escaped
                   ? sfe_json_text_equal(&sight->subject->json, sight->token, operand->text)
                   : sfe_slice_equal(value->text, operand->text);
    }
    if (value->kind != operand->kind) {
        return false;
    }
    if (value->kind == FLOW_VALUE_NUMBER) {
        return flow_number_compare(value->text, operand->text) == 0;
    }
    return value->kind != FLOW_VALUE_TEXT || sfe_slice_equal(value->text, operand->text);
}

/* The plain text of the value; false where it does not fit. */
static bool plain_text(const struct sfe_where *where, const struct flow_value *value,
                       struct sfe_slice *plain)
{
    struct sfe_builder text = sfe_builder_make(where->text, SFE_WHERE_TEXT_BYTES_MAX);

    *plain = value->text;
    if (value->is_escaped) {
        flow_add_unescaped(value->text, &text);
        *plain = sfe_builder_slice(&text);
    }
    return !text.overflowed;
}

static enum answer fail_long(struct sfe_error *err)
{
    (void)sfe_fail(err, SFE_E_UNMAPPED, "the text is longer than %u bytes",
                   SFE_WHERE_TEXT_BYTES_MAX);
    return ANSWER_UNKNOWN;
}

static enum answer fail_type(const struct where_node *node, struct sfe_error *err)
{
    const bool wants_text = node->operand.kind == FLOW_VALUE_TEXT;

    (void)sfe_fail(err, SFE_E_UNMAPPED, "the value is not %s", wants_text ? "text" : "a number");
    return ANSWER_UNKNOWN;
}

static enum answer answer_order(enum sfe_where_kind kind, int order)
{
    switch (kind) {
    case SFE_WHERE_LT:
        return order < 0 ? ANSWER_YES : ANSWER_NO;
    case SFE_WHERE_LE:
        return order <= 0 ? ANSWER_YES : ANSWER_NO;
    case SFE_WHERE_GT:
        return order > 0 ? ANSWER_YES : ANSWER_NO;
    default:
        SFE_ASSERT(kind == SFE_WHERE_GE);
        return order >= 0 ? ANSWER_YES : ANSWER_NO;
    }
}

static int compare_bytes(struct sfe_slice a, struct sfe_slice b)
{
    const size_t common = a.size < b.size ? a.size : b.size;
    const int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static enum answer judge_order(const struct sfe_where *where, const struct where_node *node,
                               const struct flow_value *value, struct sfe_error *err)
{
    struct sfe_slice plain;

    if (value->kind == FLOW_VALUE_NUMBER && node->operand.kind == FLOW_VALUE_NUMBER) {
        return answer_order(node->kind, flow_number_compare(value->text, node->operand.text));
    }
    if (!is_text(value) || node->operand.kind != FLOW_VALUE_TEXT) {
        return fail_type(node, err);
    }
    if (!plain_text(where, value, &plain)) {
        return fail_long(err);
    }
    return answer_order(node->kind, compare_bytes(plain, node->operand.text));
}

static enum answer judge_match(const struct sfe_where *where, const struct where_node *node,
                               const struct flow_value *value, struct sfe_error *err)
{
    struct sfe_slice plain;

    if (!is_text(value)) {
        return fail_type(node, err);
    }
    if (!plain_text(where, value, &plain) || plain.size > SFE_WHERE_TEXT_BYTES_MAX) {
        return fail_long(err);
    }
    return flow_pattern_is_in(&node->pattern, plain) ? ANSWER_YES : ANSWER_NO;
}

static enum answer judge_equal(const struct sfe_where *where, const struct where_node *node,
                               const struct sight *sight, struct sfe_error *err)
{
    struct flow_value operand = node->operand;
    bool equal;

    if (node->reference != NULL) {
        struct sfe_builder text = sfe_builder_make(where->referred, SFE_WHERE_TEXT_BYTES_MAX);
        if (sfe_template_add(node->reference, sight->subject, &text, err) != SFE_OK) {
            return ANSWER_UNKNOWN;
        }
        operand.text = sfe_builder_slice(&text);
    }
    equal = node->reference != NULL && sight->value.kind == FLOW_VALUE_NUMBER
                ? sfe_slice_equal(sight->value.text, operand.text)
                : is_equal(&operand, sight);
    return equal == (node->kind == SFE_WHERE_EQ) ? ANSWER_YES : ANSWER_NO;
}

/* Records why where the answer is not known. */
static enum answer judge_comparison(const struct sfe_where *where, const struct where_node *node,
                                    struct sight *sight, struct sfe_error *err)
{
    const struct flow_value *value = &sight->value;

    if (!look(node, sight)) {
        (void)flow_fail_not_json(sight->subject, err);
        return ANSWER_UNKNOWN;
    }
    switch (node->kind) {
    case SFE_WHERE_EQ:
    case SFE_WHERE_NE:
        return judge_equal(where, node, sight, err);
    case SFE_WHERE_EXISTS:
        return (value->kind != FLOW_VALUE_ABSENT) == (node->operand.kind == FLOW_VALUE_TRUE)
                   ? ANSWER_YES
                   : ANSWER_NO;
    default:
        break;
    }
    if (value->kind == FLOW_VALUE_ABSENT || value->kind == FLOW_VALUE_NULL) {
        return ANSWER_NO;
    }
    return node->kind == SFE_WHERE_MATCHES ? judge_match(where, node, value, err)
                                           : judge_order(where, node, value, err);
}

/* The answer of a node from those of what is inside it. */
static enum answer combine(const struct sfe_where *where, uint32_t index)
{
    const struct where_node *node = &where->nodes[index];
    /* One such answer decides. */
    const enum answer decisive = node->kind == SFE_WHERE_ANY ? ANSWER_YES : ANSWER_NO;
    enum answer answer = decisive == ANSWER_YES ? ANSWER_NO : ANSWER_YES;

    if (node->kind == SFE_WHERE_NOT) {
        answer = (enum answer)where->answers[index + 1u];
        return answer == ANSWER_UNKNOWN ? answer : (answer == ANSWER_YES ? ANSWER_NO : ANSWER_YES);
    }
    for (uint32_t i = index + 1u; i < node->next; i = where->nodes[i].next) {
        if (where->answers[i] == decisive) {
            return decisive;
        }
        if (where->answers[i] == ANSWER_UNKNOWN) {
            answer = ANSWER_UNKNOWN;
        }
    }
    return answer;
}

/* Says which comparison could not be judged: the first that mattered. */
static enum sfe_code fail_unknown(const struct sfe_where *where,
                                  const struct sfe_map_subject *subject, struct sfe_error *err)
{
    struct sight sight = {.subject = subject};
    uint32_t index = 0;

    while (!where_is_comparison(where->nodes[index].kind)) {
        index++; /* What is inside an unknown one and unknown itself is among the next. */
        while (where->answers[index] != ANSWER_UNKNOWN) {
            index = where->nodes[index].next;
        }
        SFE_ASSERT(index < where->count);
    }
    (void)judge_comparison(where, &where->nodes[index], &sight, err);
    (void)sfe_error_at(err, "payload", where->nodes[index].at, 0, 0);
    return sfe_within(err, "%.64s", where->nodes[index].at);
}

enum sfe_code sfe_where_judge(struct sfe_where *where, const struct sfe_map_subject *subject,
                              struct sfe_error *err)
{
    struct sight sight = {.subject = subject};

    if (where == NULL) {
        return SFE_OK;
    }
    /* From the end: what is inside a node is judged before it. */
    for (uint32_t i = where->count; i-- > 0;) {
        const struct where_node *node = &where->nodes[i];
        where->answers[i] =
            (uint8_t)(where_is_comparison(node->kind) ? judge_comparison(where, node, &sight, err)
                                                      : combine(where, i));
    }
    if (where->answers[0] == ANSWER_UNKNOWN) {
        return fail_unknown(where, subject, err);
    }
    return where->answers[0] == ANSWER_YES ? SFE_OK : SFE_E_SKIPPED;
}

uint32_t sfe_where_node_count(const struct sfe_where *where)
{
    return where->count;
}

/* The value as JSON, cut off where it is too long. */
static void add_found(const struct flow_value *value, struct sfe_builder *found)
{
    if (value->kind == FLOW_VALUE_ABSENT) {
        return;
    }
    if (value->kind == FLOW_VALUE_NULL) {
        sfe_builder_add_text(found, "null");
    } else if (is_text(value)) {
        sfe_builder_add_byte(found, '"');
        flow_value_add_inside(value, found);
        sfe_builder_add_byte(found, '"');
    } else if (value->kind == FLOW_VALUE_OBJECT || value->kind == FLOW_VALUE_ARRAY) {
        sfe_builder_add(found, value->text);
    } else {
        flow_value_add_plain(value, found);
    }
    if (found->overflowed) {
        sfe_builder_rewind(found, 0);
        sfe_builder_add_text(found, "\"(too long to show)\"");
    }
}

void sfe_where_explain(const struct sfe_where *where, uint32_t node,
                       const struct sfe_map_subject *subject, struct sfe_where_step *step)
{
    static const char *const names[] = {
        [SFE_WHERE_ALL] = "all",         [SFE_WHERE_ANY] = "any",       [SFE_WHERE_NOT] = "not",
        [SFE_WHERE_EQ] = "eq",           [SFE_WHERE_NE] = "ne",         [SFE_WHERE_LT] = "lt",
        [SFE_WHERE_LE] = "le",           [SFE_WHERE_GT] = "gt",         [SFE_WHERE_GE] = "ge",
        [SFE_WHERE_MATCHES] = "matches", [SFE_WHERE_EXISTS] = "exists",
    };
    static const enum sfe_code codes[] = {
        [ANSWER_NO] = SFE_E_SKIPPED, [ANSWER_YES] = SFE_OK, [ANSWER_UNKNOWN] = SFE_E_UNMAPPED};
    struct sight sight = {.subject = subject};

    SFE_ASSERT(node < where->count && where->answers[node] <= ANSWER_UNKNOWN);
    const struct where_node *compiled = &where->nodes[node];
    step->at = compiled->at;
    step->condition = names[compiled->kind];
    step->operand = compiled->operand_json;
    step->depth = compiled->depth;
    step->code = codes[where->answers[node]];
    step->err.code = SFE_OK;
    sfe_builder_rewind(&step->found, 0);
    if (!where_is_comparison(compiled->kind)) {
        return;
    }
    (void)judge_comparison(where, compiled, &sight, &step->err);
    if (look(compiled, &sight)) {
        add_found(&sight.value, &step->found);
    }
}
