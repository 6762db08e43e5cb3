#include "run/setup.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/process.h"
#include "run/room.h"
#include "trial/kept.h"

#include <string.h>

/* What the largest configuration takes; pages that are not used cost nothing. */
#define TRIAL_BYTES_MAX (64u * 1024u * 1024u)
/* Such a configuration, and its text. */
#define PRINT_BYTES_MAX (TRIAL_BYTES_MAX + SFE_TRIAL_TEXT_BYTES_MAX)
#define PATH_BYTES_MAX  1024u
/* For the setup itself. */
#define SPARE_BYTES 4096u

/* False, and reported, where agent.quota is too small. */
static bool has_room(const struct sfe_config *config, sfe_config_report report, void *reader)
{
    const struct sfe_config_place *place = &config->agent.quota_place;
    struct sfe_error err;

    if (sfe_room_check(config, &err) == SFE_OK) {
        return true;
    }
    (void)sfe_error_at(&err, place->file == NULL ? config->path : place->file,
                       place->pointer == NULL ? "" : place->pointer, place->line, place->column);
    report(reader, &err);
    return false;
}

/* Where a configuration is read from. */
struct source {
    const char *path;
    struct sfe_slice text; /* As it was printed; empty: the files of `path`. */
    sfe_config_report report;
    void *reader;
};

static enum sfe_code load_into(struct sfe_setup *setup, const struct source *from,
                               struct sfe_error *err)
{
    enum sfe_code code =
        from->text.size == 0
            ? sfe_config_load(from->path, setup->arena, from->report, from->reader, &setup->config,
                              err)
            : sfe_config_load_printed(from->path, from->text, setup->arena, from->report,
                                      from->reader, &setup->config, err);

    if (code != SFE_OK) {
        return code;
    }
    const bool fits = has_room(setup->config, from->report, from->reader);
    code =
        sfe_compile(setup->config, setup->arena, from->report, from->reader, &setup->compiled, err);
    return code == SFE_OK && !fits ? sfe_fail(err, SFE_E_CONFIG, "1 mistake in %s", from->path)
                                   : code;
}

/* How much it takes, found by doing it once; and whether its text is wanted. */
static enum sfe_code measure(const struct source *from, size_t *bytes, bool *is_printed,
                             struct sfe_error *err)
{
    struct sfe_setup trial = {0};
    enum sfe_code code = sfe_arena_open(TRIAL_BYTES_MAX, &trial.arena, err);

    if (code != SFE_OK) {
        return code;
    }
    code = load_into(&trial, from, err);
    *bytes = sfe_arena_taken(trial.arena);
    *is_printed = code == SFE_OK && trial.config->agent.confirm_within_ns != 0;
    sfe_compiled_wipe(&trial.compiled);
    sfe_arena_close(trial.arena);
    return code;
}

static enum sfe_code print_once(const char *path, struct sfe_arena **arena,
                                struct sfe_builder *text, struct sfe_error *err)
{
    enum sfe_code code = sfe_arena_open(PRINT_BYTES_MAX, arena, err);
    uint8_t *memory = code == SFE_OK ? sfe_arena_take(*arena, SFE_TRIAL_TEXT_BYTES_MAX, err) : NULL;

    *text = sfe_builder_make(memory, memory == NULL ? 0 : SFE_TRIAL_TEXT_BYTES_MAX);
    return memory == NULL ? err->code : sfe_config_print(path, *arena, text, err);
}

static enum sfe_code keep_printed(struct sfe_setup *setup, struct sfe_slice text,
                                  struct sfe_error *err)
{
    const size_t room_bytes = sfe_trial_room_bytes(text.size);
    enum sfe_code code =
        sfe_arena_open(text.size + room_bytes + SPARE_BYTES, &setup->printed_arena, err);

    if (code != SFE_OK) {
        return code;
    }
    uint8_t *kept = sfe_arena_take(setup->printed_arena, text.size, err);
    uint8_t *room = sfe_arena_take(setup->printed_arena, room_bytes, err);
    SFE_ASSERT(kept != NULL && room != NULL);
    memcpy(kept, text.bytes, text.size);
    setup->printed = sfe_slice_make(kept, text.size);
    setup->room = sfe_builder_make(room, room_bytes);
    return SFE_OK;
}

static enum sfe_code fail_changed(const struct source *from, struct sfe_error *err)
{
    (void)sfe_fail(err, SFE_E_CONFIG, "%s changed while it was read; try again", from->path);
    from->report(from->reader, err);
    return err->code;
}

static enum sfe_code make(const struct source *from, size_t bytes, struct sfe_setup **setup,
                          struct sfe_error *err)
{
    struct sfe_arena *arena = NULL;
    enum sfe_code code = sfe_arena_open(bytes + SPARE_BYTES, &arena, err);

    if (code != SFE_OK) {
        return code;
    }
    struct sfe_setup *made = sfe_arena_take(arena, sizeof(*made), err);
    SFE_ASSERT(made != NULL);
    made->arena = arena;
    made->holders = 1;
    code = load_into(made, from, err);
    if (code == SFE_E_NO_MEMORY) {
        code = fail_changed(from, err);
    }
    if (code != SFE_OK) {
        sfe_setup_drop(made);
        return code;
    }
    *setup = made;
    return SFE_OK;
}

/* What is kept must be what runs: the text before the load and behind it is the same. */
static enum sfe_code make_printed(const struct source *from, size_t bytes, struct sfe_setup **setup,
                                  struct sfe_error *err)
{
    struct sfe_arena *arenas[2] = {NULL, NULL};
    struct sfe_builder before;
    struct sfe_builder after;
    enum sfe_code code = print_once(from->path, &arenas[0], &before, err);

    if (code == SFE_OK) {
        code = make(from, bytes, setup, err);
    }
    if (code == SFE_OK) {
        code = print_once(from->path, &arenas[1], &after, err);
    }
    if (code == SFE_OK && !sfe_slice_equal(sfe_builder_slice(&before), sfe_builder_slice(&after))) {
        code = fail_changed(from, err);
    }
    if (code == SFE_OK) {
        code = keep_printed(*setup, sfe_builder_slice(&after), err);
    }
    sfe_arena_close(arenas[0]);
    sfe_arena_close(arenas[1]);
    if (code != SFE_OK) {
        sfe_setup_drop(*setup);
        *setup = NULL;
    }
    return code;
}

enum sfe_code sfe_setup_load(const char *path, sfe_config_report report, void *reader,
                             struct sfe_setup **setup, struct sfe_error *err)
{
    struct source from = {path, SFE_TEXT(""), report, reader};
    char memory[PATH_BYTES_MAX];
    struct sfe_builder absolute = sfe_builder_make(memory, sizeof(memory) - 1u);
    size_t bytes = 0;
    bool is_printed = false;
    enum sfe_code code = measure(&from, &bytes, &is_printed, err);

    *setup = NULL;
    if (code != SFE_OK || !is_printed) {
        return code == SFE_OK ? make(&from, bytes, setup, err) : code;
    }
    /* As its text has them: paths are compared. */
    code = sfe_process_add_absolute_path(path, &absolute, err);
    if (code == SFE_OK && absolute.overflowed) {
        code = sfe_fail(err, SFE_E_TOO_LARGE, "the path of the configuration is too long");
    }
    memory[absolute.size] = '\0';
    from.path = memory;
    code = code == SFE_OK ? measure(&from, &bytes, &is_printed, err) : code;
    return code == SFE_OK ? make_printed(&from, bytes, setup, err) : code;
}

enum sfe_code sfe_setup_load_printed(const char *path, struct sfe_slice text,
                                     sfe_config_report report, void *reader,
                                     struct sfe_setup **setup, struct sfe_error *err)
{
    const struct source from = {path, text, report, reader};
    size_t bytes = 0;
    bool is_printed = false;
    enum sfe_code code = measure(&from, &bytes, &is_printed, err);

    *setup = NULL;
    if (code == SFE_OK) {
        code = make(&from, bytes, setup, err);
    }
    if (code == SFE_OK && keep_printed(*setup, text, err) != SFE_OK) {
        sfe_setup_drop(*setup);
        *setup = NULL;
        code = err->code;
    }
    return code;
}

size_t sfe_setup_memory_bytes(const struct sfe_setup *setup)
{
    return sfe_arena_taken(setup->arena) +
           (setup->printed_arena == NULL ? 0 : sfe_arena_taken(setup->printed_arena));
}

struct sfe_setup *sfe_setup_hold(struct sfe_setup *setup)
{
    SFE_ASSERT(setup->holders > 0);
    setup->holders++;
    return setup;
}

void sfe_setup_drop(struct sfe_setup *setup)
{
    if (setup == NULL) {
        return;
    }
    SFE_ASSERT(setup->holders > 0);
    if (--setup->holders == 0) {
        sfe_compiled_wipe(&setup->compiled);
        sfe_arena_close(setup->printed_arena);
        sfe_arena_close(setup->arena);
    }
}
