/* What goes wrong on purpose: each fault with a probability, a count, or both, drawn from one seed.
 */
#ifndef SFE_TESTS_ORG_FAULTS_H
#define SFE_TESTS_ORG_FAULTS_H

#include "base/json_reader.h"

enum fault_kind {
    FAULT_TOKEN_EXPIRED, /* 401, and the token is dead. */
    FAULT_LIMIT,         /* 403 REQUEST_LIMIT_EXCEEDED. */
    FAULT_STATUS_429,
    FAULT_STATUS_500,
    FAULT_STATUS_502,
    FAULT_STATUS_503,
    FAULT_HTML_200,          /* A captive portal's page. */
    FAULT_HTML_503,          /* A maintenance page. */
    FAULT_CUT_BEFORE_COMMIT, /* Connection closed, nothing written. */
    FAULT_CUT_AFTER_COMMIT,  /* All written, connection closed without an answer. */
    FAULT_TRUNCATED,         /* All written, half of the answer. */
    FAULT_TIMEOUT,           /* All written, the answer comes late or never. */
    FAULT_SLOW,              /* Every answer later; goes with the others. */
    FAULT_ROW_LOCK,          /* Drawn for each record. */
    FAULT_WRONG_COUNT,       /* All written, the answer lacks its last result. */
    FAULT_HALTED,            /* Drawn for each part of a composite: it is not run. */
    FAULT_EVENT_LIMIT,       /* Drawn for each platform event: the hour's are used up. */
    FAULT_DOWN,              /* Connections are closed at once. */
    FAULT_CONTENTION,        /* Of so many parents the rows are locked by overlapping requests. */
    FAULT_OUTSIDE_LOCK,      /* So many of those at a time by an outside process. */
    FAULT_EVENTS_LOST, /* The answer to a poll that holds events is cut: they count as sent. */
    FAULT_COUNT
};

#define FAULT_NONE FAULT_COUNT

enum fault_place { FAULT_ON_DATA, FAULT_ON_TOKEN, FAULT_ON_ANY, FAULT_ON_EVENTS };

struct fault {
    bool is_on;
    enum fault_place place;
    double probability;
    uint64_t left;         /* Times it may still happen. */
    uint64_t skip;         /* Requests it lets pass first. */
    uint64_t delay_ms;     /* Of timeout and slow; 0 at timeout is never. */
    uint64_t record_us;    /* Of slow: further time for each record that is written. */
    int64_t retry_after_s; /* -1: no such header. */
    uint64_t happened;
};

struct faults {
    struct fault kinds[FAULT_COUNT];
    uint64_t random;
};

/* Replaces all faults by those in object `token`; what is not named is off. The counts of what
 * happened stay. SFE_E_CONFIG, and then nothing is changed. */
SFE_MUST_USE enum sfe_code faults_load(struct faults *faults, const struct sfe_json *json,
                                       uint32_t token, struct sfe_error *err);

/* The fault of this request, or FAULT_NONE. `place` is data or token. Counts it. */
enum fault_kind faults_draw(struct faults *faults, enum fault_place place);

/* Whether one of the faults that go with others (slow, row lock, wrong count) happens now. */
bool faults_happens(struct faults *faults, enum fault_kind kind);

/* What `records` cost over the time of their request, in milliseconds. */
static inline uint64_t faults_records_ms(const struct faults *faults, uint64_t records)
{
    const struct fault *slow = &faults->kinds[FAULT_SLOW];
    return slow->is_on ? records * slow->record_us / 1000u : 0;
}

static inline bool faults_lock_row(struct faults *faults)
{
    return faults->kinds[FAULT_ROW_LOCK].is_on && faults_happens(faults, FAULT_ROW_LOCK);
}

static inline bool faults_down(const struct faults *faults)
{
    return faults->kinds[FAULT_DOWN].is_on;
}

const char *fault_name(enum fault_kind kind);

#endif
