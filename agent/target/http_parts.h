/* What the HTTP target is made of; for the files of that name only. Cloud thread. */
#ifndef SFE_OUTPUT_HTTP_PARTS_H
#define SFE_OUTPUT_HTTP_PARTS_H

#include "target/http.h"
#include "target/http_sign.h"

/* Bounds one event; pages that are not used cost nothing. */
#define HTTP_BODY_BYTES (1024u * 1024u)
/* In front of the body: what is signed with it. */
#define HTTP_FRONT_BYTES   (HTTP_SIGN_BLOCK_BYTES + 32u)
#define HTTP_URL_BYTES     8192u
#define HTTP_HEADERS_BYTES 8192u
#define HTTP_ANSWER_BYTES  (64u * 1024u)
/* "Basic " and the base64 of name and password. */
#define HTTP_AUTH_BYTES 12288u
/* The configuration's, type, identity, and two of the log-in. */
#define HTTP_HEADER_COUNT_MAX (SFE_HTTP_HEADERS_MAX + 4u)
/* An order key's text. */
#define HTTP_ORDER_BYTES 4096u

struct http_target;

enum http_state {
    HTTP_EMPTY,
    HTTP_FILLING,
    HTTP_PENDING, /* Ready, and waits for its turn by the rate. */
    HTTP_SENT
};

/* Where a request goes and what stands before its body: alike for all events of a batch. */
struct http_head {
    struct sfe_builder url;  /* With a NUL at its end. */
    struct sfe_builder text; /* The values of the headers, one behind the other. */
    struct sfe_slice values[SFE_HTTP_HEADERS_MAX];
    const char *names[SFE_HTTP_HEADERS_MAX];
    uint32_t count;
};

struct http_slot {
    struct sfe_http_owner owner; /* First: the tag of the slot's exchange. */
    struct http_target *target;
    uint32_t number;
    enum http_state state;
    uint32_t event_count;
    uint64_t due_ns;      /* Of one that is pending. */
    bool is_json;         /* What is in it so far. */
    size_t open_size;     /* Of a closed body: what it was before. */
    uint8_t identity[16]; /* Of its event; of a batch, of all of them. */
    uint16_t status;      /* Of the answer. */
    char location[256];
    struct http_head head;
    struct sfe_builder body;
    struct sfe_builder answer_body;
    struct sfe_verdict *verdicts; /* One an event. */
};

struct http_target {
    struct sfe_http_target_options options;
    struct sfe_target_host host;
    struct http_slot *slots;
    struct http_head head;         /* Of the event at hand. */
    struct sfe_json_token *tokens; /* Of the event or answer at hand. */
    struct sfe_builder order_text; /* Scratch. */
    struct sfe_builder auth_value; /* A secret. */
    uint64_t next_ns;              /* By the rate, no request before it. */
};

/* Makes target->head of the event. SFE_E_UNMAPPED, SFE_E_TOO_LARGE: it can never go. */
SFE_MUST_USE enum sfe_code http_make_head(struct http_target *target,
                                          const struct sfe_map_subject *subject,
                                          struct sfe_error *err);

bool http_same_head(const struct http_head *a, const struct http_head *b);
void http_copy_head(struct http_head *to, const struct http_head *from);

/* Adds the event to the slot's body. SFE_E_FULL: no room beside the others. */
SFE_MUST_USE enum sfe_code
http_add_body(struct http_slot *slot, const struct sfe_map_subject *subject, struct sfe_error *err);

/* Makes the Authorization (or key) header's value, once. */
void http_make_auth(struct http_target *target);

/* Closes the slot's body and begins its exchange; opens the body again where that fails. */
SFE_MUST_USE enum sfe_code http_begin(struct http_slot *slot, struct sfe_error *err);

/* Takes the answer: on_answer of the slot's owner. */
void http_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

/* Ends the slot. */
void http_finish(struct http_slot *slot, enum sfe_slot_outcome outcome, const struct sfe_error *err,
                 int64_t retry_after_s);

/* Gives back all slots that wait for their turn: the server is away. */
void http_give_back_pending(struct http_target *target, const struct sfe_error *err);

#endif
