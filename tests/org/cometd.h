/* The Streaming API: /cometd/NN.0, CometD by long polling. Strict: cookies are demanded, one poll a
 * client at a time, sessions end when nobody polls, replay ids are known or refused. */
#ifndef SFE_TESTS_ORG_COMETD_H
#define SFE_TESTS_ORG_COMETD_H

#include "bus.h"
#include "http_parser.h"

struct org;
struct reply;

#define COMETD_CLIENTS_MAX  64u
#define COMETD_CHANNELS_MAX 16u

struct cometd_subscription {
    char channel[BUS_CHANNEL_BYTES];
    uint64_t after; /* Replay id of the last event sent. */
};

struct cometd_client {
    char id[40];     /* "": free. */
    char cookie[40]; /* Of BAYEUX_BROWSER and of the pod alike. */
    char token[256];
    char poll_id[40]; /* Of the message that is held, as JSON; "": none is. */
    uint64_t poll_number;
    uint64_t poll_until_ms;
    uint64_t gone_ms; /* When it is taken for gone, unless it polls. */
    bool has_connected;
    struct cometd_subscription subscriptions[COMETD_CHANNELS_MAX];
    uint32_t subscription_count;
};

struct cometd {
    struct bus bus;
    struct cometd_client clients[COMETD_CLIENTS_MAX];
    uint32_t poll_ms;    /* How long a poll is held. */
    uint32_t session_ms; /* How long a client lives without one. */
    uint64_t made;       /* Clients, polls: numbers for ids. */
    uint64_t handshakes;
    uint64_t sent;    /* Events in answers. */
    uint64_t lost;    /* Events in answers that were cut on purpose. */
    uint64_t refused; /* Messages. */
    struct buffer scratch;
};

/* True where a client is free, or nobody has polled for it for too long. */
static inline bool cometd_is_gone(const struct cometd *cometd, const struct cometd_client *client,
                                  uint64_t now_ms)
{
    const uint64_t gone_ms =
        client->poll_id[0] == '\0' ? client->gone_ms : client->poll_until_ms + cometd->session_ms;
    return client->id[0] == '\0' || gone_ms <= now_ms;
}

void cometd_open(struct cometd *cometd);
void cometd_close(struct cometd *cometd);

/* Answers a request below /cometd; a poll may be held (REPLY_HOLD, reply->poll_number). */
void cometd_answer(struct org *org, const struct http_request *request, struct reply *reply);

/* Answers a held poll when there is something to say; false: not yet. *next_ms is when at the
 * latest. */
bool cometd_finish(struct org *org, uint64_t poll_number, uint64_t now_ms, struct reply *reply,
                   uint64_t *next_ms);

/* POST and GET /control/events. */
void cometd_control_set(struct org *org, const struct http_request *request, struct reply *reply);
void cometd_control_get(struct org *org, const struct http_request *request, struct reply *reply);

#endif
