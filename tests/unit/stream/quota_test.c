#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

#define SEGMENT ((uint64_t)WORLD_SEGMENT_BYTES)
#define COUNT   3u

/* Three streams of one agent: sales that block and go first, telemetry that drops its oldest, a log
 * that drops its newest. */
enum { SALES, TELEMETRY, LOG };

struct site {
    struct world *world; /* Its flash, clock and books of nothing. */
    struct sfe_arena *arena;
    struct sfe_quota *quota;
    struct sfe_stream *streams[COUNT];
    uint64_t taken[COUNT];
    uint64_t random;
};

static const struct sfe_quota_share shares[COUNT] = {
    {8 * SEGMENT, WORLD_SEGMENT_BYTES, 1},
    {64 * SEGMENT, WORLD_SEGMENT_BYTES, 0},
    {64 * SEGMENT, WORLD_SEGMENT_BYTES, 0},
};

static void site_start(struct site *site, uint64_t quota_bytes)
{
    static const char *const names[COUNT] = {"sales", "telemetry", "log"};
    static const enum sfe_stream_when_full when_full[COUNT] = {
        SFE_STREAM_BLOCK, SFE_STREAM_DROP_OLDEST, SFE_STREAM_DROP_NEWEST};
    struct sfe_stream_recovery recovery;
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &site->arena, &err), SFE_OK);
    assert_int_equal(sfe_quota_open(quota_bytes, shares, COUNT, site->arena, &site->quota, &err),
                     SFE_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct sfe_stream_options options = site->world->options;
        options.name = names[i];
        options.quota_bytes = shares[i].quota_bytes;
        options.when_full = when_full[i];
        options.quota = site->quota;
        options.quota_share = i;
        assert_int_equal(sfe_stream_open(&options, site->arena, &site->streams[i], &recovery, &err),
                         SFE_OK);
        assert_int_equal(recovery.lost_events, 0);
        assert_int_equal(recovery.damaged_places, 0);
    }
}

static void site_stop(struct site *site)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        sfe_stream_close(site->streams[i]);
    }
    sfe_arena_close(site->arena);
}

static int begin(void **state)
{
    struct site *site = calloc(1, sizeof(*site));
    site->world = world_open(3);
    site->random = 3;
    site_start(site, 20 * SEGMENT);
    *state = site;
    return 0;
}

static int end(void **state)
{
    struct site *site = *state;
    site_stop(site);
    world_close(site->world);
    free(site);
    return 0;
}

static uint64_t flash_bytes(struct site *site)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct sfe_stream_facts facts;
        sfe_stream_facts(site->streams[i], &facts);
        bytes += facts.flash_bytes;
    }
    return bytes;
}

static struct sfe_stream_facts facts_of(struct site *site, uint32_t index)
{
    struct sfe_stream_facts facts;
    sfe_stream_facts(site->streams[index], &facts);
    return facts;
}

static enum sfe_code commit(struct site *site, uint32_t index)
{
    struct sfe_error err;
    enum sfe_code code = sfe_stream_commit(site->streams[index], site->world->now_ns, &err);
    site->world->now_ns += 10000000u;
    for (uint32_t i = 0; i < COUNT; i++) {
        sfe_stream_share(site->streams[i]);
    }
    return code;
}

/* One event of 1,000 bytes; where the stage is in the way, what is in it goes to flash first. */
static enum sfe_code put(struct site *site, uint32_t index)
{
    static const uint8_t payload[1000] = {1, 2, 3};
    const struct sfe_event event = {.received_ns = 1,
                                    .source = SFE_TEXT("a"),
                                    .topic = SFE_TEXT("b"),
                                    .payload = {payload, sizeof(payload)}};
    uint64_t sequence = 0;
    struct sfe_error err;
    enum sfe_code code = sfe_stream_stage(site->streams[index], &event, &sequence, &err);

    if (code == SFE_E_FULL) {
        (void)commit(site, index);
        code = sfe_stream_stage(site->streams[index], &event, &sequence, &err);
    }
    site->taken[index] += code == SFE_OK;
    return code;
}

/* Puts and commits until the stream takes no more, or `most` events were taken. */
static uint32_t fill(struct site *site, uint32_t index, uint32_t most)
{
    uint32_t count = 0;
    while (count < most && put(site, index) == SFE_OK) {
        count++;
        if (count % 7 == 0) {
            (void)commit(site, index);
        }
        assert_true(flash_bytes(site) <= 21 * SEGMENT);
    }
    (void)commit(site, index);
    return count;
}

static void what_is_kept_for_a_higher_priority_cannot_be_claimed(void **state)
{
    struct site *site = *state;
    /* 20 - 8 of sales - 2 of the log. */
    assert_int_equal(sfe_quota_limit(site->quota, TELEMETRY), 10 * SEGMENT);
    assert_int_equal(sfe_quota_limit(site->quota, SALES), 16 * SEGMENT);
    assert_int_equal(sfe_quota_claim(site->quota, TELEMETRY, 9 * SEGMENT, 5), 1);
    assert_int_equal(sfe_quota_claim(site->quota, TELEMETRY, 12 * SEGMENT, 5), 0);
    assert_int_equal(sfe_quota_limit(site->quota, SALES), 6 * SEGMENT);
    const uint64_t returns = sfe_quota_returns(site->quota);
    assert_int_equal(sfe_quota_claim(site->quota, TELEMETRY, 0, 5), 2);
    assert_int_equal(sfe_quota_returns(site->quota), returns + 1);
    assert_int_equal(sfe_quota_claim(site->quota, TELEMETRY, 0, 1), 1);
}

static void the_least_quota_has_room_for_each_beside_what_is_kept(void **state)
{
    (void)state;
    assert_int_equal(sfe_quota_bytes_min(shares, COUNT, SALES), (4 + 2 + 2) * SEGMENT);
    assert_int_equal(sfe_quota_bytes_min(shares, COUNT, LOG), (4 + 8 + 2) * SEGMENT);
}

static void telemetry_that_fills_up_leaves_sales_its_room(void **state)
{
    struct site *site = *state;
    assert_int_equal(fill(site, TELEMETRY, 2000), 2000);
    assert_int_equal(fill(site, LOG, 2000), 2000);
    assert_true(facts_of(site, TELEMETRY).dropped_events > 1000);
    assert_true(facts_of(site, LOG).dropped_events > 1000);
    assert_true(facts_of(site, TELEMETRY).flash_bytes <= 10 * SEGMENT);
    assert_true(flash_bytes(site) <= 12 * SEGMENT);
    /* Nearly 8 segments of 64 KiB: some 50 events each. */
    const uint32_t sales = fill(site, SALES, 2000);
    assert_true(sales > 350 && sales < 2000);
    assert_true(facts_of(site, SALES).is_full);
    assert_int_equal(facts_of(site, SALES).dropped_events, 0);
    assert_int_equal(facts_of(site, SALES).durable_sequence, sales);
    assert_true(flash_bytes(site) <= 20 * SEGMENT);
}

static void room_that_is_given_back_is_found_by_the_others(void **state)
{
    struct site *site = *state;
    struct sfe_error err;
    (void)fill(site, TELEMETRY, 1000);
    const uint64_t before = facts_of(site, LOG).dropped_events;
    (void)fill(site, LOG, 300);
    assert_true(facts_of(site, LOG).dropped_events > before);
    assert_int_equal(sfe_stream_release(site->streams[TELEMETRY],
                                        facts_of(site, TELEMETRY).durable_sequence + 1, &err),
                     SFE_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        sfe_stream_share(site->streams[i]);
    }
    const uint64_t dropped = facts_of(site, LOG).dropped_events;
    assert_int_equal(fill(site, LOG, 300), 300);
    assert_int_equal(facts_of(site, LOG).dropped_events, dropped);
}

static uint64_t next_random(struct site *site)
{
    site->random ^= site->random << 13;
    site->random ^= site->random >> 7;
    site->random ^= site->random << 17;
    return site->random;
}

struct churn {
    uint32_t failed; /* Releases. */
    uint32_t over;   /* Steps that ended over the bound. */
    uint64_t dropped;
};

/* Puts, commits and releases as `random` says, on a medium that now and then fails. */
static void churn(struct site *site, struct churn *churn)
{
    for (uint32_t i = 0; i < 2500; i++) {
        const uint32_t index = (uint32_t)(next_random(site) % COUNT);
        struct sfe_error err;
        if (next_random(site) % 200 == 0) {
            site->world->memory->fail_at = site->world->memory->calls + next_random(site) % 4;
            site->world->memory->fail_count = 1 + next_random(site) % 3;
        }
        (void)put(site, index);
        if (next_random(site) % 5 == 0) {
            (void)commit(site, index);
        }
        if (next_random(site) % 300 == 0) {
            const uint64_t durable = facts_of(site, index).durable_sequence;
            churn->failed += sfe_stream_release(site->streams[index],
                                                durable > 40 ? durable - 40 : 0, &err) != SFE_OK;
        }
        churn->over += flash_bytes(site) > 20 * SEGMENT;
        assert_true(flash_bytes(site) <= 21 * SEGMENT);
    }
    site->world->memory->fail_at = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)commit(site, i);
    }
    assert_int_equal(facts_of(site, SALES).dropped_events, 0);
    churn->dropped += facts_of(site, TELEMETRY).dropped_events;
    churn->dropped += facts_of(site, LOG).dropped_events;
}

/* Whatever is put, released and failing, before and after a restart: the bound is passed by one
 * segment at most, and sales lose nothing. */
static void the_sum_is_never_over_by_more_than_a_segment(void **state)
{
    struct churn sum = {0};

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct site *site;
        assert_int_equal(end(state), 0);
        assert_int_equal(begin(state), 0);
        site = *state;
        site->random = seed * 0x9e3779b97f4a7c15u;
        churn(site, &sum);
        site_stop(site);
        site_start(site, 20 * SEGMENT);
        churn(site, &sum);
    }
    assert_true(sum.failed > 0);
    assert_true(sum.over > 0);
    assert_true(sum.dropped > 0);
}

/* The operator lowers the bound: what is there stays, becomes no more, and goes as it is settled.
 */
static void a_lowered_bound_is_reached_and_nothing_is_lost(void **state)
{
    struct site *site = *state;
    struct sfe_error err;
    const uint32_t sales = fill(site, SALES, 400);
    (void)fill(site, TELEMETRY, 1000);
    const uint64_t before = flash_bytes(site);
    site_stop(site);
    site_start(site, 8 * SEGMENT);
    assert_true(before > 9 * SEGMENT);
    assert_int_equal(facts_of(site, SALES).durable_sequence, sales);
    assert_int_equal(put(site, SALES), SFE_E_FULL);
    for (uint32_t i = 0; i < 200; i++) {
        (void)put(site, TELEMETRY);
        (void)commit(site, TELEMETRY);
        assert_true(flash_bytes(site) <= before + SEGMENT);
    }
    assert_int_equal(facts_of(site, SALES).dropped_events, 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(
            sfe_stream_release(site->streams[i], facts_of(site, i).durable_sequence + 1, &err),
            SFE_OK);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        sfe_stream_share(site->streams[i]);
    }
    assert_int_equal(put(site, SALES), SFE_OK);
    assert_int_equal(commit(site, SALES), SFE_OK);
    assert_true(flash_bytes(site) <= 9 * SEGMENT);
}

/* As a reload does. */
static void share_anew(struct site *site, uint64_t quota_bytes)
{
    const struct sfe_quota *before = site->quota;
    struct sfe_error err;

    assert_int_equal(sfe_quota_open(quota_bytes, shares, COUNT, site->arena, &site->quota, &err),
                     SFE_OK);
    sfe_quota_follow(site->quota, before);
    for (uint32_t i = 0; i < COUNT; i++) {
        sfe_stream_set_quota(site->streams[i], site->quota, i);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        sfe_stream_share(site->streams[i]);
    }
}

static void a_bound_that_is_lowered_while_they_run_is_reached_and_nothing_is_lost(void **state)
{
    struct site *site = *state;
    struct sfe_error err;
    const uint32_t sales = fill(site, SALES, 200);
    (void)fill(site, TELEMETRY, 1000);
    const uint64_t before = flash_bytes(site);
    assert_true(before > 9 * SEGMENT);
    assert_int_equal(put(site, SALES), SFE_OK); /* Staged by the old bound, not yet on flash. */
    share_anew(site, 8 * SEGMENT);
    assert_int_equal(commit(site, SALES), SFE_OK);
    assert_int_equal(facts_of(site, SALES).durable_sequence, sales + 1u);
    for (uint32_t i = 0; i < 200; i++) {
        (void)put(site, TELEMETRY);
        (void)commit(site, TELEMETRY);
        assert_true(flash_bytes(site) <= before + SEGMENT);
    }
    assert_true(facts_of(site, TELEMETRY).flash_bytes <= 3 * SEGMENT);
    assert_int_equal(facts_of(site, SALES).dropped_events, 0);
    assert_int_equal(
        sfe_stream_release(site->streams[SALES], facts_of(site, SALES).durable_sequence + 1, &err),
        SFE_OK);
    assert_true(fill(site, SALES, 2000) > 20);
    assert_true(flash_bytes(site) <= 9 * SEGMENT);
}

static void a_bound_that_is_raised_or_taken_away_while_they_run_makes_room_at_once(void **state)
{
    struct site *site = *state;

    share_anew(site, 8 * SEGMENT);
    const uint32_t few = fill(site, SALES, 2000);
    assert_int_equal(put(site, SALES), SFE_E_FULL);
    share_anew(site, 12 * SEGMENT);
    const uint32_t more = fill(site, SALES, 2000);
    assert_true(few > 100 && more > 100 && few + more < 500);
    assert_int_equal(put(site, SALES), SFE_E_FULL); /* Its own quota. */
    (void)fill(site, LOG, 400);
    const uint64_t dropped = facts_of(site, LOG).dropped_events;
    assert_true(dropped > 100);
    sfe_stream_set_quota(site->streams[LOG], NULL, LOG);
    assert_int_equal(fill(site, LOG, 400), 400);
    assert_int_equal(facts_of(site, LOG).dropped_events, dropped);
}

static void a_bound_made_anew_is_not_passed_by_one_more_segment(void **state)
{
    struct site *site = *state;
    struct sfe_quota *next;
    struct sfe_error err;

    (void)sfe_quota_claim(site->quota, SALES, 20 * SEGMENT, 0);
    assert_true(sfe_quota_may_begin(site->quota));
    (void)sfe_quota_claim(site->quota, SALES, 21 * SEGMENT, 0);
    assert_false(sfe_quota_may_begin(site->quota));
    for (uint32_t segments = 10; segments <= 22; segments++) {
        assert_int_equal(
            sfe_quota_open(segments * SEGMENT, shares, COUNT, site->arena, &next, &err), SFE_OK);
        sfe_quota_follow(next, site->quota);
        (void)sfe_quota_claim(next, SALES, 21 * SEGMENT, 0);
        assert_true(sfe_quota_may_begin(next) == (segments >= 21));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_kept_for_a_higher_priority_cannot_be_claimed, begin,
                                        end),
        cmocka_unit_test(the_least_quota_has_room_for_each_beside_what_is_kept),
        cmocka_unit_test_setup_teardown(telemetry_that_fills_up_leaves_sales_its_room, begin, end),
        cmocka_unit_test_setup_teardown(room_that_is_given_back_is_found_by_the_others, begin, end),
        cmocka_unit_test_setup_teardown(the_sum_is_never_over_by_more_than_a_segment, begin, end),
        cmocka_unit_test_setup_teardown(a_lowered_bound_is_reached_and_nothing_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(
            a_bound_that_is_lowered_while_they_run_is_reached_and_nothing_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(
            a_bound_that_is_raised_or_taken_away_while_they_run_makes_room_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_bound_made_anew_is_not_passed_by_one_more_segment, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
