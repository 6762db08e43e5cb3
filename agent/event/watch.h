/* What happens to events, told while it happens: to one follower (`tap`), and, of answers, kept for
 * later (`trace`).
 *
 * Who tells asks first whether somebody follows that stage: one relaxed load. What is told is
 * copied into a ring of fixed size; where it has no room it is counted as missed, so that a slow
 * follower holds nobody up. Any thread tells. One thread (edge) follows and looks up.
 */
#ifndef SFE_EVENT_WATCH_H
#define SFE_EVENT_WATCH_H

#include "base/error.h"
#include "base/limits.h"
#include "event/event.h"

#include <stdatomic.h>

struct sfe_arena;
struct sfe_watch_books;

enum sfe_watch_stage {
    SFE_WATCH_ACCEPTED, /* Staged; not durable yet. */
    SFE_WATCH_DURABLE,  /* On flash. */
    SFE_WATCH_BATCHED,  /* In a request that goes out now. */
    SFE_WATCH_ANSWERED, /* That request has ended. */
    SFE_WATCH_DEAD,     /* Its dead letter is staged; DURABLE follows for that. */
    SFE_WATCH_STAGES
};

/* What an answer said of the event. */
enum sfe_watch_outcome {
    SFE_WATCH_NOTHING, /* Of the other stages. */
    SFE_WATCH_DONE,
    SFE_WATCH_RETRY,   /* Again, later. */
    SFE_WATCH_REFUSED, /* For good: a dead letter follows. */
    SFE_WATCH_AWAY,    /* The whole request failed; the target needs a pause. */
    SFE_WATCH_SMALLER, /* The whole request was refused; again in parts. */
    SFE_WATCH_STOPPED, /* A human must act. */
    SFE_WATCH_OUTCOMES
};

#define SFE_WATCH_RECORD_ID_BYTES 19u
/* Of a topic and a payload so much is shown. */
#define SFE_WATCH_TOPIC_BYTES   512u
#define SFE_WATCH_PAYLOAD_BYTES 4096u
#define SFE_WATCH_TEXT_BYTES    (SFE_WATCH_TOPIC_BYTES + SFE_WATCH_PAYLOAD_BYTES)
/* Names a follower may ask for. */
#define SFE_WATCH_NAME_BYTES (SFE_NAME_BYTES_MAX + 1u)

/* What is told; all is borrowed for the call. */
struct sfe_watch_note {
    enum sfe_watch_stage stage;
    enum sfe_watch_outcome outcome;
    const char *stream;
    const char *output;            /* NULL: none yet. */
    const struct sfe_event *event; /* NULL: not at hand. */
    uint64_t sequence;             /* In `stream`. */
    uint64_t dead_sequence;        /* Of its dead letter; 0: none. */
    uint64_t request;              /* Of the output since it was opened, from 1; 0: none. */
    uint64_t id_hash;              /* Of the first record's external ID; 0: not known. */
    uint64_t took_ns;              /* From sending to the answer. */
    int64_t time_ns;               /* Unix time; 0: it is asked for. */
    uint32_t attempt;              /* From 1. */
    uint32_t segment;              /* That it is on; of SFE_WATCH_DURABLE. */
    const struct sfe_error *err;   /* NULL: none. */
    const char *record_id;         /* Of the first record; NULL: not known. */
};

/* A note as it is kept. */
struct sfe_watch_entry {
    int64_t time_ns; /* Unix time; 0: the clock was not set. */
    uint64_t missed; /* Notes in front of this one that found no room. */
    uint64_t sequence;
    uint64_t dead_sequence;
    uint64_t request;
    uint64_t id_hash;
    uint64_t took_ns;
    uint32_t attempt;
    uint32_t segment;
    uint32_t payload_bytes; /* Of the whole payload. */
    uint16_t topic_bytes;   /* Kept of the topic, ... */
    uint16_t shown_bytes;   /* ... and of the payload. */
    uint16_t http_status;
    uint8_t stage;   /* enum sfe_watch_stage; SFE_WATCH_STAGES: only `missed` says something. */
    uint8_t outcome; /* enum sfe_watch_outcome */
    uint8_t code;    /* enum sfe_code */
    bool has_event;  /* Input, topic and sizes are known. */
    char stream[SFE_WATCH_NAME_BYTES];
    char output[SFE_WATCH_NAME_BYTES];
    char input[SFE_WATCH_NAME_BYTES];
    char record_id[SFE_WATCH_RECORD_ID_BYTES];
    char api_code[48];
    char message[160];
};

/* What a follower wants; empty texts: all. */
struct sfe_watch_filter {
    unsigned stages; /* One bit each. */
    char input[SFE_WATCH_NAME_BYTES];
    char stream[SFE_WATCH_NAME_BYTES];
    char output[SFE_WATCH_NAME_BYTES];
    char topic[256]; /* MQTT topic filter. */
    bool shows_payload;
};

struct sfe_watch_options {
    uint32_t kept_answers; /* 0: none are kept. */
    const struct sfe_clock *clock;
    bool (*topic_matches)(struct sfe_slice filter, struct sfe_slice topic);
    void (*wake)(void *context); /* There is something to take; any thread. */
    void *context;
};

struct sfe_watch {
    atomic_uint stages; /* Followed ones, one bit each. */
    bool keeps_answers; /* Never changes. */
    struct sfe_watch_books *books;
};

/* What a watch takes from the arena. Pure. */
size_t sfe_watch_memory_bytes(uint32_t kept_answers);

/* Takes all its memory from `arena`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_watch_open(const struct sfe_watch_options *options,
                                          struct sfe_arena *arena, struct sfe_watch **watch,
                                          struct sfe_error *err);
/* When nobody tells any more. NULL is allowed. */
void sfe_watch_close(struct sfe_watch *watch);

/* True when somebody follows `stage`: then the event belongs to the note. Any thread. */
static inline bool sfe_watch_is_followed(const struct sfe_watch *watch, enum sfe_watch_stage stage)
{
    return watch != NULL &&
           (atomic_load_explicit(&watch->stages, memory_order_relaxed) & (1u << stage)) != 0;
}

/* True when a note of `stage` is of use to anybody. Any thread. */
static inline bool sfe_watch_wants(const struct sfe_watch *watch, enum sfe_watch_stage stage)
{
    const bool is_kept = stage == SFE_WATCH_ANSWERED || stage == SFE_WATCH_DEAD;

    return sfe_watch_is_followed(watch, stage) ||
           (is_kept && watch != NULL && watch->keeps_answers);
}

/* Tells. Any thread; never waits for a follower. */
void sfe_watch_tell(struct sfe_watch *watch, const struct sfe_watch_note *note);

/* From now on what `filter` wants is put into the ring, which is emptied first. */
void sfe_watch_follow(struct sfe_watch *watch, const struct sfe_watch_filter *filter);
void sfe_watch_unfollow(struct sfe_watch *watch);

/* Takes the oldest note out of the ring; topic and payload go to `text`, which holds at least
 * SFE_WATCH_TEXT_BYTES. False: there is none. */
bool sfe_watch_take(struct sfe_watch *watch, struct sfe_watch_entry *entry,
                    uint8_t text[SFE_WATCH_TEXT_BYTES]);

/* What is looked up: a sequence of a stream, or (sequence 0) the hash of an external ID. */
struct sfe_watch_query {
    const char *stream;
    uint64_t sequence;
    uint64_t id_hash;
};

/* Copies the kept answers of one event, oldest first; of more than `capacity` the newest. With a
 * hash the event is the one that was answered last. Returns how many. */
uint32_t sfe_watch_find(struct sfe_watch *watch, const struct sfe_watch_query *query,
                        struct sfe_watch_entry *entries, uint32_t capacity);

/* How much is kept. */
struct sfe_watch_facts {
    uint32_t capacity;
    uint64_t told;     /* Answers since open; beyond `capacity` the oldest are forgotten. */
    int64_t oldest_ns; /* Unix time of the oldest that is kept; 0: none. */
};
void sfe_watch_facts(struct sfe_watch *watch, struct sfe_watch_facts *facts);

#endif
