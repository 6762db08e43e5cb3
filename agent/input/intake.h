/* The only door: what comes in is admitted, given its identity and staged into its streams here.
 * Edge thread. */
#ifndef SFE_INPUT_INTAKE_H
#define SFE_INPUT_INTAKE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "event/watch.h"
#include "input/card_guard.h"
#include "port/clock.h"
#include "stream/stream.h"

struct sfe_arena;
struct sfe_intake;

struct sfe_thin;  /* input/thin.h */
struct sfe_where; /* flow/where.h */

/* One input as the intake sees it: what it takes, where it goes. */
struct sfe_intake_route {
    const char *input;  /* Name; borrowed, as all pointers here. */
    const char *filter; /* MQTT topic filter (MQTT 5, section 4.7); "$share/group/filter" is matched
                           by its filter. */
    struct sfe_stream *stream;
    bool ignores_retained;
    bool identity_by_arrival;    /* Each arrival is an event of its own; otherwise equal topic and
                                    payload are one event. */
    struct sfe_card_guard guard; /* What is masked before anything is written. */
    struct sfe_thin *thin;       /* Of the stream; NULL: it is not thinned. */
    struct sfe_where *admit;     /* What a sender may send; NULL: everything. */
    bool has_scopes;             /* Messages may have a `scope`. */
};

struct sfe_intake_options {
    const struct sfe_intake_route *routes; /* Copied. */
    uint32_t route_count;
    struct sfe_stream *dead; /* Where what cannot be admitted goes. */
    uint32_t event_bytes_max;
    const struct sfe_clock *clock;
    const char *agent_id;
    struct sfe_log *log;
    struct sfe_watch *watch; /* Is told what was accepted or refused; NULL: nobody is. */
};

/* A message as a protocol delivered it. Slices borrowed for the call. */
struct sfe_message {
    struct sfe_slice topic;
    struct sfe_slice payload;  /* Where it is over the limit: its first bytes (at most
                                  SFE_EVENT_EXCERPT_BYTES). */
    uint64_t payload_bytes;    /* Of the whole payload. */
    struct sfe_slice identity; /* MQTT 5 user property "event-id"; empty: none. */
    struct sfe_slice sender;   /* Name of the identity that sends it; empty: none is known. */
    struct sfe_where *scope;   /* What that one may send; NULL: everything. */
    bool is_retained;
    bool is_repeated;
    const char *refusal; /* Why it is no event: then it goes to the dead letters, whole. NULL: it is
                            one. */
    uint32_t progress;   /* 0 at first; kept by the intake over SFE_E_FULL: call again with the same
                            message. */
};

/* What must become durable before the sender is answered. */
struct sfe_receipt {
    struct sfe_stream *stream;
    uint64_t sequence;
};

struct sfe_intake_facts {
    uint64_t accepted; /* Messages. */
    uint64_t empty;    /* Empty payload: clears a retained message, is not an event. */
    uint64_t retained_ignored;
    uint64_t refused;      /* By their source: to the dead letters. */
    uint64_t too_large;    /* To the dead letters with the first bytes. */
    uint64_t unmatched;    /* No input takes this topic: to the dead letters. */
    uint64_t not_admitted; /* An input's `admit` does not hold: to the dead letters, or refused. */
    struct sfe_card_guard_facts guard;
};

/* What an intake of so many routes takes from the arena; `has_guard`: one of them has a card guard;
 * `has_admit`: one of them has that, or scopes. Pure. */
size_t sfe_intake_memory_bytes(uint32_t route_count, uint32_t event_bytes_max, bool has_guard,
                               bool has_admit);

/* Opens the door; routes are copied into `arena`, which gives the one buffer for masked copies too
 * where a route has a guard. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_intake_open(const struct sfe_intake_options *options,
                                           struct sfe_arena *arena, struct sfe_intake **intake,
                                           struct sfe_error *err);

/* Takes one message into every stream whose input matches (each at most once per message and
 * stream). An input's guard comes first: what is staged, and the identity made from it, is of the
 * masked payload and topic. What no input takes is guarded where any input is. `receipts` has room
 * for `capacity`; *count are filled, 0 where the message is no event (it may be acknowledged at
 * once). SFE_E_FULL: a stream has no room: nothing is lost, call again later with the same message;
 * receipts already given stand. One of sequence 0 is
 * of an event that was thinned. No other failure: what cannot be admitted goes to the dead letters.
 */
SFE_MUST_USE enum sfe_code sfe_intake_accept(struct sfe_intake *intake, struct sfe_message *message,
                                             struct sfe_receipt *receipts, uint32_t capacity,
                                             uint32_t *count, struct sfe_error *err);

/* While paused sfe_intake_accept says SFE_E_FULL to each message of which nothing is staged yet. */
void sfe_intake_pause(struct sfe_intake *intake, bool is_paused);

/* The identity of an event whose message says `identity`. Pure. */
static inline struct sfe_hash128 sfe_intake_given_identity(struct sfe_slice identity)
{
    const struct sfe_slice parts[] = {SFE_TEXT("event-id"), identity};

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

/* For a sender that can be told: would a message be admitted by every input that takes its topic?
 * SFE_E_REFUSED, counted, where not: err says why. Stages nothing. */
SFE_MUST_USE enum sfe_code sfe_intake_check(struct sfe_intake *intake,
                                            const struct sfe_message *message,
                                            struct sfe_error *err);

/* True where `topic` matches `filter` (MQTT 5, section 4.7; '$' topics are not matched by a leading
 * wildcard). Pure. */
bool sfe_topic_matches(struct sfe_slice filter, struct sfe_slice topic);

/* A filter without "$share/group/". Pure. */
struct sfe_slice sfe_topic_without_share(struct sfe_slice filter);

/* What one input has taken since open. */
struct sfe_intake_input {
    const char *name;
    uint64_t accepted; /* Events in its stream. */
};

/* The input at place `index` of the routes; false behind the last one. */
bool sfe_intake_input(const struct sfe_intake *intake, uint32_t index,
                      struct sfe_intake_input *input);

/* Counters since open. */
void sfe_intake_facts(const struct sfe_intake *intake, struct sfe_intake_facts *facts);

#endif
