/* The events an output has read and not yet passed: a ring in the order of the stream. Cloud
 * thread. */
#ifndef SFE_OUTPUT_WINDOW_H
#define SFE_OUTPUT_WINDOW_H

#include "base/error.h"
#include "base/limits.h"
#include "stream/reader.h"

#include <stdbool.h>
#include <stdint.h>

struct sfe_arena;

enum entry_state {
    ENTRY_SETTLED, /* Done, or gone; the cursor passes it once all before it are. */
    ENTRY_WAITING, /* To be offered, not before due_ns. */
    ENTRY_IN_SLOT, /* Filling or sent. */
    ENTRY_DYING,   /* Dead, and not yet in the dead stream: `reason` says why. */
    ENTRY_BURIED,  /* In the dead stream as `dead_sequence`; settled once that is durable. */
    ENTRY_OWING,   /* Over; its answer is not in the stream of answers yet. */
    ENTRY_TOLD     /* Its answer is, as `answer_sequence`; settled once that is durable. */
};

/* `answer` of an entry without one. */
#define WINDOW_NO_ANSWER UINT32_MAX

struct window_entry {
    uint64_t sequence;
    uint64_t gap_end;     /* It is a gap: the events from `sequence` to before here; 0: an event. */
    uint64_t gap_events;  /* Of them, those that were not settled. */
    uint64_t gap_damaged; /* Of them, those whose bytes were damaged. */
    uint64_t order_key;   /* 0: none, or not known yet. */
    uint64_t parent_key;  /* With has_keys; 0: none known. */
    uint64_t due_ns;
    uint64_t offered_ns; /* First offering since the last answer; 0: not yet. */
    uint64_t dead_sequence;
    uint64_t answer_sequence;
    uint64_t unread_ns; /* When reading it again first failed; 0: it has not. */
    int64_t arrival_ns; /* Unix time. */
    struct sfe_stream_place place;
    uint32_t attempts; /* Tries that ended with an answer. */
    uint32_t reason;   /* Of a dying one, until its answer is told: its place among the reasons. */
    uint32_t answer;   /* What came back, by its place among the texts; WINDOW_NO_ANSWER. */
    uint32_t split_limit; /* It may share a slot of at most so many; 0: any. */
    uint32_t locks;       /* Tries that met a lock. */
    uint32_t failures;    /* The server failed with it, in a row. */
    uint32_t answers;     /* Of the output, when the server last failed with it. */
    uint32_t slot;        /* While it is in one. */
    bool has_keys;        /* parent_key was looked for. */
    bool is_dead;         /* Of one that owes or told: its letter is in the dead stream. */
    bool is_answer_cut;   /* What came back was too large to be kept. */
    enum entry_state state;
};

struct window {
    struct window_entry *entries; /* `capacity` of them. */
    uint32_t capacity;
    uint32_t head; /* Index of the oldest. */
    uint32_t count;
    uint64_t next_sequence; /* Everything below it was read or passed over. */
};

/* What it takes from the arena. Pure. */
size_t window_memory_bytes(uint32_t capacity);

/* All below `next_sequence` counts as passed. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code window_open(struct window *window, uint32_t capacity,
                                       uint64_t next_sequence, struct sfe_arena *arena,
                                       struct sfe_error *err);

static inline bool window_is_full(const struct window *window)
{
    return window->count == window->capacity;
}

/* The `place`-th event from the oldest on. */
static inline struct window_entry *window_at(const struct window *window, uint32_t place)
{
    return &window->entries[(window->head + place) % window->capacity];
}

/* Where an entry stands; does not change while it is in the window. */
static inline uint32_t window_index(const struct window *window, const struct window_entry *entry)
{
    return (uint32_t)(entry - window->entries);
}

/* Adds the event `sequence`, waiting. There must be room, and the sequence must be a new one. */
struct window_entry *window_add(struct window *window, uint64_t sequence,
                                struct sfe_stream_place place, int64_t arrival_ns);

/* Behind the last sequence that an entry stands for. */
static inline uint64_t window_end_of(const struct window_entry *entry)
{
    return entry->gap_end == 0 ? entry->sequence + 1u : entry->gap_end;
}

/* Drops what is settled from the front. True when something was. */
bool window_pass(struct window *window);

/* Everything below is settled. */
uint64_t window_base(const struct window *window);

#endif
