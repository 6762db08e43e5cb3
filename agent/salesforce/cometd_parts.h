/* What a subscription session is made of; shared by its files only. Cloud thread, unless said. */
#ifndef SFE_SALESFORCE_COMETD_PARTS_H
#define SFE_SALESFORCE_COMETD_PARTS_H

#include "port/thread.h"
#include "salesforce/bayeux.h"
#include "salesforce/cometd.h"
#include "salesforce/cookies.h"

#include <stdatomic.h>

#define COMETD_SECOND_NS UINT64_C(1000000000)
#define COMETD_BASE_NS   COMETD_SECOND_NS
#define COMETD_CAP_NS    (60u * COMETD_SECOND_NS)
/* Where a human or a day must pass. */
#define COMETD_LONG_BASE_NS (60u * COMETD_SECOND_NS)
#define COMETD_LONG_CAP_NS  (300u * COMETD_SECOND_NS)
/* A session that was not asked for longer than this is taken for gone: the org keeps it 40 s. */
#define COMETD_SESSION_NS (40u * COMETD_SECOND_NS)
/* How long a poll is held until the org says so; and what an answer may be late. */
#define COMETD_TIMEOUT_MS 110000u
#define COMETD_MARGIN_MS  10000u

#define COMETD_CLIENT_BYTES_MAX 256u

enum cometd_step {
    COMETD_HANDSHAKE,
    COMETD_OPENING, /* The first connect, which brings the advice. */
    COMETD_SUBSCRIBE,
    COMETD_CONNECT,
    COMETD_GOODBYE
};

struct cometd_channel {
    struct sfe_cometd_channel options;
    bool is_subscribed;
    uint32_t failures; /* Of subscribing, in a row. */
    uint64_t due_ns;   /* Not to be subscribed to before. */
    /* Of whoever has the batch. */
    struct sfe_feed_place place; /* What was taken last. */
    bool has_gap;                /* The org does not take `place`: that is to be told first. */
};

struct sfe_cometd {
    struct sfe_http_owner owner; /* First: the tag of the exchange under way. */
    struct sfe_cometd_options options;
    struct cometd_channel *channels;

    /* The batch: true while the edge thread has it, and all that is marked so with it. */
    atomic_bool is_handed;
    atomic_bool is_stopping; /* Set by edge. */
    size_t offset;           /* Of the message at hand in the answer. Edge. */
    size_t next_offset;      /* Behind it. Edge. */

    enum cometd_step step; /* Of the exchange under way, or of the last one. */
    bool is_under_way;
    bool has_said_goodbye;
    bool has_opened;                         /* The first connect of the session was answered. */
    char client_id[COMETD_CLIENT_BYTES_MAX]; /* As it stands in JSON; empty: there is no session. */
    struct cookies cookies;
    struct sfe_builder set_cookies; /* Of the answer at hand. */
    struct sfe_builder request;
    struct sfe_builder answer;
    uint32_t message_id;
    uint32_t timeout_ms; /* Advice, as the next. */
    uint64_t interval_ns;
    uint64_t due_ns;      /* Nothing is begun before. */
    uint64_t begun_ns;    /* The exchange under way. */
    uint64_t answered_ns; /* The last exchange of this session. */
    uint32_t failures;    /* In a row. */
    uint32_t empty_polls; /* That were answered at once, in a row. */

    struct sfe_mutex *mutex; /* Guards facts: cloud writes, edge reads. */
    struct sfe_feed_facts facts;
};

/* on_answer of `owner`. */
void cometd_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

/* Forgets the session. */
void cometd_lose_session(struct sfe_cometd *cometd);

/* Writes the messages of a step. Returns for how long the org may hold its answer, in ms; 0: it is
 * not to be held. */
uint32_t cometd_write(struct sfe_cometd *cometd, enum cometd_step step, uint64_t now_ns);

uint64_t cometd_delay_ns(const struct sfe_cometd *cometd, uint32_t attempt, uint64_t base_ns,
                         uint64_t cap_ns);

/* True where all channels are subscribed to. */
bool cometd_is_subscribed(const struct sfe_cometd *cometd);

#endif
