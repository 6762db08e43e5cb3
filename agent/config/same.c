#include "config/same.h"

#include "base/assert.h"
#include "config/keys.h"

/* The structure of an entry, and the configuration whose parts it names. */
struct side {
    const struct sfe_config *config;
    const void *base;
};

static const uint8_t *at(const struct side *side, size_t offset)
{
    return (const uint8_t *)side->base + offset;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const char *text_at(const struct side *side, size_t offset)
{
    const char *text;

    memcpy(&text, at(side, offset), sizeof(text));
    return text;
}

static uint32_t number_at(const struct side *side, size_t offset)
{
    uint32_t number;

    memcpy(&number, at(side, offset), sizeof(number));
    return number;
}

/* NULL where the entry names none. */
static const char *connection_at(const struct side *side, size_t offset)
{
    uint32_t index = number_at(side, offset);

    return index < side->config->connection_count ? side->config->connections[index].name : NULL;
}

static const char *stream_at(const struct side *side, size_t offset)
{
    uint32_t index = number_at(side, offset);

    return index < side->config->stream_count ? side->config->streams[index].name : NULL;
}

static bool same_texts(const struct config_key *row, const struct side *a, const struct side *b)
{
    uint32_t count = number_at(a, row->count_offset);
    const char *const *left;
    const char *const *right;

    if (count != number_at(b, row->count_offset)) {
        return false;
    }
    memcpy(&left, at(a, row->offset), sizeof(left));
    memcpy(&right, at(b, row->offset), sizeof(right));
    for (uint32_t i = 0; i < count; i++) {
        if (!same_text(left[i], right[i])) {
            return false;
        }
    }
    return true;
}

static bool same_url(const struct side *a, const struct side *b)
{
    const struct sfe_config_connection *left = a->base;
    const struct sfe_config_connection *right = b->base;

    if (left->mqtt.broker_count != right->mqtt.broker_count) {
        return false;
    }
    for (uint32_t i = 0; i < left->mqtt.broker_count; i++) {
        const struct sfe_config_broker *one = &left->mqtt.brokers[i];
        const struct sfe_config_broker *other = &right->mqtt.brokers[i];
        if (!same_text(one->host, other->host) || one->port != other->port ||
            one->tls != other->tls) {
            return false;
        }
    }
    return true;
}

static bool same_conditions(const struct config_key *row, const struct side *a,
                            const struct side *b)
{
    const uint32_t count = number_at(a, row->count_offset);
    const struct sfe_config_condition *left;
    const struct sfe_config_condition *right;

    if (count != number_at(b, row->count_offset)) {
        return false;
    }
    memcpy(&left, at(a, row->offset), sizeof(left));
    memcpy(&right, at(b, row->offset), sizeof(right));
    for (uint32_t i = 0; i < count; i++) {
        if (left[i].kind != right[i].kind || left[i].next != right[i].next ||
            !same_text(left[i].at, right[i].at) || !same_text(left[i].operand, right[i].operand)) {
            return false;
        }
    }
    return true;
}

/* No default: a new kind must say here how it is compared. */
static bool same_value(const struct config_key *row, const struct side *a, const struct side *b)
{
    switch (row->kind) {
    case SFE_KEY_TEXT:
    case SFE_KEY_TEMPLATE:
    case SFE_KEY_FILE:
    case SFE_KEY_SECRET:
    case SFE_KEY_INTERFACE:
    case SFE_KEY_POINTER:
    case SFE_KEY_TOPIC:
    case SFE_KEY_IDENTIFIER:
    case SFE_KEY_VERSION:
    case SFE_KEY_HTTP_URL:
    case SFE_KEY_NUMBER:
    case SFE_KEY_SCALAR:
        return row->size == 0 || same_text(text_at(a, row->offset), text_at(b, row->offset));
    case SFE_KEY_WORD:
    case SFE_KEY_FLAG:
    case SFE_KEY_WHOLE:
    case SFE_KEY_DURATION:
    case SFE_KEY_SIZE:
        return memcmp(at(a, row->offset), at(b, row->offset), row->size) == 0;
    case SFE_KEY_MQTT_URL:
        return same_url(a, b);
    case SFE_KEY_CONNECTION:
        return row->size == 0 ||
               same_text(connection_at(a, row->offset), connection_at(b, row->offset));
    case SFE_KEY_STREAM:
        return row->size == 0 || same_text(stream_at(a, row->offset), stream_at(b, row->offset));
    case SFE_KEY_TEXTS:
    case SFE_KEY_HOSTS:
    case SFE_KEY_FILES:
        return row->size == 0 || same_texts(row, a, b);
    case SFE_KEY_WHERE:
        return same_conditions(row, a, b);
    case SFE_KEY_TREE:    /* This as well. */
    case SFE_KEY_VALUE:   /* And this. */
    case SFE_KEY_STREAMS: /* As the header says. */
    case SFE_KEY_SECTION: /* These are compared by who asks. */
    case SFE_KEY_NAMED:
    case SFE_KEY_LIST:
    case SFE_KEY_MAP:
    case SFE_KEY_ANY: /* Not carried out. */
    case SFE_KEY_KINDS:
        return true;
    }
    return false;
}

static bool same_section(enum config_section section, const struct side *a, const struct side *b)
{
    const uint32_t count = keys_count();

    for (uint32_t i = 0; i < count; i++) {
        if (keys_row(i)->section == section && !same_value(keys_row(i), a, b)) {
            return false;
        }
    }
    return true;
}

/* With the sections inside it, which share its structure. */
static bool same_entry(enum config_section section, const struct side *a, const struct side *b)
{
    const uint32_t count = keys_count();

    if (!same_section(section, a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (keys_row(i)->section == section && keys_row(i)->kind == SFE_KEY_SECTION &&
            !same_section(keys_row(i)->of, a, b)) {
            return false;
        }
    }
    return true;
}

bool sfe_config_same_connection(struct sfe_config_part a, struct sfe_config_part b)
{
    const struct side left = {a.config, &a.config->connections[a.index]};
    const struct side right = {b.config, &b.config->connections[b.index]};

    SFE_ASSERT(a.index < a.config->connection_count && b.index < b.config->connection_count);
    return same_text(a.config->connections[a.index].name, b.config->connections[b.index].name) &&
           same_entry(SFE_SECTION_CONNECTION, &left, &right);
}

/* A value on its own, or one of a field's cases. */
static bool same_value_of_field(const struct side *a, const struct side *b)
{
    const struct sfe_config_field *left = a->base;
    const struct sfe_config_field *right = b->base;

    return left->is_object == right->is_object && same_text(left->constant, right->constant) &&
           same_entry(SFE_SECTION_FIELD, a, b);
}

static bool same_field(const struct side *a, const struct side *b)
{
    const struct sfe_config_field *left = a->base;
    const struct sfe_config_field *right = b->base;

    if (!same_value_of_field(a, b) || left->case_count != right->case_count ||
        (left->otherwise == NULL) != (right->otherwise == NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < left->case_count; i++) {
        const struct side one = {a->config, &left->cases[i]};
        const struct side other = {b->config, &right->cases[i]};
        if (!same_value_of_field(&one, &other)) {
            return false;
        }
    }
    const struct side one = {a->config, left->otherwise};
    const struct side other = {b->config, right->otherwise};
    return left->otherwise == NULL || same_value_of_field(&one, &other);
}

static bool same_record(const struct side *a, const struct side *b)
{
    const struct sfe_config_record *left = a->base;
    const struct sfe_config_record *right = b->base;

    if (left->field_count != right->field_count || !same_entry(SFE_SECTION_RECORD, a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < left->field_count; i++) {
        const struct side one = {a->config, &left->fields[i]};
        const struct side other = {b->config, &right->fields[i]};
        if (!same_text(left->fields[i].name, right->fields[i].name) || !same_field(&one, &other)) {
            return false;
        }
    }
    return true;
}

/* Of answers, by a record's fields. */
static bool same_map(struct sfe_config_part a, struct sfe_config_part b)
{
    const struct side left = {a.config, &a.config->inputs[a.index].ask.map};
    const struct side right = {b.config, &b.config->inputs[b.index].ask.map};

    return same_record(&left, &right);
}

bool sfe_config_same_input(struct sfe_config_part a, struct sfe_config_part b)
{
    const struct side left = {a.config, &a.config->inputs[a.index]};
    const struct side right = {b.config, &b.config->inputs[b.index]};

    SFE_ASSERT(a.index < a.config->input_count && b.index < b.config->input_count);
    return same_text(a.config->inputs[a.index].name, b.config->inputs[b.index].name) &&
           same_entry(SFE_SECTION_INPUT, &left, &right) && same_map(a, b);
}

bool sfe_config_same_identities(const struct sfe_config *a, const struct sfe_config *b)
{
    if (a->identity_count != b->identity_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->identity_count; i++) {
        const struct side left = {a, &a->identities[i]};
        const struct side right = {b, &b->identities[i]};

        if (!same_text(a->identities[i].name, b->identities[i].name) ||
            !same_entry(SFE_SECTION_IDENTITY, &left, &right)) {
            return false;
        }
    }
    return true;
}

static bool same_tree(const struct sfe_config_tree *tree, const struct sfe_config_tree *other,
                      const struct side *a, const struct side *b)
{
    if (tree->count != other->count) {
        return false;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct sfe_config_node *left = &tree->nodes[i];
        const struct sfe_config_node *right = &other->nodes[i];
        const struct side one = {a->config, &left->field};
        const struct side two = {b->config, &right->field};
        if (left->kind != right->kind || left->next != right->next ||
            !same_text(left->name, right->name) || !same_field(&one, &two)) {
            return false;
        }
    }
    return true;
}

bool sfe_config_same_output(struct sfe_config_part a, struct sfe_config_part b)
{
    const struct sfe_config_output *left = &a.config->outputs[a.index];
    const struct sfe_config_output *right = &b.config->outputs[b.index];
    const struct side entry = {a.config, left};
    const struct side other = {b.config, right};

    SFE_ASSERT(a.index < a.config->output_count && b.index < b.config->output_count);
    if (!same_text(left->name, right->name) || left->record_count != right->record_count ||
        !same_entry(SFE_SECTION_OUTPUT, &entry, &other) ||
        !same_tree(&left->http.body, &right->http.body, &entry, &other) ||
        !same_tree(&left->http.headers, &right->http.headers, &entry, &other)) {
        return false;
    }
    const struct side ours = {a.config, &left->mqtt.properties};
    const struct side theirs = {b.config, &right->mqtt.properties};
    if (!same_record(&ours, &theirs)) {
        return false;
    }
    for (uint32_t i = 0; i < left->record_count; i++) {
        const struct side one = {a.config, &left->records[i]};
        const struct side two = {b.config, &right->records[i]};
        if (!same_record(&one, &two)) {
            return false;
        }
    }
    return true;
}
