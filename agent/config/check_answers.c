/* Loops. From each stream an output leads on to those of its answers, and to the dead letters. What
 * comes back to where it came from would never end, and full streams would wait for each other. So
 * no loop is allowed, whatever conditions stand in it: whether they end it nobody can tell. */
#include "config/check_answers.h"

#include "base/assert.h"

#define STREAMS_MAX (SFE_STREAMS_MAX + 1u)
#define LOOP_BYTES  120u
#define NONE        UINT32_MAX

/* How a search came to a stream. */
struct step {
    uint32_t output; /* NONE: it has not, or began there. */
    uint32_t stream;
    bool is_found;
};

struct search {
    const struct sfe_config *config;
    struct step steps[STREAMS_MAX];
    uint32_t found[STREAMS_MAX]; /* In the order of finding. */
    uint32_t found_count;
};

static void find(struct search *search, uint32_t stream, uint32_t output, uint32_t before)
{
    if (stream < search->config->stream_count && !search->steps[stream].is_found) {
        search->steps[stream] = (struct step){output, before, true};
        search->found[search->found_count++] = stream;
    }
}

static bool reads(const struct sfe_config_output *output, uint32_t stream)
{
    if (output->waits.key != NULL && output->waits.stream == stream) {
        return true;
    }
    for (uint32_t i = 0; i < output->from_count; i++) {
        if (output->from[i] == stream) {
            return true;
        }
    }
    return false;
}

/* Finds all that `begin` leads to, nearest first. */
static void search_from(struct search *search, uint32_t begin)
{
    const struct sfe_config *config = search->config;

    find(search, begin, NONE, NONE);
    for (uint32_t i = 0; i < search->found_count; i++) {
        const uint32_t stream = search->found[i];
        for (uint32_t k = 0; k < config->output_count; k++) {
            const struct sfe_config_output *output = &config->outputs[k];
            if (reads(output, stream)) {
                find(search, (uint32_t)output->on_done, k, stream);
                find(search, (uint32_t)output->on_dead, k, stream);
                if (output->waits.key != NULL) {
                    find(search, (uint32_t)output->waits.late, k, stream);
                }
                find(search, config->dead_stream, k, stream);
            }
        }
    }
}

/* The way to `stream` from where the search began, written from its end on. */
static void show_way(const struct search *search, uint32_t stream, struct sfe_builder *out)
{
    uint32_t way[STREAMS_MAX];
    uint32_t count = 0;

    for (uint32_t at = stream; at != NONE; at = search->steps[at].stream) {
        SFE_ASSERT(count < STREAMS_MAX);
        way[count++] = at;
    }
    while (count-- > 0) {
        const struct step *step = &search->steps[way[count]];
        if (step->output != NONE) {
            sfe_builder_format(out, " -> %s -> ", search->config->outputs[step->output].name);
        }
        sfe_builder_add_text(out, search->config->streams[way[count]].name);
    }
}

/* Does what `output` writes to `stream` come back to one that it reads? */
static void check_loop(struct config_load *load, const struct sfe_config_output *output,
                       uint32_t stream, uint32_t token)
{
    struct search search = {.config = load->config};
    char shown[LOOP_BYTES];
    struct sfe_builder text = sfe_builder_make(shown, sizeof(shown) - 1u);

    search_from(&search, stream);
    for (uint32_t from = 0; from < load->config->stream_count; from++) {
        if (!search.steps[from].is_found || !reads(output, from)) {
            continue;
        }
        sfe_builder_format(&text, "%s -> %s -> ", load->config->streams[from].name, output->name);
        show_way(&search, from, &text);
        shown[text.size] = '\0';
        load_mistake(load, token,
                     "events would go in a circle: %s; allowed: a stream that leads nowhere back",
                     shown);
        return;
    }
}

/* An answer quotes the event. */
static bool is_encrypted(const struct config_load *load, const struct sfe_config_output *output)
{
    for (uint32_t i = 0; i < output->from_count; i++) {
        if (output->from[i] < load->config->stream_count &&
            load->config->streams[output->from[i]].encrypt) {
            return true;
        }
    }
    return false;
}

static void check_stream(struct config_load *load, const struct sfe_config_output *output,
                         int32_t index, uint32_t token)
{
    const struct sfe_config *config = load->config;
    const uint32_t stream = (uint32_t)index;

    if (index < 0 || stream >= config->stream_count || token == SFE_JSON_NONE) {
        return;
    }
    if (stream == config->dead_stream) {
        load_mistake(load, token,
                     "\"dead\" holds dead letters, and gets them without being named; allowed: a "
                     "stream of its own");
        return;
    }
    if (is_encrypted(load, output) && !config->streams[stream].encrypt) {
        load_mistake(load, token,
                     "answers quote events, and would not be encrypted as these are; allowed: a "
                     "stream with \"encrypt\": true");
    }
    check_loop(load, output, stream, token);
}

/* Events and confirmations come in two streams, which other outputs may read as well. */
static void check_waits(struct config_load *load, const struct sfe_config_output *output,
                        uint32_t entry)
{
    const uint32_t waits = load_member(load, entry, "waits");
    const struct sfe_config *config = load->config;

    if (waits == SFE_JSON_NONE || output->waits.key == NULL) {
        return;
    }
    const uint32_t token = load_member(load, waits, "for");
    if (output->from_count > 1) {
        load_mistake(load, load_member(load, entry, "from"),
                     "\"waits\" goes with one stream of events; allowed: an output for each");
    }
    if (output->within_ns != 0) {
        load_mistake(load, load_member(load, entry, "within"),
                     "the time of an event that waits is that of \"waits\"; allowed: without it");
    }
    if (output->api == SFE_API_BULK) {
        load_mistake(load, load_member(load, entry, "api"),
                     "\"waits\" does not go with bulk jobs; allowed: another one");
    }
    if (token != SFE_JSON_NONE && output->waits.stream < config->stream_count &&
        (output->waits.stream == config->dead_stream ||
         (output->from_count > 0 && output->from[0] == output->waits.stream))) {
        load_mistake(load, token,
                     "confirmations come in a stream of their own; allowed: another one than "
                     "\"from\" and \"dead\"");
    }
    check_stream(load, output, output->waits.late, load_member(load, waits, "late"));
}

void check_answers(struct config_load *load)
{
    const struct sfe_config *config = load->config;
    uint32_t object;
    uint32_t key = load_named_first(load, "outputs", &object);

    if (config->stream_count > STREAMS_MAX) {
        return; /* Too many: a mistake of its own. */
    }
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < config->output_count; i++) {
        const struct sfe_config_output *output = &config->outputs[i];
        check_stream(load, output, output->on_done, load_member(load, key + 1, "on_done"));
        check_stream(load, output, output->on_dead, load_member(load, key + 1, "on_dead"));
        check_waits(load, output, key + 1);
        key = sfe_json_next(&load->json, object, key);
    }
}
