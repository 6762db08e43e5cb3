/* An output: reads one stream through its own cursor, hands events to its target in batches, and
 * settles each by its own verdict.
 *
 * Exactly once in effect: an event is settled when its target said done, or when its dead letter is
 * durable; where its answer is passed on (answer_event.h), when that is durable. The cursor passes
 * an event only when it is settled; order is kept within an order key: an event never overtakes an
 * unsettled one of the same key. Cloud thread, but for the calls that say otherwise.
 */
#ifndef SFE_OUTPUT_OUTPUT_H
#define SFE_OUTPUT_OUTPUT_H

#include "base/error.h"
#include "base/log.h"
#include "output/target.h"
#include "output/wait.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "stream/cursor.h"
#include "stream/reader.h"

struct sfe_arena;
struct sfe_output;

enum sfe_large_use {
    SFE_LARGE_MAY,
    SFE_LARGE_DEAR,   /* Calls are scarce: from `large_from_dear` on. */
    SFE_LARGE_SHUT,   /* Not now: the others are used whatever waits. */
    SFE_LARGE_RESUMES /* It alone: the target takes back a batch that the last run left under way,
                         and it goes as soon as all was offered. Where nothing of it can
                         be taken back the target's `abandon` is called. */
};

struct sfe_output_options {
    const char *name;          /* Of the output. Borrowed, as all pointers here. */
    struct sfe_stream *stream; /* Read through `reader`. */
    struct sfe_stream_reader *reader;
    struct sfe_stream *dead;
    struct sfe_stream *on_done; /* Takes the answers to what was delivered; NULL: nobody does. */
    struct sfe_stream *on_dead; /* The same of what could not be. */
    struct sfe_stream *late;    /* Takes events that waited for too long; NULL: they are dead. */
    uint32_t answer_bytes_max;  /* Payloads of these three; 0: there are no such streams. */
    struct sfe_target *target;
    const struct sfe_cursor *cursor; /* Where it stood; NULL: at the stream's beginning. Copied. */
    uint32_t slot_count;             /* Requests in flight at once. */
    uint32_t slot_events_max;        /* Events of one batch. */
    uint64_t batch_age_ns;           /* How long an event may wait for company. */
    uint64_t within_ns; /* An event not delivered within this of its arrival is dead; 0: none. */
    uint32_t window_events; /* Events read and not yet settled; at least those of a slot. */
    /* One more slot for a backlog, numbered slot_count: it takes so many events at once, and while
     * `large_from` events or more wait, the oldest for `large_age_ns`, and so many can go together,
     * it alone is filled. 0: there is none. */
    uint32_t large_slot_events;
    uint32_t large_from;
    uint64_t large_age_ns;
    uint32_t large_from_dear; /* Instead of large_from: where a large batch costs fewer calls. */
    /* A batch costs so much that it waits for company even while others wait for it. */
    bool is_costly;
    /* What the target wants of the large slot, or else of its only one. NULL: may be used. */
    enum sfe_large_use (*large_use)(const void *target);
    const struct sfe_clock *clock;
    const struct sfe_entropy *entropy; /* Jitter. */
    struct sfe_log *log;
    const char *agent_id; /* With gaps only: part of their identity. */
    bool gaps;            /* What is missing is offered as an event of its own. */
    /* Something was settled: the flash thread should save the cursor soon. Called on the cloud
     * thread. */
    void (*on_settled)(void *owner);
    void *owner;
    const struct sfe_output_wait *wait; /* NULL: no event waits. Not with `within_ns`. */
    struct sfe_watch *watch;            /* Is told what goes out and comes back; NULL: nobody is. */
};

enum sfe_output_state {
    SFE_OUTPUT_IDLE,    /* Nothing to do. */
    SFE_OUTPUT_MOVING,  /* Delivering. */
    SFE_OUTPUT_WAITING, /* The target is away: backing off, one probe at a time. */
    SFE_OUTPUT_STOPPED  /* A human must act; last_error says how. It goes on by itself then. */
};
#define SFE_OUTPUT_STATES 4u

/* "idle", as `status` and all others say it. Pure. */
const char *sfe_output_state_name(enum sfe_output_state state);

struct sfe_output_facts {
    enum sfe_output_state state;
    uint64_t cursor;    /* All below are settled. */
    uint64_t backlog;   /* Durable events not yet settled (gaps included). */
    int64_t oldest_ns;  /* Unix time of arrival of the oldest unsettled event; 0: none read yet. */
    uint64_t delivered; /* Events done since open. */
    uint64_t skipped;   /* Events passed over since open because `where` does not take them. */
    uint64_t dead;      /* Events dead-lettered since open. */
    uint64_t answers;   /* Events staged for on_done and on_dead since open. */
    uint64_t retried;   /* Verdicts RETRY since open. */
    uint64_t requests;  /* Batches sent since open. */
    uint32_t in_flight; /* Requests sent and not answered. */
    uint32_t held;      /* Events that wait for something from elsewhere. */
    uint64_t late;      /* Events that did so for too long, since open. */
    bool is_kept_full;  /* Nothing more is read since the oldest of them. */
    uint64_t gaps;      /* Events passed over because they were no longer there or damaged. */
    struct sfe_error last_error; /* code SFE_OK: none. */
};

/* What an output takes from the arena. Pure. */
size_t sfe_output_memory_bytes(const struct sfe_output_options *options);

/* Opens the output at its cursor; takes all its memory from `arena`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_output_open(const struct sfe_output_options *options,
                                           struct sfe_arena *arena, struct sfe_output **output,
                                           struct sfe_error *err);

/* Does what is due: fills and sends batches, settles. Never waits. Returns the monotonic time of
 * its next turn (UINT64_MAX: only when woken by a durable rise or an answer). */
uint64_t sfe_output_turn(struct sfe_output *output, uint64_t now_ns);

/* No new batch is begun; what is in flight is still settled. */
void sfe_output_stop(struct sfe_output *output);
/* True when nothing is in flight, be it to the target or, as a letter or an answer, to a stream. */
bool sfe_output_is_quiet(const struct sfe_output *output);

/* The cursor as it stands ("output/stream"). Any thread (its own lock). */
void sfe_output_cursor(struct sfe_output *output, struct sfe_cursor *cursor);

/* Any thread (same lock). */
void sfe_output_facts(struct sfe_output *output, struct sfe_output_facts *facts);

/* What lets its events wait; NULL: nothing does. Any thread. */
const struct sfe_output_wait *sfe_output_wait(const struct sfe_output *output);

/* Abandons what is in flight: it is read again after the next open. NULL is allowed. */
void sfe_output_close(struct sfe_output *output);

#endif
