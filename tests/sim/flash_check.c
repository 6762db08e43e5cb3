/* What is looked at after each crash: every promise in the books. */
#include "flash.h"
#include "stream/stream.h"

#include <string.h>

/* Files that may stand beside those of the quota after a crash: one that was removed and came back,
 * one that was begun, one over. */
#define SPARE_SEGMENTS   3u
#define CURSOR_FILES_MAX 6u

/* Which event stands there. One that was never acknowledged may have been given a sequence, been
 * forgotten with the process, and come to light again, as long as the next one that was given the
 * same sequence is not acknowledged either. */
static uint32_t serial_of(const struct flash *flash, uint32_t stream, const struct sfe_event *event)
{
    const struct flash_books *books = flash->books;
    const uint32_t serial = books->serials[stream][event->sequence];
    uint32_t said = serial;

    if (books->is_acknowledged[stream][event->sequence]) {
        return serial;
    }
    if (event->payload.size >= sizeof(said)) {
        memcpy(&said, event->payload.bytes, sizeof(said));
    }
    return said < books->next_serial && books->sequences[said] == event->sequence ? said : serial;
}

void flash_check_event(const struct flash *flash, uint32_t stream, const struct sfe_event *event)
{
    const struct flash_books *books = flash->books;

    SIM_CHECK(flash->run, event->sequence <= books->staged[stream],
              "%s: event %llu was never staged", flash_names[stream],
              (unsigned long long)event->sequence);
    const uint32_t serial = serial_of(flash, stream, event);
    SIM_CHECK(flash->run,
              !books->is_dropped[stream][event->sequence] ||
                  serial != books->serials[stream][event->sequence],
              "%s: event %llu was counted as dropped and is kept", flash_names[stream],
              (unsigned long long)event->sequence);
    SIM_CHECK(flash->run,
              sfe_slice_equal(event->payload, sim_events_payload(books->events, serial)) &&
                  sfe_slice_equal(event->topic, sim_events_topic(serial)),
              "%s: event %llu is not what was staged", flash_names[stream],
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
                  "%s: one flipped bit costs two frames: %llu to %llu", flash_names[stream],
                  (unsigned long long)begin, (unsigned long long)end - 1u);
    }
    SIM_CHECK(flash->run, told >= end - begin, "%s: %llu events are missing, %llu are told",
              flash_names[stream], (unsigned long long)(end - begin), (unsigned long long)told);
}

uint64_t flash_pass_dropped(const struct flash *flash, uint32_t stream, uint64_t next,
                            uint64_t sequence)
{
    while (next < sequence && next < FLASH_SEQUENCES_MAX &&
           flash->books->is_dropped[stream][next]) {
        next++;
    }
    return next;
}

bool flash_went_as_oldest(const struct flash *flash, uint32_t stream, uint64_t begin,
                          uint64_t sequence)
{
    struct sfe_stream_facts facts;

    sfe_stream_facts(flash->streams[stream], &facts);
    return stream == FLASH_SALES && flash->policy.has_dropped_oldest &&
           facts.first_sequence >= sequence && facts.dropped_events >= sequence - begin;
}

static void check_order(const struct flash *flash, uint32_t stream, uint64_t next,
                        uint64_t sequence)
{
    const struct flash_leniency leniency = flash->leniency;

    SIM_CHECK(flash->run, sequence >= next, "%s: event %llu comes again", flash_names[stream],
              (unsigned long long)sequence);
    next = flash_pass_dropped(flash, stream, next, sequence);
    while (sequence > next && sequence <= FLASH_SEQUENCES_MAX &&
           flash->books->is_dropped[stream][sequence - 1u]) {
        sequence--;
    }
    if (sequence == next || leniency.may_lose ||
        flash_went_as_oldest(flash, stream, next, sequence)) {
        return;
    }
    if (leniency.may_be_alarmed) {
        for (uint64_t i = next; i < sequence && i < FLASH_SEQUENCES_MAX; i++) {
            SIM_CHECK(flash->run, !flash->books->is_acknowledged[stream][i],
                      "%s: event %llu was acknowledged and is missing", flash_names[stream],
                      (unsigned long long)i);
        }
        return;
    }
    SIM_CHECK(flash->run, leniency.may_damage, "%s: events %llu to %llu are missing",
              flash_names[stream], (unsigned long long)next, (unsigned long long)sequence - 1u);
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
        flash_check_event(flash, stream, &event);
        next = event.sequence + 1u;
    }
    SIM_CHECK(flash->run, code == SFE_E_END, "%s: cannot be read: %s", flash_names[stream],
              err.message);
    SIM_CHECK(flash->run, next <= durable + 1u || (next == begin && flash->leniency.may_lose),
              "%s: event %llu is not durable", flash_names[stream], (unsigned long long)next - 1u);
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
                  "%s: acknowledged up to %llu, recovered up to %llu", flash_names[stream],
                  (unsigned long long)books->acknowledged[stream], (unsigned long long)durable);
        flash->run->losses += leniency.may_lose ? 1u : 0u;
        flash->run->losses_told += leniency.may_lose && recovery->lost_events > 0 ? 1u : 0u;
    }
    if (leniency.may_lose || leniency.may_damage || leniency.may_be_alarmed) {
        return;
    }
    SIM_CHECK(flash->run, durable <= books->staged[stream], "%s: %llu are durable, %llu staged",
              flash_names[stream], (unsigned long long)durable,
              (unsigned long long)books->staged[stream]);
    SIM_CHECK(flash->run, recovery->lost_events == 0 && recovery->damaged_places == 0,
              "%s: recovery tells of damage where there is none (%llu lost, %u places)",
              flash_names[stream], (unsigned long long)recovery->lost_events,
              (unsigned)recovery->damaged_places);
}

/* Of the newest each one that was dropped is counted, and no other. Of the oldest at least those
 * that were when it was last asked, and none that may still be there. */
static void check_dropped(const struct flash *flash, uint32_t stream)
{
    const struct flash_books *books = flash->books;
    const bool is_exact = !flash->policy.has_dropped_oldest && !flash->leniency.may_be_alarmed;
    struct sfe_stream_facts facts;
    uint64_t dropped = 0;

    sfe_stream_facts(flash->streams[stream], &facts);
    SIM_CHECK(flash->run, facts.dropped_events >= books->dropped[stream],
              "%s: %llu events were dropped, %llu are told", flash_names[stream],
              (unsigned long long)books->dropped[stream], (unsigned long long)facts.dropped_events);
    for (uint64_t i = 1; i <= facts.durable_sequence && i < FLASH_SEQUENCES_MAX; i++) {
        dropped += books->is_dropped[stream][i] ? 1u : 0u;
    }
    SIM_CHECK(flash->run, !is_exact || dropped == facts.dropped_events,
              "%s: %llu events were dropped, %llu are told", flash_names[stream],
              (unsigned long long)dropped, (unsigned long long)facts.dropped_events);
    SIM_CHECK(flash->run,
              flash->policy.when_full != SFE_STREAM_DROP_OLDEST ||
                  facts.dropped_events < facts.first_sequence + dropped,
              "%s: %llu events are told as dropped, and %llu is kept", flash_names[stream],
              (unsigned long long)facts.dropped_events, (unsigned long long)facts.first_sequence);
}

static void check_space(const struct flash *flash)
{
    uint32_t cursor_files = 0;

    for (uint32_t i = 0; i < FLASH_STREAMS; i++) {
        const uint64_t bytes = sim_storage_bytes_of(flash->storage, flash_names[i], NULL);
        SIM_CHECK(flash->run, bytes <= flash->quota_bytes + SPARE_SEGMENTS * FLASH_SEGMENT_BYTES,
                  "%s: %llu bytes on flash, the quota is %llu", flash_names[i],
                  (unsigned long long)bytes, (unsigned long long)flash->quota_bytes);
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
    if (!flash->leniency.may_lose && !flash->leniency.may_damage) {
        check_dropped(flash, FLASH_SALES);
    }
}
