/* What an output delivers to: takes events into slots, sends what a slot holds, and gives one
 * verdict for each event.
 *
 * A slot is one batch under way: empty, filling, or sent. The output (output.h) decides which
 * events go and when; the target knows how they are asked for and what the answers mean. Cloud
 * thread.
 */
#ifndef SFE_OUTPUT_TARGET_H
#define SFE_OUTPUT_TARGET_H

#include "base/bytes.h"
#include "base/error.h"
#include "event/event.h"
#include "event/watch.h"

#include <stdbool.h>

struct sfe_json_writer;
struct sfe_lane; /* Order keys in use: lane.h. */

enum sfe_verdict_kind {
    SFE_VERDICT_DONE,
    SFE_VERDICT_RETRY, /* Again after a back-off; err->retry says how (LATER, LOCKED, ALONE,
                          SMALLER; SMALLER in company, AWAY, AFTER_HUMAN, AFTER_QUOTA: not counted
                          as a try).
                        */
    SFE_VERDICT_DEAD   /* To the dead letters with err. */
};

/* The fate of one event of a slot, by its place in the order of offering. */
struct sfe_verdict {
    enum sfe_verdict_kind kind;
    struct sfe_error err; /* Of the record that decided it; SFE_OK where done. */
    /* Of its first record: the hash of its external ID (0: not known), and the ID that the other
     * side gave it ("": none). For `trace`. */
    uint64_t id_hash;
    char record_id[SFE_WATCH_RECORD_ID_BYTES];
};

/* What a whole slot ended with, before its verdicts are looked at. */
enum sfe_slot_outcome {
    SFE_SLOT_ANSWERED, /* Each event has its own verdict. */
    SFE_SLOT_AGAIN,    /* Nothing is known or nothing was done: all events again; the target needs a
                          pause (err, retry_after); with LOCKED only the events do. */
    SFE_SLOT_SMALLER,  /* Refused as a whole because of what is in it: again in halves; alone it has
                          a few tries, then it is dead. */
    SFE_SLOT_STOPPED   /* A human must act (err says what to do); probe now and then. */
};

struct sfe_slot_result {
    uint32_t slot;
    enum sfe_slot_outcome outcome;
    const struct sfe_verdict *verdicts; /* With ANSWERED: one for each event. Live for the call. */
    /* Instead of `verdicts`, where there are too many to hold: fills in that of one event. */
    void (*verdict)(void *context, uint32_t place_in_slot, struct sfe_verdict *verdict);
    /* Writes what came back for one event, as members of an open object; asked for only by an
     * output that passes answers on. What is over SFE_ANSWER_BYTES_MAX is left out whole. NULL:
     * nothing is known but the verdict. */
    void (*answer)(void *context, uint32_t place_in_slot, struct sfe_json_writer *writer);
    void *context; /* Of both. */
    uint32_t count;
    int64_t retry_after_s; /* What the other side asked for; -1: nothing. */
    struct sfe_error err;  /* With the other outcomes. */
};

/* How the target reaches the output it serves. All calls on the cloud thread. */
struct sfe_target_host {
    void *context;
    /* Reads event `place_in_slot` of `slot` again (a later step needs it); slices live until the
     * next fetch. */
    enum sfe_code (*fetch)(void *context, uint32_t slot, uint32_t place_in_slot,
                           struct sfe_event *event, int64_t *time_ns, struct sfe_error *err);
    /* Which try of this event is under way: 1 for the first. Answers that say nothing (AGAIN) do
     * not count. */
    uint32_t (*attempts)(void *context, uint32_t slot, uint32_t place_in_slot);
    /* The slot is over; it is empty again when this returns. May be called from within `send`. */
    void (*finished)(void *context, const struct sfe_slot_result *result);
};

struct sfe_target {
    void *context;
    /* Binds the target to its output. Once, before anything else. */
    void (*bind)(void *context, const struct sfe_target_host *host);
    /* May a request be begun now (logged in, not waiting for quota)? *until_ns says when to ask
     * again at the latest (UINT64_MAX: something will wake us). Asked in every turn, so that a
     * target can go on here with what it had to put off. */
    bool (*is_ready)(void *context, uint64_t now_ns, uint64_t *until_ns);
    /* Parses the event, finds its order key and, if `lane` lets it pass, adds it to `slot`. Always
     * writes *order_key once it is known (0: not). SFE_OK: it is in the slot and claimed in the
     * lane. SFE_E_AGAIN: its key is held; the event waits. SFE_E_FULL: no room left in the slot;
     * send first. SFE_E_SKIPPED: `where` does not take it; it is over. SFE_E_UNMAPPED,
     * SFE_E_SYNTAX, SFE_E_TOO_LARGE: it can never go (err says why): dead. */
    enum sfe_code (*offer)(void *context, uint32_t slot, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err);
    /* Sends what the slot holds; `finished` follows, later. On failure (out of connections) the
     * slot is still filled: try again. */
    enum sfe_code (*send)(void *context, uint32_t slot, struct sfe_error *err);
    /* Empties a slot without sending (stop). Of an empty slot, while the target takes back a batch
     * of the last run: all was offered, and none of it can be taken back. */
    void (*abandon)(void *context, uint32_t slot);
    /* The keys of an event that is not offered yet: its order key as `offer` finds it, and the key
     * of the parent whose row the target locks when it writes the event's (0: none known). NULL:
     * the target knows no parents. On failure both stay 0, and `offer` will say why. */
    void (*find_keys)(void *context, struct sfe_event *event, int64_t time_ns, uint64_t *order_key,
                      uint64_t *parent_key);
};

#endif
