/* Waiting -> connecting -> subscribing (filter by filter, so that a refusal has its filter) ->
 * running; any failure leads back to waiting. The client speaks from threads of its own: what it
 * says lies in a mailbox until the next turn. */
#include "input/mqtt.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/backoff.h"
#include "input/gate.h"
#include "input/mqtt_mail.h"
#include "input/mqtt_packet.h"
#include "input/probe.h"

#include <stdio.h>

#define SECOND_NS     UINT64_C(1000000000)
#define RETRY_BASE_NS SECOND_NS
#define RETRY_CAP_NS  (60u * SECOND_NS)
#define STEADY_NS     (60u * SECOND_NS) /* So long a connection ends a row of failures. */
#define ANSWER_NS     (60u * SECOND_NS) /* For when the client keeps no limit of its own. */
/* Room in a stream may come without a rise of its durable sequence. */
#define BLOCKED_TURN_NS (100u * UINT64_C(1000000))
#define RETAIN_IF_NEW   1u /* MQTT 5, section 3.8.3.1: retained messages only with a new one. */
/* How often the first broker is asked whether it is back; less often when it then refused. */
#define PROBE_NS     (30u * SECOND_NS)
#define PROBE_NS_MAX (3600u * SECOND_NS)

enum link_state { LINK_WAITING, LINK_CONNECTING, LINK_SUBSCRIBING, LINK_RUNNING };

struct mqtt_source {
    struct sfe_mqtt_source_options options;
    struct gate *gate;
    struct sfe_mqtt_session *session;
    enum link_state state;
    uint64_t due_ns;   /* Of the next attempt, or when an answer is given up. */
    uint64_t since_ns; /* Running since. */
    uint32_t attempt;  /* Failures in a row. */
    uint32_t next;     /* Subscription under way. */
    uint32_t refused;  /* Subscriptions, in this pass. */
    uint64_t connects;
    uint32_t broker;    /* Of this attempt or connection. */
    bool is_returning;  /* We ended the connection ourselves, for the first broker. */
    struct probe probe; /* Of the first broker. */
    uint64_t probe_due_ns;
    uint64_t probe_delay_ns;
    struct sfe_tls_session *tls_session; /* NULL: no broker needs one. */
    bool *is_granted;                    /* One a subscription. */
    bool is_stopping;
    int reason; /* Of the DISCONNECT that ended the last connection; 0: none. */
    struct sfe_error last_error;
    struct mqtt_mailbox mailbox;
};

/* Foreign thread. */
static void on_event(void *owner, enum sfe_mqtt_event event, int detail, const char *text)
{
    struct mqtt_source *self = owner;

    mqtt_mail_put(&self->mailbox, event, detail, text);
    self->options.poller->wake(self->options.poller->context);
}

static uint64_t random_bits(const struct mqtt_source *self, uint64_t now_ns)
{
    const struct sfe_entropy *entropy = self->options.entropy;
    struct sfe_error ignored;
    uint64_t bits = 0;

    /* Jitter needs no good randomness: early at boot the time will do. */
    return entropy->fill(entropy->context, &bits, sizeof(bits), &ignored) == SFE_OK
               ? bits
               : now_ns * UINT64_C(0x9E3779B97F4A7C15);
}

static void log_failure(const struct mqtt_source *self, const struct sfe_error *err)
{
    enum sfe_log_level level = err->code == SFE_E_AUTH ? SFE_ERROR : SFE_WARNING;

    SFE_LOG(self->options.log, level, "mqtt connection failed",
            sfe_text("connection", self->options.connection),
            sfe_text("host", self->options.brokers[self->broker].host),
            sfe_text("code", sfe_code_name(err->code)), sfe_text("reason", err->message),
            sfe_count("failures", self->attempt), sfe_text("next", "retry"));
}

/* After a connection that was steady the first broker has its turn again, else the next one. */
static void choose_broker(struct mqtt_source *self, bool was_steady)
{
    if (was_steady) {
        self->broker = 0;
        self->probe_delay_ns = PROBE_NS;
    } else {
        self->broker = (self->broker + 1u) % self->options.broker_count;
    }
}

/* Back to waiting. A failure like the one before is not logged again. */
static void fail_link(struct mqtt_source *self, const struct sfe_error *err, uint64_t now_ns)
{
    bool was_running = self->state == LINK_RUNNING;
    bool was_steady = was_running && now_ns - self->since_ns >= STEADY_NS;

    if (was_steady) {
        self->attempt = 0;
    }
    self->attempt += self->attempt < UINT32_MAX;
    if (was_running || strcmp(err->message, self->last_error.message) != 0) {
        log_failure(self, err);
    }
    choose_broker(self, was_steady);
    self->last_error = *err;
    self->state = LINK_WAITING;
    /* A round through all brokers is one attempt for the back-off. */
    const uint32_t rounds = 1u + (self->attempt - 1u) / self->options.broker_count;
    self->due_ns =
        now_ns + sfe_backoff_ns(rounds, RETRY_BASE_NS, RETRY_CAP_NS, random_bits(self, now_ns));
}

/* The first broker is back. What the client says about the end of this connection is no failure. */
static void return_to_first(struct mqtt_source *self)
{
    const struct sfe_error in_order = {0};

    SFE_LOG(self->options.log, SFE_INFO, "mqtt connection returns",
            sfe_text("connection", self->options.connection),
            sfe_text("host", self->options.brokers[0].host));
    self->is_returning = true;
    self->probe_delay_ns = sfe_clock_earlier_ns(2u * self->probe_delay_ns, PROBE_NS_MAX);
    probe_end(&self->probe);
    gate_end(self->gate, 0, &in_order);
}

static void look_for_first(struct mqtt_source *self, uint64_t now_ns)
{
    if (self->state != LINK_RUNNING || self->broker == 0 || self->is_stopping ||
        self->is_returning) {
        return;
    }
    if (self->probe.has_answered) {
        return_to_first(self);
    } else if (now_ns >= self->probe_due_ns) {
        self->probe_due_ns = now_ns + self->probe_delay_ns;
        probe_begin(&self->probe, self->options.brokers[0].host, self->options.brokers[0].port);
    }
}

/* Tells who publishes on it. */
static void tell_user(const struct mqtt_source *self, struct sfe_mqtt_session *session,
                      const struct sfe_error *why, int reason)
{
    if (self->options.user != NULL) {
        self->options.user->on_link(self->options.user->owner, session, why, reason);
    }
}

/* There is no connection any more, says the client with *err; the gate has often seen why. */
static void lose_link(struct mqtt_source *self, const struct sfe_error *err, uint64_t now_ns)
{
    const struct sfe_error *seen = gate_reason(self->gate);
    struct sfe_error why = seen->code != SFE_OK ? *seen : *err;

    tell_user(self, NULL, &why, self->reason);
    probe_end(&self->probe);
    gate_end(self->gate, 0, &why);
    if (self->is_returning) {
        self->is_returning = false;
        self->broker = 0;
        self->state = LINK_WAITING;
        self->due_ns = now_ns;
        return;
    }
    fail_link(self, &why, now_ns);
}

static void see_end(struct mqtt_source *self, const struct mqtt_mail *mail, uint64_t now_ns)
{
    struct sfe_error err = {0};

    self->reason = mail->event == SFE_MQTT_LOST ? mail->detail : 0;
    if (mail->event == SFE_MQTT_REFUSED && mail->detail > 0) {
        (void)sfe_fail(&err, mqtt_reason_code(mail->detail), "the broker refuses us: %s (0x%02x)",
                       mqtt_reason_name(mail->detail), (unsigned)mail->detail);
    } else {
        (void)sfe_fail(&err, SFE_E_NETWORK, "%s: %s",
                       mail->event == SFE_MQTT_REFUSED ? "cannot connect" : "connection lost",
                       mail->text[0] == '\0' ? "no reason given" : mail->text);
    }
    lose_link(self, &err, now_ns);
}

static void begin_connect(struct mqtt_source *self, uint64_t now_ns)
{
    const struct sfe_mqtt *mqtt = self->options.mqtt;
    const struct sfe_mqtt_broker *broker = &self->options.brokers[self->broker];
    struct sfe_error err = {0};

    gate_forget_reason(self->gate);
    gate_use(self->gate, broker->host, broker->port, broker->is_tls);
    if (mqtt->connect(mqtt->context, self->session, &err) != SFE_OK) {
        fail_link(self, &err, now_ns);
        return;
    }
    self->state = LINK_CONNECTING;
    self->due_ns = now_ns + ANSWER_NS;
}

static void run_link(struct mqtt_source *self, uint64_t now_ns)
{
    uint64_t delay_ns = sfe_backoff_ns(1, RETRY_CAP_NS, RETRY_CAP_NS, random_bits(self, now_ns));

    self->state = LINK_RUNNING;
    self->since_ns = now_ns;
    self->probe_due_ns = now_ns + self->probe_delay_ns;
    self->due_ns = self->refused == 0 ? UINT64_MAX : now_ns + delay_ns;
    SFE_LOG(self->options.log, SFE_INFO, "mqtt connection running",
            sfe_text("connection", self->options.connection),
            sfe_text("host", self->options.brokers[self->broker].host),
            sfe_count("subscriptions", self->options.subscription_count - self->refused),
            sfe_count("refused", self->refused));
    tell_user(self, self->session, NULL, 0);
}

/* A subscription that is not granted is tried again after a while; the others work meanwhile. */
static void refuse_subscription(struct mqtt_source *self, const struct sfe_error *err)
{
    SFE_ASSERT(self->next < self->options.subscription_count);
    self->refused++;
    self->last_error = *err;
    SFE_LOG(self->options.log, SFE_WARNING, "mqtt subscription refused",
            sfe_text("connection", self->options.connection),
            sfe_text("filter", self->options.subscriptions[self->next].filter),
            sfe_text("reason", err->message));
    self->next++;
}

/* Ends what nobody wants any more, where there is something; then runs. */
static void begin_unsubscribe(struct mqtt_source *self, uint64_t now_ns)
{
    const struct sfe_mqtt_source_options *now = &self->options;
    struct sfe_error err = {0};
    enum sfe_code code = mqtt_former_begin(now->former, now->mqtt, self->session, &err);

    self->due_ns = now_ns + ANSWER_NS;
    if (code == SFE_E_END) {
        run_link(self, now_ns);
    } else if (code != SFE_OK) {
        lose_link(self, &err, now_ns);
    }
}

static void see_unsuback(struct mqtt_source *self, const struct mqtt_mail *mail, uint64_t now_ns)
{
    struct sfe_error err = {0};

    if (mqtt_former_end(self->options.former, self->options.broker_count == 1, mail->detail,
                        mail->text, self->options.log, &err) != SFE_OK) {
        lose_link(self, &err, now_ns);
        return;
    }
    run_link(self, now_ns);
}

/* Subscribes to the next filter that is not granted; runs when there is none. */
static void subscribe_next(struct mqtt_source *self, uint64_t now_ns)
{
    const struct sfe_mqtt *mqtt = self->options.mqtt;

    while (self->next < self->options.subscription_count) {
        const struct sfe_mqtt_subscription *subscription = &self->options.subscriptions[self->next];
        struct sfe_error err = {0};

        if (self->is_granted[self->next]) {
            self->next++;
        } else if (mqtt->subscribe(mqtt->context, self->session, &subscription->filter,
                                   &subscription->qos, 1, RETAIN_IF_NEW, &err) == SFE_OK) {
            self->due_ns = now_ns + ANSWER_NS;
            return;
        } else {
            lose_link(self, &err, now_ns);
            return;
        }
    }
    begin_unsubscribe(self, now_ns);
}

static void begin_subscribe(struct mqtt_source *self, uint64_t now_ns)
{
    self->state = LINK_SUBSCRIBING;
    self->next = 0;
    self->refused = 0;
    subscribe_next(self, now_ns);
}

static void see_suback(struct mqtt_source *self, const struct mqtt_mail *mail, uint64_t now_ns)
{
    const struct sfe_mqtt_subscription *subscription = &self->options.subscriptions[self->next];
    struct sfe_error err = {0};

    if (mail->event == SFE_MQTT_SUBSCRIBED) {
        if (mail->detail < subscription->qos) {
            SFE_LOG(self->options.log, SFE_WARNING, "mqtt subscription granted with QoS 0",
                    sfe_text("connection", self->options.connection),
                    sfe_text("filter", subscription->filter));
        }
        self->is_granted[self->next++] = true;
    } else if (mail->detail <= 0) {
        (void)sfe_fail(&err, SFE_E_NETWORK, "cannot subscribe: %s", mail->text);
        lose_link(self, &err, now_ns); /* No answer of the broker's. */
        return;
    } else {
        (void)sfe_fail(&err, mqtt_reason_code(mail->detail),
                       "subscription '%s' is refused: %s (0x%02x)", subscription->filter,
                       mqtt_reason_name(mail->detail), (unsigned)mail->detail);
        refuse_subscription(self, &err);
    }
    subscribe_next(self, now_ns);
}

static void see_event(struct mqtt_source *self, const struct mqtt_mail *mail, uint64_t now_ns)
{
    switch (mail->event) {
    case SFE_MQTT_CONNECTED:
        if (self->state == LINK_CONNECTING) {
            self->connects++;
            memset(self->is_granted, 0, self->options.subscription_count);
            mqtt_former_connected(self->options.former);
            begin_subscribe(self, now_ns);
        }
        break;
    case SFE_MQTT_SUBSCRIBED:
    case SFE_MQTT_NOT_SUBSCRIBED:
        if (self->state == LINK_SUBSCRIBING && self->next < self->options.subscription_count) {
            see_suback(self, mail, now_ns);
        }
        break;
    case SFE_MQTT_UNSUBSCRIBED:
    case SFE_MQTT_NOT_UNSUBSCRIBED:
        if (self->state == LINK_SUBSCRIBING && self->options.former != NULL) {
            see_unsuback(self, mail, now_ns);
        }
        break;
    case SFE_MQTT_REFUSED:
    case SFE_MQTT_LOST:
        if (self->state != LINK_WAITING) {
            see_end(self, mail, now_ns);
        }
        break;
    }
}

static void take_mail(struct mqtt_source *self, uint64_t now_ns)
{
    struct mqtt_mail mails[MQTT_MAIL_COUNT];
    const uint32_t count = mqtt_mail_take(&self->mailbox, mails);

    for (uint32_t i = 0; i < count; i++) {
        see_event(self, &mails[i], now_ns);
    }
}

/* The client said nothing for too long: the gate ends its connection, upon which it will. */
static void give_up(struct mqtt_source *self, uint64_t now_ns)
{
    struct sfe_error err = {0};

    (void)sfe_fail(&err, SFE_E_TIMEOUT, "no answer to %s",
                   self->state == LINK_CONNECTING ? "CONNECT" : "SUBSCRIBE");
    gate_end(self->gate, 0, &err);
    self->due_ns = now_ns + ANSWER_NS;
}

static void do_what_is_due(struct mqtt_source *self, uint64_t now_ns)
{
    if (now_ns < self->due_ns) {
        return;
    }
    switch (self->state) {
    case LINK_WAITING:
        if (!self->is_stopping) {
            begin_connect(self, now_ns);
        }
        break;
    case LINK_CONNECTING:
    case LINK_SUBSCRIBING:
        give_up(self, now_ns);
        break;
    case LINK_RUNNING:
        begin_subscribe(self, now_ns);
        break;
    }
}

/* The client tells of the end, as of any other. */
static void mind_user(struct mqtt_source *self)
{
    const struct sfe_mqtt_user *user = self->options.user;
    struct sfe_error why = {0};

    if (user != NULL && self->state == LINK_RUNNING && user->wants_end(user->owner, &why)) {
        gate_end(self->gate, 0, &why);
    }
}

static uint64_t source_turn(void *context, uint64_t now_ns)
{
    struct mqtt_source *self = context;
    uint64_t next_ns;

    take_mail(self, now_ns);
    mind_user(self);
    do_what_is_due(self, now_ns);
    look_for_first(self, now_ns);
    next_ns = self->is_stopping && self->state == LINK_WAITING ? UINT64_MAX : self->due_ns;
    if (self->state == LINK_RUNNING && self->broker != 0 && self->probe_due_ns < next_ns) {
        next_ns = self->probe_due_ns;
    }
    if (gate_turn(self->gate) && next_ns > now_ns + BLOCKED_TURN_NS) {
        next_ns = now_ns + BLOCKED_TURN_NS;
    }
    return next_ns;
}

static void source_stop(void *context)
{
    struct mqtt_source *self = context;

    self->is_stopping = true;
    gate_stop(self->gate);
}

static bool source_is_quiet(void *context)
{
    const struct mqtt_source *self = context;

    return gate_is_quiet(self->gate);
}

static void source_facts(void *context, struct sfe_source_facts *facts)
{
    const struct mqtt_source *self = context;
    struct gate_facts gate;

    gate_facts(self->gate, &gate);
    facts->connection = self->options.connection;
    facts->is_connected = gate.is_connected && self->state == LINK_RUNNING && self->refused == 0;
    facts->is_blocked = gate.is_blocked;
    facts->received = gate.received;
    facts->acknowledged = gate.acknowledged;
    facts->unacknowledged = gate.unacknowledged;
    facts->reconnects = self->connects == 0 ? 0 : self->connects - 1;
    facts->last_error = self->last_error;
}

static void close_tls(struct mqtt_source *self)
{
    if (self->tls_session != NULL) {
        self->options.tls->close(self->options.tls->context, self->tls_session);
        self->tls_session = NULL;
    }
}

static void source_close(void *context)
{
    struct mqtt_source *self = context;

    /* The gate says goodbye to the broker itself: the client would wait for the gate, which is a
     * turn of this thread. */
    probe_end(&self->probe);
    gate_close(self->gate);
    close_tls(self);
    self->options.mqtt->close(self->options.mqtt->context, self->session);
    mqtt_mailbox_close(&self->mailbox);
}

static enum sfe_code open_session(struct mqtt_source *self, uint16_t port, struct sfe_error *err)
{
    const struct sfe_mqtt_source_options *options = &self->options;
    char server_uri[32];
    struct sfe_mqtt_options session = {
        .server_uri = server_uri,
        .client_id = options->client_id,
        .username = options->username,
        .password = options->password,
        .keep_alive_s = options->keep_alive_s,
        .session_expiry_s = options->session_expiry_s,
        .receive_maximum = options->receive_maximum,
        .version = options->version,
        .will = options->will,
        .on_event = on_event,
        .owner = self,
        .publishing = options->user == NULL ? NULL : &options->user->publishing,
    };
    int size = snprintf(server_uri, sizeof(server_uri), "tcp://127.0.0.1:%u", (unsigned)port);

    SFE_ASSERT(size > 0 && (size_t)size < sizeof(server_uri));
    return options->mqtt->open(options->mqtt->context, &session, &self->session, err);
}

static enum sfe_code open_tls(struct mqtt_source *self, struct sfe_error *err)
{
    const struct sfe_tls *tls = self->options.tls;

    for (uint32_t i = 0; i < self->options.broker_count; i++) {
        if (self->options.brokers[i].is_tls) {
            return tls->open(tls->context, &self->options.tls_files, &self->tls_session, err);
        }
    }
    return SFE_OK;
}

static enum sfe_code open_gate(struct mqtt_source *self, struct sfe_arena *arena, uint16_t *port,
                               struct sfe_error *err)
{
    const struct sfe_mqtt_broker *first = &self->options.brokers[0];
    struct gate_options options = {
        .host = first->host,
        .port = first->port,
        .is_tls = first->is_tls,
        .receive_maximum = self->options.receive_maximum,
        .event_bytes_max = self->options.event_bytes_max,
        .intake = self->options.intake,
        .taker = self->options.taker,
        .poller = self->options.poller,
        .tls = self->options.tls,
        .tls_session = self->tls_session,
    };

    return gate_open(&options, arena, &self->gate, port, err);
}

/* Opens what is closed again; on failure nothing of it is left open. */
static enum sfe_code open_parts(struct mqtt_source *self, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    uint16_t port = 0;
    enum sfe_code code = open_tls(self, err);

    if (code != SFE_OK) {
        return code;
    }
    code = open_gate(self, arena, &port, err);
    if (code == SFE_OK) {
        code = open_session(self, port, err);
        if (code != SFE_OK) {
            gate_close(self->gate);
        }
    }
    if (code != SFE_OK) {
        close_tls(self);
    }
    return code;
}

size_t sfe_mqtt_source_memory_bytes(const struct sfe_mqtt_source_options *options)
{
    return sfe_arena_cost(sizeof(struct mqtt_source)) +
           sfe_arena_cost(options->subscription_count + 1u) +
           gate_memory_bytes(options->event_bytes_max, options->receive_maximum);
}

enum sfe_code sfe_mqtt_source_open(const struct sfe_mqtt_source_options *options,
                                   struct sfe_arena *arena, struct sfe_source *source,
                                   struct sfe_error *err)
{
    struct mqtt_source *self = sfe_arena_take(arena, sizeof(*self), err);
    enum sfe_code code;

    SFE_ASSERT(options->broker_count > 0);
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->probe.poller = options->poller;
    self->probe_delay_ns = PROBE_NS;
    self->is_granted = sfe_arena_take(arena, options->subscription_count + 1u, err);
    if (self->is_granted == NULL) {
        return err->code;
    }
    if (mqtt_mailbox_open(&self->mailbox, err) != SFE_OK) {
        return err->code;
    }
    code = open_parts(self, arena, err);
    if (code != SFE_OK) {
        mqtt_mailbox_close(&self->mailbox);
        return code;
    }
    self->options.will = NULL; /* The client has it. */
    *source = (struct sfe_source){
        .context = self,
        .turn = source_turn,
        .stop = source_stop,
        .is_quiet = source_is_quiet,
        .facts = source_facts,
        .close = source_close,
    };
    return SFE_OK;
}
