#include "flash.h"

#include "stream/stream.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES     (1536u * 1024u)
#define EVENT_BYTES_MAX 16384u
#define CURSORS_MAX     2u
#define SECOND_NS       UINT64_C(1000000000)
/* Files that may stand beside those of the quota after a crash: one that was removed and came back,
 * one that was begun, one over. */
#define SPARE_SEGMENTS   3u
#define CURSOR_FILES_MAX 6u
/* More than is ever staged and not durable. */
#define BOOKS_SPARE 512u

static const char *const names[FLASH_STREAMS] = {"sales", "dead"};

void flash_begin(struct flash *flash, struct sim_run *run, struct sim_storage *storage,
                 struct flash_books *books, uint64_t seed)
{
    *flash = (struct flash){.run = run, .storage = storage, .books = books};
    sim_world_begin(&flash->world, seed);
    sim_storage_port(storage, &flash->port);
    sim_clock(&flash->world, &flash->clock);
    sim_entropy(&flash->world, &flash->entropy);
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
}

static enum sfe_code open_stream(struct flash *flash, uint32_t index, struct sfe_error *err)
{
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(flash->log, names[index]);
    const struct sfe_stream_options options = {
        .storage = &flash->port,
        .clock = &flash->clock,
        .entropy = &flash->entropy,
        .name = names[index],
        .quota_bytes = flash->quota_bytes,
        .segment_bytes = FLASH_SEGMENT_BYTES,
        .event_bytes_max = EVENT_BYTES_MAX,
        .known_durable = mark == NULL ? 0 : mark->durable,
    };

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
    enum sfe_code code = sfe_arena_open(ARENA_BYTES, &flash->arena, &err);

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

/* Payload and topic follow from the serial number alone. */
static size_t make_payload(uint32_t serial, uint8_t *payload)
{
    struct sim_random random = sim_random_make(serial, 7);
    const uint32_t kind = sim_random_below(&random, 100);
    uint32_t size;

    if (kind < 70) {
        size = 8u + sim_random_below(&random, 200);
    } else if (kind < 93) {
        size = 500u + sim_random_below(&random, 3000);
    } else {
        size = 6000u + sim_random_below(&random, EVENT_BYTES_MAX - 6000u);
    }
    memcpy(payload, &serial, sizeof(serial));
    sim_random_fill(&random, payload + 8, size - 8u);
    memset(payload + 4, 0, 4);
    return size;
}

static const char *topic_of(uint32_t serial)
{
    static const char *const topics[] = {"pos/1/sale", "pos/2/sale", "pos/3/sale", "p"};
    return topics[serial % 4u];
}

static void check_event(const struct flash *flash, uint32_t stream, const struct sfe_event *event)
{
    const struct flash_books *books = flash->books;
    uint8_t payload[EVENT_BYTES_MAX];

    SIM_CHECK(flash->run, event->sequence <= books->staged[stream],
              "%s: event %llu was never staged", names[stream],
              (unsigned long long)event->sequence);
    const uint32_t serial = books->serials[stream][event->sequence];
    const size_t size = make_payload(serial, payload);
    SIM_CHECK(flash->run,
              sfe_slice_equal(event->payload, sfe_slice_make(payload, size)) &&
                  sfe_slice_equal(event->topic, sfe_slice_text(topic_of(serial))),
              "%s: event %llu is not what was staged", names[stream],
              (unsigned long long)event->sequence);
}

/* What is missing must be told, and be of one frame. */
static void check_gap(const struct flash *flash, uint32_t stream, uint64_t begin, uint64_t end)
{
    const struct flash_books *books = flash->books;
    const uint64_t told =
        flash->recoveries[stream].lost_events + sfe_stream_reader_damaged(flash->readers[stream]);

    for (uint64_t i = begin; i < end; i++) {
        SIM_CHECK(flash->run, books->commits[stream][i] == books->commits[stream][begin],
                  "%s: one flipped bit costs two frames: %llu to %llu", names[stream],
                  (unsigned long long)begin, (unsigned long long)end - 1u);
    }
    SIM_CHECK(flash->run, told >= end - begin, "%s: %llu events are missing, %llu are told",
              names[stream], (unsigned long long)(end - begin), (unsigned long long)told);
}

static void check_order(const struct flash *flash, uint32_t stream, uint64_t next,
                        uint64_t sequence)
{
    const struct flash_leniency leniency = flash->leniency;

    SIM_CHECK(flash->run, sequence >= next, "%s: event %llu comes again", names[stream],
              (unsigned long long)sequence);
    if (sequence == next || leniency.may_lose) {
        return;
    }
    if (leniency.may_be_alarmed) {
        for (uint64_t i = next; i < sequence && i < FLASH_SEQUENCES_MAX; i++) {
            SIM_CHECK(flash->run, !flash->books->is_acknowledged[stream][i],
                      "%s: event %llu was acknowledged and is missing", names[stream],
                      (unsigned long long)i);
        }
        return;
    }
    SIM_CHECK(flash->run, leniency.may_damage, "%s: events %llu to %llu are missing", names[stream],
              (unsigned long long)next, (unsigned long long)sequence - 1u);
    check_gap(flash, stream, next, sequence);
}

/* Every event from `begin` to the durable one is there once, in order, and nothing else. */
static void check_events(struct flash *flash, uint32_t stream, uint64_t begin)
{
    const uint64_t durable = sfe_stream_durable(flash->streams[stream]);
    uint64_t next = begin;
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns;
    enum sfe_code code;

    sfe_stream_reader_seek(flash->readers[stream], begin);
    for (;;) {
        code = sfe_stream_reader_next(flash->readers[stream], &event, &time_ns, NULL, &err);
        if (code != SFE_OK) {
            break;
        }
        check_order(flash, stream, next, event.sequence);
        check_event(flash, stream, &event);
        next = event.sequence + 1u;
    }
    SIM_CHECK(flash->run, code == SFE_E_END, "%s: cannot be read: %s", names[stream], err.message);
    SIM_CHECK(flash->run, next <= durable + 1u || (next == begin && flash->leniency.may_lose),
              "%s: event %llu is not durable", names[stream], (unsigned long long)next - 1u);
    if (next <= durable && begin <= durable) {
        check_order(flash, stream, next, durable + 1u);
    }
    flash->last_read = stream == FLASH_SALES && next > begin ? next - 1u : flash->last_read;
}

static void check_cursor(const struct flash *flash)
{
    const struct flash_leniency leniency = flash->leniency;
    const struct flash_books *books = flash->books;
    const struct sfe_cursor *cursor = sfe_cursor_log_find(flash->log, FLASH_CURSOR_NAME);
    const uint64_t at = cursor == NULL ? 0 : cursor->sequence;

    SIM_CHECK(flash->run, at >= books->saved || leniency.may_lose || leniency.cursor_may_go_back,
              "the cursor is at %llu and was saved at %llu", (unsigned long long)at,
              (unsigned long long)books->saved);
    SIM_CHECK(flash->run, at <= books->tried, "the cursor is at %llu and was never beyond %llu",
              (unsigned long long)at, (unsigned long long)books->tried);
}

static void check_stream(const struct flash *flash, uint32_t stream)
{
    const struct flash_leniency leniency = flash->leniency;
    const struct flash_books *books = flash->books;
    const uint64_t durable = sfe_stream_durable(flash->streams[stream]);
    const struct sfe_stream_recovery *recovery = &flash->recoveries[stream];

    if (durable < books->acknowledged[stream]) {
        /* Damage to the very last frame is not told from a torn one, unless the marks know it. */
        const bool is_last_frame =
            leniency.may_damage && books->commits[stream][durable + 1u] ==
                                       books->commits[stream][books->acknowledged[stream]];
        SIM_CHECK(flash->run, leniency.may_lose || is_last_frame,
                  "%s: acknowledged up to %llu, recovered up to %llu", names[stream],
                  (unsigned long long)books->acknowledged[stream], (unsigned long long)durable);
        flash->run->losses += leniency.may_lose ? 1u : 0u;
        flash->run->losses_told += leniency.may_lose && recovery->lost_events > 0 ? 1u : 0u;
    }
    if (leniency.may_lose || leniency.may_damage || leniency.may_be_alarmed) {
        return;
    }
    SIM_CHECK(flash->run, durable <= books->staged[stream], "%s: %llu are durable, %llu staged",
              names[stream], (unsigned long long)durable,
              (unsigned long long)books->staged[stream]);
    SIM_CHECK(flash->run, recovery->lost_events == 0 && recovery->damaged_places == 0,
              "%s: recovery tells of damage where there is none (%llu lost, %u places)",
              names[stream], (unsigned long long)recovery->lost_events,
              (unsigned)recovery->damaged_places);
}

static void check_space(const struct flash *flash)
{
    uint32_t cursor_files = 0;

    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        const uint64_t bytes = sim_storage_bytes_of(flash->storage, names[i], NULL);
        SIM_CHECK(flash->run, bytes <= flash->quota_bytes + SPARE_SEGMENTS * FLASH_SEGMENT_BYTES,
                  "%s: %llu bytes on flash, the quota is %llu", names[i], (unsigned long long)bytes,
                  (unsigned long long)flash->quota_bytes);
    }
    (void)sim_storage_bytes_of(flash->storage, "cursors", &cursor_files);
    SIM_CHECK(flash->run, cursor_files <= CURSOR_FILES_MAX, "%u files of cursors",
              (unsigned)cursor_files);
    SIM_CHECK(flash->run, sim_storage_rewrites(flash->storage) == 0,
              "a page that was durable was written again");
}

/* Below where the cursor was saved all is settled, and may be gone, even if the cursor has gone
 * back. */
static uint64_t first_wanted(const struct flash *flash)
{
    const uint64_t at = flash->cursor.sequence;

    return flash->leniency.cursor_may_go_back && at < flash->books->saved ? flash->books->saved
                                                                          : at;
}

void flash_check(struct flash *flash)
{
    check_cursor(flash);
    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        check_stream(flash, i);
        check_events(flash, i, i == FLASH_SALES ? first_wanted(flash) : 1);
    }
    if (!flash->leniency.may_lose) {
        check_space(flash);
    }
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

    SIM_CHECK(flash->run, durable >= flash->durable[stream],
              "%s: the durable sequence goes back from %llu to %llu", names[stream],
              (unsigned long long)flash->durable[stream], (unsigned long long)durable);
    for (uint64_t i = flash->durable[stream] + 1u; i <= durable; i++) {
        books->is_acknowledged[stream][i] = true;
        books->acknowledged[stream] = i;
    }
    flash->durable[stream] = durable;
}

static bool stage(struct flash *flash, uint32_t stream)
{
    struct flash_books *books = flash->books;
    uint8_t payload[EVENT_BYTES_MAX];
    const uint32_t serial = books->next_serial++;
    const size_t size = make_payload(serial, payload);
    const struct sfe_event event = {
        .clock_quality = (uint8_t)flash->world.quality,
        .received_ns = (int64_t)flash->world.now_ns,
        .source = SFE_TEXT("tills"),
        .topic = sfe_slice_text(topic_of(serial)),
        .payload = sfe_slice_make(payload, size),
    };
    uint64_t sequence = 0;
    struct sfe_error err;
    enum sfe_code code = sfe_stream_stage(flash->streams[stream], &event, &sequence, &err);

    SIM_CHECK(flash->run, code == SFE_OK || code == SFE_E_FULL, "%s: staging fails", names[stream]);
    if (code != SFE_OK) {
        return false;
    }
    SIM_CHECK(flash->run, sequence > books->acknowledged[stream] || flash->leniency.may_lose,
              "%s: sequence %llu is given out twice", names[stream], (unsigned long long)sequence);
    SIM_CHECK(flash->run, sequence < FLASH_SEQUENCES_MAX, "a scenario is too long");
    books->staged[stream] = sequence;
    books->serials[stream][sequence] = serial;
    books->is_acknowledged[stream][sequence] = false;
    books->commits[stream][sequence] = books->next_commit;
    return true;
}

static void check_quota(const struct flash *flash, uint32_t stream)
{
    struct sfe_stream_facts facts;

    sfe_stream_facts(flash->streams[stream], &facts);
    SIM_CHECK(flash->run, facts.flash_bytes <= flash->quota_bytes + FLASH_SEGMENT_BYTES,
              "%s: %llu bytes kept, the quota is %llu", names[stream],
              (unsigned long long)facts.flash_bytes, (unsigned long long)flash->quota_bytes);
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
    SIM_CHECK(flash->run, facts.is_failing == failed, "%s: the last commit %s", names[stream],
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
        memcpy(marks[i].stream, names[i], strlen(names[i]));
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
        SIM_CHECK(
            flash->run,
            event.sequence == flash->last_read + 1u || event.sequence <= flash->cursor.sequence ||
                flash->last_read + 1u < flash->cursor.sequence || flash->leniency.may_be_alarmed ||
                sim_storage_failed_reads(flash->storage) > 0,
            "the reader leaves out events from %llu on", (unsigned long long)flash->last_read + 1u);
        SIM_CHECK(flash->run, event.sequence <= sfe_stream_durable(flash->streams[FLASH_SALES]),
                  "the reader gives out what is not durable");
        check_event(flash, FLASH_SALES, &event);
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
        SIM_CHECK(flash->run, code == SFE_OK, "%s: cannot write though nothing fails: %s", names[i],
                  err.message);
        note_durable(flash, i);
        sfe_stream_facts(flash->streams[i], &facts);
        SIM_CHECK(flash->run, facts.staged_events == 0, "%s: events stay staged", names[i]);
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
