/* Crashes: at every call that changes something, many states of the medium that a power cut there
 * may leave are recovered from, on copies, while the run itself goes on. */
#include "flash.h"

#include <stdlib.h>
#include <string.h>

/* Of more unsynced things than this, not every subset is tried. */
#define EXHAUSTIVE_BITS 5u
#define DRAWN_STATES    4u

struct mix {
    uint32_t append; /* In parts of the sum. */
    uint32_t dead;
    uint32_t save;
    uint32_t settle; /* A save to the end. */
    uint32_t read;
    uint32_t reopen;
    uint32_t events_max;
};

struct tester {
    struct flash *flash;
    struct sim_random random;
    const struct mix *mix;
    uint32_t skip_permille; /* Of the calls, so many are passed over. */
};

static void step(struct flash *flash, const struct mix *mix)
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
static void begin_copy(const struct tester *tester, struct flash *copy, struct sim_storage *storage,
                       struct flash_books *books, uint64_t seed)
{
    flash_begin(copy, tester->flash->run, storage, books, seed);
    copy->quota_bytes = tester->flash->quota_bytes;
    copy->leniency = tester->flash->leniency;
    if (sim_storage_failed_reads(storage) > 0 || sim_storage_forgotten(storage) > 0) {
        copy->leniency.may_be_alarmed = true;
    }
}

/* Goes on with a copy, crashes it again, and looks at what is left then. `recovers`: the second
 * crash comes while it still recovers from the first. */
static void crash_again(const struct tester *tester, struct sim_storage *storage, uint64_t seed,
                        bool recovers)
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
            step(&flash, tester->mix);
        }
        sim_storage_cut(storage, 0);
    }
    flash_close(&flash);
    struct sim_storage *left =
        sim_storage_after(storage, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed + 1u);
    struct flash again;
    begin_copy(tester, &again, left, books, seed + 2u);
    SIM_CHECK(run, flash_open(&again), "cannot be opened after a second crash");
    flash_check(&again);
    run->crash_states++;
    flash_end(&again);
    flash_end(&flash);
    free(books);
}

static void look_after(struct tester *tester, struct sim_cut cut)
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

static void look_here(struct tester *tester)
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
    struct tester *tester = owner;

    if (!sim_random_chance(&tester->random, tester->skip_permille)) {
        look_here(tester);
    }
}

static void begin(struct tester *tester, struct flash *flash, struct sim_run *run,
                  const struct mix *mix)
{
    struct flash_books *books = calloc(1, sizeof(*books));
    struct sim_storage *storage = sim_storage_open(run->seed);

    if (books == NULL) {
        abort();
    }
    flash_begin(flash, run, storage, books, run->seed);
    sim_storage_faults(storage)->gives_old_bytes = (run->seed & 1u) != 0;
    flash->leniency.may_be_alarmed = (run->seed & 1u) != 0;
    /* A spare file of cursors may show snapshots of a removed one: that costs repeats. */
    flash->leniency.cursor_may_go_back = (run->seed & 1u) != 0;
    *tester = (struct tester){
        .flash = flash,
        .random = sim_random_make(run->seed, 8),
        .mix = mix,
    };
}

static void end(struct flash *flash)
{
    sim_storage_watch(flash->storage, NULL, NULL);
    free(flash->books);
    flash->books = NULL;
    flash_end(flash);
}

static void play_mix(struct sim_run *run, const struct mix *mix, uint32_t skip_permille,
                     uint64_t quota_bytes)
{
    struct tester tester;
    struct flash flash;

    begin(&tester, &flash, run, mix);
    flash.quota_bytes = quota_bytes;
    tester.skip_permille = skip_permille;
    sim_storage_watch(flash.storage, on_change, &tester);
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        step(&flash, mix);
    }
    flash_settle_all(&flash);
    end(&flash);
}

static void play_append(struct sim_run *run)
{
    static const struct mix mix = {.append = 10, .save = 1, .read = 1, .events_max = 6};

    play_mix(run, &mix, 0, 12u * FLASH_SEGMENT_BYTES);
}

static void play_life(struct sim_run *run)
{
    static const struct mix mix = {
        .append = 10, .dead = 1, .save = 5, .settle = 1, .read = 4, .reopen = 1, .events_max = 8};

    play_mix(run, &mix, 300, 8u * FLASH_SEGMENT_BYTES);
}

/* Saves until the cursor log rolls on to new files. */
static void play_cursor(struct sim_run *run)
{
    static const struct mix mix = {.append = 2, .save = 20, .read = 1, .events_max = 4};

    play_mix(run, &mix, 700, 8u * FLASH_SEGMENT_BYTES);
}

/* Fill, be refused, drain, and fill again. */
static void play_quota(struct sim_run *run)
{
    static const struct mix mix = {.append = 16, .save = 1, .settle = 1, .events_max = 24};

    play_mix(run, &mix, 700, 4u * FLASH_SEGMENT_BYTES);
}

static void set_faults(struct flash *flash, enum sim_fault kind, uint32_t permille)
{
    struct sim_storage_faults *faults = sim_storage_faults(flash->storage);

    faults->kind = kind;
    faults->permille = permille;
    faults->read_permille = kind == SIM_FAULT_EIO ? permille / 8u : 0;
}

/* Bad times, in which calls fail, and good ones. */
static void play_faults(struct sim_run *run)
{
    static const struct mix mix = {
        .append = 10, .dead = 1, .save = 4, .settle = 1, .read = 2, .reopen = 1, .events_max = 8};
    static const enum sim_fault kinds[] = {SIM_FAULT_EIO, SIM_FAULT_EIO, SIM_FAULT_NO_SPACE,
                                           SIM_FAULT_READ_ONLY, SIM_FAULT_SHORT};
    struct tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 10u * FLASH_SEGMENT_BYTES;
    tester.skip_permille = 500;
    sim_storage_watch(flash.storage, on_change, &tester);
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        if (i % 6u == 0) {
            const uint32_t drawn = sim_random_below(&tester.random, 5);
            const uint32_t permille = sim_random_below(&tester.random, 600);
            set_faults(&flash, kinds[drawn], i % 12u == 0 ? permille : 0);
        }
        step(&flash, &mix);
    }
    flash_settle_all(&flash);
    end(&flash);
}

/* The medium is too small for the quota. */
static void play_full(struct sim_run *run)
{
    static const struct mix mix = {
        .append = 14, .save = 2, .settle = 1, .read = 1, .events_max = 16};
    struct tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 16u * FLASH_SEGMENT_BYTES;
    tester.skip_permille = 700;
    sim_storage_watch(flash.storage, on_change, &tester);
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    flash_save(&flash, true);
    sim_storage_faults(flash.storage)->capacity =
        (10u + sim_random_below(&tester.random, 10)) * FLASH_SEGMENT_BYTES;
    for (uint32_t i = 0; i < run->steps; i++) {
        step(&flash, &mix);
    }
    flash_settle_all(&flash);
    end(&flash);
}

static uint64_t play_once(struct sim_run *run, const struct mix *mix, enum sim_fault kind,
                          uint64_t at, uint64_t count)
{
    struct tester tester;
    struct flash flash;
    struct sim_storage_faults *faults;

    begin(&tester, &flash, run, mix);
    tester.random = sim_random_make(run->seed, at);
    tester.skip_permille = 950;
    faults = sim_storage_faults(flash.storage);
    faults->kind = kind;
    faults->at = at;
    faults->count = count;
    faults->read_at = kind == SIM_FAULT_EIO ? at : 0;
    sim_storage_watch(flash.storage, on_change, &tester);
    for (uint32_t i = 0; i < run->steps; i++) {
        step(&flash, mix);
    }
    look_here(&tester);
    const uint64_t calls = sim_storage_calls(flash.storage);
    flash_settle_all(&flash);
    look_here(&tester);
    end(&flash);
    return calls;
}

/* Every call fails once, in each way, alone or with those that follow it. */
static void play_nth(struct sim_run *run)
{
    static const struct mix mix = {
        .append = 8, .dead = 1, .save = 4, .settle = 1, .read = 2, .reopen = 1, .events_max = 12};
    static const enum sim_fault kinds[] = {SIM_FAULT_EIO, SIM_FAULT_NO_SPACE, SIM_FAULT_READ_ONLY,
                                           SIM_FAULT_SHORT};
    const uint64_t calls = play_once(run, &mix, SIM_FAULT_NONE, 0, 0);

    for (uint64_t at = 1; at <= calls; at++) {
        for (uint32_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
            (void)play_once(run, &mix, kinds[kind], at, 1u + at % 3u);
        }
    }
}

/* One bit of what is at rest flips. */
static void play_flip(struct sim_run *run)
{
    static const struct mix mix = {.append = 10, .dead = 1, .save = 2, .read = 1, .events_max = 8};
    static const char *const prefixes[] = {"sales", "sales", "dead", "cursors"};
    struct tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 24u * FLASH_SEGMENT_BYTES;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        step(&flash, &mix);
    }
    if ((run->seed & 2u) != 0) {
        flash_save(&flash, false); /* The marks cover all. */
    }
    flash_close(&flash);
    for (uint32_t i = 0; i < 100; i++) {
        const uint32_t which = sim_random_below(&tester.random, 4);
        const uint64_t seed = sim_random_next(&tester.random);
        char file[SIM_NAME_BYTES];
        uint64_t offset = 0;
        struct flash damaged;
        flash_begin(&damaged, run,
                    sim_storage_after(flash.storage, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed),
                    flash.books, seed);
        damaged.quota_bytes = flash.quota_bytes;
        damaged.leniency.may_damage = true;
        damaged.leniency.cursor_may_go_back = which == 3;
        if (sim_storage_flip_bit(damaged.storage, prefixes[which], file, &offset)) {
            SIM_CHECK(run, flash_open(&damaged), "cannot be opened after a bit flipped in %s",
                      file);
            flash_check(&damaged);
            run->crash_states++;
        }
        flash_end(&damaged);
    }
    end(&flash);
}

/* Some syncs say that they have, and have not. What is lost then cannot be helped; but nothing is
 * invented and nothing comes in another order. */
static void play_lie(struct sim_run *run)
{
    static const struct mix mix = {.append = 10, .save = 3, .events_max = 8};
    struct tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 24u * FLASH_SEGMENT_BYTES;
    flash.leniency.may_lose = true;
    tester.skip_permille = 800;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    set_faults(&flash, SIM_FAULT_LIE, 200);
    sim_storage_watch(flash.storage, on_change, &tester);
    for (uint32_t i = 0; i < run->steps; i++) {
        step(&flash, &mix);
    }
    end(&flash);
}

const struct sim_scenario sim_flash_scenarios[] = {
    {"append", play_append, 24, 24},  {"life", play_life, 40, 24},
    {"cursor", play_cursor, 160, 10}, {"quota", play_quota, 60, 10},
    {"faults", play_faults, 48, 16},  {"full", play_full, 60, 6},
    {"nth", play_nth, 14, 6},         {"flip", play_flip, 24, 2},
    {"lie", play_lie, 24, 2},
};
const uint32_t sim_flash_scenario_count =
    sizeof(sim_flash_scenarios) / sizeof(sim_flash_scenarios[0]);
