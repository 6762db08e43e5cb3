/* What an output is made of; shared by the files of this module only. Cloud thread, but for
 * `settle`. */
#ifndef SFE_OUTPUT_OUTPUT_PARTS_H
#define SFE_OUTPUT_OUTPUT_PARTS_H

#include "output/lane.h"
#include "output/output.h"
#include "output/pace.h"
#include "output/pressure.h"
#include "output/reasons.h"
#include "output/settle.h"
#include "output/window.h"

/* The facts of a gap, as JSON. */
#define OUTPUT_GAP_BYTES 320u

enum slot_state { SLOT_EMPTY, SLOT_FILLING, SLOT_SENT };

struct output_slot {
    enum slot_state state;
    uint32_t count;
    uint32_t events_max;
    uint32_t limit;   /* The smallest split limit of its events; events_max without. */
    uint32_t epoch;   /* Of the pace, when it was sent. */
    uint64_t request; /* Its number, when it was sent. */
    uint64_t sent_ns;
    bool had_company;    /* Another request was in flight beside it. */
    uint64_t offered_ns; /* First offering of the event that has waited longest. */
    uint32_t *entries;   /* Window index of each event, in the order of offering. */
};

struct output_answers; /* answering.c */

struct sfe_output {
    struct sfe_output_options options;
    struct window window;
    struct sfe_lane *lane;
    struct sfe_lane *parents; /* Which slot their children go in. */
    struct settle *settle;
    struct pace pace;
    struct pressure pressure;
    struct output_slot *slots; /* The large one, where there is one, is the last. */
    uint32_t slot_total;
    struct sfe_output_facts facts;

    struct output_answers *answering; /* NULL: no answers are passed on. */
    struct sfe_reasons *reasons;      /* Why the dying die. */
    struct sfe_builder annotation;
    uint8_t gap_bytes[OUTPUT_GAP_BYTES]; /* Payload of the gap at hand. */
    uint64_t damaged;                    /* As counted by the reader when last looked at. */

    uint64_t opened_ns;      /* When it was opened, */
    uint64_t opened_end;     /* and the last event that was there then. */
    uint64_t now_ns;         /* Of the turn under way. */
    uint64_t large_sequence; /* The large slot found too little; no sooner than this was read. */
    uint64_t next_due_ns;    /* When the next waiting entry is due, as of the last walk. */
    uint64_t full_ns;        /* Since when the dead stream is full; 0: it is not. */
    uint32_t in_flight;
    uint32_t answers;    /* Slots in which something was answered. */
    uint32_t dying;      /* Entries to be buried. */
    uint32_t buried;     /* Entries whose letter is not durable yet. */
    uint32_t owing;      /* Entries whose answer is not staged yet: nothing new is begun. */
    uint32_t told;       /* Entries whose answer is not durable yet. */
    bool has_changed;    /* Since the last walk: a walk may find something to do. */
    bool has_settled;    /* Since the last publication. */
    bool is_catching_up; /* The large slot was the last to be filled. */
    bool target_is_ready;
    bool is_stuck; /* The dead stream stays full: nothing new is begun. */
    bool is_stopping;
    bool has_lanes; /* Each slot takes the children of some parents only. */
};

static inline uint64_t output_random(const struct sfe_output *output)
{
    const struct sfe_entropy *entropy = output->options.entropy;
    struct sfe_error err;
    uint64_t random = 0;

    if (entropy->fill(entropy->context, &random, sizeof(random), &err) != SFE_OK) {
        /* Early boot: jitter need not be secret. */
        random = sfe_clock_monotonic_ns(output->options.clock) * 0x9e3779b97f4a7c15u;
    }
    return random;
}

/* The entry is over. */
void output_settle_entry(struct sfe_output *output, struct window_entry *entry);

/* The entry's event can never be delivered. It is buried in the next turn. */
void output_condemn(struct sfe_output *output, struct window_entry *entry,
                    const struct sfe_error *reason);

/* Puts the letter of a condemned entry's event, which is at hand, into the dead stream. */
void output_bury(struct sfe_output *output, struct window_entry *entry, struct sfe_event *event,
                 int64_t time_ns);

/* Buries what is dying and settles what is durable; returns when to try again. */
uint64_t output_bury_turn(struct sfe_output *output);

/* What it takes to pass answers on, for so many events in slots; 0: none are. */
size_t output_answers_memory_bytes(const struct sfe_output_options *options, size_t slot_events);
SFE_MUST_USE enum sfe_code output_open_answers(struct sfe_output *output, size_t slot_events,
                                               struct sfe_arena *arena, struct sfe_error *err);

/* The entry's event is done: it is over at once, or owes its answer, which `result` has. False:
 * there was no room for that, and it comes again. */
bool output_owe_done(struct sfe_output *output, struct window_entry *entry,
                     const struct sfe_slot_result *result, uint32_t place);

/* Keeps what came back for an entry that was condemned by `result`; another entry is none of it. */
void output_keep_dead(struct sfe_output *output, struct window_entry *entry,
                      const struct sfe_slot_result *result, uint32_t place);

/* A buried entry owes its answer, with on_dead. */
void output_owe_dead(struct sfe_output *output, struct window_entry *entry);

/* An entry that waited for too long owes the event that says so. */
void output_owe_late(struct sfe_output *output, struct window_entry *entry);

/* Gives back what was kept for an entry that is no longer condemned. */
void output_forget_answer(struct sfe_output *output, struct window_entry *entry);

/* Stages what is owed and settles what is durable; returns when to try again. */
uint64_t output_answer_turn(struct sfe_output *output);

/* False while an answer that can be written is on its way to flash. */
bool output_has_told_all(const struct sfe_output *output);

/* Reads an entry's event again, or makes that of a gap. As sfe_stream_reader_fetch. */
enum sfe_code output_fetch(struct sfe_output *output, const struct window_entry *entry,
                           struct sfe_event *event, int64_t *time_ns, struct sfe_error *err);

/* The events from the next one to before `end` are not there: counts those that were not settled
 * before, and where gaps are delivered, adds one for them all. The window must have room. NULL:
 * there is nothing to deliver. */
struct window_entry *output_pass_gap(struct sfe_output *output, uint64_t end);

/* The entry's event is no longer there: it is over, or becomes a gap, together with those behind it
 * that are gone too. True where it is over. */
bool output_lose(struct sfe_output *output, struct window_entry *entry, bool is_damaged);
/* Tell the watch: of each event of a slot that goes out now, or was answered just now (before the
 * answer is carried out); and of one whose dead letter is staged. */
void output_tell_batched(struct sfe_output *output, const struct output_slot *slot);
void output_tell_answered(struct sfe_output *output, const struct output_slot *slot,
                          const struct sfe_slot_result *result);
void output_tell_dead(struct sfe_output *output, const struct window_entry *entry,
                      const struct sfe_event *event);

/* A slot in that state, be it the large one; NULL: there is none. */
struct output_slot *output_find_slot(const struct sfe_output *output, bool is_large,
                                     enum slot_state state);

/* From how many events on. */
uint32_t output_large_from(const struct sfe_output *output);

/* Is it the large slot's turn, and does it go on with what was begun before the last start? */
bool output_wants_large(const struct sfe_output *output);
bool output_is_resuming(const struct sfe_output *output);

/* After a walk that was not blocked, while the target takes back a batch of the last run: where
 * nothing of it is in `slot` (NULL: nothing is) and nothing comes later, none of it can be taken
 * back. Its events stand behind others of their keys, whose settling was lost with the power: all
 * go again. */
void output_give_up_resuming(const struct sfe_output *output, const struct output_slot *slot,
                             uint64_t due_ns);

/* May one more request be begun? */
bool output_may_send(const struct sfe_output *output);

/* Makes an empty slot ready for events. */
void output_begin_slot(const struct sfe_output *output, struct output_slot *slot);

/* Parents get lanes, or lose them, as the pressure says: what is being filled is filled anew. */
void output_mind_lanes(struct sfe_output *output);

/* What came of reading on by one event. */
enum output_read {
    OUTPUT_READ_END,    /* That was all that is durable. */
    OUTPUT_READ_FAILED, /* Flash cannot be read now. */
    OUTPUT_READ_ON,     /* Something to pass over. */
    OUTPUT_READ_GAP,    /* The entry stands for what is missing. */
    OUTPUT_READ_EVENT   /* The entry is that of `event`, which is at hand. */
};

/* Reads the next event into the window, which is not full. */
enum output_read output_read(struct sfe_output *output, struct window_entry **entry,
                             struct sfe_event *event, int64_t *time_ns);

/* Has the entry waited for longer than an event may? */
bool output_is_late(const struct sfe_output *output, const struct window_entry *entry);

/* Gives up what is late; returns when the next one is. */
uint64_t output_expire_turn(struct sfe_output *output);

/* Reads and judges events that may have to wait; returns when to do so again. */
uint64_t output_wait_turn(struct sfe_output *output);

/* Nothing new is begun while that lasts: burying and telling go on, and end it. */
static inline bool output_is_held_up(const struct sfe_output *output)
{
    return output->is_stuck || output->owing > 0;
}

/* Fills and sends slots; returns when something is due again. */
uint64_t output_deliver_turn(struct sfe_output *output);

/* The verdict of one event of a slot that was answered, be it held by the target or asked for into
 * `own`. */
const struct sfe_verdict *output_verdict_of(const struct sfe_slot_result *result, uint32_t place,
                                            struct sfe_verdict *own);

/* Ends a slot: the host's `finished`. */
void output_finish_slot(void *context, const struct sfe_slot_result *result);

/* Takes the events of a slot that was not sent back into the window. */
void output_abandon_slot(struct sfe_output *output, uint32_t number);

#endif
