#include "input/salesforce_events.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "input/replay.h"

#include <string.h>

/* A stream without room is tried again this often; what makes room does not always wake us. */
#define BLOCKED_NS UINT64_C(100000000)
/* Half full: what holds its events back is urgent. */
#define URGENT_PERMILLE 500u
#define GAP_BYTES_MAX   512u
#define RECEIPTS_MAX    2u

/* A place, and what must be durable before it may be noted. */
struct step {
    struct sfe_feed_place place;
    uint64_t sequence;
    uint64_t dead_sequence;
    uint64_t events; /* Taken, repeats not counted. */
    bool is_set;
};

struct channel {
    struct sfe_salesforce_events_channel options;
    struct step waiting;         /* For flash; it stays as it is until it is durable. */
    struct step newest;          /* Behind it. */
    struct sfe_feed_place place; /* Of the last event taken. */
    bool is_anew;                /* The next event is the first without a place before it. */
    uint64_t repeats;
    uint64_t gaps;
};

struct sfe_salesforce_events {
    struct sfe_salesforce_events_options options;
    struct channel *channels;
    bool has_started;
    bool is_stopping;
    bool is_blocked;
    uint64_t received;
    uint64_t acknowledged;
};

size_t sfe_salesforce_events_memory_bytes(uint32_t channel_count)
{
    return sfe_arena_cost(sizeof(struct sfe_salesforce_events)) +
           sfe_arena_cost(channel_count * sizeof(struct channel));
}

/* All channels at once: they share a session. */
static void start(struct sfe_salesforce_events *self)
{
    const struct sfe_feed *feed = &self->options.feed;
    struct sfe_feed_place place;

    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        if (!sfe_replay_is_loaded(self->channels[i].options.replay, &place)) {
            return;
        }
        self->channels[i].place = place;
        self->channels[i].is_anew = place.size == 0;
        feed->set_place(feed->context, i, &place);
    }
    self->has_started = true;
    feed->start(feed->context);
}

static bool is_durable(const struct sfe_salesforce_events *self, const struct channel *channel,
                       const struct step *step)
{
    return sfe_stream_durable(channel->options.stream) >= step->sequence &&
           sfe_stream_durable(self->options.dead) >= step->dead_sequence;
}

static void settle(struct sfe_salesforce_events *self, struct channel *channel)
{
    struct sfe_replay *replay = channel->options.replay;
    const uint64_t durable = sfe_stream_durable(channel->options.stream);
    bool has_noted = false;

    while (channel->waiting.is_set && is_durable(self, channel, &channel->waiting)) {
        sfe_replay_note(replay, &channel->waiting.place, channel->waiting.sequence);
        self->acknowledged += channel->waiting.events;
        channel->waiting = channel->newest;
        channel->newest.is_set = false;
        has_noted = true;
    }
    if (!channel->waiting.is_set) {
        sfe_replay_note_idle(replay, durable);
    }
    if (has_noted) {
        self->options.on_note(self->options.owner);
    }
}

/* The step under way has come to the channel's place, and waits for these as well. */
static void extend_step(struct channel *channel, const struct sfe_receipt *receipts, uint32_t count,
                        uint64_t events)
{
    struct step *step = channel->waiting.is_set ? &channel->newest : &channel->waiting;

    if (!step->is_set) {
        *step = (struct step){.is_set = true};
    }
    step->place = channel->place;
    step->events += events;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *sequence =
            receipts[i].stream == channel->options.stream ? &step->sequence : &step->dead_sequence;
        *sequence = receipts[i].sequence > *sequence ? receipts[i].sequence : *sequence;
    }
}

/* An event that does not say where it stands leaves the place as it is. */
static void move_place(struct channel *channel, const struct sfe_feed_item *item)
{
    if (item->is_gap) {
        channel->place.size = 0;
        channel->is_anew = true;
    } else if (item->marks.place.size != 0) {
        channel->place = item->marks.place;
    }
}

/* Makes the event that says what is unknown. */
static struct sfe_slice make_gap(const struct channel *channel, const struct sfe_feed_item *item,
                                 struct sfe_builder *builder)
{
    struct sfe_json_writer json = sfe_json_writer_make(builder);

    sfe_json_begin_object(&json, NULL);
    sfe_json_begin_object(&json, "gap");
    sfe_json_put_text(&json, "input", sfe_slice_text(channel->options.input));
    sfe_json_put_text(&json, "channel", sfe_slice_text(channel->options.name));
    sfe_json_put_text(&json, "after", sfe_feed_place_slice(&item->marks.place));
    sfe_json_put_text(&json, "why", SFE_TEXT("stale-replay"));
    sfe_json_put_text(&json, "goes_on",
                      item->to_earliest ? SFE_TEXT("earliest") : SFE_TEXT("latest"));
    sfe_json_end_object(&json);
    sfe_json_end_object(&json);
    SFE_ASSERT(!builder->overflowed);
    return sfe_builder_slice(builder);
}

static void tell_gap(struct sfe_salesforce_events *self, struct channel *channel,
                     const struct sfe_feed_item *item)
{
    channel->gaps++;
    SFE_LOG(self->options.log, SFE_ERROR,
            "the org does not keep the place of a channel any more; events may be missing",
            sfe_text("input", channel->options.input), sfe_text("channel", channel->options.name),
            sfe_slice_field("after", sfe_feed_place_slice(&item->marks.place)),
            sfe_text("goes_on", item->to_earliest ? "earliest" : "latest"));
}

/* The place is the gap's identity: until a better one is durable it is the same gap. */
static struct sfe_hash128 identity_of_gap(const struct channel *channel,
                                          const struct sfe_feed_item *item)
{
    const struct sfe_slice parts[] = {SFE_TEXT("gap"), sfe_slice_text(channel->options.name),
                                      sfe_feed_place_slice(&item->marks.place)};

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

static enum sfe_code accept(struct sfe_salesforce_events *self, struct channel *channel,
                            const struct sfe_feed_item *item, const struct sfe_hash128 *identity)
{
    uint8_t memory[GAP_BYTES_MAX];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    const struct sfe_slice payload =
        item->is_gap ? make_gap(channel, item, &builder) : item->payload;
    struct sfe_message message = {
        .topic = sfe_slice_text(channel->options.name),
        .payload = payload,
        .payload_bytes = payload.size,
        .identity = identity == NULL ? sfe_slice_make(NULL, 0)
                                     : sfe_slice_make(identity->bytes, sizeof(identity->bytes)),
    };
    struct sfe_receipt receipts[RECEIPTS_MAX];
    struct sfe_error ignored;
    uint32_t count = 0;
    enum sfe_code code =
        sfe_intake_accept(self->options.intake, &message, receipts, RECEIPTS_MAX, &count, &ignored);

    SFE_ASSERT(code == SFE_OK || code == SFE_E_FULL);
    if (code == SFE_OK) {
        move_place(channel, item);
        extend_step(channel, receipts, count, 1);
        self->received++;
    }
    return code;
}

/* Was the event taken before? What is known is what came last. An org that begins anew with an
 * event that is not known begins with older ones, or with none that we had: all behind it is taken,
 * known or not, or the last state of something would be followed by an earlier one. */
static bool was_taken(struct channel *channel, const struct sfe_hash128 *identity)
{
    const bool was_seen = sfe_replay_was_seen(channel->options.replay, identity);

    if (channel->is_anew && !was_seen) {
        sfe_replay_forget(channel->options.replay);
    }
    channel->is_anew = false;
    return was_seen;
}

/* False: its stream has no room. */
static bool take_item(struct sfe_salesforce_events *self, const struct sfe_feed_item *item)
{
    struct channel *channel = &self->channels[item->channel];
    struct sfe_replay *replay = channel->options.replay;
    const struct sfe_hash128 identity =
        item->is_gap ? identity_of_gap(channel, item) : item->marks.identity;
    const bool has_identity = item->is_gap || item->marks.has_identity;
    const struct sfe_hash128 given =
        sfe_intake_given_identity(sfe_slice_make(identity.bytes, sizeof(identity.bytes)));

    if (has_identity && !item->is_gap && !channel->options.takes_repeats &&
        was_taken(channel, &given)) {
        channel->repeats++;
        move_place(channel, item);
        extend_step(channel, NULL, 0, 0);
        return true;
    }
    if (accept(self, channel, item, has_identity ? &identity : NULL) != SFE_OK) {
        return false;
    }
    if (item->is_gap) {
        tell_gap(self, channel, item);
    } else if (has_identity) {
        sfe_replay_saw(replay, &given);
    }
    return true;
}

static void take(struct sfe_salesforce_events *self)
{
    const struct sfe_feed *feed = &self->options.feed;
    struct sfe_feed_item item;

    self->is_blocked = false;
    while (!self->is_blocked && feed->peek(feed->context, &item)) {
        if (take_item(self, &item)) {
            feed->pass(feed->context);
        } else {
            self->is_blocked = true;
        }
    }
}

static uint64_t turn(void *context, uint64_t now_ns)
{
    struct sfe_salesforce_events *self = context;

    if (!self->has_started && !self->is_stopping) {
        start(self);
    }
    for (uint32_t i = 0; self->has_started && i < self->options.channel_count; i++) {
        settle(self, &self->channels[i]);
    }
    if (self->has_started && !self->is_stopping) {
        take(self);
    }
    return self->is_blocked && !self->is_stopping ? now_ns + BLOCKED_NS : UINT64_MAX;
}

static void stop(void *context)
{
    struct sfe_salesforce_events *self = context;

    self->is_stopping = true;
    self->is_blocked = false;
    self->options.feed.stop(self->options.feed.context);
}

static bool is_quiet(void *context)
{
    const struct sfe_salesforce_events *self = context;

    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        if (self->channels[i].waiting.is_set) {
            return false;
        }
    }
    return true;
}

static void facts(void *context, struct sfe_source_facts *facts)
{
    const struct sfe_salesforce_events *self = context;
    struct sfe_feed_facts feed;

    self->options.feed.facts(self->options.feed.context, &feed);
    *facts = (struct sfe_source_facts){
        .connection = self->options.connection,
        .is_connected = feed.is_connected,
        .is_blocked = self->is_blocked,
        .received = self->received,
        .acknowledged = self->acknowledged,
        .unacknowledged = self->received - self->acknowledged,
        .reconnects = feed.sessions > 1u ? feed.sessions - 1u : 0,
        .last_error = feed.failed,
        .has_runs = feed.has_runs,
        .runs = feed.runs,
    };
}

static void close(void *context)
{
    struct sfe_salesforce_events *self = context;

    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        sfe_replay_close(self->channels[i].options.replay);
    }
}

enum sfe_code sfe_salesforce_events_open(const struct sfe_salesforce_events_options *options,
                                         struct sfe_arena *arena,
                                         struct sfe_salesforce_events **events,
                                         struct sfe_source *source, struct sfe_error *err)
{
    struct sfe_salesforce_events *self = sfe_arena_take(arena, sizeof(*self), err);

    *events = NULL;
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->options.channels = NULL;
    self->channels = sfe_arena_take(arena, options->channel_count * sizeof(*self->channels), err);
    if (self->channels == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < options->channel_count; i++) {
        self->channels[i].options = options->channels[i];
    }
    *source = (struct sfe_source){self, turn, stop, is_quiet, facts, close, NULL};
    *events = self;
    return SFE_OK;
}

uint64_t sfe_salesforce_events_flash_turn(struct sfe_salesforce_events *self, uint64_t now_ns,
                                          bool is_last)
{
    uint64_t due_ns = UINT64_MAX;
    bool has_loaded = false;

    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        due_ns =
            sfe_clock_earlier_ns(due_ns, sfe_replay_flash_turn(self->channels[i].options.replay,
                                                               now_ns, is_last, &has_loaded));
    }
    if (has_loaded) {
        self->options.on_loaded(self->options.owner);
    }
    return due_ns;
}

uint64_t sfe_salesforce_events_floor(struct sfe_salesforce_events *self,
                                     const struct sfe_stream *stream, uint64_t wanted,
                                     uint64_t now_ns)
{
    const bool is_urgent = sfe_stream_fill_permille(stream) >= URGENT_PERMILLE;

    for (uint32_t i = 0; i < self->options.channel_count; i++) {
        if (self->channels[i].options.stream != stream) {
            continue;
        }
        const uint64_t floor =
            sfe_replay_floor(self->channels[i].options.replay, wanted, is_urgent, now_ns);
        wanted = floor < wanted ? floor : wanted;
    }
    return wanted;
}

bool sfe_salesforce_events_facts(const struct sfe_salesforce_events *self, uint32_t channel,
                                 struct sfe_salesforce_events_facts *facts)
{
    if (channel >= self->options.channel_count) {
        return false;
    }
    sfe_replay_place(self->channels[channel].options.replay, &facts->place);
    facts->repeats = self->channels[channel].repeats;
    facts->gaps = self->channels[channel].gaps;
    return true;
}
