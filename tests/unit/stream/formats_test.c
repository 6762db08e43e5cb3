/* Files of each format that was ever released are kept in formats/, and must be read for ever
 * after.
 *
 * With "write FOLDER" the program makes such a set with today's code, for a new version. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"
#include "stream/boot_times.h"
#include "stream/walk.h"
#include "stream_world.h"

#include <dirent.h>

#define PATH_BYTES   512u
#define FILE_MAX     (1u << 20)
#define LARGE        4000u
#define OFFSET_NS    INT64_C(1763999000000000000)
#define OTHER_BOOT   9
#define UNSET_FROM   13u /* In "plain" the clock was unset from here on. */
#define BY_OUTPUT    "crm/plain"
#define CURSORS_MAX  8u
#define MARKS_MAX    8u
#define DEAD_SETTLED 2u

/* What a set holds, by today's words. */
struct expected {
    const char *stream;
    uint64_t first;
    uint64_t last;    /* The newest that is kept. */
    uint64_t count;   /* Of those kept. */
    uint64_t durable; /* The newest that was given out. */
    uint64_t dropped;
    uint32_t segments;
};

static const struct expected SET[] = {
    {"plain", 1, 18, 18, 18, 0, 3},   {"sealed", 1, 12, 12, 12, 0, 2},
    {"newest", 15, 31, 15, 31, 2, 0}, {"oldest", 43, 60, 18, 60, 42, 0},
    {"dead", 1, 3, 3, 3, 0, 1},
};
#define STREAMS (sizeof(SET) / sizeof(SET[0]))

static struct sfe_crypto crypto;
static struct sfe_aead_key *keys[2]; /* The second one is the older. */
static struct sfe_boot_times boot_times;

static void open_keys(struct world *world)
{
    sfe_mbedtls_aead(&crypto);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t bytes[SFE_AEAD_KEY_BYTES];
        memset(bytes, 0x71 - i, sizeof(bytes));
        assert_int_equal(
            crypto.aead_open(NULL, sfe_slice_make(bytes, sizeof(bytes)), &keys[i], &world->err),
            SFE_OK);
    }
    world->options.crypto = &crypto;
}

static void close_keys(void)
{
    crypto.aead_close(NULL, keys[0]);
    crypto.aead_close(NULL, keys[1]);
}

static size_t fill_payload(char *payload, const char *stream, uint64_t sequence, size_t size)
{
    memset(payload, 'x', size);
    int length = snprintf(payload, size, "%s %llu ", stream, (unsigned long long)sequence);
    assert_true(length > 0 && (size_t)length < size);
    payload[length] = 'x';
    return size;
}

static enum sfe_code put(struct world *world, size_t size)
{
    static char payload[LARGE];
    uint64_t sequence = 0;
    const uint64_t next = world->stream->stage.next_sequence;
    struct sfe_event event = {
        .flags = next % 3u == 0 ? SFE_EVENT_RETAINED : 0,
        .clock_quality = (uint8_t)world->quality,
        .identity_kind = next % 2u == 0 ? SFE_IDENTITY_GIVEN : SFE_IDENTITY_CONTENT,
        .received_ns = world->quality == SFE_CLOCK_UNSET ? (int64_t)world->now_ns : world->wall_ns,
        .source = SFE_TEXT("tills"),
        .topic = SFE_TEXT("pos/7/sale"),
        .annotation = strcmp(world->options.name, "dead") == 0
                          ? SFE_TEXT("{\"reason\":\"SFE-API\",\"stream\":\"plain\"}")
                          : SFE_TEXT(""),
    };

    event.identity.bytes[0] = (uint8_t)next;
    event.payload = sfe_slice_make(payload, fill_payload(payload, world->options.name, next, size));
    const enum sfe_code code = sfe_stream_stage(world->stream, &event, &sequence, &world->err);
    assert_true(code != SFE_OK || sequence == next);
    return code;
}

static void put_frames(struct world *world, uint32_t frames, uint32_t events, size_t size)
{
    for (uint32_t i = 0; i < frames; i++) {
        for (uint32_t n = 0; n < events; n++) {
            assert_int_equal(put(world, size), SFE_OK);
        }
        assert_int_equal(sfe_stream_commit(world->stream, world->now_ns, &world->err), SFE_OK);
        world->now_ns += 10000000u;
    }
}

static void start_stream(struct world *world, const char *name, uint64_t quota_segments,
                         enum sfe_stream_when_full when_full)
{
    world_stop(world);
    world->options.name = name;
    world->options.quota_bytes = quota_segments * WORLD_SEGMENT_BYTES;
    world->options.when_full = when_full;
    world->options.is_encrypted = strcmp(name, "sealed") == 0;
    world->options.keys = keys;
    world->options.key_count = world->options.is_encrypted ? 2 : 0;
    world_must_start(world);
}

static void make_plain(struct world *world)
{
    start_stream(world, "plain", 64, SFE_STREAM_BLOCK);
    put_frames(world, 2, 3, 60);
    world_restart(world);
    put_frames(world, 3, 2, 300);
    world->quality = SFE_CLOCK_UNSET;
    world_restart(world);
    put_frames(world, 1, 6, 60);
    world->quality = SFE_CLOCK_SYNCED;
}

/* The key was changed in between. */
static void make_sealed(struct world *world)
{
    start_stream(world, "sealed", 64, SFE_STREAM_BLOCK);
    world_stop(world);
    world->options.keys = keys + 1;
    world->options.key_count = 1;
    world_must_start(world);
    put_frames(world, 2, 3, 60);
    start_stream(world, "sealed", 64, SFE_STREAM_BLOCK);
    put_frames(world, 2, 3, 60);
}

/* Full; two are dropped as they come; then there is room again. */
static void make_newest(struct world *world)
{
    start_stream(world, "newest", 3, SFE_STREAM_DROP_NEWEST);
    put_frames(world, 28, 1, LARGE - 200u);
    const uint64_t second = table_find(&world->stream->table, 2)->first_sequence;
    for (uint32_t i = 0; world_facts(world).dropped_events < 2u; i++) {
        assert_true(i < 10u);
        put_frames(world, 1, 1, LARGE - 200u);
    }
    assert_int_equal(sfe_stream_release(world->stream, second, &world->err), SFE_OK);
    put_frames(world, 1, 1, 60);
}

static void make_oldest(struct world *world)
{
    start_stream(world, "oldest", 2, SFE_STREAM_DROP_OLDEST);
    put_frames(world, 60, 1, LARGE - 200u);
}

static void save_cursors(struct world *world)
{
    struct sfe_cursor cursors[2] = {
        {.name = BY_OUTPUT, .sequence = 4, .range_count = 1, .ranges = {{6, 8}}},
        {.name = "dead/by-hand", .sequence = 1, .range_count = 1, .ranges = {{2, 3}}}};
    struct sfe_cursor_mark marks[STREAMS] = {{.durable = 0}};
    struct sfe_cursor_log *log = NULL;
    struct sfe_arena *arena = NULL;

    for (uint32_t i = 0; i < STREAMS; i++) {
        (void)snprintf(marks[i].stream, sizeof(marks[i].stream), "%s", SET[i].stream);
        marks[i].durable = SET[i].durable;
    }
    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &arena, &world->err), SFE_OK);
    assert_int_equal(sfe_cursor_log_open(&world->memory->storage, &world->entropy, CURSORS_MAX,
                                         MARKS_MAX, arena, &log, &world->err),
                     SFE_OK);
    assert_int_equal(sfe_cursor_log_save(log, cursors, 2, marks, STREAMS, &world->err), SFE_OK);
    sfe_cursor_log_close(log);
    sfe_arena_close(arena);
}

static void make_set(struct world *world)
{
    const struct sfe_boot_times none = {.count = 0};
    struct sfe_boot_time boot = {.wall_minus_monotonic_ns = OFFSET_NS};

    make_plain(world);
    make_sealed(world);
    make_newest(world);
    make_oldest(world);
    start_stream(world, "dead", 64, SFE_STREAM_BLOCK);
    put_frames(world, 1, 3, 60);
    world_stop(world);
    save_cursors(world);
    memset(boot.boot_id, world->boot, sizeof(boot.boot_id));
    assert_int_equal(
        sfe_boot_times_save(&world->memory->storage, &none, &boot, OFFSET_NS, &world->err), SFE_OK);
}

static void check_event(const struct expected *expected, const struct sfe_event *event)
{
    static char payload[LARGE];

    assert_true(event->payload.size <= sizeof(payload));
    (void)fill_payload(payload, expected->stream, event->sequence, event->payload.size);
    assert_memory_equal(event->payload.bytes, payload, event->payload.size);
    assert_true(sfe_slice_equal(event->source, SFE_TEXT("tills")));
    assert_true(sfe_slice_equal(event->topic, SFE_TEXT("pos/7/sale")));
    assert_int_equal(event->flags, event->sequence % 3u == 0 ? SFE_EVENT_RETAINED : 0);
    assert_int_equal(event->identity_kind,
                     event->sequence % 2u == 0 ? SFE_IDENTITY_GIVEN : SFE_IDENTITY_CONTENT);
    if (event->identity_kind == SFE_IDENTITY_GIVEN) {
        assert_int_equal(event->identity.bytes[0], event->sequence);
    }
    assert_int_equal(event->annotation.size != 0, strcmp(expected->stream, "dead") == 0);
}

static void check_time(const struct world *world, const struct expected *expected,
                       const struct sfe_event *event, int64_t time_ns)
{
    if (strcmp(expected->stream, "plain") == 0 && event->sequence >= UNSET_FROM) {
        assert_int_equal(event->clock_quality, SFE_CLOCK_UNSET);
        assert_true(time_ns > OFFSET_NS && time_ns == event->received_ns + OFFSET_NS);
        return;
    }
    assert_int_equal(event->clock_quality, SFE_CLOCK_SYNCED);
    assert_int_equal(time_ns, world->wall_ns);
}

/* As the tools read it: nothing is opened for writing. */
static void check_walk(struct world *world, const struct expected *expected)
{
    const struct sfe_stream_walk_options options = {.storage = &world->memory->storage,
                                                    .name = expected->stream,
                                                    .known_durable = expected->durable,
                                                    .crypto = &crypto,
                                                    .keys = keys,
                                                    .key_count = 2};
    struct sfe_stream_walk *walk = NULL;
    struct sfe_stream_walk_facts facts;
    struct sfe_arena *arena = NULL;
    struct sfe_event event;
    uint64_t count = 0;

    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &arena, &world->err), SFE_OK);
    assert_int_equal(sfe_stream_walk_open(&options, arena, &walk, &world->err), SFE_OK);
    while (sfe_stream_walk_next(walk, &event, &world->err) == SFE_OK) {
        check_event(expected, &event);
        count++;
    }
    sfe_stream_walk_facts(walk, &facts);
    assert_int_equal(count, expected->count);
    assert_int_equal(facts.lost + facts.undecodable + facts.locked, 0);
    assert_false(facts.end_is_damaged);
    assert_true(expected->segments == 0 || facts.segments == expected->segments);
    sfe_stream_walk_close(walk);
    sfe_arena_close(arena);
}

static void check_stream(struct world *world, const struct expected *expected)
{
    struct sfe_event event;
    int64_t time_ns = 0;
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t count = 0;

    check_walk(world, expected);
    world->options.known_durable = expected->durable;
    world->options.boot_times = &boot_times;
    start_stream(world, expected->stream, 64, SFE_STREAM_BLOCK);
    assert_int_equal(world->recovery.lost_events, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    sfe_stream_reader_seek(world->reader, 1);
    while (sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err) == SFE_OK) {
        check_event(expected, &event);
        check_time(world, expected, &event, time_ns);
        first = first == 0 ? event.sequence : first;
        last = event.sequence;
        count++;
    }
    assert_int_equal(first, expected->first);
    assert_int_equal(last, expected->last);
    assert_int_equal(count, expected->count);
    assert_int_equal(sfe_stream_durable(world->stream), expected->durable);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
    assert_int_equal(world_facts(world).dropped_events, expected->dropped);
    /* And it goes on from there. */
    put_frames(world, 1, 1, 60);
    assert_int_equal(sfe_stream_durable(world->stream), expected->durable + 1u);
    world_stop(world);
}

static void check_cursors(struct world *world)
{
    struct sfe_cursor_log *log = NULL;
    struct sfe_arena *arena = NULL;

    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &arena, &world->err), SFE_OK);
    assert_int_equal(sfe_cursor_log_open(&world->memory->storage, &world->entropy, CURSORS_MAX,
                                         MARKS_MAX, arena, &log, &world->err),
                     SFE_OK);
    const struct sfe_cursor *cursor = sfe_cursor_log_find(log, BY_OUTPUT);
    assert_non_null(cursor);
    assert_int_equal(cursor->sequence, 4);
    assert_int_equal(cursor->range_count, 1);
    assert_int_equal(cursor->ranges[0].begin, 6);
    assert_int_equal(cursor->ranges[0].end, 8);
    cursor = sfe_cursor_log_find(log, "dead/by-hand");
    assert_non_null(cursor);
    assert_int_equal(cursor->ranges[0].begin, DEAD_SETTLED);
    for (uint32_t i = 0; i < STREAMS; i++) {
        const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(log, SET[i].stream);
        assert_non_null(mark);
        assert_int_equal(mark->durable, SET[i].durable);
    }
    sfe_cursor_log_close(log);
    sfe_arena_close(arena);
}

static void check_set(struct world *world)
{
    world->boot = OTHER_BOOT;
    assert_int_equal(sfe_boot_times_load(&world->memory->storage, &boot_times, &world->err),
                     SFE_OK);
    assert_int_equal(boot_times.count, 1);
    check_cursors(world);
    for (uint32_t i = 0; i < STREAMS; i++) {
        check_stream(world, &SET[i]);
    }
}

/* The source's own folder, from the path that the compiler was given. */
static void path_of(char path[PATH_BYTES], const char *folder, const char *name)
{
    const char *slash = strrchr(__FILE__, '/');
    int size;

    if (folder[0] == '/') {
        size = snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    } else {
        assert_non_null(slash);
        size = snprintf(path, PATH_BYTES, "%.*s/formats/%s/%s", (int)(slash - __FILE__), __FILE__,
                        folder, name);
    }
    assert_true(size > 0 && size < (int)PATH_BYTES);
}

static void load_file(struct world *world, const char *folder, const char *name)
{
    static uint8_t content[FILE_MAX];
    char path[PATH_BYTES];
    struct sfe_storage *storage = &world->memory->storage;
    struct sfe_file *file = NULL;

    path_of(path, folder, name);
    FILE *source = fopen(path, "rb");
    assert_non_null(source);
    const struct sfe_slice part =
        sfe_slice_make(content, fread(content, 1, sizeof(content), source));
    assert_int_equal(fclose(source), 0);
    assert_true(part.size > 0 && part.size < sizeof(content));
    assert_int_equal(storage->open(storage->context, name, SFE_STORAGE_CREATE, &file, &world->err),
                     SFE_OK);
    assert_int_equal(storage->write(storage->context, file, 0, &part, 1, &world->err), SFE_OK);
    assert_int_equal(storage->sync(storage->context, file, &world->err), SFE_OK);
    storage->close(storage->context, file);
}

static void load_set(struct world *world, const char *folder)
{
    char path[PATH_BYTES];
    const struct dirent *entry;
    uint32_t count = 0;

    path_of(path, folder, "");
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            load_file(world, folder, entry->d_name);
            count++;
        }
    }
    assert_int_equal(closedir(directory), 0);
    assert_true(count > STREAMS);
    assert_int_equal(world->memory->storage.sync_directory(world->memory, &world->err), SFE_OK);
}

/* Preallocated pages that hold nothing are left out. */
static bool write_file(void *visitor, const char *name, uint64_t size)
{
    static const uint8_t none[SFE_PAGE_BYTES];
    const char *folder = ((const char **)visitor)[1];
    struct world *world = ((struct world **)visitor)[0];
    const struct memory_inode *inode = memory_file(world->memory, name);
    char path[PATH_BYTES];

    (void)size;
    assert_non_null(inode);
    size_t end = inode->seen_size;
    while (end % SFE_PAGE_BYTES == 0 && end > 0 &&
           memcmp(inode->seen + end - SFE_PAGE_BYTES, none, SFE_PAGE_BYTES) == 0) {
        end -= SFE_PAGE_BYTES;
    }
    if (end == 0) {
        return true; /* A spare file. */
    }
    path_of(path, folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(inode->seen, 1, end, file), end);
    assert_int_equal(fclose(file), 0);
    return true;
}

static struct world *begin_world(void)
{
    struct world *world = world_open(1);

    open_keys(world);
    return world;
}

static void end_world(struct world *world)
{
    world_close(world);
    close_keys();
}

static void files_of_version_1_are_read(void **state)
{
    struct world *world = begin_world();

    (void)state;
    load_set(world, "v1");
    check_set(world);
    end_world(world);
}

static void what_is_written_today_is_read_in_the_same_way(void **state)
{
    struct world *world = begin_world();

    (void)state;
    make_set(world);
    check_set(world);
    end_world(world);
}

/* What the release before this one reads. A version rises here one release after it rose in the
 * code that reads it; until then nothing may be written with it. */
static const struct {
    const char *magic;
    uint32_t version_at;
    uint32_t version;
    bool is_on_any_page;
} READ_BEFORE[] = {
    {"SFESEGM\n", 8, 2, false},
    {"SFECURS\n", 8, 1, false},
    {"SFEB", 4, 2, false},
    {"SFEF", 4, 2, true},
};
#define KINDS (sizeof(READ_BEFORE) / sizeof(READ_BEFORE[0]))

struct seen_versions {
    struct world *world;
    uint32_t files[KINDS];
};

static bool see_versions(void *visitor, const char *name, uint64_t size)
{
    struct seen_versions *seen = visitor;
    const struct memory_inode *inode = memory_file(seen->world->memory, name);

    (void)size;
    assert_non_null(inode);
    for (size_t at = 0; at + 16u <= inode->seen_size; at += SFE_PAGE_BYTES) {
        for (size_t i = 0; i < KINDS; i++) {
            const uint8_t *page = inode->seen + at;
            if ((at != 0 && !READ_BEFORE[i].is_on_any_page) ||
                memcmp(page, READ_BEFORE[i].magic, strlen(READ_BEFORE[i].magic)) != 0) {
                continue;
            }
            seen->files[i]++;
            assert_in_range(page[READ_BEFORE[i].version_at], 1, READ_BEFORE[i].version);
        }
    }
    return true;
}

static void nothing_is_written_that_the_release_before_could_not_read(void **state)
{
    struct seen_versions seen = {.world = begin_world()};

    (void)state;
    make_set(seen.world);
    assert_int_equal(
        seen.world->memory->storage.list(seen.world->memory, see_versions, &seen, &seen.world->err),
        SFE_OK);
    for (size_t i = 0; i < KINDS; i++) {
        assert_true(seen.files[i] != 0);
    }
    end_world(seen.world);
}

static void write_set(void **state)
{
    struct world *world = begin_world();
    void *visitor[] = {world, *state};

    make_set(world);
    assert_int_equal(world->memory->storage.list(world->memory, write_file, visitor, &world->err),
                     SFE_OK);
    end_world(world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_version_1_are_read),
        cmocka_unit_test(what_is_written_today_is_read_in_the_same_way),
        cmocka_unit_test(nothing_is_written_that_the_release_before_could_not_read),
    };

    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        const struct CMUnitTest writing[] = {cmocka_unit_test_prestate(write_set, argv[2])};
        return cmocka_run_group_tests(writing, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
