/* A files input over a real folder in a scratch directory, streams in memory, and a clock that
 * stands still. Included by the tests of this folder, each a program of its own. */
#ifndef SFE_TESTS_UNIT_INPUT_FILES_WORLD_H
#define SFE_TESTS_UNIT_INPUT_FILES_WORLD_H

#include "input_world.h"

#include "input/files_parts.h"
#include "real_platform.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_EVENT_MAX 1024u

struct files_world {
    struct input_world *input;
    char root[64];
    char drop[80];
    char state[80];
    struct sfe_storage storage;
    struct sfe_files_source_options options;
    struct sfe_arena *arena;
    struct sfe_source source;
    unsigned flash_wakes;
};

static struct files_world files;

static inline void files_wake_flash(void *owner)
{
    ((struct files_world *)owner)->flash_wakes++;
}

static inline void files_wake_edge(void *owner)
{
    (void)owner;
}

/* The path of a name in the watched folder, or in a part of it. */
static inline const char *files_path(const char *name)
{
    static char path[512];
    const int length = snprintf(path, sizeof(path), "%s/%s", files.drop, name);

    assert_true(length > 0 && (size_t)length < sizeof(path));
    return path;
}

static inline bool files_has(const char *name)
{
    struct stat status;

    return lstat(files_path(name), &status) == 0;
}

static inline void files_write(const char *name, const char *how, const char *text)
{
    FILE *file = fopen(files_path(name), how);

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void files_drop(const char *name, const char *text)
{
    files_write(name, "w", text);
}

/* The text of a small file; NULL: there is none. */
static inline const char *files_text(const char *name)
{
    static char text[8192];
    FILE *file = fopen(files_path(name), "r");
    size_t size;

    if (file == NULL) {
        return NULL;
    }
    size = fread(text, 1, sizeof(text) - 1u, file);
    text[size] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

/* As options and folder are by now. */
static inline void files_begin(void)
{
    const struct sfe_intake_route route = {
        .input = "drop", .filter = "drop/#", .stream = &files.input->sales};
    const struct sfe_intake_options intake = {
        .routes = &route,
        .route_count = 1,
        .dead = &files.input->dead,
        .event_bytes_max = FILES_EVENT_MAX,
        .clock = &files.input->clock,
        .agent_id = "store-042",
    };
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(8u << 20, &files.arena, &err), SFE_OK);
    assert_int_equal(sfe_intake_open(&intake, files.arena, &files.options.intake, &err), SFE_OK);
    const size_t before = sfe_arena_taken(files.arena);
    assert_int_equal(sfe_files_source_open(&files.options, files.arena, &files.source, &err),
                     SFE_OK);
    assert_int_equal(sfe_arena_taken(files.arena) - before,
                     sfe_files_source_memory_bytes(&files.options));
}

/* What a kill leaves: nothing of ours but what is on flash. */
static inline void files_end(void)
{
    if (files.arena != NULL) {
        files.source.close(files.source.context);
        sfe_arena_close(files.arena);
        files.arena = NULL;
    }
}

static inline int files_open(void **state)
{
    struct sfe_error err;
    char template[] = "/tmp/sfedge-files-XXXXXX";

    if (world_open(state) != 0 || mkdtemp(template) == NULL) {
        return 1;
    }
    memset(&files, 0, sizeof(files));
    files.input = *state;
    files.input->now_ns = 100 * FILES_SECOND_NS;
    (void)snprintf(files.root, sizeof(files.root), "%s", template);
    (void)snprintf(files.drop, sizeof(files.drop), "%s/drop", files.root);
    (void)snprintf(files.state, sizeof(files.state), "%s/state", files.root);
    if (mkdir(files.drop, 0700) != 0 || mkdir(files.state, 0700) != 0 ||
        sfe_posix_storage_open(files.state, &files.storage, &err) != SFE_OK) {
        return 1;
    }
    files.options = (struct sfe_files_source_options){
        .input = "drop",
        .agent_id = "store-042",
        .directory = files.drop,
        .pattern = "*.csv",
        .format = FILE_CSV,
        .delimiter = ',',
        .done = "done",
        .failed = "failed",
        .keep_done = 1000,
        .keep_done_bytes = 1u << 20,
        .event_bytes_max = FILES_EVENT_MAX,
        .storage = &files.storage,
        .clock = &files.input->clock,
        .wake_flash = files_wake_flash,
        .wake_edge = files_wake_edge,
        .owner = &files,
    };
    return 0;
}

static inline int files_remove_one(const char *path, const struct stat *status, int kind,
                                   struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int files_close(void **state)
{
    files_end();
    sfe_posix_storage_close(&files.storage);
    (void)nftw(files.root, files_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return world_close(state);
}

static inline void files_turns(unsigned count)
{
    while (count-- != 0) {
        (void)files.source.turn(files.source.context, files.input->now_ns);
    }
}

/* Edge and flash in turns, time going on by `step_ns` each, all that is staged durable at once. */
static inline void files_run(unsigned count, uint64_t step_ns)
{
    while (count-- != 0) {
        files_turns(1);
        files.input->sales.durable = files.input->sales.staged;
        files.input->dead.durable = files.input->dead.staged;
        files.source.keep(files.source.context);
        files.input->now_ns += step_ns;
    }
}

static inline struct sfe_source_facts files_facts(void)
{
    struct sfe_source_facts facts;

    files.source.facts(files.source.context, &facts);
    return facts;
}

#define FILES_TEST(test) cmocka_unit_test_setup_teardown(test, files_open, files_close)

#endif
