/* How fast a stream appends, beside a bare loop of the same page writes and syncs in the same run;
 * and how soon a full one is open. stream_bench append DIRECTORY    ratios; judges nothing
 *   stream_bench start DIRECTORY     a full stream of 1 GiB; fails where opening reads more than
 * the headers and the newest segment */
#include "base/arena.h"
#include "port/thread.h"
#include "real_platform.h"
#include "stream/cursor.h"
#include "stream/reader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB               (1024u * 1024u)
#define SEGMENT_BYTES     MIB
#define EVENT_BYTES       200u
#define EVENT_BYTES_MAX   (64u * 1024u)
#define ROUNDS            7u
#define THREADS_MAX       8u
#define SEGMENT_HEAD      8192u /* FORMAT.md: two pages. */
#define PATH_BYTES        512u
#define FULL_BYTES        (UINT64_C(1024) * MIB)
#define START_BYTES_SPARE (UINT64_C(8) * MIB) /* The newest segment, twice, and much air. */

struct bench {
    const char *directory;
    struct sfe_storage storage;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_arena *arena;
    struct sfe_stream *stream;
    struct sfe_stream_recovery recovery;
    uint64_t quota_bytes;
    struct sfe_event event;
    _Atomic uint64_t wanted; /* Events still to be staged by all threads. */
};

/* What a run of the stream wrote, and what a bare loop has to write as well. */
struct work {
    double seconds;
    uint64_t events;
    uint64_t syncs;
    uint64_t frame_bytes; /* Of one, on average, in whole pages. */
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "stream_bench: %s: %s\n", what, why);
    exit(1);
}

static double now(const struct bench *bench)
{
    return (double)sfe_clock_monotonic_ns(&bench->clock) / 1e9;
}

static bool empty_one(void *visitor, const char *name, uint64_t size)
{
    struct bench *bench = visitor;
    struct sfe_error err;

    (void)size;
    if (bench->storage.remove(bench->storage.context, name, &err) != SFE_OK) {
        fail("cannot empty the directory", err.message);
    }
    return true;
}

static void empty(struct bench *bench)
{
    struct sfe_error err;

    if (bench->storage.list(bench->storage.context, empty_one, bench, &err) != SFE_OK) {
        fail("cannot empty the directory", err.message);
    }
    sync();
}

static void begin(struct bench *bench, const char *directory)
{
    static const uint8_t payload[EVENT_BYTES_MAX];
    struct sfe_error err;

    *bench = (struct bench){.directory = directory};
    (void)mkdir(directory, 0700);
    if (sfe_posix_storage_open(directory, &bench->storage, &err) != SFE_OK) {
        fail("cannot use the directory", err.message);
    }
    sfe_posix_clock(&bench->clock);
    sfe_posix_entropy(&bench->entropy);
    bench->event = (struct sfe_event){
        .source = SFE_TEXT("tills"),
        .topic = SFE_TEXT("pos/1/sale"),
        .payload = sfe_slice_make(payload, EVENT_BYTES),
    };
    empty(bench);
}

static void open_stream(struct bench *bench)
{
    const struct sfe_stream_options options = {
        .storage = &bench->storage,
        .clock = &bench->clock,
        .entropy = &bench->entropy,
        .name = "sales",
        .quota_bytes = bench->quota_bytes,
        .segment_bytes = SEGMENT_BYTES,
        .event_bytes_max = EVENT_BYTES_MAX,
    };
    struct sfe_error err;

    enum sfe_code code = sfe_arena_open(8u * MIB, &bench->arena, &err);
    if (code == SFE_OK) {
        code = sfe_stream_open(&options, bench->arena, &bench->stream, &bench->recovery, &err);
    }
    if (code != SFE_OK) {
        fail("cannot open the stream", err.message);
    }
}

static void close_stream(struct bench *bench)
{
    sfe_stream_close(bench->stream);
    sfe_arena_close(bench->arena);
    bench->stream = NULL;
    bench->arena = NULL;
}

static void commit(struct bench *bench)
{
    struct sfe_error err;

    if (sfe_stream_commit(bench->stream, sfe_clock_monotonic_ns(&bench->clock), &err) != SFE_OK) {
        fail("cannot commit", err.message);
    }
}

static struct work measure(const struct bench *bench, double begun)
{
    struct sfe_stream_facts facts;

    sfe_stream_facts(bench->stream, &facts);
    const uint64_t heads = (facts.flash_bytes + SEGMENT_BYTES - 1u) / SEGMENT_BYTES * SEGMENT_HEAD;
    return (struct work){
        .seconds = now(bench) - begun,
        .events = facts.durable_sequence,
        .syncs = facts.syncs,
        .frame_bytes = ((facts.written_bytes - heads) / facts.syncs + 4095u) & ~UINT64_C(4095),
    };
}

/* `per_frame` events in each of `frames` commits, by one thread. */
static struct work append_alone(struct bench *bench, uint32_t frames, uint32_t per_frame)
{
    struct sfe_error err;
    uint64_t sequence;

    empty(bench);
    open_stream(bench);
    const double begun = now(bench);
    for (uint32_t i = 0; i < frames; i++) {
        for (uint32_t n = 0; n < per_frame; n++) {
            if (sfe_stream_stage(bench->stream, &bench->event, &sequence, &err) != SFE_OK) {
                fail("cannot stage", "it is full");
            }
        }
        commit(bench);
    }
    const struct work work = measure(bench, begun);
    close_stream(bench);
    return work;
}

static void stage_many(void *argument)
{
    struct bench *bench = argument;
    struct sfe_error err;
    uint64_t sequence;

    while (atomic_fetch_sub(&bench->wanted, 1) > 0) {
        while (sfe_stream_stage(bench->stream, &bench->event, &sequence, &err) != SFE_OK) {
            (void)usleep(50); /* Full: the sender waits. */
        }
    }
    (void)atomic_fetch_add(&bench->wanted, 1);
}

/* `threads` stage as fast as they can; commits follow each other, as the flash thread's do. */
static struct work append_together(struct bench *bench, uint32_t threads, uint64_t events)
{
    struct sfe_thread *started[THREADS_MAX] = {NULL};
    struct sfe_error err;

    empty(bench);
    open_stream(bench);
    atomic_store(&bench->wanted, events);
    const double begun = now(bench);
    for (uint32_t i = 0; i < threads; i++) {
        if (sfe_thread_start("stage", 256u * 1024u, stage_many, bench, &started[i], &err) !=
            SFE_OK) {
            fail("no thread", err.message);
        }
    }
    while (sfe_stream_durable(bench->stream) < events) {
        commit(bench);
    }
    const struct work work = measure(bench, begun);
    for (uint32_t i = 0; i < threads; i++) {
        sfe_thread_join(started[i]);
    }
    close_stream(bench);
    return work;
}

static int make_file(const struct bench *bench, uint32_t number)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s/bare-%u", bench->directory, (unsigned)number);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fallocate(fd, 0, 0, SEGMENT_BYTES) != 0) {
        fail("cannot make a file", path);
    }
    return fd;
}

/* The same writes and syncs, and nothing else. `makes_files`: what a log of many files costs beside
 * that is paid here too. */
static double bare_seconds(struct bench *bench, const struct work *work, bool makes_files)
{
    const uint32_t per_file = (uint32_t)((SEGMENT_BYTES - SEGMENT_HEAD) / work->frame_bytes);
    uint8_t *bytes = calloc(1, (size_t)work->frame_bytes + SEGMENT_HEAD);
    const int directory = open(bench->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const uint32_t files = (uint32_t)(work->syncs / per_file) + 1u;
    int *fds = calloc(files, sizeof(*fds));

    if (bytes == NULL || fds == NULL || directory < 0) {
        fail("no memory", "");
    }
    empty(bench);
    for (uint32_t i = 0; i < files && !makes_files; i++) {
        fds[i] = make_file(bench, i);
    }
    sync();
    const double begun = now(bench);
    for (uint64_t i = 0; i < work->syncs; i++) {
        const uint32_t file = (uint32_t)(i / per_file);
        const bool is_first = i % per_file == 0;
        const uint64_t at = is_first ? 0 : SEGMENT_HEAD + i % per_file * work->frame_bytes;
        const size_t size = (size_t)work->frame_bytes + (is_first ? SEGMENT_HEAD : 0u);
        if (is_first && makes_files) {
            fds[file] = make_file(bench, file);
        }
        if (pwrite(fds[file], bytes, size, (off_t)at) != (ssize_t)size ||
            fdatasync(fds[file]) != 0 || (is_first && makes_files && fsync(directory) != 0)) {
            fail("cannot write", "bare");
        }
    }
    const double seconds = now(bench) - begun;
    for (uint32_t i = 0; i < files; i++) {
        (void)(fds[i] > 0 && close(fds[i]));
    }
    (void)close(directory);
    free(fds);
    free(bytes);
    return seconds;
}

static int compare(const void *a, const void *b)
{
    const double one = *(const double *)a;
    const double other = *(const double *)b;

    return one < other ? -1 : one > other;
}

static double middle(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2u];
}

/* `threads` 0: one thread that stages and commits by turns, `per_frame` events at a time. */
static void compare_with_bare(struct bench *bench, uint32_t threads, uint32_t frames,
                              uint32_t per_frame)
{
    double ratios[ROUNDS];
    double ratios_files[ROUNDS];
    double rates[ROUNDS];
    struct work work = {0};

    for (uint32_t i = 0; i < ROUNDS; i++) {
        work = threads == 0 ? append_alone(bench, frames, per_frame)
                            : append_together(bench, threads, (uint64_t)frames * per_frame);
        rates[i] = (double)work.events / work.seconds;
        ratios[i] = bare_seconds(bench, &work, false) / work.seconds;
        ratios_files[i] = bare_seconds(bench, &work, true) / work.seconds;
    }
    (void)printf("%7u %9.0f %9.1f %8.0f %8" PRIu64 " %10.2f %12.2f\n", (unsigned)threads,
                 middle(rates), middle(rates) * EVENT_BYTES / MIB,
                 (double)work.syncs / work.seconds, work.frame_bytes, middle(ratios),
                 middle(ratios_files));
}

static void bench_append(struct bench *bench)
{
    bench->quota_bytes = UINT64_C(512) * MIB;
    (void)printf("events of %u bytes; segments of 1 MiB; median of %u rounds, each beside its bare "
                 "loop\nthreads  events/s     MiB/s  syncs/s    frame  of bare    and files\n",
                 EVENT_BYTES, ROUNDS);
    compare_with_bare(bench, 0, 400, 1);
    compare_with_bare(bench, 0, 400, 16);
    compare_with_bare(bench, 0, 300, 250);
    for (uint32_t threads = 1; threads <= 4; threads *= 2u) {
        compare_with_bare(bench, threads, 400, 250);
    }
}

static enum sfe_code no_sync(void *context, struct sfe_file *file, struct sfe_error *err)
{
    (void)context;
    (void)file;
    (void)err;
    return SFE_OK;
}

static enum sfe_code no_sync_directory(void *context, struct sfe_error *err)
{
    (void)context;
    (void)err;
    return SFE_OK;
}

static bool forget_one(void *visitor, const char *name, uint64_t size)
{
    const struct bench *bench = visitor;
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s/%s", bench->directory, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)posix_fadvise(fd, 0, (off_t)size, POSIX_FADV_DONTNEED);
    (void)close(fd);
    return true;
}

/* Bytes that this process has read, from the system's point of view. */
static uint64_t read_bytes(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    unsigned long long bytes = 0;

    if (file == NULL || fscanf(file, "rchar: %llu", &bytes) != 1) {
        fail("cannot read", "/proc/self/io");
    }
    (void)fclose(file);
    return bytes;
}

static void fill(struct bench *bench)
{
    const struct sfe_storage real = bench->storage;
    struct sfe_error err;
    uint64_t sequence;

    bench->storage.sync = no_sync;
    bench->storage.sync_directory = no_sync_directory;
    open_stream(bench);
    for (;;) {
        const enum sfe_code code = sfe_stream_stage(bench->stream, &bench->event, &sequence, &err);
        struct sfe_stream_facts facts;
        sfe_stream_facts(bench->stream, &facts);
        if (code != SFE_OK && facts.staged_events == 0) {
            break;
        }
        if (code != SFE_OK) {
            commit(bench);
        }
    }
    close_stream(bench);
    bench->storage = real;
    sync();
}

static double open_seconds(struct bench *bench, bool is_cold)
{
    struct sfe_error err;

    if (is_cold && bench->storage.list(bench->storage.context, forget_one, bench, &err) != SFE_OK) {
        fail("cannot list", err.message);
    }
    const double begun = now(bench);
    open_stream(bench);
    const double seconds = now(bench) - begun;
    close_stream(bench);
    return seconds;
}

static int bench_start(struct bench *bench)
{
    double warm[ROUNDS];
    double cold[ROUNDS];

    bench->quota_bytes = FULL_BYTES;
    fill(bench);
    const uint64_t before = read_bytes();
    open_stream(bench);
    const uint64_t read = read_bytes() - before;
    const struct sfe_stream_recovery recovery = bench->recovery;
    close_stream(bench);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        cold[i] = open_seconds(bench, true);
        warm[i] = open_seconds(bench, false);
    }
    const uint64_t most = (uint64_t)recovery.segments * SEGMENT_HEAD + START_BYTES_SPARE;
    (void)printf("a stream of %u segments with %" PRIu64
                 " events: open after %.3f s, and %.3f s with "
                 "nothing in memory; read %.1f MiB\n",
                 (unsigned)recovery.segments, recovery.kept_events, middle(warm), middle(cold),
                 (double)read / MIB);
    if (recovery.segments < FULL_BYTES / SEGMENT_BYTES - 1u || recovery.lost_events != 0) {
        fail("the stream is not full", "");
    }
    if (read > most) {
        fail("opening reads too much", "it should read headers and the newest segment");
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct bench bench;
    int status = 0;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: stream_bench append|start DIRECTORY\n");
        return 64;
    }
    begin(&bench, argv[2]);
    if (strcmp(argv[1], "start") == 0) {
        status = bench_start(&bench);
    } else {
        bench_append(&bench);
    }
    empty(&bench);
    (void)rmdir(argv[2]);
    sfe_posix_storage_close(&bench.storage);
    return status;
}
