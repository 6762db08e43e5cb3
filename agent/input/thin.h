/* Thins a stream out before it drops: from a share of its quota on, only each n-th event of a key
 * is kept.
 *
 * Decided before the sender is answered; what is thinned is acknowledged at once, counted, and kept
 * nowhere: the count is of this run, and in the log when thinning ends. Memory is a fixed table,
 * one place for all keys of the same hash: where two keys meet there, each begins anew after the
 * other, with an event that is kept. So a collision keeps more than asked for, never less. A place
 * also begins anew with the agent. Edge thread.
 */
#ifndef SFE_INPUT_THIN_H
#define SFE_INPUT_THIN_H

#include "base/log.h"
#include "stream/stream.h"

struct sfe_arena;
struct sfe_template;
struct sfe_thin;

struct sfe_thin_options {
    struct sfe_stream *stream;      /* Borrowed, as all pointers here. */
    const struct sfe_template *key; /* Of the topic and the source alone. */
    uint32_t from_percent;          /* Of what the quota holds. It ends 5 below. */
    uint32_t keep_every;            /* At least 2. */
    struct sfe_log *log;
};

struct sfe_thin_facts {
    uint64_t thinned; /* Events, since open. */
    bool is_thinning;
};

/* What became of an event; noted once it is staged, or not at all. */
struct sfe_thin_choice {
    uint32_t place;
    uint32_t tag;
    bool is_kept;
};

/* What one takes from the arena. Pure. */
size_t sfe_thin_memory_bytes(void);

/* SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_thin_open(const struct sfe_thin_options *options,
                                         struct sfe_arena *arena, struct sfe_thin **thin,
                                         struct sfe_error *err);

/* Another rule, with a key that lives on where the one before ends. */
void sfe_thin_set_rule(struct sfe_thin *thin, const struct sfe_template *key, uint32_t from_percent,
                       uint32_t keep_every);

/* Is `event` kept? Asked again for the same event, the answer is the same. */
void sfe_thin_choose(struct sfe_thin *thin, const struct sfe_event *event,
                     struct sfe_thin_choice *choice);

/* The event is staged, or thinned as chosen. */
void sfe_thin_note(struct sfe_thin *thin, const struct sfe_thin_choice *choice);

/* What there is to tell. */
void sfe_thin_facts(const struct sfe_thin *thin, struct sfe_thin_facts *facts);

#endif
