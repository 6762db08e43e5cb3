/* What came back. */
#include "salesforce/cometd_parts.h"

#include <stdio.h>
#include <string.h>

/* A poll that ends so soon and brings nothing is not what was asked for. */
#define SOON_NS         COMETD_SECOND_NS
#define EMPTY_POLLS_MAX 3u

/* What one answer comes to. */
struct outcome {
    uint32_t events; /* Of our channels. */
    uint32_t gaps;
    bool is_replied; /* The step has its reply. */
    bool keeps_session;
    uint64_t wait_ns;
};

static const char *meta_of(enum cometd_step step)
{
    switch (step) {
    case COMETD_HANDSHAKE:
        return "/meta/handshake";
    case COMETD_OPENING:
    case COMETD_CONNECT:
        return "/meta/connect";
    case COMETD_SUBSCRIBE:
        return "/meta/subscribe";
    case COMETD_GOODBYE:
        return "/meta/disconnect";
    }
    return "";
}

static struct cometd_channel *find(struct sfe_cometd *cometd, struct sfe_slice name)
{
    for (uint32_t i = 0; i < cometd->options.channel_count; i++) {
        if (bayeux_is(name, cometd->channels[i].options.name)) {
            return &cometd->channels[i];
        }
    }
    return NULL;
}

static void tell_failure(struct sfe_cometd *cometd, const struct sfe_error *err)
{
    sfe_mutex_lock(cometd->mutex);
    cometd->facts.failed = *err;
    cometd->facts.is_connected = false;
    sfe_mutex_unlock(cometd->mutex);
    sfe_log_error(cometd->options.log, SFE_WARNING, "salesforce events interrupted", err);
}

static uint64_t failed_wait_ns(struct sfe_cometd *cometd, uint64_t base_ns, uint64_t cap_ns)
{
    cometd->failures++;
    return cometd_delay_ns(cometd, cometd->failures, base_ns, cap_ns);
}

/* The first time at once: that is how a session that ended is told. */
static uint64_t next_wait_ns(struct sfe_cometd *cometd)
{
    return cometd->failures++ == 0
               ? 0
               : cometd_delay_ns(cometd, cometd->failures, COMETD_BASE_NS, COMETD_CAP_NS);
}

static void fail_with(struct sfe_error *err, const struct sfe_cometd *cometd,
                      struct sfe_slice error)
{
    char text[160];

    sfe_printable(text, sizeof(text), error);
    (void)sfe_fail(err, SFE_E_API, "connection \"%s\": %s: %s", cometd->options.connection,
                   meta_of(cometd->step), text[0] == '\0' ? "refused without a reason" : text);
}

/* A refusal of handshake or connect. */
static void take_refusal(struct sfe_cometd *cometd, const struct bayeux_message *message,
                         struct outcome *outcome)
{
    const uint32_t number = bayeux_error_number(message->error);
    struct sfe_error err;

    fail_with(&err, cometd, message->error);
    if (number == 401) {
        sfe_org_session_ended(cometd->options.org, &cometd->owner);
        outcome->wait_ns = next_wait_ns(cometd);
    } else if (message->reconnect == BAYEUX_NONE ||
               bayeux_error_has(message->error, "limit exceeded")) {
        outcome->wait_ns = failed_wait_ns(cometd, COMETD_LONG_BASE_NS, COMETD_LONG_CAP_NS);
    } else if (message->reconnect == BAYEUX_RETRY && cometd->step != COMETD_HANDSHAKE) {
        outcome->keeps_session = true;
        outcome->wait_ns = failed_wait_ns(cometd, COMETD_BASE_NS, COMETD_CAP_NS);
    } else if (message->reconnect == BAYEUX_HANDSHAKE || number == 402 || number == 403) {
        outcome->wait_ns = next_wait_ns(cometd);
    } else {
        outcome->wait_ns = failed_wait_ns(cometd, COMETD_BASE_NS, COMETD_CAP_NS);
    }
    if (outcome->wait_ns < cometd->interval_ns) {
        outcome->wait_ns = cometd->interval_ns;
    }
    tell_failure(cometd, &err);
}

static void take_advice(struct sfe_cometd *cometd, const struct bayeux_message *message)
{
    if (message->interval_ms >= 0) {
        cometd->interval_ns = (uint64_t)message->interval_ms * 1000000u;
    }
    if (message->timeout_ms > 0) {
        cometd->timeout_ms = (uint32_t)message->timeout_ms;
    }
}

static void take_handshake(struct sfe_cometd *cometd, const struct bayeux_message *message,
                           struct outcome *outcome)
{
    struct sfe_error err;
    const int length =
        snprintf(cometd->client_id, sizeof(cometd->client_id), "\"%.*s\"",
                 (int)(message->client_id.size < COMETD_CLIENT_BYTES_MAX ? message->client_id.size
                                                                         : COMETD_CLIENT_BYTES_MAX),
                 (const char *)message->client_id.bytes);

    if (message->client_id.size == 0 || length < 0 || (size_t)length >= sizeof(cometd->client_id)) {
        cometd->client_id[0] = '\0';
        (void)sfe_fail(&err, SFE_E_PROTOCOL, "connection \"%s\": a handshake without a client id",
                       cometd->options.connection);
        outcome->wait_ns = failed_wait_ns(cometd, COMETD_BASE_NS, COMETD_CAP_NS);
        tell_failure(cometd, &err);
        return;
    }
    outcome->keeps_session = true;
    sfe_mutex_lock(cometd->mutex);
    cometd->facts.sessions++;
    sfe_mutex_unlock(cometd->mutex);
}

/* Of its own poll: an org that answers at once for ever, or a second client that has our cookies,
 * must not make a storm. */
static void take_poll(struct sfe_cometd *cometd, struct outcome *outcome, uint64_t now_ns)
{
    const bool is_soon = now_ns - cometd->begun_ns < SOON_NS;

    outcome->keeps_session = true;
    outcome->wait_ns = cometd->interval_ns;
    if (cometd->step == COMETD_OPENING) {
        cometd->has_opened = true;
        return;
    }
    cometd->failures = 0;
    cometd->empty_polls = is_soon && outcome->events == 0 ? cometd->empty_polls + 1u : 0;
    if (cometd->empty_polls >= EMPTY_POLLS_MAX) {
        const uint64_t wait_ns = cometd_delay_ns(cometd, cometd->empty_polls - EMPTY_POLLS_MAX + 1u,
                                                 COMETD_BASE_NS, COMETD_CAP_NS);
        outcome->wait_ns = wait_ns > outcome->wait_ns ? wait_ns : outcome->wait_ns;
    }
}

static void subscribed(struct sfe_cometd *cometd, struct cometd_channel *channel)
{
    channel->is_subscribed = true;
    channel->failures = 0;
    SFE_LOG(cometd->options.log, SFE_INFO, "salesforce events subscribed",
            sfe_text("connection", cometd->options.connection),
            sfe_text("channel", channel->options.name),
            sfe_slice_field("after", channel->place.size != 0
                                         ? sfe_feed_place_slice(&channel->place)
                                     : channel->options.from_earliest ? SFE_TEXT("earliest")
                                                                      : SFE_TEXT("latest")));
}

/* A channel that is refused holds up no other. */
static void take_subscribe(struct sfe_cometd *cometd, const struct bayeux_message *message,
                           struct outcome *outcome, uint64_t now_ns)
{
    struct cometd_channel *channel = find(cometd, message->subscription);
    const uint32_t number = bayeux_error_number(message->error);
    struct sfe_error err;

    outcome->keeps_session = true;
    if (channel == NULL) {
        return;
    }
    if (message->is_successful) {
        subscribed(cometd, channel);
        return;
    }
    if (number == 401 || number == 402 || bayeux_error_has(message->error, "unknown client")) {
        take_refusal(cometd, message, outcome);
        outcome->keeps_session = false;
        return;
    }
    if (number == 400 && channel->place.size != 0 && bayeux_error_has(message->error, "replayid")) {
        channel->has_gap = true;
        outcome->gaps++;
        return; /* Once that is told, from the other end. */
    }
    channel->failures++;
    channel->due_ns =
        now_ns +
        (number >= 500 || number == 0
             ? cometd_delay_ns(cometd, channel->failures, COMETD_BASE_NS, COMETD_CAP_NS)
             : cometd_delay_ns(cometd, channel->failures, COMETD_LONG_BASE_NS, COMETD_LONG_CAP_NS));
    fail_with(&err, cometd, message->error);
    (void)sfe_within(&err, "%s", channel->options.name);
    tell_failure(cometd, &err);
}

static void take_reply(struct sfe_cometd *cometd, const struct bayeux_message *message,
                       struct outcome *outcome, uint64_t now_ns)
{
    outcome->is_replied = true;
    take_advice(cometd, message);
    if (cometd->step == COMETD_SUBSCRIBE) {
        take_subscribe(cometd, message, outcome, now_ns);
    } else if (!message->is_successful) {
        take_refusal(cometd, message, outcome);
    } else if (cometd->step == COMETD_HANDSHAKE) {
        take_handshake(cometd, message, outcome);
    } else {
        take_poll(cometd, outcome, now_ns);
    }
}

static void count_events(struct sfe_cometd *cometd, struct outcome *outcome)
{
    struct bayeux_message message;
    size_t offset = 0;

    while (bayeux_next(sfe_builder_slice(&cometd->answer), &offset, &message)) {
        if (message.data.size != 0 && find(cometd, message.channel) != NULL) {
            outcome->events++;
        }
    }
}

/* A session that is to be given up by one reply is given up, whatever the others say. */
static void take_replies(struct sfe_cometd *cometd, struct outcome *outcome, uint64_t now_ns)
{
    struct bayeux_message message;
    bool keeps_session = true;
    size_t offset = 0;

    while (bayeux_next(sfe_builder_slice(&cometd->answer), &offset, &message)) {
        if (message.data.size == 0 && bayeux_is(message.channel, meta_of(cometd->step))) {
            take_reply(cometd, &message, outcome, now_ns);
            keeps_session = keeps_session && outcome->keeps_session;
        }
    }
    outcome->keeps_session = outcome->keeps_session && keeps_session;
}

/* No Bayeux answer came: nothing is known of what the org sent. */
static void take_failure(struct sfe_cometd *cometd, const struct sfe_http_answer *answer,
                         struct outcome *outcome)
{
    struct sfe_error err = answer->err;

    outcome->keeps_session = false;
    if (answer->code == SFE_E_TOO_LARGE && outcome->events != 0) {
        /* What is whole is taken; a new session brings the rest. */
        outcome->wait_ns = cometd_delay_ns(cometd, 1, COMETD_BASE_NS, COMETD_BASE_NS);
        return;
    }
    if (answer->code == SFE_OK) {
        (void)sfe_fail(&err, SFE_E_API, "HTTP %u without an answer to %s", answer->status,
                       meta_of(cometd->step));
        err.http_status = answer->status;
    }
    if (answer->code == SFE_E_TOO_LARGE) {
        (void)sfe_fail(&err, SFE_E_TOO_LARGE, "an event is larger than %zu bytes",
                       cometd->answer.capacity);
    }
    (void)sfe_within(&err, "connection \"%s\"", cometd->options.connection);
    outcome->wait_ns = answer->status == 401 || answer->code == SFE_E_TIMEOUT
                           ? next_wait_ns(cometd)
                           : failed_wait_ns(cometd, COMETD_BASE_NS, COMETD_CAP_NS);
    if (answer->retry_after_s > 0 && answer->retry_after_s < 3600 &&
        (uint64_t)answer->retry_after_s * COMETD_SECOND_NS > outcome->wait_ns) {
        outcome->wait_ns = (uint64_t)answer->retry_after_s * COMETD_SECOND_NS;
    }
    tell_failure(cometd, &err);
}

static void tell_connected(struct sfe_cometd *cometd)
{
    const bool is_connected = cometd->client_id[0] != '\0' && cometd_is_subscribed(cometd);

    sfe_mutex_lock(cometd->mutex);
    cometd->facts.is_connected = is_connected;
    if (is_connected) {
        cometd->facts.failed.code = SFE_OK;
    }
    sfe_mutex_unlock(cometd->mutex);
}

void cometd_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct sfe_cometd *cometd = (struct sfe_cometd *)owner;
    struct outcome outcome = {0};
    const uint64_t now_ns = sfe_org_now_ns(cometd->options.org);

    sfe_org_answered(cometd->options.org, answer);
    cometd->is_under_way = false;
    if (cometd->step == COMETD_GOODBYE) {
        cometd->has_said_goodbye = true;
        return;
    }
    (void)cookies_take(&cometd->cookies, sfe_builder_slice(&cometd->set_cookies));
    if (answer->code == SFE_OK || answer->code == SFE_E_TOO_LARGE) {
        count_events(cometd, &outcome);
    }
    if (answer->code == SFE_OK) {
        take_replies(cometd, &outcome, now_ns);
    }
    if (!outcome.is_replied) {
        take_failure(cometd, answer, &outcome);
    }
    cometd->answered_ns = now_ns;
    cometd->due_ns = now_ns + outcome.wait_ns;
    if (!outcome.keeps_session) {
        cometd_lose_session(cometd);
    }
    tell_connected(cometd);
    if (outcome.events != 0 || outcome.gaps != 0) {
        cometd->offset = 0;
        atomic_store(&cometd->is_handed, true);
    }
    cometd->options.on_change(cometd->options.owner);
}
