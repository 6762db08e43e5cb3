#include "salesforce/cometd_parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/backoff.h"
#include "base/limits.h"

#include <stdio.h>

#define PATH_BYTES 32u
/* Of a message beside the channel's name, which stands in it twice. */
#define MESSAGE_BYTES 192u

static size_t request_bytes(uint32_t channel_count)
{
    return (size_t)(channel_count + 1u) * (MESSAGE_BYTES + COMETD_CLIENT_BYTES_MAX +
                                           SFE_FEED_PLACE_BYTES_MAX + 2u * SFE_CHANNEL_BYTES_MAX);
}

size_t sfe_cometd_memory_bytes(uint32_t channel_count, uint32_t answer_bytes_max)
{
    const struct sfe_cometd *self = NULL;

    return sfe_arena_cost(sizeof(*self)) + sfe_arena_cost(channel_count * sizeof(*self->channels)) +
           sfe_arena_cost(request_bytes(channel_count)) + sfe_arena_cost(answer_bytes_max) +
           sfe_arena_cost(COOKIES_BYTES_MAX);
}

static void set_place(void *context, uint32_t channel, const struct sfe_feed_place *place)
{
    struct sfe_cometd *self = context;

    SFE_ASSERT(atomic_load(&self->is_handed) && channel < self->options.channel_count);
    self->channels[channel].place = *place;
}

/* The cloud thread goes on. */
static void hand_back(struct sfe_cometd *self)
{
    atomic_store(&self->is_handed, false);
    self->options.http->wake(self->options.http->context);
}

static void start(void *context)
{
    struct sfe_cometd *self = context;

    SFE_ASSERT(atomic_load(&self->is_handed));
    hand_back(self);
}

static bool peek_gap(const struct sfe_cometd *self, struct sfe_feed_item *item)
{
    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        const struct cometd_channel *channel = &self->channels[i];
        if (channel->has_gap) {
            *item = (struct sfe_feed_item){.channel = i,
                                           .is_gap = true,
                                           .to_earliest = channel->options.from_earliest,
                                           .marks.place = channel->place};
            return true;
        }
    }
    return false;
}

static bool peek(void *context, struct sfe_feed_item *item)
{
    struct sfe_cometd *self = context;
    struct bayeux_message message;

    if (!atomic_load(&self->is_handed) || atomic_load(&self->is_stopping)) {
        return false;
    }
    if (peek_gap(self, item)) {
        return true;
    }
    self->next_offset = self->offset;
    while (bayeux_next(sfe_builder_slice(&self->answer), &self->next_offset, &message)) {
        for (uint32_t i = 0; message.data.size != 0 && i < self->options.channel_count; i++) {
            if (!bayeux_is(message.channel, self->channels[i].options.name)) {
                continue;
            }
            *item = (struct sfe_feed_item){.channel = i, .payload = message.data};
            (void)bayeux_read_marks(sfe_slice_text(self->channels[i].options.name), message.data,
                                    &item->marks);
            return true;
        }
        self->offset = self->next_offset;
    }
    hand_back(self);
    return false;
}

static void pass(void *context)
{
    struct sfe_cometd *self = context;
    struct sfe_feed_item item;

    if (!peek(self, &item)) {
        return;
    }
    if (item.is_gap) {
        self->channels[item.channel].has_gap = false;
        self->channels[item.channel].place.size = 0;
        return;
    }
    if (item.marks.place.size != 0) {
        self->channels[item.channel].place = item.marks.place;
    }
    self->offset = self->next_offset;
}

static void stop(void *context)
{
    struct sfe_cometd *self = context;

    atomic_store(&self->is_stopping, true);
    self->options.http->wake(self->options.http->context);
}

static void facts(void *context, struct sfe_feed_facts *facts)
{
    struct sfe_cometd *self = context;

    sfe_mutex_lock(self->mutex);
    *facts = self->facts;
    sfe_mutex_unlock(self->mutex);
}

static enum sfe_code open_memory(struct sfe_cometd *self, struct sfe_arena *arena,
                                 struct sfe_error *err)
{
    const struct sfe_cometd_options *options = &self->options;
    const size_t request = request_bytes(options->channel_count);
    uint8_t *memory;

    self->channels = sfe_arena_take(arena, options->channel_count * sizeof(*self->channels), err);
    if (self->channels == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < options->channel_count; i++) {
        self->channels[i].options = options->channels[i];
    }
    memory = sfe_arena_take(arena, request, err);
    if (memory == NULL) {
        return err->code;
    }
    self->request = sfe_builder_make(memory, request);
    memory = sfe_arena_take(arena, options->answer_bytes_max, err);
    if (memory == NULL) {
        return err->code;
    }
    self->answer = sfe_builder_make(memory, options->answer_bytes_max);
    memory = sfe_arena_take(arena, COOKIES_BYTES_MAX, err);
    if (memory == NULL) {
        return err->code;
    }
    self->set_cookies = sfe_builder_make(memory, COOKIES_BYTES_MAX);
    return SFE_OK;
}

enum sfe_code sfe_cometd_open(const struct sfe_cometd_options *options, struct sfe_arena *arena,
                              struct sfe_cometd **cometd, struct sfe_feed *feed,
                              struct sfe_error *err)
{
    struct sfe_cometd *self = sfe_arena_take(arena, sizeof(*self), err);

    *cometd = NULL;
    SFE_ASSERT(options->channel_count != 0);
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->owner.on_answer = cometd_answered;
    self->timeout_ms = COMETD_TIMEOUT_MS;
    atomic_store(&self->is_handed, true); /* Until the places are known. */
    if (open_memory(self, arena, err) != SFE_OK) {
        return err->code;
    }
    self->options.channels = NULL;
    self->mutex = sfe_mutex_open();
    if (self->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    *feed = (struct sfe_feed){self, set_place, start, peek, pass, stop, facts, bayeux_read_marks};
    *cometd = self;
    return SFE_OK;
}

uint64_t cometd_delay_ns(const struct sfe_cometd *self, uint32_t attempt, uint64_t base_ns,
                         uint64_t cap_ns)
{
    const struct sfe_entropy *entropy = self->options.entropy;
    struct sfe_error err;
    uint64_t random = 0;

    if (entropy->fill(entropy->context, &random, sizeof(random), &err) != SFE_OK) {
        random = sfe_org_now_ns(self->options.org) * 0x9e3779b97f4a7c15u;
    }
    return sfe_backoff_ns(attempt, base_ns, cap_ns, random);
}

bool cometd_is_subscribed(const struct sfe_cometd *self)
{
    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        if (!self->channels[i].is_subscribed) {
            return false;
        }
    }
    return true;
}

void cometd_lose_session(struct sfe_cometd *self)
{
    self->client_id[0] = '\0';
    self->has_opened = false;
    self->empty_polls = 0;
    self->timeout_ms = COMETD_TIMEOUT_MS;
    self->interval_ns = 0;
    cookies_forget(&self->cookies);
    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        self->channels[i].is_subscribed = false;
    }
}

static bool wants_subscribe(const struct sfe_cometd *self, uint64_t now_ns)
{
    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        if (!self->channels[i].is_subscribed && self->channels[i].due_ns <= now_ns) {
            return true;
        }
    }
    return false;
}

static enum cometd_step next_step(struct sfe_cometd *self, uint64_t now_ns)
{
    if (self->client_id[0] != '\0' && now_ns - self->answered_ns > COMETD_SESSION_NS) {
        cometd_lose_session(self);
    }
    if (self->client_id[0] == '\0') {
        return COMETD_HANDSHAKE;
    }
    if (!self->has_opened) {
        return COMETD_OPENING;
    }
    return wants_subscribe(self, now_ns) ? COMETD_SUBSCRIBE : COMETD_CONNECT;
}

/* "/cometd/62.0" of "v62.0". */
static void make_path(const struct sfe_cometd *self, char path[PATH_BYTES])
{
    const int length =
        snprintf(path, PATH_BYTES, "/cometd/%s", sfe_org_api_version(self->options.org) + 1);

    SFE_ASSERT(length > 0 && (size_t)length < PATH_BYTES);
}

static enum sfe_code begin(struct sfe_cometd *self, enum cometd_step step, uint64_t now_ns,
                           struct sfe_error *err)
{
    char path[PATH_BYTES];
    const uint32_t hold_ms = cometd_write(self, step, now_ns);

    make_path(self, path);
    sfe_builder_rewind(&self->set_cookies, 0);
    const struct sfe_org_request request = {
        .method = "POST",
        .path = path,
        .body = sfe_builder_slice(&self->request),
        .answer_body = &self->answer,
        .owner = &self->owner,
        .cookie = cookies_slice(&self->cookies),
        .cookies = &self->set_cookies,
        .hold_ms = hold_ms,
        .is_free = true,
        .is_once = true, /* A poll that was answered must not be taken for one that was not. */
    };
    enum sfe_code code = sfe_org_begin(self->options.org, &request, err);
    if (code == SFE_OK) {
        self->step = step;
        self->is_under_way = true;
        self->begun_ns = now_ns;
    }
    return code;
}

/* What is held is not waited for; what it would have brought comes again. */
static uint64_t stop_turn(struct sfe_cometd *self, uint64_t now_ns)
{
    uint64_t until_ns = 0;
    struct sfe_error err;

    if (self->has_said_goodbye || (self->is_under_way && self->step == COMETD_GOODBYE)) {
        return UINT64_MAX;
    }
    if (self->is_under_way) {
        sfe_org_cancel(self->options.org, &self->owner);
        self->is_under_way = false;
    }
    if (self->client_id[0] == '\0' || !sfe_org_is_ready(self->options.org, now_ns, &until_ns) ||
        begin(self, COMETD_GOODBYE, now_ns, &err) != SFE_OK) {
        self->has_said_goodbye = true;
    }
    return UINT64_MAX;
}

uint64_t sfe_cometd_turn(struct sfe_cometd *self, uint64_t now_ns)
{
    uint64_t until_ns = UINT64_MAX;
    struct sfe_error err;

    if (atomic_load(&self->is_stopping)) {
        return stop_turn(self, now_ns);
    }
    if (self->is_under_way || atomic_load(&self->is_handed)) {
        return UINT64_MAX;
    }
    if (now_ns < self->due_ns) {
        return self->due_ns;
    }
    if (!sfe_org_is_ready(self->options.org, now_ns, &until_ns)) {
        return until_ns;
    }
    enum sfe_code code = begin(self, next_step(self, now_ns), now_ns, &err);
    if (code == SFE_OK) {
        return UINT64_MAX;
    }
    self->due_ns = now_ns + cometd_delay_ns(self, ++self->failures, COMETD_BASE_NS, COMETD_CAP_NS);
    return self->due_ns;
}

bool sfe_cometd_is_quiet(const struct sfe_cometd *self)
{
    return self->has_said_goodbye;
}

void sfe_cometd_close(struct sfe_cometd *self)
{
    if (self == NULL) {
        return;
    }
    sfe_org_cancel(self->options.org, &self->owner);
    sfe_mutex_close(self->mutex);
    self->mutex = NULL;
}
