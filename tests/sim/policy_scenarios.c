/* Streams that drop, that are encrypted, that get new keys, and that were begun by an earlier
 * version; policies change where the process starts anew. One that changes while it runs (a reload)
 * has its place in `change`. */
#include "crash.h"

#include <string.h>

#define SEGMENTS(n) ((n) * (uint64_t)FLASH_SEGMENT_BYTES)

static void begin(struct crash_tester *tester, struct flash *flash, struct sim_run *run,
                  const struct crash_mix *mix, uint32_t skip_permille)
{
    crash_begin(tester, flash, run, mix);
    tester->skip_permille = skip_permille;
}

static void play_on(struct flash *flash, const struct crash_mix *mix, uint32_t steps)
{
    SIM_CHECK(flash->run, flash->arena != NULL || flash_open(flash),
              "cannot be opened though nothing fails");
    for (uint32_t i = 0; i < steps; i++) {
        crash_step(flash, mix);
    }
}

/* The oldest make room for the newest, settled or not. */
static void play_drop_oldest(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 20, .dead = 1, .save = 1, .read = 2, .reopen = 1, .events_max = 20};
    struct crash_tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix, 800);
    flash.quota_bytes = SEGMENTS(2u + (uint32_t)(run->seed % 3u));
    flash.policy.when_full = SFE_STREAM_DROP_OLDEST;
    flash.policy.has_dropped_oldest = true;
    play_on(&flash, &mix, run->steps);
    flash_settle_all(&flash);
    crash_end(&flash);
}

/* What finds no room is counted, and room comes and goes. */
static void play_drop_newest(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 24, .dead = 1, .save = 2, .settle = 1, .read = 2, .reopen = 1, .events_max = 20};
    struct crash_tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix, 800);
    flash.quota_bytes = SEGMENTS(2u + (uint32_t)(run->seed % 3u));
    flash.policy.when_full = SFE_STREAM_DROP_NEWEST;
    play_on(&flash, &mix, run->steps);
    flash_settle_all(&flash);
    crash_end(&flash);
}

static bool look_into(void *visitor, const char *name, uint64_t size)
{
    struct flash *flash = visitor;
    static uint8_t bytes[4u * FLASH_SEGMENT_BYTES];
    const struct sfe_slice source = SFE_TEXT("tills");
    struct sfe_file *file = NULL;
    struct sfe_error err;
    size_t got = 0;

    if (strstr(name, ".seg") == NULL || size > sizeof(bytes)) {
        return true;
    }
    SIM_CHECK(flash->run,
              flash->port.open(flash->port.context, name, SFE_STORAGE_READ, &file, &err) == SFE_OK,
              "cannot open %s", name);
    (void)!flash->port.read(flash->port.context, file, 0, bytes, sizeof(bytes), &got, &err);
    flash->port.close(flash->port.context, file);
    SIM_CHECK(flash->run, memmem(bytes, got, source.bytes, source.size) == NULL,
              "%s holds an event in the clear", name);
    return true;
}

static void play_sealed(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 12, .dead = 2, .save = 4, .settle = 1, .read = 3, .reopen = 1, .events_max = 8};
    struct crash_tester tester;
    struct flash flash;
    struct sfe_error err;

    begin(&tester, &flash, run, &mix, 500);
    flash.quota_bytes = SEGMENTS(8);
    flash.policy.is_encrypted = true;
    flash.policy.key_count = 1;
    play_on(&flash, &mix, run->steps);
    flash_settle_all(&flash);
    SIM_CHECK(run, flash.port.list(flash.port.context, look_into, &flash, &err) == SFE_OK,
              "no list of files");
    crash_end(&flash);
}

/* What an operator may change between two runs. Keys are only added. */
static void change(struct crash_tester *tester)
{
    struct flash *flash = tester->flash;
    struct flash_policy *policy = &flash->policy;

    flash_close(flash);
    if (policy->key_count < FLASH_KEYS_MAX && sim_random_chance(&tester->random, 500)) {
        policy->key_count++;
    }
    policy->is_encrypted = policy->key_count > 0 && sim_random_chance(&tester->random, 700);
    policy->when_full = (enum sfe_stream_when_full)sim_random_below(&tester->random, 3);
    policy->has_dropped_oldest =
        policy->has_dropped_oldest || policy->when_full == SFE_STREAM_DROP_OLDEST;
    policy->is_older = false;
}

static void play_policies(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 14, .dead = 1, .save = 2, .settle = 1, .read = 2, .reopen = 1, .events_max = 16};
    struct crash_tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix, 800);
    flash.quota_bytes = SEGMENTS(4);
    for (uint32_t i = 0; i < 6; i++) {
        change(&tester);
        play_on(&flash, &mix, run->steps / 6u);
    }
    flash_settle_all(&flash);
    crash_end(&flash);
}

/* The one that recovers is always the new version; see crash.c. */
static void play_upgrade(struct sim_run *run)
{
    static const struct crash_mix mix = {
        .append = 12, .dead = 1, .save = 3, .read = 2, .reopen = 1, .events_max = 10};
    struct crash_tester tester;
    struct flash flash;

    begin(&tester, &flash, run, &mix, 500);
    flash.quota_bytes = SEGMENTS(8);
    flash.policy.is_older = true;
    play_on(&flash, &mix, run->steps / 2u);
    change(&tester);
    play_on(&flash, &mix, run->steps / 2u);
    flash_settle_all(&flash);
    crash_end(&flash);
}

const struct sim_scenario sim_policy_scenarios[] = {
    {"drop_oldest", play_drop_oldest, 60, 10}, {"drop_newest", play_drop_newest, 60, 10},
    {"sealed", play_sealed, 40, 10},           {"policies", play_policies, 60, 10},
    {"upgrade", play_upgrade, 36, 8},
};
const uint32_t sim_policy_scenario_count =
    sizeof(sim_policy_scenarios) / sizeof(sim_policy_scenarios[0]);
