#include "config/check_mqtt_output.h"

#include "base/assert.h"

/* One level of a topic template. */
struct level {
    struct sfe_slice before; /* Of its first value; all of it where it has none. */
    struct sfe_slice after;  /* Its last value. */
    bool has_value;
    bool is_any; /* It holds {topic}, which may be many levels. */
};

bool check_have_broker_in_common(const struct sfe_config_mqtt *one,
                                 const struct sfe_config_mqtt *other)
{
    for (uint32_t i = 0; i < one->broker_count * other->broker_count; i++) {
        const struct sfe_config_broker *a = &one->brokers[i / other->broker_count];
        const struct sfe_config_broker *b = &other->brokers[i % other->broker_count];
        if (a->host != NULL && b->host != NULL && strcmp(a->host, b->host) == 0 &&
            a->port == b->port) {
            return true;
        }
    }
    return false;
}

/* Takes a value in braces from the front of *rest. */
static void pass_value(struct sfe_slice *rest, struct level *level)
{
    const uint8_t *end = memchr(rest->bytes, '}', rest->size);
    const size_t size = end == NULL ? rest->size : (size_t)(end - rest->bytes) + 1u;
    const struct sfe_slice value = sfe_slice_part(*rest, 0, size);

    level->is_any = level->is_any || sfe_slice_equal(value, SFE_TEXT("{topic}")) ||
                    sfe_slice_equal(sfe_slice_part(value, 0, 7), SFE_TEXT("{topic|"));
    level->has_value = true;
    *rest = sfe_slice_part(*rest, size, rest->size);
    level->after = sfe_slice_part(*rest, 0, 0);
}

/* Takes one level from the front of *rest, and the slash behind it. A slash in braces is none. */
static struct level pass_level(struct sfe_slice *rest)
{
    struct level level = {.before = sfe_slice_part(*rest, 0, 0)};

    while (rest->size != 0 && rest->bytes[0] != '/') {
        const bool is_brace = rest->bytes[0] == '{' && rest->size > 1 && rest->bytes[1] != '{';
        if (is_brace) {
            pass_value(rest, &level);
            continue;
        }
        struct sfe_slice *text = level.has_value ? &level.after : &level.before;
        text->size++;
        *rest = sfe_slice_part(*rest, 1, rest->size);
    }
    return level;
}

static struct sfe_slice pass_filter_level(struct sfe_slice *rest)
{
    const uint8_t *slash = rest->size == 0 ? NULL : memchr(rest->bytes, '/', rest->size);
    const size_t size = slash == NULL ? rest->size : (size_t)(slash - rest->bytes);
    const struct sfe_slice level = sfe_slice_part(*rest, 0, size);

    *rest = sfe_slice_part(*rest, size, rest->size);
    return level;
}

static bool may_be(const struct level *level, struct sfe_slice filter)
{
    const size_t size = level->before.size + level->after.size;

    if (sfe_slice_equal(filter, SFE_TEXT("+"))) {
        return true;
    }
    if (!level->has_value) {
        return sfe_slice_equal(filter, level->before);
    }
    return filter.size > size &&
           sfe_slice_equal(sfe_slice_part(filter, 0, level->before.size), level->before) &&
           sfe_slice_equal(sfe_slice_part(filter, filter.size - level->after.size, filter.size),
                           level->after);
}

/* Takes the slash between two levels; false where there is none. */
static bool pass_slash(struct sfe_slice *rest)
{
    if (rest->size == 0) {
        return false;
    }
    *rest = sfe_slice_part(*rest, 1, rest->size);
    return true;
}

bool check_topic_may_meet(const char *topic, const char *filter)
{
    const char *group = strncmp(filter, "$share/", 7) == 0 ? strchr(filter + 7, '/') : NULL;
    struct sfe_slice wanted = sfe_slice_text(group == NULL ? filter : group + 1);
    struct sfe_slice made = sfe_slice_text(topic);

    for (;;) {
        const struct sfe_slice next = pass_filter_level(&wanted);
        const struct level level = pass_level(&made);
        if (level.is_any || sfe_slice_equal(next, SFE_TEXT("#"))) {
            return true;
        }
        if (!may_be(&level, next)) {
            return false;
        }
        const bool has_more = pass_slash(&made);
        const bool wants_more = pass_slash(&wanted);
        if (!has_more || !wants_more) {
            return (!has_more && !wants_more) ||
                   (!has_more && sfe_slice_equal(wanted, SFE_TEXT("#")));
        }
    }
}

/* Does what the output publishes come in by this input? */
static bool comes_in(const struct sfe_config *config, const struct sfe_config_output *output,
                     const struct sfe_config_input *input)
{
    const uint32_t count = config->connection_count;

    return input->type == SFE_INPUT_MQTT && input->topic != NULL && output->mqtt.topic != NULL &&
           output->connection < count && input->connection < count &&
           check_have_broker_in_common(&config->connections[output->connection].mqtt,
                                       &config->connections[input->connection].mqtt) &&
           check_topic_may_meet(output->mqtt.topic, input->topic);
}

/* The streams that what the output publishes comes in to. True where one of them is new. */
static bool mark_streams(const struct sfe_config *config, const struct sfe_config_output *output,
                         bool marked[SFE_STREAMS_MAX + 1u])
{
    bool is_new = false;

    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];
        if (comes_in(config, output, input) && input->stream <= SFE_STREAMS_MAX &&
            !marked[input->stream]) {
            marked[input->stream] = true;
            is_new = true;
        }
    }
    return is_new;
}

static bool reads_marked(const struct sfe_config_output *output,
                         const bool marked[SFE_STREAMS_MAX + 1u])
{
    for (uint32_t i = 0; i < output->from_count; i++) {
        if (output->from[i] <= SFE_STREAMS_MAX && marked[output->from[i]]) {
            return true;
        }
    }
    return false;
}

/* Does what the output publishes come back to it, be it by way of others? */
static bool is_loop(const struct sfe_config *config, const struct sfe_config_output *output)
{
    bool marked[SFE_STREAMS_MAX + 1u] = {false};
    bool is_new = mark_streams(config, output, marked);

    while (is_new) {
        is_new = false;
        for (uint32_t i = 0; i < config->output_count; i++) {
            const struct sfe_config_output *other = &config->outputs[i];
            if (other->type == SFE_OUTPUT_MQTT && reads_marked(other, marked)) {
                is_new = mark_streams(config, other, marked) || is_new;
            }
        }
    }
    return reads_marked(output, marked);
}

/* What MQTT 3.1.1 does not have. */
static void check_version(struct config_load *load, const struct sfe_config_output *output,
                          uint32_t entry)
{
    static const char *const keys[] = {"expiry", "content_type", "response_topic", "correlation",
                                       "properties"};
    const struct sfe_config *config = load->config;

    if (output->connection >= config->connection_count ||
        config->connections[output->connection].mqtt.version != SFE_CONFIG_MQTT_3_1_1) {
        return;
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const uint32_t value = load_member(load, entry, keys[i]);
        if (value != SFE_JSON_NONE) {
            load_mistake(load, value,
                         "\"%s\" has no effect with \"version\": \"3.1.1\"; allowed: with \"5\"",
                         keys[i]);
        }
    }
}

void check_mqtt_output(struct config_load *load, const struct sfe_config_output *output,
                       uint32_t entry)
{
    SFE_ASSERT(output->type == SFE_OUTPUT_MQTT);
    check_version(load, output, entry);
    if (!output->mqtt.loop && is_loop(load->config, output)) {
        const uint32_t topic = load_member(load, entry, "topic");
        load_mistake(load, topic == SFE_JSON_NONE ? entry : topic,
                     "an input takes this topic, and its events come back to this output, again "
                     "and again; allowed: another topic, or \"loop\": true");
    }
}
