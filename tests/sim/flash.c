#include "flash.h"

#include "older_writer.h"
#include "stream/stream.h"

#include <stdlib.h>
#include <string.h>

/* Segments of the run before may have been more. */
#define ARENA_BYTES_SPARE (16u * 1024u)
#define CURSORS_MAX       2u
#define SECOND_NS         UINT64_C(1000000000)
/* More than is ever staged and not durable. */
#define BOOKS_SPARE 512u

const char *const flash_names[FLASH_STREAMS] = {"sales", "dead"};

void flash_begin(struct flash *flash, struct sim_run *run, struct sim_storage *storage,
                 struct flash_books *books, uint64_t seed)
{
    *flash = (struct flash){.run = run, .storage = storage, .books = books};
    sim_world_begin(&flash->world, seed);
    sim_storage_port(storage, &flash->port);
    sim_clock(&flash->world, &flash->clock);
    sim_entropy(&flash->world, &flash->entropy);
    sim_crypto(&flash->world, &flash->crypto);
    flash->quota_bytes = 6u * FLASH_SEGMENT_BYTES;
}

void flash_end(struct flash *flash)
{
    flash_close(flash);
    sim_storage_close(flash->storage);
    flash->storage = NULL;
}

void flash_close(struct flash *flash)
{
    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        sfe_stream_reader_close(flash->readers[i]);
        flash->readers[i] = NULL;
        sfe_stream_close(flash->streams[i]);
        flash->streams[i] = NULL;
    }
    sfe_cursor_log_close(flash->log);
    flash->log = NULL;
    sfe_arena_close(flash->arena);
    flash->arena = NULL;
    for (uint32_t i = 0; i < FLASH_KEYS_MAX; i++) {
        flash->crypto.aead_close(flash->crypto.context, flash->keys[i]);
        flash->keys[i] = NULL;
    }
}

/* The same bytes for the same number, each time. */
static void open_keys(struct flash *flash)
{
    struct sfe_error err;

    for (uint32_t i = 0; i < flash->policy.key_count; i++) {
        uint8_t bytes[SFE_AEAD_KEY_BYTES];
        memset(bytes, (int)(flash->policy.key_count - i), sizeof(bytes));
        SIM_CHECK(flash->run,
                  flash->crypto.aead_open(flash->crypto.context,
                                          sfe_slice_make(bytes, sizeof(bytes)), &flash->keys[i],
                                          &err) == SFE_OK,
                  "no key");
    }
}

static struct sfe_stream_options options_of(const struct flash *flash, uint32_t index)
{
    return (struct sfe_stream_options){
        .storage = &flash->port,
        .clock = &flash->clock,
        .entropy = &flash->entropy,
        .name = flash_names[index],
        .quota_bytes = flash->quota_bytes,
        .segment_bytes = FLASH_SEGMENT_BYTES,
        .event_bytes_max = EVENT_BYTES_MAX,
        .when_full = index == FLASH_SALES ? flash->policy.when_full : SFE_STREAM_BLOCK,
        .is_encrypted = flash->policy.is_encrypted,
        .crypto = &flash->crypto,
        .keys = flash->keys,
        .key_count = flash->policy.key_count,
    };
}

static size_t memory_bytes(const struct flash *flash)
{
    size_t bytes = sfe_cursor_log_memory_bytes(CURSORS_MAX, FLASH_STREAMS) + ARENA_BYTES_SPARE;

    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        const struct sfe_stream_options options = options_of(flash, i);
        bytes += sfe_stream_memory_bytes(&options) + sfe_stream_reader_memory_bytes(&options);
    }
    return bytes;
}

static enum sfe_code open_stream(struct flash *flash, uint32_t index, struct sfe_error *err)
{
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(flash->log, flash_names[index]);
    struct sfe_stream_options options = options_of(flash, index);

    options.known_durable = mark == NULL ? 0 : mark->durable;

    enum sfe_code code = sfe_stream_open(&options, flash->arena, &flash->streams[index],
                                         &flash->recoveries[index], err);
    if (code == SFE_OK) {
        flash->durable[index] = sfe_stream_durable(flash->streams[index]);
        code = sfe_stream_reader_open(flash->streams[index], flash->arena, &flash->readers[index],
                                      err);
    }
    return code;
}

bool flash_open(struct flash *flash)
{
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(memory_bytes(flash), &flash->arena, &err);

    if (flash->policy.is_older) {
        older_writer_port(flash->storage, &flash->port);
    } else {
        sim_storage_port(flash->storage, &flash->port);
    }
    open_keys(flash);
    if (sim_storage_forgotten(flash->storage) > 0) {
        flash->leniency.may_be_alarmed = true;
    }
    if (code == SFE_OK) {
        code = sfe_cursor_log_open(&flash->port, &flash->entropy, CURSORS_MAX, FLASH_STREAMS,
                                   flash->arena, &flash->log, &err);
    }
    for (uint32_t i = 0; i < FLASH_STREAMS && code == SFE_OK; i++) {
        code = open_stream(flash, i, &err);
    }
    if (code != SFE_OK) {
        SIM_CHECK(flash->run,
                  code == SFE_E_STORAGE || code == SFE_E_PERMISSION || code == SFE_E_NO_SPACE,
                  "opening fails: %s", err.message);
        flash_close(flash);
        return false;
    }
    const struct sfe_cursor *cursor = sfe_cursor_log_find(flash->log, FLASH_CURSOR_NAME);
    if (cursor != NULL) {
        flash->cursor = *cursor;
    } else {
        flash->cursor = (struct sfe_cursor){.name = FLASH_CURSOR_NAME, .sequence = 1};
    }
    flash->last_read = flash->cursor.sequence - 1u;
    sfe_stream_reader_seek(flash->readers[FLASH_SALES], flash->cursor.sequence);
    return true;
}

bool flash_is_over(const struct flash *flash)
{
    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        if (flash->streams[i] != NULL &&
            sfe_stream_durable(flash->streams[i]) + BOOKS_SPARE > FLASH_SEQUENCES_MAX) {
            return true;
        }
    }
    return false;
}

/* What was staged since open and is durable now is told to its senders. */
static void note_durable(struct flash *flash, uint32_t stream)
{
    struct flash_books *books = flash->books;
    const uint64_t durable = sfe_stream_durable(flash->streams[stream]);
    struct sfe_stream_facts facts;

    SIM_CHECK(flash->run, durable >= flash->durable[stream],
              "%s: the durable sequence goes back from %llu to %llu", flash_names[stream],
              (unsigned long long)flash->durable[stream], (unsigned long long)durable);
    for (uint64_t i = flash->durable[stream] + 1u; i <= durable; i++) {
        books->is_acknowledged[stream][i] = true;
        books->acknowledged[stream] = i;
    }
    flash->durable[stream] = durable;
    sfe_stream_facts(flash->streams[stream], &facts);
    SIM_CHECK(flash->run, facts.dropped_events >= books->dropped[stream],
              "%s: what was dropped is forgotten", flash_names[stream]);
    books->dropped[stream] = facts.dropped_events;
}

static bool stage(struct flash *flash, uint32_t stream)
{
    struct flash_books *books = flash->books;
    const uint32_t serial = books->next_serial++;
    const struct sfe_event event = {
        .clock_quality = (uint8_t)flash->world.quality,
        .received_ns = (int64_t)flash->world.now_ns,
        .source = SFE_TEXT("tills"),
        .topic = sim_events_topic(serial),
        .payload = sim_events_payload(books->events, serial),
    };
    struct sfe_stream_facts facts;
    uint64_t sequence = 0;
    struct sfe_error err;
    enum sfe_code code = sfe_stream_stage(flash->streams[stream], &event, &sequence, &err);

    SIM_CHECK(flash->run, code == SFE_OK || code == SFE_E_FULL, "%s: staging fails",
              flash_names[stream]);
    if (code != SFE_OK) {
        return false;
    }
    SIM_CHECK(flash->run, sequence > books->acknowledged[stream] || flash->leniency.may_lose,
              "%s: sequence %llu is given out twice", flash_names[stream],
              (unsigned long long)sequence);
    SIM_CHECK(flash->run, sequence < FLASH_SEQUENCES_MAX, "a scenario is too long");
    books->staged[stream] = sequence;
    books->serials[stream][sequence] = serial;
    SIM_CHECK(flash->run, serial < FLASH_SERIALS_MAX, "a scenario is too long");
    books->sequences[serial] = (uint32_t)sequence;
    books->is_acknowledged[stream][sequence] = false;
    sfe_stream_facts(flash->streams[stream], &facts);
    books->is_dropped[stream][sequence] =
        stream == FLASH_SALES && flash->policy.when_full == SFE_STREAM_DROP_NEWEST && facts.is_full;
    books->commits[stream][sequence] = books->next_commit;
    return true;
}

static void check_quota(const struct flash *flash, uint32_t stream)
{
    struct sfe_stream_facts facts;

    sfe_stream_facts(flash->streams[stream], &facts);
    if (sim_storage_is_off(flash->storage)) {
        return; /* In the middle of removing what had to go. */
    }
    /* One that failed may not be removable yet. */
    const uint64_t most = flash->quota_bytes + (facts.is_failing ? 2u : 1u) * FLASH_SEGMENT_BYTES;
    SIM_CHECK(flash->run, facts.flash_bytes <= most, "%s: %llu bytes kept, the quota is %llu",
              flash_names[stream], (unsigned long long)facts.flash_bytes,
              (unsigned long long)flash->quota_bytes);
}

void flash_append(struct flash *flash, uint32_t stream, uint32_t events_max)
{
    struct sfe_error err;
    uint32_t count = 1u + sim_random_below(&flash->world.random, events_max);

    if (flash->arena == NULL || flash_is_over(flash)) {
        return;
    }
    flash->books->next_commit++;
    while (count > 0 && stage(flash, stream)) {
        count--;
    }
    /* A failure is one for now: what is staged stays so. */
    const bool failed =
        sfe_stream_commit(flash->streams[stream], flash->world.now_ns, &err) != SFE_OK;
    struct sfe_stream_facts facts;
    sfe_stream_facts(flash->streams[stream], &facts);
    SIM_CHECK(flash->run, facts.is_failing == failed, "%s: the last commit %s", flash_names[stream],
              failed ? "failed in silence" : "did not fail");
    note_durable(flash, stream);
    check_quota(flash, stream);
    sim_world_pass(&flash->world, 2u * SECOND_NS);
}

static void draw_ranges(struct flash *flash, struct sfe_cursor *cursor, uint64_t durable)
{
    uint64_t begin = cursor->sequence + 1u;

    cursor->range_count = 0;
    while (cursor->range_count < 3 && begin < durable) {
        const uint64_t end = begin + 1u + sim_random_below(&flash->world.random, 3);
        if (end > durable) {
            break;
        }
        cursor->ranges[cursor->range_count++] = (struct sfe_cursor_range){begin, end};
        begin = end + 1u + sim_random_below(&flash->world.random, 4);
    }
}

void flash_save(struct flash *flash, bool to_the_end)
{
    struct flash_books *books = flash->books;
    struct sfe_cursor_mark marks[FLASH_STREAMS];
    struct sfe_error err;

    if (flash->arena == NULL) {
        return;
    }
    const uint64_t durable = sfe_stream_durable(flash->streams[FLASH_SALES]);
    const uint64_t left = durable + 1u - flash->cursor.sequence;
    flash->cursor.sequence +=
        to_the_end ? left : sim_random_below(&flash->world.random, (uint32_t)left + 1u);
    draw_ranges(flash, &flash->cursor, durable);
    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        memset(&marks[i], 0, sizeof(marks[i]));
        memcpy(marks[i].stream, flash_names[i], strlen(flash_names[i]));
        marks[i].durable = sfe_stream_durable(flash->streams[i]);
    }
    books->tried = flash->cursor.sequence > books->tried ? flash->cursor.sequence : books->tried;
    if (sfe_cursor_log_save(flash->log, &flash->cursor, 1, marks, FLASH_STREAMS, &err) != SFE_OK) {
        return;
    }
    books->saved = flash->cursor.sequence;
    if (sfe_stream_release(flash->streams[FLASH_SALES], flash->cursor.sequence, &err) != SFE_OK) {
        SIM_CHECK(flash->run, err.code != SFE_E_CORRUPT, "cannot release: %s", err.message);
    }
}

void flash_read_on(struct flash *flash)
{
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns;
    uint32_t count = sim_random_below(&flash->world.random, 40);

    while (flash->arena != NULL && count-- > 0 &&
           sfe_stream_reader_next(flash->readers[FLASH_SALES], &event, &time_ns, NULL, &err) ==
               SFE_OK) {
        SIM_CHECK(flash->run, event.sequence > flash->last_read, "an event is read twice");
        const uint64_t next =
            flash_pass_dropped(flash, FLASH_SALES, flash->last_read + 1u, event.sequence);
        SIM_CHECK(
            flash->run,
            event.sequence == next ||
                flash_went_as_oldest(flash, FLASH_SALES, next, event.sequence) ||
                event.sequence <= flash->cursor.sequence ||
                flash->last_read + 1u < flash->cursor.sequence || flash->leniency.may_be_alarmed ||
                sim_storage_failed_reads(flash->storage) > 0,
            "the reader leaves out events from %llu on", (unsigned long long)flash->last_read + 1u);
        SIM_CHECK(flash->run, event.sequence <= sfe_stream_durable(flash->streams[FLASH_SALES]),
                  "the reader gives out what is not durable");
        flash_check_event(flash, FLASH_SALES, &event);
        flash->last_read = event.sequence;
    }
}

void flash_reopen(struct flash *flash)
{
    flash_close(flash);
    (void)flash_open(flash);
}

void flash_settle_all(struct flash *flash)
{
    struct sfe_error err;

    *sim_storage_faults(flash->storage) = (struct sim_storage_faults){0};
    if (flash->arena == NULL) {
        SIM_CHECK(flash->run, flash_open(flash), "cannot be opened though nothing fails");
    }
    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        struct sfe_stream_facts facts;
        sim_world_pass(&flash->world, 2u * SECOND_NS);
        const enum sfe_code code = sfe_stream_commit(flash->streams[i], flash->world.now_ns, &err);
        SIM_CHECK(flash->run, code == SFE_OK, "%s: cannot write though nothing fails: %s",
                  flash_names[i], err.message);
        note_durable(flash, i);
        sfe_stream_facts(flash->streams[i], &facts);
        SIM_CHECK(flash->run, facts.staged_events == 0, "%s: events stay staged", flash_names[i]);
    }
    if (flash_is_over(flash)) {
        return;
    }
    flash_save(flash, true);
    SIM_CHECK(flash->run, flash->books->saved == flash->cursor.sequence,
              "the cursor cannot be saved though nothing fails");
    flash->books->next_commit++;
    SIM_CHECK(flash->run, stage(flash, FLASH_SALES), "all is settled and nothing is taken");
    const enum sfe_code code =
        sfe_stream_commit(flash->streams[FLASH_SALES], flash->world.now_ns, &err);
    SIM_CHECK(flash->run, code == SFE_OK, "cannot write though all is settled");
    note_durable(flash, FLASH_SALES);
}
