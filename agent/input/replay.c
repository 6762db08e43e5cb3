#include "input/replay.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "port/thread.h"
#include "stream/kept_file.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#define SECOND_NS  UINT64_C(1000000000)
#define NAME_BYTES 32u
#define MAGIC      0x50464553u /* "SEFP" */
#define VERSION    1u
/* Magic, version, sequence, the two sizes, stream, place, checksum. */
#define FILE_BYTES (4u + 2u + 8u + 1u + 1u + SFE_NAME_BYTES_MAX + SFE_FEED_PLACE_BYTES_MAX + 4u)
/* A page and a rename; what comes in between is found in the stream. */
#define SPACING_NS (5u * SECOND_NS)
#define AGAIN_NS   SECOND_NS

struct kept {
    struct sfe_feed_place place;
    uint64_t sequence; /* All of this channel up to here is in `place`. */
};

struct sfe_replay {
    struct sfe_replay_options options;
    struct sfe_stream_reader *reader;
    char name[NAME_BYTES];
    uint64_t again_ns;
    uint64_t written_sequence; /* What the file says. */
    bool is_wanted;            /* The file is to be written so that events can be deleted. */
    atomic_bool is_loaded;     /* Set by flash, once. */

    struct sfe_mutex *mutex; /* Guards what follows. */
    struct kept kept;        /* Flash until it is loaded, then edge writes and flash reads. */
    bool is_changed;

    /* Flash until it is loaded, then edge. */
    struct sfe_hash128 seen[SFE_REPLAY_SEEN];
    uint32_t seen_count;
    uint32_t seen_next;
};

size_t sfe_replay_memory_bytes(const struct sfe_stream_options *stream)
{
    return sfe_arena_cost(sizeof(struct sfe_replay)) + sfe_stream_reader_memory_bytes(stream);
}

enum sfe_code sfe_replay_open(const struct sfe_replay_options *options, struct sfe_arena *arena,
                              struct sfe_replay **replay, struct sfe_error *err)
{
    struct sfe_replay *self = sfe_arena_take(arena, sizeof(*self), err);

    *replay = NULL;
    if (self == NULL) {
        return err->code;
    }
    const struct sfe_slice parts[] = {sfe_slice_text(options->connection),
                                      sfe_slice_text(options->channel)};
    const struct sfe_hash128 hash = sfe_hash128(parts, 2);
    struct sfe_builder name = sfe_builder_make(self->name, sizeof(self->name) - 1u);
    sfe_builder_add_text(&name, "place.");
    sfe_builder_add_hex(&name, sfe_slice_make(hash.bytes, 8));
    self->options = *options;
    enum sfe_code code = sfe_stream_reader_open(options->stream, arena, &self->reader, err);
    if (code != SFE_OK) {
        return code;
    }
    self->mutex = sfe_mutex_open();
    if (self->mutex == NULL) {
        sfe_stream_reader_close(self->reader);
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    *replay = self;
    return SFE_OK;
}

bool sfe_replay_was_seen(struct sfe_replay *self, const struct sfe_hash128 *identity)
{
    for (uint32_t i = 0; i < self->seen_count; i++) {
        if (memcmp(self->seen[i].bytes, identity->bytes, sizeof(identity->bytes)) == 0) {
            return true;
        }
    }
    return false;
}

void sfe_replay_saw(struct sfe_replay *self, const struct sfe_hash128 *identity)
{
    self->seen[self->seen_next] = *identity;
    self->seen_next = (self->seen_next + 1u) % SFE_REPLAY_SEEN;
    self->seen_count += self->seen_count < SFE_REPLAY_SEEN ? 1u : 0;
}

void sfe_replay_forget(struct sfe_replay *self)
{
    self->seen_count = 0;
    self->seen_next = 0;
}

/* False where the bytes are none of ours, or of another stream: then the place alone counts. */
static bool parse(const struct sfe_replay *self, struct sfe_slice bytes, struct kept *kept)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    const uint32_t magic = sfe_reader_u32le(&reader);
    const uint16_t version = sfe_reader_u16le(&reader);

    memset(kept, 0, sizeof(*kept));
    kept->sequence = sfe_reader_u64le(&reader);
    const uint8_t name_size = sfe_reader_u8(&reader);
    const uint8_t place_size = sfe_reader_u8(&reader);
    const struct sfe_slice name = sfe_reader_take(&reader, name_size);
    const struct sfe_slice place = sfe_reader_take(&reader, place_size);
    const size_t body = bytes.size - reader.rest.size;
    const uint32_t checksum = sfe_reader_u32le(&reader);
    if (reader.failed || magic != MAGIC || version != VERSION ||
        place.size > sizeof(kept->place.bytes) ||
        checksum != sfe_crc32c(0, sfe_slice_part(bytes, 0, body))) {
        memset(kept, 0, sizeof(*kept));
        return false;
    }
    if (place.size != 0) {
        memcpy(kept->place.bytes, place.bytes, place.size);
    }
    kept->place.size = (uint32_t)place.size;
    if (!sfe_slice_equal(name, sfe_slice_text(sfe_stream_name(self->options.stream)))) {
        kept->sequence = 0; /* It went into another stream until now: nothing here is newer. */
    }
    return true;
}

static enum sfe_code read_file(const struct sfe_replay *self, struct kept *kept, bool *is_there,
                               struct sfe_error *err)
{
    uint8_t memory[FILE_BYTES];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code = kept_file_read(self->options.storage, self->name, &bytes, err);

    *is_there = false;
    memset(kept, 0, sizeof(*kept));
    if (code == SFE_E_NOT_FOUND) {
        return SFE_OK;
    }
    if (code != SFE_OK) {
        return code;
    }
    *is_there = parse(self, sfe_builder_slice(&bytes), kept);
    if (!*is_there) {
        (void)sfe_fail(err, SFE_E_CORRUPT, "%s is damaged", self->name);
        sfe_log_error(self->options.log, SFE_ERROR,
                      "where a channel stood is not known; the stream is asked", err);
    }
    return SFE_OK;
}

static bool is_gap(struct sfe_slice payload)
{
    const struct sfe_slice begin = SFE_TEXT("{\"gap\":");

    return sfe_slice_equal(sfe_slice_part(payload, 0, begin.size), begin);
}

/* `is_new`: the place that was kept is older. */
static void take_event(struct sfe_replay *self, const struct sfe_event *event, bool is_new,
                       struct kept *kept)
{
    const struct sfe_slice channel = sfe_slice_text(self->options.channel);
    struct sfe_feed_marks marks;

    if (!sfe_slice_equal(event->source, sfe_slice_text(self->options.input)) ||
        !sfe_slice_equal(event->topic, channel)) {
        return;
    }
    if (is_gap(event->payload)) {
        kept->place.size = is_new ? 0 : kept->place.size;
        sfe_replay_forget(self);
        return;
    }
    if (is_new && self->options.read_marks(self->options.feed, channel, event->payload, &marks) &&
        marks.place.size != 0) {
        kept->place = marks.place;
    }
    if (event->identity_kind == SFE_IDENTITY_GIVEN) {
        sfe_replay_saw(self, &event->identity);
    }
}

/* What is durable behind the place that was kept, and the identities of what came just before. */
static enum sfe_code read_stream(struct sfe_replay *self, struct kept *kept, struct sfe_error *err)
{
    const uint64_t durable = sfe_stream_durable(self->options.stream);
    struct sfe_event event;
    int64_t time_ns = 0;
    enum sfe_code code = SFE_OK;

    const uint64_t known = kept->sequence;
    sfe_stream_reader_seek(self->reader,
                           known < SFE_REPLAY_SEEN ? 1u : known - SFE_REPLAY_SEEN + 1u);
    while (code == SFE_OK) {
        code = sfe_stream_reader_next(self->reader, &event, &time_ns, NULL, err);
        if (code == SFE_OK) {
            take_event(self, &event, event.sequence > known, kept);
        }
    }
    kept->sequence = durable;
    return code == SFE_E_END ? SFE_OK : code;
}

static enum sfe_code load(struct sfe_replay *self, struct sfe_error *err)
{
    struct kept kept;
    bool is_there = false;
    enum sfe_code code = read_file(self, &kept, &is_there, err);
    const uint64_t known = kept.sequence;

    sfe_replay_forget(self); /* Those of a try before this one. */
    if (code == SFE_OK) {
        code = read_stream(self, &kept, err);
    }
    if (code != SFE_OK) {
        return sfe_within(err, "where channel %s stood", self->options.channel);
    }
    sfe_mutex_lock(self->mutex);
    self->kept = kept;
    self->is_changed = !is_there;
    sfe_mutex_unlock(self->mutex);
    self->written_sequence = is_there ? known : 0;
    atomic_store(&self->is_loaded, true);
    return SFE_OK;
}

static void write_bytes(const struct sfe_replay *self, const struct kept *kept,
                        struct sfe_builder *out)
{
    const struct sfe_slice name = sfe_slice_text(sfe_stream_name(self->options.stream));

    sfe_builder_add_u32le(out, MAGIC);
    sfe_builder_add_u16le(out, VERSION);
    sfe_builder_add_u64le(out, kept->sequence);
    sfe_builder_add_byte(out, (uint8_t)name.size);
    sfe_builder_add_byte(out, (uint8_t)kept->place.size);
    sfe_builder_add(out, name);
    sfe_builder_add(out, sfe_feed_place_slice(&kept->place));
    sfe_builder_add_u32le(out, sfe_crc32c(0, sfe_builder_slice(out)));
}

static enum sfe_code write_file(struct sfe_replay *self, const struct kept *kept,
                                struct sfe_error *err)
{
    uint8_t memory[FILE_BYTES];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));

    write_bytes(self, kept, &bytes);
    enum sfe_code code =
        kept_file_write(self->options.storage, self->name, sfe_builder_slice(&bytes), err);
    return code == SFE_OK ? SFE_OK : sfe_within(err, "channel %s", self->options.channel);
}

static bool same_place(const struct sfe_feed_place *a, const struct sfe_feed_place *b)
{
    return sfe_slice_equal(sfe_feed_place_slice(a), sfe_feed_place_slice(b));
}

static uint64_t load_turn(struct sfe_replay *self, uint64_t now_ns, bool *has_loaded)
{
    struct sfe_error err;

    if (now_ns < self->again_ns) {
        return self->again_ns;
    }
    if (load(self, &err) != SFE_OK) {
        sfe_log_error(self->options.log, SFE_ERROR, "cannot read from flash; tried again", &err);
        self->again_ns = now_ns + AGAIN_NS;
        return self->again_ns;
    }
    *has_loaded = true;
    return now_ns;
}

uint64_t sfe_replay_flash_turn(struct sfe_replay *self, uint64_t now_ns, bool is_last,
                               bool *has_loaded)
{
    struct kept kept;
    struct sfe_error err;
    bool is_changed;

    if (!atomic_load(&self->is_loaded)) {
        return is_last ? UINT64_MAX : load_turn(self, now_ns, has_loaded);
    }
    sfe_mutex_lock(self->mutex);
    kept = self->kept;
    is_changed = self->is_changed;
    sfe_mutex_unlock(self->mutex);
    if (!is_changed && !(self->is_wanted && kept.sequence > self->written_sequence)) {
        return UINT64_MAX;
    }
    if (!is_last && now_ns < self->again_ns) {
        return self->again_ns;
    }
    if (write_file(self, &kept, &err) != SFE_OK) {
        sfe_log_error(self->options.log, SFE_ERROR, "cannot write to flash; tried again", &err);
        self->again_ns = now_ns + AGAIN_NS;
        return self->again_ns;
    }
    self->written_sequence = kept.sequence;
    self->again_ns = now_ns + SPACING_NS;
    self->is_wanted = false;
    sfe_mutex_lock(self->mutex);
    self->is_changed = !same_place(&self->kept.place, &kept.place);
    is_changed = self->is_changed;
    sfe_mutex_unlock(self->mutex);
    return is_changed ? self->again_ns : UINT64_MAX;
}

uint64_t sfe_replay_floor(struct sfe_replay *self, uint64_t wanted, bool is_urgent, uint64_t now_ns)
{
    bool has_loaded = false;

    if (!atomic_load(&self->is_loaded)) {
        return 0;
    }
    if (self->written_sequence + 1u < wanted) {
        self->is_wanted = true;
        (void)sfe_replay_flash_turn(self, now_ns, is_urgent, &has_loaded);
    }
    return self->written_sequence + 1u;
}

bool sfe_replay_is_loaded(const struct sfe_replay *self, struct sfe_feed_place *place)
{
    const bool is_loaded = atomic_load(&self->is_loaded);

    if (is_loaded) {
        *place = self->kept.place;
    }
    return is_loaded;
}

void sfe_replay_note(struct sfe_replay *self, const struct sfe_feed_place *place, uint64_t sequence)
{
    sfe_mutex_lock(self->mutex);
    self->is_changed = self->is_changed || !same_place(&self->kept.place, place);
    self->kept.place = *place;
    self->kept.sequence = sequence > self->kept.sequence ? sequence : self->kept.sequence;
    sfe_mutex_unlock(self->mutex);
}

void sfe_replay_note_idle(struct sfe_replay *self, uint64_t sequence)
{
    sfe_mutex_lock(self->mutex);
    self->kept.sequence = sequence > self->kept.sequence ? sequence : self->kept.sequence;
    sfe_mutex_unlock(self->mutex);
}

void sfe_replay_place(struct sfe_replay *self, struct sfe_feed_place *place)
{
    sfe_mutex_lock(self->mutex);
    *place = self->kept.place;
    sfe_mutex_unlock(self->mutex);
}

void sfe_replay_close(struct sfe_replay *self)
{
    if (self != NULL) {
        sfe_stream_reader_close(self->reader);
        sfe_mutex_close(self->mutex);
        self->mutex = NULL;
    }
}
