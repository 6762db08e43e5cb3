#include "input/thin.h"

#include "base/arena.h"
#include "base/assert.h"
#include "flow/map.h"

#define PLACES 1024u
/* Thinning ends this far below where it begins, so that it does not end and begin all the time. */
#define END_PERMILLE 50u
/* A key is at most a topic and a source; what is longer is told apart by its beginning. */
#define KEY_BYTES 1024u

struct counter {
    uint32_t tag;   /* Of the key that was here last; 0: none was. */
    uint32_t count; /* Of its events since the last one that was kept. */
};

struct sfe_thin {
    struct sfe_thin_options options;
    struct sfe_thin_facts facts;
    uint64_t thinned_before; /* When thinning began. */
    struct counter counters[PLACES];
};

size_t sfe_thin_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct sfe_thin));
}

enum sfe_code sfe_thin_open(const struct sfe_thin_options *options, struct sfe_arena *arena,
                            struct sfe_thin **thin, struct sfe_error *err)
{
    SFE_ASSERT(options->keep_every >= 2);
    *thin = sfe_arena_take(arena, sizeof(**thin), err);
    if (*thin == NULL) {
        return err->code;
    }
    (*thin)->options = *options;
    return SFE_OK;
}

void sfe_thin_set_rule(struct sfe_thin *thin, const struct sfe_template *key, uint32_t from_percent,
                       uint32_t keep_every)
{
    SFE_ASSERT(keep_every >= 2);
    thin->options.key = key;
    thin->options.from_percent = from_percent;
    thin->options.keep_every = keep_every;
}

static void look_at_fill(struct sfe_thin *thin)
{
    const uint32_t fill = sfe_stream_fill_permille(thin->options.stream);
    const uint32_t from = thin->options.from_percent * 10u;
    const char *name = sfe_stream_name(thin->options.stream);

    if (!thin->facts.is_thinning && fill >= from) {
        thin->facts.is_thinning = true;
        thin->thinned_before = thin->facts.thinned;
        SFE_LOG(thin->options.log, SFE_WARNING, "the quota is nearly used up; events are thinned",
                sfe_text("stream", name), sfe_count("keep_every", thin->options.keep_every));
    } else if (thin->facts.is_thinning && fill + END_PERMILLE < from) {
        thin->facts.is_thinning = false;
        SFE_LOG(thin->options.log, SFE_WARNING, "events are no longer thinned",
                sfe_text("stream", name),
                sfe_count("thinned", thin->facts.thinned - thin->thinned_before));
    }
}

static uint64_t hash_of_key(const struct sfe_thin *thin, const struct sfe_event *event)
{
    const struct sfe_map_subject subject = {.event = event};
    uint8_t bytes[KEY_BYTES];
    struct sfe_builder key = sfe_builder_make(bytes, sizeof(bytes));
    struct sfe_error ignored;

    if (sfe_template_add(thin->options.key, &subject, &key, &ignored) != SFE_OK) {
        return sfe_hash64(0, event->topic); /* Too long, or without that level. */
    }
    return sfe_hash64(0, sfe_builder_slice(&key));
}

void sfe_thin_choose(struct sfe_thin *thin, const struct sfe_event *event,
                     struct sfe_thin_choice *choice)
{
    look_at_fill(thin);
    *choice = (struct sfe_thin_choice){.is_kept = true};
    if (!thin->facts.is_thinning) {
        return;
    }
    const uint64_t hash = hash_of_key(thin, event);
    choice->place = (uint32_t)hash % PLACES;
    choice->tag = (uint32_t)(hash >> 32) | 1u;
    const struct counter *counter = &thin->counters[choice->place];
    choice->is_kept =
        counter->tag != choice->tag || counter->count + 1u >= thin->options.keep_every;
}

void sfe_thin_note(struct sfe_thin *thin, const struct sfe_thin_choice *choice)
{
    if (choice->tag == 0) {
        return; /* It was not thinning. */
    }
    struct counter *counter = &thin->counters[choice->place];
    counter->tag = choice->tag;
    counter->count = choice->is_kept ? 0 : counter->count + 1u;
    thin->facts.thinned += choice->is_kept ? 0 : 1u;
}

void sfe_thin_facts(const struct sfe_thin *thin, struct sfe_thin_facts *facts)
{
    *facts = thin->facts;
}
