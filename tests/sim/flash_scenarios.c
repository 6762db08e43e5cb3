#include "crash.h"

#include <stdlib.h>
#include <string.h>

static void play_mix(struct sim_run *run, const struct crash_mix *mix, uint32_t skip_permille,
                     uint64_t quota_bytes)
{
    struct crash_tester tester;
    struct flash flash;

    crash_begin(&tester, &flash, run, mix);
    flash.quota_bytes = quota_bytes;
    tester.skip_permille = skip_permille;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        crash_step(&flash, mix);
    }
    flash_settle_all(&flash);
    crash_end(&flash);
}

static void play_append(struct sim_run *run)
{
    static const struct crash_mix mix = {.append = 10, .save = 1, .read = 1, .events_max = 6};

    play_mix(run, &mix, 0, 12u * FLASH_SEGMENT_BYTES);
}

static void play_life(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 10, .dead = 1, .save = 5, .settle = 1, .read = 4, .reopen = 1, .events_max = 8};

    play_mix(run, &mix, 300, 8u * FLASH_SEGMENT_BYTES);
}

/* Saves until the cursor log rolls on to new files. */
static void play_cursor(struct sim_run *run)
{
    static const struct crash_mix mix = {.append = 2, .save = 20, .read = 1, .events_max = 4};

    play_mix(run, &mix, 700, 8u * FLASH_SEGMENT_BYTES);
}

/* Fill, be refused, drain, and fill again. */
static void play_quota(struct sim_run *run)
{
    static const struct crash_mix mix = {.append = 16, .save = 1, .settle = 1, .events_max = 24};

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
    static const struct crash_mix mix = {
        .append = 10, .dead = 1, .save = 4, .settle = 1, .read = 2, .reopen = 1, .events_max = 8};
    static const enum sim_fault kinds[] = {SIM_FAULT_EIO, SIM_FAULT_EIO, SIM_FAULT_NO_SPACE,
                                           SIM_FAULT_READ_ONLY, SIM_FAULT_SHORT};
    struct crash_tester tester;
    struct flash flash;

    crash_begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 10u * FLASH_SEGMENT_BYTES;
    tester.skip_permille = 500;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        if (i % 6u == 0) {
            const uint32_t drawn = sim_random_below(&tester.random, 5);
            const uint32_t permille = sim_random_below(&tester.random, 600);
            set_faults(&flash, kinds[drawn], i % 12u == 0 ? permille : 0);
        }
        crash_step(&flash, &mix);
    }
    flash_settle_all(&flash);
    crash_end(&flash);
}

/* The medium is too small for the quota. */
static void play_full(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 14, .save = 2, .settle = 1, .read = 1, .events_max = 16};
    struct crash_tester tester;
    struct flash flash;

    crash_begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 16u * FLASH_SEGMENT_BYTES;
    tester.skip_permille = 700;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    flash_save(&flash, true);
    sim_storage_faults(flash.storage)->capacity =
        (10u + sim_random_below(&tester.random, 10)) * FLASH_SEGMENT_BYTES;
    for (uint32_t i = 0; i < run->steps; i++) {
        crash_step(&flash, &mix);
    }
    flash_settle_all(&flash);
    crash_end(&flash);
}

static uint64_t play_once(struct sim_run *run, const struct crash_mix *mix, enum sim_fault kind,
                          uint64_t at, uint64_t count)
{
    struct crash_tester tester;
    struct flash flash;
    struct sim_storage_faults *faults;

    crash_begin(&tester, &flash, run, mix);
    tester.random = sim_random_make(run->seed, at);
    tester.skip_permille = 950;
    faults = sim_storage_faults(flash.storage);
    faults->kind = kind;
    faults->at = at;
    faults->count = count;
    faults->read_at = kind == SIM_FAULT_EIO ? at : 0;
    for (uint32_t i = 0; i < run->steps; i++) {
        crash_step(&flash, mix);
    }
    crash_look(&tester);
    const uint64_t calls = sim_storage_calls(flash.storage);
    flash_settle_all(&flash);
    crash_look(&tester);
    crash_end(&flash);
    return calls;
}

/* Every call fails once, in each way, alone or with those that follow it. */
static void play_nth(struct sim_run *run)
{
    static const struct crash_mix mix = {
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
    static const struct crash_mix mix = {
        .append = 10, .dead = 1, .save = 2, .read = 1, .events_max = 8};
    static const char *const prefixes[] = {"sales", "sales", "dead", "cursors"};
    struct crash_tester tester;
    struct flash flash;

    crash_begin(&tester, &flash, run, &mix);
    sim_storage_watch(flash.storage, NULL, NULL);
    flash.quota_bytes = 24u * FLASH_SEGMENT_BYTES;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    for (uint32_t i = 0; i < run->steps; i++) {
        crash_step(&flash, &mix);
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
    crash_end(&flash);
}

/* Some syncs say that they have, and have not. What is lost then cannot be helped; but nothing is
 * invented and nothing comes in another order. */
static void play_lie(struct sim_run *run)
{
    static const struct crash_mix mix = {.append = 10, .save = 3, .events_max = 8};
    struct crash_tester tester;
    struct flash flash;

    crash_begin(&tester, &flash, run, &mix);
    flash.quota_bytes = 24u * FLASH_SEGMENT_BYTES;
    flash.leniency.may_lose = true;
    tester.skip_permille = 800;
    SIM_CHECK(run, flash_open(&flash), "an empty medium cannot be opened");
    set_faults(&flash, SIM_FAULT_LIE, 200);
    for (uint32_t i = 0; i < run->steps; i++) {
        crash_step(&flash, &mix);
    }
    crash_end(&flash);
}

const struct sim_scenario sim_flash_scenarios[] = {
    {"append", play_append, 24, 24},  {"life", play_life, 40, 24},
    {"cursor", play_cursor, 160, 10}, {"quota", play_quota, 60, 10},
    {"faults", play_faults, 48, 16},  {"full", play_full, 60, 6},
    {"nth", play_nth, 14, 6},         {"flip", play_flip, 24, 8},
    {"lie", play_lie, 24, 2},
};
const uint32_t sim_flash_scenario_count =
    sizeof(sim_flash_scenarios) / sizeof(sim_flash_scenarios[0]);
