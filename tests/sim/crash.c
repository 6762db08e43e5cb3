/* Crashes: at every call that changes something, many states of the medium that a power cut there
 * may leave are recovered from, on copies, while the run itself goes on. */
#include "crash.h"

#include <stdlib.h>

/* Of more unsynced things than this, not every subset is tried. */
#define EXHAUSTIVE_BITS 5u
#define DRAWN_STATES    4u

void crash_step(struct flash *flash, const struct crash_mix *mix)
{
    const uint32_t sum =
        mix->append + mix->dead + mix->save + mix->settle + mix->read + mix->reopen;
    uint32_t drawn = sim_random_below(&flash->world.random, sum);

    if (flash->arena == NULL) {
        (void)flash_open(flash);
    } else if (drawn < mix->append) {
        flash_append(flash, FLASH_SALES, mix->events_max);
    } else if ((drawn -= mix->append) < mix->dead) {
        flash_append(flash, FLASH_DEAD, 2);
    } else if ((drawn -= mix->dead) < mix->save) {
        flash_save(flash, false);
    } else if ((drawn -= mix->save) < mix->settle) {
        flash_save(flash, true);
    } else if ((drawn -= mix->settle) < mix->read) {
        flash_read_on(flash);
    } else {
        flash_reopen(flash);
    }
}

/* A machine like the one under test, around what is left of its medium. */
static void begin_copy(const struct crash_tester *tester, struct flash *copy,
                       struct sim_storage *storage, struct flash_books *books, uint64_t seed)
{
    flash_begin(copy, tester->flash->run, storage, books, seed);
    copy->quota_bytes = tester->flash->quota_bytes;
    copy->policy = tester->flash->policy;
    copy->policy.is_older = false;
    copy->world.seals = tester->flash->world.seals;
    copy->leniency = tester->flash->leniency;
    if (sim_storage_failed_reads(storage) > 0 || sim_storage_forgotten(storage) > 0) {
        copy->leniency.may_be_alarmed = true;
    }
}

/* Goes on with a copy, crashes it again, and looks at what is left then. `recovers`: the second
 * crash comes while it still recovers from the first. */
static void crash_again(const struct crash_tester *tester, struct sim_storage *storage,
                        uint64_t seed, bool recovers)
{
    struct sim_run *run = tester->flash->run;
    struct sim_random random = sim_random_make(seed, 9);
    struct flash_books *books = malloc(sizeof(*books));
    struct flash flash;

    if (books == NULL) {
        abort();
    }
    *books = *tester->flash->books;
    begin_copy(tester, &flash, storage, books, seed);
    if (recovers) {
        sim_storage_cut(storage, 1u + sim_random_below(&random, 5));
        if (flash_open(&flash)) {
            sim_storage_cut(storage, 0);
        }
    } else if (flash_open(&flash)) {
        sim_storage_cut(storage, 1u + sim_random_below(&random, 20));
        for (uint32_t i = 0; i < 6 && !sim_storage_is_off(storage); i++) {
            crash_step(&flash, tester->mix);
        }
        sim_storage_cut(storage, 0);
    }
    flash_close(&flash);
    struct sim_storage *left =
        sim_storage_after(storage, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed + 1u);
    struct flash again;
    begin_copy(tester, &again, left, books, seed + 2u);
    again.leniency.may_be_alarmed = again.leniency.may_be_alarmed || flash.leniency.may_be_alarmed;
    SIM_CHECK(run, flash_open(&again), "cannot be opened after a second crash");
    flash_check(&again);
    run->crash_states++;
    flash_end(&again);
    flash_end(&flash);
    free(books);
}

static void look_after(struct crash_tester *tester, struct sim_cut cut)
{
    struct sim_run *run = tester->flash->run;
    const uint64_t seed = sim_random_next(&tester->random);
    struct sim_storage *left = sim_storage_after(tester->flash->storage, cut, seed);
    struct flash flash;

    begin_copy(tester, &flash, left, tester->flash->books, seed);
    if (sim_random_chance(&tester->random, 150)) {
        crash_again(tester, sim_storage_after(tester->flash->storage, cut, seed), seed,
                    sim_random_chance(&tester->random, 500));
    }
    SIM_CHECK(run, flash_open(&flash), "cannot be opened after a crash");
    flash_check(&flash);
    run->crash_states++;
    flash_end(&flash);
}

void crash_look(struct crash_tester *tester)
{
    const struct sim_storage *storage = tester->flash->storage;
    const uint32_t unsynced = sim_storage_unsynced(storage);
    const uint32_t bits = unsynced < EXHAUSTIVE_BITS ? unsynced : EXHAUSTIVE_BITS;

    if (unsynced <= EXHAUSTIVE_BITS) {
        for (uint64_t kept = 0; kept < UINT64_C(1) << bits; kept++) {
            look_after(tester, (struct sim_cut){SIM_CUT_CHOSEN, kept});
        }
    } else {
        look_after(tester, (struct sim_cut){SIM_CUT_CHOSEN, 0});
        look_after(tester, (struct sim_cut){SIM_CUT_CHOSEN, UINT64_MAX});
    }
    const uint32_t drawn =
        unsynced == 0 ? 0 : tester->flash->run->density * (unsynced > bits ? 3u : 1u);
    for (uint32_t i = 0; i < drawn; i++) {
        look_after(tester, (struct sim_cut){.kind = SIM_CUT_DRAWN});
    }
    look_after(tester, (struct sim_cut){.kind = SIM_CUT_KILL});
}

static void on_change(void *owner)
{
    struct crash_tester *tester = owner;

    if (!sim_random_chance(&tester->random, tester->skip_permille)) {
        crash_look(tester);
    }
}

void crash_begin(struct crash_tester *tester, struct flash *flash, struct sim_run *run,
                 const struct crash_mix *mix)
{
    struct flash_books *books = calloc(1, sizeof(*books));
    struct sim_storage *storage = sim_storage_open(run->seed);

    if (books == NULL) {
        abort();
    }
    /* Large events cost most of the time: one run in five has them. */
    books->events = sim_events_open(run->seed % 5u != 1u);
    flash_begin(flash, run, storage, books, run->seed);
    flash->world.seals = sim_seals_open();
    sim_storage_faults(storage)->gives_old_bytes = (run->seed & 1u) != 0;
    flash->leniency.may_be_alarmed = (run->seed & 1u) != 0;
    /* A spare file of cursors may show snapshots of a removed one: that costs repeats. */
    flash->leniency.cursor_may_go_back = (run->seed & 1u) != 0;
    *tester = (struct crash_tester){
        .flash = flash,
        .random = sim_random_make(run->seed, 8),
        .mix = mix,
    };
    sim_storage_watch(storage, on_change, tester);
}

void crash_end(struct flash *flash)
{
    sim_storage_watch(flash->storage, NULL, NULL);
    sim_seals_close(flash->world.seals);
    sim_events_close(flash->books->events);
    free(flash->books);
    flash->books = NULL;
    flash_end(flash);
}
