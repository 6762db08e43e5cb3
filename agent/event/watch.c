#include "event/watch.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/thread.h"

#include <stdio.h>
#include <string.h>

/* Some thousand notes without a payload: a second of heavy traffic. */
#define RING_BYTES (512u * 1024u)
/* Notes are structures: each begins where one may. */
#define ALIGNMENT 16u

struct ring_note {
    uint32_t
        bytes; /* With its texts and padding; 0: the next one stands at the ring's beginning. */
    struct sfe_watch_entry entry;
};

_Static_assert(sizeof(struct ring_note) + SFE_WATCH_TEXT_BYTES + ALIGNMENT < RING_BYTES / 8u,
               "a ring holds some notes, whatever their size");

struct sfe_watch_books {
    struct sfe_watch_options options;
    struct sfe_mutex *mutex; /* Guards all below. Never held over a call of ours that may wait. */
    struct sfe_watch_filter filter;
    uint8_t *ring;
    uint32_t head; /* Offset of the oldest note. */
    uint32_t tail; /* Offset behind the newest. */
    uint32_t count;
    uint64_t missed; /* Since the newest. */
    struct sfe_watch_entry *answers;
    uint64_t told;
};

size_t sfe_watch_memory_bytes(uint32_t kept_answers)
{
    return sfe_arena_cost(sizeof(struct sfe_watch)) +
           sfe_arena_cost(sizeof(struct sfe_watch_books)) + sfe_arena_cost(RING_BYTES) +
           sfe_arena_cost((kept_answers + 1u) * sizeof(struct sfe_watch_entry));
}

enum sfe_code sfe_watch_open(const struct sfe_watch_options *options, struct sfe_arena *arena,
                             struct sfe_watch **watch, struct sfe_error *err)
{
    struct sfe_watch *made = sfe_arena_take(arena, sizeof(*made), err);
    struct sfe_watch_books *books = sfe_arena_take(arena, sizeof(*books), err);

    *watch = NULL;
    if (made == NULL || books == NULL) {
        return SFE_E_NO_MEMORY;
    }
    books->ring = sfe_arena_take(arena, RING_BYTES, err);
    books->answers =
        sfe_arena_take(arena, (options->kept_answers + 1u) * sizeof(*books->answers), err);
    if (books->ring == NULL || books->answers == NULL) {
        return SFE_E_NO_MEMORY;
    }
    books->options = *options;
    books->mutex = sfe_mutex_open();
    if (books->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    atomic_init(&made->stages, 0);
    made->keeps_answers = options->kept_answers != 0;
    made->books = books;
    *watch = made;
    return SFE_OK;
}

void sfe_watch_close(struct sfe_watch *watch)
{
    if (watch != NULL && watch->books->mutex != NULL) {
        sfe_mutex_close(watch->books->mutex);
        watch->books->mutex = NULL;
    }
}

static void copy_text(char *place, size_t capacity, const char *text)
{
    sfe_printable(place, capacity, sfe_slice_text(text == NULL ? "" : text));
}

static void make_entry(const struct sfe_watch_books *books, const struct sfe_watch_note *note,
                       struct sfe_watch_entry *entry)
{
    const struct sfe_clock *clock = books->options.clock;

    memset(entry, 0, sizeof(*entry));
    entry->time_ns = note->time_ns;
    if (note->time_ns == 0 && clock->wall_ns(clock->context, &entry->time_ns) == SFE_CLOCK_UNSET) {
        entry->time_ns = 0;
    }
    entry->sequence = note->sequence;
    entry->dead_sequence = note->dead_sequence;
    entry->request = note->request;
    entry->id_hash = note->id_hash;
    entry->took_ns = note->took_ns;
    entry->attempt = note->attempt;
    entry->segment = note->segment;
    entry->stage = (uint8_t)note->stage;
    entry->outcome = (uint8_t)note->outcome;
    copy_text(entry->stream, sizeof(entry->stream), note->stream);
    copy_text(entry->output, sizeof(entry->output), note->output);
    copy_text(entry->record_id, sizeof(entry->record_id), note->record_id);
    if (note->err != NULL) {
        entry->code = (uint8_t)note->err->code;
        entry->http_status = note->err->http_status;
        copy_text(entry->api_code, sizeof(entry->api_code), note->err->api_code);
        copy_text(entry->message, sizeof(entry->message), note->err->message);
    }
    if (note->event != NULL) {
        entry->has_event = true;
        entry->payload_bytes = (uint32_t)note->event->payload.size;
        sfe_printable(entry->input, sizeof(entry->input), note->event->source);
    }
}

static bool is_wanted(const char *name, const char *found)
{
    return name[0] == '\0' || strcmp(name, found) == 0;
}

static bool passes(const struct sfe_watch_books *books, const struct sfe_watch_entry *entry,
                   struct sfe_slice topic)
{
    const struct sfe_watch_filter *filter = &books->filter;

    if ((filter->stages & (1u << entry->stage)) == 0 || !is_wanted(filter->stream, entry->stream) ||
        !is_wanted(filter->input, entry->input) || !is_wanted(filter->output, entry->output)) {
        return false;
    }
    return filter->topic[0] == '\0' ||
           books->options.topic_matches(sfe_slice_text(filter->topic), topic);
}

/* A place of `bytes` in one piece; NULL: there is none. */
static uint8_t *ring_reserve(struct sfe_watch_books *books, uint32_t bytes)
{
    if (books->count == 0) {
        books->head = 0;
        books->tail = 0;
    }
    const bool is_wrapped = books->count != 0 && books->tail <= books->head;
    const uint32_t end = is_wrapped ? books->head : RING_BYTES;
    if (end - books->tail >= bytes) {
        return books->ring + books->tail;
    }
    if (is_wrapped || books->head < bytes) {
        return NULL;
    }
    if (RING_BYTES - books->tail >= sizeof(uint32_t)) {
        memset(books->ring + books->tail, 0, sizeof(uint32_t));
    }
    books->tail = 0;
    return books->ring;
}

/* True when the ring was empty. */
static bool ring_add(struct sfe_watch_books *books, const struct sfe_watch_entry *entry,
                     struct sfe_slice topic, struct sfe_slice payload)
{
    const size_t size = sizeof(struct ring_note) + topic.size + payload.size;
    const uint32_t bytes = (uint32_t)((size + ALIGNMENT - 1u) / ALIGNMENT * ALIGNMENT);
    const bool was_empty = books->count == 0;
    uint8_t *place = ring_reserve(books, bytes);

    if (place == NULL) {
        books->missed++;
        return false;
    }
    struct ring_note note = {.bytes = bytes, .entry = *entry};
    note.entry.missed = books->missed;
    note.entry.topic_bytes = (uint16_t)topic.size;
    note.entry.shown_bytes = (uint16_t)payload.size;
    memcpy(place, &note, sizeof(note));
    if (topic.size != 0) {
        memcpy(place + sizeof(note), topic.bytes, topic.size);
    }
    if (payload.size != 0) {
        memcpy(place + sizeof(note) + topic.size, payload.bytes, payload.size);
    }
    books->missed = 0;
    books->tail += bytes;
    books->count++;
    return was_empty;
}

void sfe_watch_tell(struct sfe_watch *watch, const struct sfe_watch_note *note)
{
    struct sfe_watch_books *books = watch->books;
    const struct sfe_slice none = {NULL, 0};
    struct sfe_slice topic = note->event == NULL ? none : note->event->topic;
    struct sfe_slice payload = note->event == NULL ? none : note->event->payload;
    const bool is_kept = note->stage == SFE_WATCH_ANSWERED || note->stage == SFE_WATCH_DEAD;
    struct sfe_watch_entry entry;
    bool wakes = false;

    SFE_ASSERT(note->stage < SFE_WATCH_STAGES && note->stream != NULL);
    make_entry(books, note, &entry);
    sfe_mutex_lock(books->mutex);
    if (is_kept && watch->keeps_answers) {
        books->answers[books->told++ % books->options.kept_answers] = entry;
    }
    if (passes(books, &entry, topic)) {
        topic = sfe_slice_part(topic, 0, SFE_WATCH_TOPIC_BYTES);
        payload = books->filter.shows_payload ? sfe_slice_part(payload, 0, SFE_WATCH_PAYLOAD_BYTES)
                                              : none;
        wakes = ring_add(books, &entry, topic, payload);
    }
    sfe_mutex_unlock(books->mutex);
    if (wakes) {
        books->options.wake(books->options.context);
    }
}

static void set_filter(struct sfe_watch *watch, const struct sfe_watch_filter *filter)
{
    struct sfe_watch_books *books = watch->books;

    sfe_mutex_lock(books->mutex);
    books->filter = *filter;
    books->count = 0;
    books->missed = 0;
    sfe_mutex_unlock(books->mutex);
    atomic_store_explicit(&watch->stages, filter->stages, memory_order_relaxed);
}

void sfe_watch_follow(struct sfe_watch *watch, const struct sfe_watch_filter *filter)
{
    SFE_ASSERT(filter->stages < 1u << SFE_WATCH_STAGES);
    set_filter(watch, filter);
}

void sfe_watch_unfollow(struct sfe_watch *watch)
{
    const struct sfe_watch_filter nothing = {.stages = 0};

    set_filter(watch, &nothing);
}

static void ring_take(struct sfe_watch_books *books, struct sfe_watch_entry *entry, uint8_t *text)
{
    struct ring_note note = {.bytes = 0};

    if (RING_BYTES - books->head >= sizeof(note.bytes)) {
        memcpy(&note.bytes, books->ring + books->head, sizeof(note.bytes));
    }
    if (note.bytes == 0) {
        books->head = 0;
    }
    memcpy(&note, books->ring + books->head, sizeof(note));
    SFE_ASSERT(note.bytes >= sizeof(note) && note.bytes <= RING_BYTES - books->head);
    *entry = note.entry;
    memcpy(text, books->ring + books->head + sizeof(note),
           (size_t)note.entry.topic_bytes + note.entry.shown_bytes);
    books->head += note.bytes;
    books->count--;
}

bool sfe_watch_take(struct sfe_watch *watch, struct sfe_watch_entry *entry,
                    uint8_t text[SFE_WATCH_TEXT_BYTES])
{
    struct sfe_watch_books *books = watch->books;
    bool is_taken = true;

    sfe_mutex_lock(books->mutex);
    if (books->count != 0) {
        ring_take(books, entry, text);
    } else if (books->missed != 0) {
        memset(entry, 0, sizeof(*entry));
        entry->stage = SFE_WATCH_STAGES;
        entry->missed = books->missed;
        books->missed = 0;
    } else {
        is_taken = false;
    }
    sfe_mutex_unlock(books->mutex);
    return is_taken;
}

/* Place of the oldest answer that is kept, counted as they were told. */
static uint64_t oldest_answer(const struct sfe_watch_books *books)
{
    const uint32_t capacity = books->options.kept_answers;

    return books->told > capacity ? books->told - capacity : 0;
}

static const struct sfe_watch_entry *answer_at(const struct sfe_watch_books *books, uint64_t place)
{
    return &books->answers[place % books->options.kept_answers];
}

static bool is_of(const struct sfe_watch_entry *entry, const char *stream, uint64_t sequence)
{
    return entry->sequence == sequence && strcmp(entry->stream, stream) == 0;
}

/* The event that a hash means: the one that was answered last. */
static const struct sfe_watch_entry *find_by_hash(const struct sfe_watch_books *books,
                                                  uint64_t id_hash)
{
    for (uint64_t place = books->told; place > oldest_answer(books); place--) {
        const struct sfe_watch_entry *entry = answer_at(books, place - 1u);
        if (entry->id_hash == id_hash) {
            return entry;
        }
    }
    return NULL;
}

static uint32_t find_locked(const struct sfe_watch_books *books, const char *stream,
                            uint64_t sequence, struct sfe_watch_entry *entries, uint32_t capacity)
{
    uint64_t place = books->told;
    uint32_t count = 0;

    /* Back to where the newest `capacity` begin, then forward. */
    while (place > oldest_answer(books) && count < capacity) {
        place--;
        count += is_of(answer_at(books, place), stream, sequence) ? 1u : 0u;
    }
    for (count = 0; place < books->told && count < capacity; place++) {
        if (is_of(answer_at(books, place), stream, sequence)) {
            entries[count++] = *answer_at(books, place);
        }
    }
    return count;
}

uint32_t sfe_watch_find(struct sfe_watch *watch, const struct sfe_watch_query *query,
                        struct sfe_watch_entry *entries, uint32_t capacity)
{
    struct sfe_watch_books *books = watch->books;
    const char *stream = query->stream;
    uint64_t sequence = query->sequence;
    uint32_t count = 0;

    if (!watch->keeps_answers) {
        return 0;
    }
    sfe_mutex_lock(books->mutex);
    if (sequence == 0) {
        const struct sfe_watch_entry *found = find_by_hash(books, query->id_hash);
        stream = found == NULL ? NULL : found->stream;
        sequence = found == NULL ? 0 : found->sequence;
    }
    if (stream != NULL) {
        count = find_locked(books, stream, sequence, entries, capacity);
    }
    sfe_mutex_unlock(books->mutex);
    return count;
}

void sfe_watch_facts(struct sfe_watch *watch, struct sfe_watch_facts *facts)
{
    struct sfe_watch_books *books = watch->books;

    sfe_mutex_lock(books->mutex);
    *facts = (struct sfe_watch_facts){.capacity = books->options.kept_answers, .told = books->told};
    if (books->told != 0) {
        facts->oldest_ns = answer_at(books, oldest_answer(books))->time_ns;
    }
    sfe_mutex_unlock(books->mutex);
}
