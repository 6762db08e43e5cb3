#include "config/where.h"

#include "base/assert.h"
#include "config/spelling.h"
#include "config/suggest.h"
#include "config/value.h"

#define KIND(kind) (1u << (unsigned)(kind))
#define TEXT       KIND(SFE_JSON_STRING)
#define FLAG       (KIND(SFE_JSON_TRUE) | KIND(SFE_JSON_FALSE))
#define ORDERED    (TEXT | KIND(SFE_JSON_NUMBER))
#define SCALAR     (ORDERED | FLAG | KIND(SFE_JSON_NULL))
#define LIST       KIND(SFE_JSON_ARRAY)

/* What may stand behind a pointer, and of which kinds its value may be. */
static const struct operation {
    const char *name;
    enum sfe_condition_kind kind;
    unsigned json_kinds;
    const char *allowed;
} operations[] = {
    {"eq", SFE_CONDITION_EQ, SCALAR, "text, a number, true, false or null"},
    {"ne", SFE_CONDITION_NE, SCALAR, "text, a number, true, false or null"},
    {"lt", SFE_CONDITION_LT, ORDERED, "a number or text"},
    {"le", SFE_CONDITION_LE, ORDERED, "a number or text"},
    {"gt", SFE_CONDITION_GT, ORDERED, "a number or text"},
    {"ge", SFE_CONDITION_GE, ORDERED, "a number or text"},
    {"in", SFE_CONDITION_ANY, LIST, "a list of values, not empty"},
    {"matches", SFE_CONDITION_MATCHES, TEXT, "a regular expression"},
    {"exists", SFE_CONDITION_EXISTS, FLAG, "true or false"},
};

#define OPERATION_COUNT (sizeof(operations) / sizeof(operations[0]))

static const char operations_allowed[] = "eq, ne, lt, le, gt, ge, in, matches, exists";

/* A list or an object under way. */
struct level {
    uint32_t container;
    uint32_t child;
    uint32_t node; /* The condition that ends where it ends. */
    bool is_not;   /* The next condition ends there as well. */
};

struct reading {
    struct config_load *load;
    struct sfe_config_condition *nodes;
    uint32_t count;
    struct level levels[SFE_JSON_DEPTH_MAX];
    uint32_t depth;
};

static struct sfe_config_condition *add_node(struct reading *reading, enum sfe_condition_kind kind,
                                             uint32_t token)
{
    struct sfe_config_condition *node = &reading->nodes[reading->count++];

    node->kind = kind;
    node->place = load_place(reading->load, token);
    node->next = reading->count;
    return node;
}

/* True for a list or an object with something in it; otherwise a mistake. */
static bool has_members(const struct reading *reading, uint32_t token, enum sfe_json_kind kind,
                        const char *allowed)
{
    const struct sfe_json *json = &reading->load->json;
    char shown[SFE_CONFIG_SHOWN_BYTES];

    if (sfe_json_kind(json, token) == kind && sfe_json_first(json, token) != SFE_JSON_NONE) {
        return true;
    }
    load_mistake(reading->load, token, "found %s; allowed: %s",
                 sfe_json_kind(json, token) == kind ? "nothing in it"
                                                    : load_show(reading->load, token, shown),
                 allowed);
    return false;
}

static void push(struct reading *reading, uint32_t token, uint32_t node, bool is_not)
{
    SFE_ASSERT(reading->depth < SFE_JSON_DEPTH_MAX); /* The file's own bound. */
    reading->levels[reading->depth++] =
        (struct level){token, sfe_json_first(&reading->load->json, token), node, is_not};
}

/* An object of conditions: all of them. */
static void begin_object(struct reading *reading, uint32_t token)
{
    if (has_members(reading, token, SFE_JSON_OBJECT, "an object of conditions, not empty")) {
        push(reading, token, reading->count, false);
        (void)add_node(reading, SFE_CONDITION_ALL, token);
    }
}

static void begin_not(struct reading *reading, uint32_t token)
{
    if (has_members(reading, token, SFE_JSON_OBJECT, "an object of conditions, not empty")) {
        push(reading, token, reading->count, true);
        (void)add_node(reading, SFE_CONDITION_NOT, token);
        (void)add_node(reading, SFE_CONDITION_ALL, token);
    }
}

static void begin_list(struct reading *reading, enum sfe_condition_kind kind, uint32_t token)
{
    if (has_members(reading, token, SFE_JSON_ARRAY, "a list of conditions, not empty")) {
        push(reading, token, reading->count, false);
        (void)add_node(reading, kind, token);
    }
}

/* Adds one comparison. */
static void read_operand(struct reading *reading, const struct operation *operation, const char *at,
                         uint32_t token)
{
    struct config_load *load = reading->load;
    const enum sfe_json_kind kind = sfe_json_kind(&load->json, token);
    const bool is_topic = at != NULL && at[0] != '/' && operation->kind != SFE_CONDITION_EXISTS;
    char shown[SFE_CONFIG_SHOWN_BYTES];

    if (((is_topic ? TEXT : operation->json_kinds) & KIND(kind)) == 0) {
        load_mistake(load, token, "found %s; allowed: %s", load_show(load, token, shown),
                     is_topic ? "text, as a topic is" : operation->allowed);
    } else if (operation->kind == SFE_CONDITION_MATCHES &&
               sfe_json_raw(&load->json, token).size == 0) {
        load_mistake(load, token, "found an empty expression; allowed: %s", operation->allowed);
    } else {
        struct sfe_config_condition *node = add_node(reading, operation->kind, token);
        node->at = at;
        node->operand = value_keep_json(load, token);
    }
}

/* Any of the list's values. */
static void read_set(struct reading *reading, const struct operation *operation, const char *at,
                     uint32_t list)
{
    const struct sfe_json *json = &reading->load->json;
    const uint32_t node = reading->count;

    if (!has_members(reading, list, SFE_JSON_ARRAY, operation->allowed)) {
        return;
    }
    (void)add_node(reading, SFE_CONDITION_ANY, list);
    for (uint32_t item = sfe_json_first(json, list); item != SFE_JSON_NONE;
         item = sfe_json_next(json, list, item)) {
        read_operand(reading, &operations[0], at, item);
    }
    reading->nodes[node].next = reading->count;
}

static const struct operation *find_operation(struct config_load *load, uint32_t key)
{
    const struct sfe_slice name = load_text(load, key);
    struct suggest suggest = suggest_make(name);
    char shown[SFE_CONFIG_SHOWN_BYTES];

    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        if (sfe_slice_equal(name, sfe_slice_text(operations[i].name))) {
            return &operations[i];
        }
        suggest_offer(&suggest, sfe_slice_text(operations[i].name));
    }
    if (suggest.best.size != 0) {
        load_mistake(load, key, "found %s; did you mean \"%.*s\"? allowed: %s",
                     load_quote(name, shown), (int)suggest.best.size,
                     (const char *)suggest.best.bytes, operations_allowed);
    } else {
        load_mistake(load, key, "found %s; allowed: %s", load_quote(name, shown),
                     operations_allowed);
    }
    return NULL;
}

/* What stands behind a pointer or `topic`. */
static void read_comparisons(struct reading *reading, const char *at, uint32_t token)
{
    const struct sfe_json *json = &reading->load->json;

    if ((SCALAR & KIND(sfe_json_kind(json, token))) != 0) {
        read_operand(reading, &operations[0], at, token);
        return;
    }
    if (!has_members(reading, token, SFE_JSON_OBJECT, "a value, or an object of comparisons")) {
        return;
    }
    for (uint32_t key = sfe_json_first(json, token); key != SFE_JSON_NONE;
         key = sfe_json_next(json, token, key)) {
        const struct operation *operation = find_operation(reading->load, key);
        if (operation != NULL && operation->json_kinds == LIST) {
            read_set(reading, operation, at, key + 1u);
        } else if (operation != NULL) {
            read_operand(reading, operation, at, key + 1u);
        }
    }
}

static void fail_key(struct config_load *load, uint32_t key, struct sfe_slice name)
{
    static const char *const words[] = {"topic", "all", "any", "not"};
    struct suggest suggest = suggest_make(name);
    char shown[SFE_CONFIG_SHOWN_BYTES];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        suggest_offer(&suggest, sfe_slice_text(words[i]));
    }
    const char *what = load_quote(name, shown);
    if (suggest.best.size != 0) {
        load_mistake(load, key,
                     "found %s; did you mean \"%.*s\"? allowed: a pointer as "
                     "\"/value\", topic, all, any, not",
                     what, (int)suggest.best.size, (const char *)suggest.best.bytes);
    } else {
        load_mistake(load, key, "found %s; allowed: a pointer as \"/value\", topic, all, any, not",
                     what);
    }
}

static void read_member(struct reading *reading, uint32_t key)
{
    const struct sfe_slice name = load_text(reading->load, key);

    if (sfe_slice_equal(name, SFE_TEXT("all"))) {
        begin_list(reading, SFE_CONDITION_ALL, key + 1u);
    } else if (sfe_slice_equal(name, SFE_TEXT("any"))) {
        begin_list(reading, SFE_CONDITION_ANY, key + 1u);
    } else if (sfe_slice_equal(name, SFE_TEXT("not"))) {
        begin_not(reading, key + 1u);
    } else if (sfe_slice_equal(name, SFE_TEXT("topic")) || spelling_is_pointer(name)) {
        const char *at = load_keep(reading->load, name);
        if (at != NULL) {
            read_comparisons(reading, at, key + 1u);
        }
    } else {
        fail_key(reading->load, key, name);
    }
}

/* Ends the innermost level, or takes its next member. */
static void step(struct reading *reading)
{
    const struct sfe_json *json = &reading->load->json;
    struct level *level = &reading->levels[reading->depth - 1u];
    const uint32_t child = level->child;

    if (child == SFE_JSON_NONE) {
        reading->nodes[level->node].next = reading->count;
        if (level->is_not) {
            reading->nodes[level->node + 1u].next = reading->count;
        }
        reading->depth--;
        return;
    }
    level->child = sfe_json_next(json, level->container, child);
    if (sfe_json_kind(json, level->container) == SFE_JSON_ARRAY) {
        begin_object(reading, child);
    } else {
        read_member(reading, child);
    }
}

void where_read(struct config_load *load, const struct config_key *row, uint32_t token, void *base)
{
    /* No condition comes from less than a token, with one more for each object. */
    const uint32_t most = 1u + load->json.tokens[token].next - token;
    struct reading reading = {.load = load};

    SFE_ASSERT(row->kind == SFE_KEY_WHERE);
    reading.nodes = load_take(load, most * sizeof(*reading.nodes));
    if (reading.nodes == NULL) {
        return;
    }
    begin_object(&reading, token);
    while (reading.depth > 0 && load->failure == SFE_OK) {
        step(&reading);
    }
    SFE_ASSERT(reading.count <= most);
    value_store_pointer(row, base, reading.nodes);
    memcpy((uint8_t *)base + row->count_offset, &reading.count, sizeof(reading.count));
}

static void put_types(struct sfe_json_writer *writer, unsigned json_kinds)
{
    static const struct {
        unsigned json_kinds;
        const char *name;
    } types[] = {{TEXT, "string"},
                 {KIND(SFE_JSON_NUMBER), "number"},
                 {KIND(SFE_JSON_TRUE), "boolean"},
                 {KIND(SFE_JSON_NULL), "null"}};

    sfe_json_begin_array(writer, "type");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if ((json_kinds & types[i].json_kinds) != 0) {
            sfe_json_put_text(writer, NULL, sfe_slice_text(types[i].name));
        }
    }
    sfe_json_end_array(writer);
}

static void put_operation(struct sfe_json_writer *writer, const struct operation *operation,
                          unsigned most)
{
    sfe_json_begin_object(writer, operation->name);
    if (operation->json_kinds == LIST) {
        sfe_json_put_text(writer, "type", SFE_TEXT("array"));
        sfe_json_put_u64(writer, "minItems", 1);
        sfe_json_begin_object(writer, "items");
        put_types(writer, SCALAR & most);
        sfe_json_end_object(writer);
    } else if (operation->kind == SFE_CONDITION_EXISTS) {
        put_types(writer, FLAG);
    } else {
        put_types(writer, operation->json_kinds & most);
    }
    if (operation->kind == SFE_CONDITION_MATCHES) {
        sfe_json_put_u64(writer, "minLength", 1);
    }
    sfe_json_end_object(writer);
}

/* A value of the kinds `most`, or comparisons with such. */
static void put_condition(struct sfe_json_writer *writer, const char *name, unsigned most)
{
    sfe_json_begin_object(writer, name);
    sfe_json_begin_array(writer, "anyOf");
    sfe_json_begin_object(writer, NULL);
    put_types(writer, SCALAR & most);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, NULL);
    sfe_json_put_text(writer, "type", SFE_TEXT("object"));
    sfe_json_put_u64(writer, "minProperties", 1);
    sfe_json_put_bool(writer, "additionalProperties", false);
    sfe_json_begin_object(writer, "properties");
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        put_operation(writer, &operations[i], most);
    }
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
    sfe_json_end_object(writer);
}

static void put_reference(struct sfe_json_writer *writer, const char *name, const char *to)
{
    sfe_json_begin_object(writer, name);
    sfe_json_put_text(writer, "$ref", sfe_slice_text(to));
    sfe_json_end_object(writer);
}

static void put_list(struct sfe_json_writer *writer, const char *name)
{
    sfe_json_begin_object(writer, name);
    sfe_json_put_text(writer, "type", SFE_TEXT("array"));
    sfe_json_put_u64(writer, "minItems", 1);
    put_reference(writer, "items", "#/$defs/where");
    sfe_json_end_object(writer);
}

void where_add_schema(struct sfe_json_writer *writer)
{
    sfe_json_begin_object(writer, "where");
    sfe_json_put_text(writer, "type", SFE_TEXT("object"));
    sfe_json_put_u64(writer, "minProperties", 1);
    sfe_json_put_bool(writer, "additionalProperties", false);
    sfe_json_begin_object(writer, "properties");
    put_list(writer, "all");
    put_list(writer, "any");
    put_reference(writer, "not", "#/$defs/where");
    put_reference(writer, "topic", "#/$defs/topic-condition");
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, "patternProperties");
    put_reference(writer, "^/([^~]|~0|~1)*$", "#/$defs/condition");
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    put_condition(writer, "condition", SCALAR);
    put_condition(writer, "topic-condition", TEXT);
}
