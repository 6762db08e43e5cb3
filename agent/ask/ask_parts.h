/* What the files of this module share. */
#ifndef SFE_ASK_ASK_PARTS_H
#define SFE_ASK_ASK_PARTS_H

#include "ask/ask.h"
#include "input/source.h"
#include "port/thread.h"

#define ASK_TOPIC_BYTES_MAX       512u
#define ASK_CORRELATION_BYTES_MAX 256u
#define ASK_KEY_BYTES_MAX         1024u
/* Of the query and of its address, in which each byte may take three. */
#define ASK_QUERY_BYTES 8192u
#define ASK_PATH_BYTES  16384u
/* Values in an answer with its question. */
#define ASK_TOKENS_MAX   8192u
#define ASK_ERROR_TOKENS 256u

enum ask_status {
    ASK_OK,
    ASK_NOT_FOUND,
    ASK_BAD_QUESTION,
    ASK_BUSY,
    ASK_BUDGET,
    ASK_UNAVAILABLE,
    ASK_TIMEOUT,
    ASK_FAILED,
    ASK_STATUSES
};

enum ask_state {
    ASK_FREE,
    ASK_WAITING, /* Cloud's: to be asked. */
    ASK_ASKING,  /* Cloud's: a request is under way. */
    ASK_READY,   /* Edge's: its status is known, to be published. */
    ASK_SENT,    /* Nobody's: the broker has not acknowledged it. */
    ASK_OVER     /* Edge's: to be freed. */
};

/* Who moves a slot on, by its state, may use all of it but what the mutex guards. */
struct ask_slot {
    struct sfe_http_owner owner; /* First: the tag of the request under way. */
    struct sfe_ask *ask;
    enum ask_state state; /* Guarded by the mutex, as the next three. */
    bool is_void;         /* Its connection is gone: nobody waits for the answer. */
    enum ask_status status;
    uint64_t number;    /* Of its question, as it came. */
    bool is_spare;      /* It only says no. */
    bool is_made;       /* The answer is made. Edge. */
    bool has_logged_in; /* Again, for this question. Cloud. */
    uint64_t deadline_ns;
    uint64_t sent_ns;
    size_t topic_bytes;
    size_t question_bytes;
    size_t correlation_bytes;
    char response[ASK_TOPIC_BYTES_MAX + 1u];
    uint8_t topic[ASK_TOPIC_BYTES_MAX];
    uint8_t correlation[ASK_CORRELATION_BYTES_MAX];
    uint8_t *question;
    struct sfe_builder path;   /* Of the query. */
    struct sfe_builder answer; /* Of the org; then the payload made of it. */
};

struct sfe_ask {
    struct sfe_ask_options options;
    struct sfe_mutex *mutex;
    struct ask_slot *slots;
    uint32_t slot_count;
    struct sfe_mqtt_taker taker;
    struct sfe_mqtt_user user;
    struct sfe_source link;

    /* Edge thread. */
    struct sfe_mqtt_session *session; /* NULL: the connection does not stand. */
    struct sfe_mqtt_limits limits;
    uint64_t taken;
    uint64_t seen_ns;              /* Of the last question; 0: none. */
    uint64_t saved_ns;             /* Time that its rate has left over, at most a second's. */
    struct sfe_builder text;       /* Of a query. */
    struct sfe_builder document;   /* What the map is applied to. */
    struct sfe_json_token *tokens; /* Of a question, then of an answer, then of the document. */
    struct sfe_source_ask facts;

    /* Cloud thread. */
    struct sfe_builder url;
    struct sfe_json_token *error_tokens;
};

/* The word of a status. */
const char *ask_status_name(enum ask_status status);

/* ask_question.c, edge thread. */

/* May an answer go to this topic? */
bool ask_is_allowed_topic(const struct sfe_ask *ask, struct sfe_slice topic);

/* Does the question come too soon after the others? */
bool ask_is_too_soon(struct sfe_ask *ask, uint64_t now_ns);

/* For struct sfe_mqtt_taker. */
uint64_t ask_take(void *ask, const struct sfe_mqtt_taken *message);
uint64_t ask_settled(void *ask);

/* ask_answer.c, edge thread. */

/* Looks up what the slot asks for: READY afterwards, or WAITING for the cloud thread. */
void ask_look_up(struct sfe_ask *ask, struct ask_slot *slot);

/* Makes the payload, once: of what was found, or of why not. */
void ask_make_answer(struct sfe_ask *ask, struct ask_slot *slot);

/* Sets the slot READY. Whose it is. */
void ask_settle(struct sfe_ask *ask, struct ask_slot *slot, enum ask_status status);

#endif
