#include "config/tree.h"

#include "base/assert.h"
#include "config/section.h"
#include "config/value.h"

#define DEPTH_MAX 16u

/* An object or list that is being read. */
struct level {
    uint32_t container; /* Token. */
    uint32_t child;     /* Token of its next member or element; SFE_JSON_NONE: it is over. */
    uint32_t node;
};

struct reading {
    struct config_load *load;
    const struct config_key *row;
    struct sfe_config_node *nodes;
    uint32_t count;
    uint32_t value_count;
    size_t prefix_size; /* Of the pointers of all that is inside. */
    struct level levels[DEPTH_MAX];
    uint32_t depth;
};

/* What an object with the single member "object" stands for: that object, whatever its members are
 * called. SFE_JSON_NONE: it is another one. */
static uint32_t unwrap(const struct sfe_json *json, uint32_t token)
{
    const uint32_t key = sfe_json_first(json, token);

    if (sfe_json_length(json, token) != 1u || !sfe_json_text_equal(json, key, SFE_TEXT("object")) ||
        sfe_json_kind(json, key + 1u) != SFE_JSON_OBJECT) {
        return SFE_JSON_NONE;
    }
    return key + 1u;
}

/* An object that has `from` is a value, and so is one that has a list of cases. */
static bool is_value(const struct sfe_json *json, uint32_t token)
{
    const uint32_t list = sfe_json_member(json, token, SFE_TEXT("case"));
    uint32_t first = SFE_JSON_NONE;

    if (sfe_json_member(json, token, SFE_TEXT("from")) != SFE_JSON_NONE) {
        return true;
    }
    if (list != SFE_JSON_NONE && sfe_json_kind(json, list) == SFE_JSON_ARRAY) {
        first = sfe_json_first(json, list);
    }
    return first != SFE_JSON_NONE && sfe_json_kind(json, first) == SFE_JSON_OBJECT &&
           sfe_json_member(json, first, SFE_TEXT("when")) != SFE_JSON_NONE;
}

static void open_level(struct reading *reading, uint32_t token, enum sfe_node_kind kind)
{
    struct sfe_config_node *node = &reading->nodes[reading->count - 1u];

    if (reading->depth == DEPTH_MAX) {
        load_mistake(reading->load, token, "objects and lists more than %u deep", DEPTH_MAX);
        return;
    }
    node->kind = kind;
    reading->levels[reading->depth++] =
        (struct level){token, sfe_json_first(&reading->load->json, token), reading->count - 1u};
}

static void read_text(struct reading *reading, uint32_t token, struct sfe_config_node *node)
{
    if (sfe_json_raw(&reading->load->json, token).size == 0) {
        node->field.constant = value_keep_json(reading->load, token);
        return;
    }
    node->is_text = true;
    value_read(reading->load, keys_find(reading->row->of, SFE_TEXT("from"), SFE_TEXT("")), token,
               &node->field);
}

static void read_object(struct reading *reading, uint32_t token, struct sfe_config_node *node)
{
    const struct sfe_json *json = &reading->load->json;
    const uint32_t inner = unwrap(json, token);

    if (inner != SFE_JSON_NONE) {
        open_level(reading, inner, SFE_NODE_OBJECT);
    } else if (!is_value(json, token)) {
        open_level(reading, token, SFE_NODE_OBJECT);
    } else {
        section_add_job(reading->load, reading->row->of, token, &node->field);
    }
}

/* Reads one value; `name` of a member, or NULL. */
static void read_node(struct reading *reading, uint32_t token, const char *name)
{
    struct config_load *load = reading->load;

    if (reading->count == SFE_TREE_NODES_MAX) {
        load_mistake(load, token, "more than %u objects, lists and values", SFE_TREE_NODES_MAX);
        reading->depth = 0;
        return;
    }
    struct sfe_config_node *node = &reading->nodes[reading->count++];
    *node = (struct sfe_config_node){
        .kind = SFE_NODE_VALUE, .name = name, .next = reading->count, .token = token};
    node->field.place = load_place(load, token);
    if (node->field.place.pointer == NULL) {
        return;
    }
    const char *way = node->field.place.pointer + reading->prefix_size;
    node->field.name = way[0] == '/' ? way + 1 : "";
    switch (sfe_json_kind(&load->json, token)) {
    case SFE_JSON_OBJECT:
        read_object(reading, token, node);
        break;
    case SFE_JSON_ARRAY:
        open_level(reading, token, SFE_NODE_LIST);
        break;
    case SFE_JSON_STRING:
        read_text(reading, token, node);
        break;
    default:
        node->field.constant = value_keep_json(load, token);
        break;
    }
    reading->value_count += node->kind == SFE_NODE_VALUE ? 1u : 0u;
    if (reading->value_count > reading->row->max) {
        load_mistake(load, token, "more than %u values", (unsigned)reading->row->max);
        reading->depth = 0;
    }
}

static void read_member(struct reading *reading, uint32_t object, uint32_t key)
{
    struct config_load *load = reading->load;
    const struct sfe_slice name = load_text(load, key);
    char shown[SFE_CONFIG_SHOWN_BYTES];

    for (uint32_t other = sfe_json_first(&load->json, object); other < key;
         other = sfe_json_next(&load->json, object, other)) {
        if (sfe_json_text_equal(&load->json, other, name)) {
            load_mistake(load, key, "key %s stands twice in this object; allowed: once",
                         load_show(load, key, shown));
            return;
        }
    }
    if (name.size != 0 && memchr(name.bytes, '\0', name.size) != NULL) {
        load_mistake(load, key, "a name holds a NUL byte");
        return;
    }
    read_node(reading, key + 1u, load_keep(load, name));
}

/* Ends the innermost level, or takes its next member. */
static void step(struct reading *reading)
{
    const struct sfe_json *json = &reading->load->json;
    struct level *level = &reading->levels[reading->depth - 1u];
    const uint32_t child = level->child;

    if (child == SFE_JSON_NONE) {
        reading->nodes[level->node].next = reading->count;
        reading->depth--;
        return;
    }
    level->child = sfe_json_next(json, level->container, child);
    if (sfe_json_kind(json, level->container) == SFE_JSON_ARRAY) {
        read_node(reading, child, NULL);
    } else {
        read_member(reading, level->container, child);
    }
}

void tree_read(struct config_load *load, const struct config_key *row, uint32_t token, void *base)
{
    const uint32_t tokens = load->json.tokens[token].next - token;
    const uint32_t most = tokens < SFE_TREE_NODES_MAX ? tokens : SFE_TREE_NODES_MAX;
    struct reading reading = {.load = load, .row = row};
    const struct sfe_config_place place = load_place(load, token);

    SFE_ASSERT(row->kind == SFE_KEY_TREE);
    reading.nodes = load_take(load, most * sizeof(*reading.nodes));
    if (reading.nodes == NULL || place.pointer == NULL) {
        return;
    }
    reading.prefix_size = strlen(place.pointer);
    read_node(&reading, token, NULL);
    while (reading.depth > 0 && load->failure == SFE_OK) {
        step(&reading);
    }
    SFE_ASSERT(reading.count <= most);
    value_store_pointer(row, base, reading.nodes);
    memcpy((uint8_t *)base + row->count_offset, &reading.count, sizeof(reading.count));
}

void tree_add_schema(struct sfe_json_writer *writer)
{
    sfe_json_put_raw(writer, "tree",
                     SFE_TEXT("{\"anyOf\":[{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]},"
                              "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/tree\"}},"
                              "{\"$ref\":\"#/$defs/field\",\"anyOf\":[{\"required\":"
                              "[\"from\"]},{\"required\":[\"case\"]}]},"
                              "{\"type\":\"object\",\"required\":[\"object\"],\"maxProperties\":1,"
                              "\"properties\":{\"object\":{\"type\":\"object\","
                              "\"additionalProperties\":{\"$ref\":\"#/$defs/tree\"}}}},"
                              "{\"type\":\"object\",\"properties\":{\"from\":false},"
                              "\"additionalProperties\":{\"$ref\":\"#/$defs/tree\"}}]}"));
}
