/* Writes a stream until the power goes, on a file system of a machine of its own;
 * tests/power/power.py cuts it. stream_power DIRECTORY DURABLE SAVED First looks at what the last
 * cut left: everything up to event DURABLE, which was said to be safe, is there from event SAVED
 * on, where the cursor was said to be, whole and in order, and nothing is damaged. Then goes on,
 * and says "durable N" and "saved N" after each commit and each save. */
#include "base/arena.h"
#include "real_platform.h"
#include "stream/cursor.h"
#include "stream/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ARENA_BYTES     (4u * 1024u * 1024u)
#define QUOTA_BYTES     (2u * 1024u * 1024u)
#define SEGMENT_BYTES   (256u * 1024u)
#define EVENT_BYTES_MAX 16384u
#define SAVE_COMMITS    8u
#define KEPT_EVENTS     200u
#define CURSOR_NAME     "crm/sales"

struct power {
    struct sfe_storage storage;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_arena *arena;
    struct sfe_cursor_log *log;
    struct sfe_stream *stream;
    struct sfe_stream_recovery recovery;
    struct sfe_cursor cursor;
    uint64_t next; /* The sequence that the next event must get. */
    uint8_t payload[EVENT_BYTES_MAX];
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)printf("FAILED: %s: %s\n", what, why);
    (void)fflush(stdout);
    exit(1);
}

static uint64_t stir(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* What is in an event follows from its sequence. */
static struct sfe_slice make_payload(struct power *power, uint64_t sequence)
{
    const uint64_t drawn = stir(sequence);
    const size_t size = drawn % 16u == 0 ? 4096u + drawn % 8000u : 16u + drawn % 700u;

    for (size_t i = 0; i < size; i++) {
        power->payload[i] = (uint8_t)(stir(sequence + i / 8u) >> (i % 8u * 8u));
    }
    return sfe_slice_make(power->payload, size);
}

static void begin(struct power *power, const char *directory)
{
    struct sfe_error err;

    (void)mkdir(directory, 0700);
    enum sfe_code code = sfe_posix_storage_open(directory, &power->storage, &err);
    sfe_posix_clock(&power->clock);
    sfe_posix_entropy(&power->entropy);
    if (code == SFE_OK) {
        code = sfe_arena_open(ARENA_BYTES, &power->arena, &err);
    }
    if (code == SFE_OK) {
        code = sfe_cursor_log_open(&power->storage, &power->entropy, 2, 2, power->arena,
                                   &power->log, &err);
    }
    if (code != SFE_OK) {
        fail("the cursors cannot be opened", err.message);
    }
    const struct sfe_cursor *cursor = sfe_cursor_log_find(power->log, CURSOR_NAME);
    power->cursor =
        cursor == NULL ? (struct sfe_cursor){.name = CURSOR_NAME, .sequence = 1} : *cursor;
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(power->log, "sales");
    const struct sfe_stream_options options = {
        .storage = &power->storage,
        .clock = &power->clock,
        .entropy = &power->entropy,
        .name = "sales",
        .quota_bytes = QUOTA_BYTES,
        .segment_bytes = SEGMENT_BYTES,
        .event_bytes_max = EVENT_BYTES_MAX,
        .known_durable = mark == NULL ? 0 : mark->durable,
    };
    if (sfe_stream_open(&options, power->arena, &power->stream, &power->recovery, &err) != SFE_OK) {
        fail("the stream cannot be opened", err.message);
    }
    power->next = sfe_stream_durable(power->stream) + 1u;
}

static void check(struct power *power, uint64_t durable, uint64_t saved)
{
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    struct sfe_error err;
    uint64_t next = power->cursor.sequence;
    int64_t time_ns;

    if (power->next <= durable || power->cursor.sequence < saved) {
        fail("what was said to be safe is gone", "");
    }
    if (power->recovery.lost_events != 0 || power->recovery.damaged_places != 0) {
        fail("recovery tells of damage", "");
    }
    enum sfe_code code = sfe_stream_reader_open(power->stream, power->arena, &reader, &err);
    if (code == SFE_OK) {
        sfe_stream_reader_seek(reader, next);
    }
    while (code == SFE_OK) {
        code = sfe_stream_reader_next(reader, &event, &time_ns, NULL, &err);
        if (code != SFE_OK) {
            break;
        }
        if (event.sequence != next++ ||
            !sfe_slice_equal(event.payload, make_payload(power, event.sequence))) {
            fail("an event is missing, or is another", "");
        }
    }
    if (code != SFE_E_END || next != power->next) {
        fail("not all can be read", "");
    }
    sfe_stream_reader_close(reader);
    (void)printf("checked: durable %" PRIu64 " of %" PRIu64 ", cursor %" PRIu64 " of %" PRIu64
                 ", torn bytes %" PRIu64 "\n",
                 power->next - 1u, durable, power->cursor.sequence, saved,
                 power->recovery.torn_bytes);
}

static void save(struct power *power)
{
    struct sfe_cursor_mark mark = {.stream = "sales", .durable = sfe_stream_durable(power->stream)};
    struct sfe_error err;

    if (power->next > KEPT_EVENTS + power->cursor.sequence) {
        power->cursor.sequence = power->next - KEPT_EVENTS;
    }
    enum sfe_code code = sfe_cursor_log_save(power->log, &power->cursor, 1, &mark, 1, &err);
    if (code == SFE_OK) {
        (void)printf("saved %" PRIu64 "\n", power->cursor.sequence);
        code = sfe_stream_release(power->stream, power->cursor.sequence, &err);
    }
    if (code != SFE_OK) {
        fail("the cursor cannot be saved", err.message);
    }
}

static void append(struct power *power)
{
    const uint64_t count = 1u + stir(power->next) % 12u;
    struct sfe_error err;

    for (uint64_t i = 0; i < count; i++) {
        const struct sfe_event event = {
            .source = SFE_TEXT("tills"),
            .topic = SFE_TEXT("pos/1/sale"),
            .payload = make_payload(power, power->next),
        };
        uint64_t sequence = 0;
        if (sfe_stream_stage(power->stream, &event, &sequence, &err) != SFE_OK) {
            break;
        }
        if (sequence != power->next++) {
            fail("an event got another sequence", "");
        }
    }
    if (sfe_stream_commit(power->stream, sfe_clock_monotonic_ns(&power->clock), &err) != SFE_OK) {
        fail("cannot commit", err.message);
    }
    (void)printf("durable %" PRIu64 "\n", sfe_stream_durable(power->stream));
}

int main(int argc, char **argv)
{
    static struct power power;

    if (argc != 4) {
        (void)fprintf(stderr, "usage: stream_power DIRECTORY DURABLE SAVED\n");
        return 64;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    begin(&power, argv[1]);
    check(&power, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    for (uint32_t i = 1;; i++) {
        append(&power);
        if (i % SAVE_COMMITS == 0) {
            save(&power);
        }
    }
}
