#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "target/jq.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MAX 30000u

/* An output with the turns of the cloud called one by one; time goes on by the real one. */
struct world {
    struct sfe_arena *arena;
    struct sfe_jq_target_options options;
    struct sfe_jq_target *opened;
    struct sfe_target target;
    uint64_t now_ns;
    uint32_t wakes;
    uint32_t finished;
    uint32_t slots[64]; /* In the order of their ends. */
    enum sfe_verdict_kind kinds[64];
    char texts[64][512]; /* What came back, or why not. */
};

static void finished(void *context, const struct sfe_slot_result *result)
{
    struct world *world = context;
    const uint32_t number = world->finished++;
    struct sfe_builder text =
        sfe_builder_make((uint8_t *)world->texts[number], sizeof(world->texts[number]) - 1u);
    struct sfe_json_writer writer = sfe_json_writer_make(&text);

    assert_int_equal(result->outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(result->count, 1);
    world->slots[number] = result->slot;
    world->kinds[number] = result->verdicts[0].kind;
    if (result->verdicts[0].kind == SFE_VERDICT_DONE) {
        sfe_json_begin_object(&writer, NULL);
        result->answer(result->context, 0, &writer);
        sfe_json_end_object(&writer);
    } else {
        sfe_builder_add_text(&text, result->verdicts[0].err.message);
    }
    world->texts[number][text.size] = '\0';
}

static void wake(void *owner)
{
    ((struct world *)owner)->wakes++;
}

static void open_world(struct world *world, const char *program)
{
    const struct sfe_target_host host = {.context = world, .finished = finished};
    struct sfe_error err;

    memset(world, 0, sizeof(*world));
    world->options = (struct sfe_jq_target_options){
        .worker = {.program = program,
                   .cpu_ms = 300,
                   .memory_bytes = 32u << 20,
                   .result_bytes_max = 400},
        .event_bytes_max = 65536,
        .on_sent = wake,
        .owner = world,
    };
    const size_t bytes = sfe_jq_target_memory_bytes(&world->options);
    assert_int_equal(sfe_arena_open(bytes, &world->arena, &err), SFE_OK);
    assert_int_equal(
        sfe_jq_target_open(&world->options, world->arena, &world->opened, &world->target, &err),
        SFE_OK);
    world->target.bind(world->target.context, &host);
}

static void close_world(struct world *world)
{
    sfe_jq_target_close(world->opened);
    sfe_arena_close(world->arena);
}

static enum sfe_code offer(struct world *world, uint32_t slot, const char *payload)
{
    struct sfe_event event = {.payload = sfe_slice_text(payload)};
    uint64_t order_key = 7;
    struct sfe_error err;
    const enum sfe_code code =
        world->target.offer(world->target.context, slot, &event, 0, NULL, &order_key, &err);

    assert_int_equal(order_key, 0);
    return code;
}

static void give(struct world *world, uint32_t slot, const char *payload)
{
    const uint32_t wakes = world->wakes;
    struct sfe_error err;

    assert_int_equal(offer(world, slot, payload), SFE_OK);
    assert_int_equal(world->target.send(world->target.context, slot, &err), SFE_OK);
    assert_int_equal(world->wakes, wakes + 1u); /* Nothing else would bring the next turn. */
}

/* Turns until so many slots are over. */
static void turn_until(struct world *world, uint32_t count)
{
    uint64_t until_ns = 0;

    for (uint32_t i = 0; i < TURNS_MAX && world->finished < count; i++) {
        assert_true(world->target.is_ready(world->target.context, world->now_ns, &until_ns));
        if (world->finished < count) {
            assert_true(until_ns > world->now_ns && until_ns - world->now_ns <= 5000000u);
            (void)usleep(1000);
            world->now_ns += 1000000u;
        }
    }
    assert_int_equal(world->finished, count);
}

static void results_are_answers_in_the_order_of_sending(void **state)
{
    static struct world world;
    char payload[16];
    char wanted[32];

    (void)state;
    open_world(&world, ". * 2");
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t slot = 0; slot < SFE_JQ_SLOTS; slot++) {
            (void)snprintf(payload, sizeof(payload), "%u", round * 10u + slot);
            give(&world, slot, payload);
        }
        turn_until(&world, (round + 1u) * SFE_JQ_SLOTS);
    }
    for (uint32_t i = 0; i < world.finished; i++) {
        (void)snprintf(wanted, sizeof(wanted), "{\"result\":%u}",
                       (i / SFE_JQ_SLOTS * 10u + i % SFE_JQ_SLOTS) * 2u);
        assert_int_equal(world.slots[i], i % SFE_JQ_SLOTS);
        assert_string_equal(world.texts[i], wanted);
    }
    close_world(&world);
}

static void an_event_that_takes_too_much_is_dead_and_those_behind_it_go_on(void **state)
{
    static const char program[] = "if . == 1 then last(range(1e18)) "
                                  "elif . == 2 then reduce range(60) as $i (\"x\"; . + .) "
                                  "elif . == 3 then error(\"no\") "
                                  "elif . == 4 then (1, 2) "
                                  "elif . == 5 then \"x\" * 500 "
                                  "elif . == 6 then empty "
                                  "elif . == 7 then reduce range(70) as $i (0; [.]) else . end";
    static const char *const payloads[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    static const char *const wanted[] = {
        "{\"result\":0}",
        "jq: the program takes more than \"time\"",
        "jq: the program takes more than \"memory\"",
        "jq: no",
        "jq: the program has more than one result; [...] makes a list of them",
        "jq: the result is too large to be passed on",
        "{}",
        "jq: the result is nested too deep",
    };
    static struct world world;

    (void)state;
    open_world(&world, program);
    for (uint32_t i = 0; i < SFE_JQ_SLOTS; i++) {
        give(&world, i, payloads[i]);
    }
    turn_until(&world, SFE_JQ_SLOTS);
    for (uint32_t i = 0; i < SFE_JQ_SLOTS; i++) {
        assert_int_equal(world.slots[i], i);
        assert_string_equal(world.texts[i], wanted[i]);
        assert_int_equal(world.kinds[i], wanted[i][0] == '{' ? SFE_VERDICT_DONE : SFE_VERDICT_DEAD);
    }
    close_world(&world);
}

/* The one child of this process. */
static pid_t worker_of_ours(void)
{
    char path[64];
    char text[32] = {0};
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "re");
    assert_non_null(file);
    (void)!fread(text, 1, sizeof(text) - 1u, file);
    (void)fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

static void a_worker_that_is_killed_costs_no_event(void **state)
{
    static struct world world;

    (void)state;
    open_world(&world, "[range(20000)] | length");
    for (uint32_t round = 1; round <= 5; round++) {
        give(&world, 0, "1");
        give(&world, 1, "1");
        if (round > 1) { /* An idle one the second time, a busy one the others. */
            assert_int_equal(kill(worker_of_ours(), SIGKILL), 0);
        }
        turn_until(&world, 2u * round);
        assert_string_equal(world.texts[2u * round - 1u], "{\"result\":20000}");
        assert_string_equal(world.texts[2u * round - 2u], "{\"result\":20000}");
    }
    close_world(&world);
}

static void a_worker_that_is_killed_again_and_again_is_put_off(void **state)
{
    static struct world world;
    uint64_t until_ns;
    pid_t worker;

    (void)state;
    open_world(&world, "last(range(1e18))");
    world.options.worker.cpu_ms = 60000;
    give(&world, 0, "1");
    for (uint32_t i = 0; i < TURNS_MAX && world.finished == 0; i++) {
        (void)world.target.is_ready(world.target.context, world.now_ns, &until_ns);
        worker = worker_of_ours();
        if (worker > 0) {
            (void)kill(worker, SIGKILL);
        }
        world.now_ns += 50000000u;
        (void)usleep(1000);
    }
    assert_int_equal(world.finished, 1);
    assert_string_equal(world.texts[0], "the jq worker was ended 3 times before an answer");
    assert_int_equal(world.kinds[0], SFE_VERDICT_RETRY);
    close_world(&world);
}

static void what_jq_would_change_or_cannot_read_is_not_sent(void **state)
{
    static struct world world;

    (void)state;
    open_world(&world, ".");
    assert_int_equal(offer(&world, 0, "no JSON"), SFE_E_UNMAPPED);
    assert_int_equal(offer(&world, 0, "{\"id\":1234567890123456}"), SFE_E_UNMAPPED);
    assert_int_equal(offer(&world, 0, "[0.10000000000000001]"), SFE_E_UNMAPPED);
    assert_int_equal(offer(&world, 0, "[123456789012345, 1200000000000000000000, 0.000000000015]"),
                     SFE_OK);
    assert_int_equal(offer(&world, 0, "1"), SFE_E_FULL);
    world.target.abandon(world.target.context, 0);
    assert_int_equal(offer(&world, 0, "1"), SFE_OK);
    close_world(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_answers_in_the_order_of_sending),
        cmocka_unit_test(an_event_that_takes_too_much_is_dead_and_those_behind_it_go_on),
        cmocka_unit_test(a_worker_that_is_killed_costs_no_event),
        cmocka_unit_test(a_worker_that_is_killed_again_and_again_is_put_off),
        cmocka_unit_test(what_jq_would_change_or_cannot_read_is_not_sent),
    };

    if (sfe_jq_is_worker(argc, argv)) {
        return sfe_jq_work(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
