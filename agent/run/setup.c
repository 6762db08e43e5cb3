#include "run/setup.h"

#include "base/arena.h"
#include "base/assert.h"
#include "run/room.h"

/* What the largest configuration takes; pages that are not used cost nothing. */
#define TRIAL_BYTES_MAX (64u * 1024u * 1024u)
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

static enum sfe_code load_into(struct sfe_setup *setup, const char *path, sfe_config_report report,
                               void *reader, struct sfe_error *err)
{
    enum sfe_code code = sfe_config_load(path, setup->arena, report, reader, &setup->config, err);

    if (code != SFE_OK) {
        return code;
    }
    const bool fits = has_room(setup->config, report, reader);
    code = sfe_compile(setup->config, setup->arena, report, reader, &setup->compiled, err);
    return code == SFE_OK && !fits ? sfe_fail(err, SFE_E_CONFIG, "1 mistake in %s", path) : code;
}

/* How much it takes, found by doing it once. */
static enum sfe_code measure(const char *path, sfe_config_report report, void *reader,
                             size_t *bytes, struct sfe_error *err)
{
    struct sfe_setup trial = {0};
    enum sfe_code code = sfe_arena_open(TRIAL_BYTES_MAX, &trial.arena, err);

    if (code != SFE_OK) {
        return code;
    }
    code = load_into(&trial, path, report, reader, err);
    *bytes = sfe_arena_taken(trial.arena);
    sfe_compiled_wipe(&trial.compiled);
    sfe_arena_close(trial.arena);
    return code;
}

enum sfe_code sfe_setup_load(const char *path, sfe_config_report report, void *reader,
                             struct sfe_setup **setup, struct sfe_error *err)
{
    struct sfe_arena *arena = NULL;
    struct sfe_setup *made;
    size_t bytes = 0;
    enum sfe_code code = measure(path, report, reader, &bytes, err);

    *setup = NULL;
    if (code == SFE_OK) {
        code = sfe_arena_open(bytes + SPARE_BYTES, &arena, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    made = sfe_arena_take(arena, sizeof(*made), err);
    SFE_ASSERT(made != NULL);
    made->arena = arena;
    made->holders = 1;
    code = load_into(made, path, report, reader, err);
    if (code == SFE_E_NO_MEMORY) {
        code = sfe_fail(err, SFE_E_CONFIG, "%s changed while it was read; try again", path);
        report(reader, err);
    }
    if (code != SFE_OK) {
        sfe_setup_drop(made);
        return code;
    }
    *setup = made;
    return SFE_OK;
}

size_t sfe_setup_memory_bytes(const struct sfe_setup *setup)
{
    return sfe_arena_taken(setup->arena);
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
        sfe_arena_close(setup->arena);
    }
}
