/* The events an output has read and not yet passed, in the order of the stream. Cloud thread.
 *
 * They stand in blocks. A block that is passed is the next to be used again: so no more memory is
 * ever touched than for as many events as were in the window at once, however large it may grow. */
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
    ENTRY_TOLD,    /* Its answer is, as `answer_sequence`; settled once that is durable. */
    ENTRY_HELD     /* It waits for something from elsewhere: wait.h. */
};

struct window_entry {
    uint64_t sequence;
    uint64_t order_key;  /* 0: none, or not known yet. */
    uint64_t parent_key; /* With has_keys; 0: none known. */
    uint64_t due_ns;
    uint64_t offered_ns; /* First offering since the last answer; 0: not yet. */
    int64_t arrival_ns;  /* Unix time. */
    struct sfe_stream_place place;
    uint32_t attempts;    /* Tries that ended with an answer. */
    uint32_t split_limit; /* It may share a slot of at most so many; 0: any. */
    uint16_t slot;        /* While it is in one. */
    uint8_t state;        /* An entry_state. */
    bool has_keys : 1;    /* parent_key was looked for. */
    bool is_gap : 1;      /* It stands for events that are not there. */
    bool has_trouble : 1; /* Something is kept of what befell it. */
    bool is_locked : 1;   /* It waits for a lock that is a short one so far. */
};

/* What befell an entry; of most nothing did, and the memory for it is never touched. */
struct window_trouble {
    uint64_t gap_end;     /* Of a gap: the events from its sequence to before here. */
    uint64_t gap_events;  /* Of them, those that were not settled. */
    uint64_t gap_damaged; /* Of them, those whose bytes were damaged. */
    uint64_t dead_sequence;
    uint64_t answer_sequence;
    uint64_t unread_ns; /* When reading it again first failed; 0: it has not. */
    uint32_t reason;    /* Of a dying one, and until its answer is told: among the reasons. */
    uint32_t answer;    /* With has_answer: the place of what came back among the texts. */
    uint32_t locks;     /* Tries that met a lock. */
    uint32_t failures;  /* The server failed with it, in a row. */
    uint32_t answers;   /* Of the output, when the server last failed with it. */
    bool has_answer;    /* What came back is kept. */
    bool is_answer_cut; /* It was too large for that. */
    bool is_dead;       /* Of one that owes or told: its letter is in the dead stream. */
    bool is_late;       /* The same: it waited for too long. */
};

#define WINDOW_BLOCK_EVENTS 64u

struct window {
    struct window_entry *entries;    /* Of all blocks, one after the other. */
    struct window_trouble *troubles; /* As many. */
    uint16_t *ring;                  /* Numbers of the blocks in use, from `first` on, around. */
    uint16_t *positions;             /* Where in the ring a block in use stands. */
    uint16_t *free_blocks;           /* A stack. */
    uint32_t block_count;
    uint32_t free_count;
    uint32_t capacity;
    uint32_t first; /* Place in the ring of the block of the oldest. */
    uint32_t head;  /* Place in it of the oldest. */
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
    const uint32_t at = window->head + place;
    const uint32_t block =
        window->ring[(window->first + at / WINDOW_BLOCK_EVENTS) % window->block_count];

    return &window->entries[block * WINDOW_BLOCK_EVENTS + at % WINDOW_BLOCK_EVENTS];
}

/* Where an entry stands; does not change while it is in the window. */
static inline uint32_t window_index(const struct window *window, const struct window_entry *entry)
{
    return (uint32_t)(entry - window->entries);
}

/* Adds the event `sequence`, waiting. There must be room, and the sequence must be a new one. */
struct window_entry *window_add(struct window *window, uint64_t sequence,
                                struct sfe_stream_place place, int64_t arrival_ns);

/* Its place from the oldest on. */
static inline uint32_t window_place(const struct window *window, const struct window_entry *entry)
{
    const uint32_t index = window_index(window, entry);
    const uint32_t position = window->positions[index / WINDOW_BLOCK_EVENTS];
    const uint32_t blocks = (position + window->block_count - window->first) % window->block_count;

    return blocks * WINDOW_BLOCK_EVENTS + index % WINDOW_BLOCK_EVENTS - window->head;
}

/* What befell the entry, to be written to. */
struct window_trouble *window_trouble(const struct window *window, struct window_entry *entry);

/* The same of one whose trouble is known (has_trouble). */
const struct window_trouble *window_known_trouble(const struct window *window,
                                                  const struct window_entry *entry);

/* Behind the last sequence that an entry stands for. */
static inline uint64_t window_end_of(const struct window *window, const struct window_entry *entry)
{
    return entry->is_gap ? window_known_trouble(window, entry)->gap_end : entry->sequence + 1u;
}

/* Drops the last event, which is settled, so that it takes no room. */
void window_drop_last(struct window *window);

/* The entry of that sequence; NULL: there is none. */
struct window_entry *window_find(const struct window *window, uint64_t sequence);

/* Drops what is settled from the front. True when something was. */
bool window_pass(struct window *window);

/* Everything below is settled. */
uint64_t window_base(const struct window *window);

#endif
