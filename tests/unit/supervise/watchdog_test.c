#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "supervise/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define LIMIT  (6u * SECOND)

/* A service manager: its socket, and a whole agent without threads. */
struct world {
    int manager;
    char heard[1024]; /* The last message. */
    struct sfe_arena *arena;
    struct sfe_watchdog *watchdog;
    unsigned asked;
    unsigned woken;
    const char *state;
};

static void ask(void *context)
{
    struct world *world = context;
    world->asked++;
}

static void wake(void *context)
{
    struct world *world = context;
    world->woken++;
}

static void add_state(void *context, struct sfe_builder *out)
{
    const struct world *world = context;
    sfe_builder_add_text(out, world->state);
}

/* The next message; "" when there is none. */
static const char *hear(struct world *world)
{
    ssize_t got = recv(world->manager, world->heard, sizeof(world->heard) - 1, MSG_DONTWAIT);
    world->heard[got < 0 ? 0 : got] = '\0';
    return world->heard;
}

static void open_world(struct world *world, bool is_watched, uint64_t limit_ns)
{
    union {
        struct sockaddr_un local;
        struct sockaddr any;
    } address;
    char name[64];
    struct sfe_error err;
    const struct sfe_watchdog_options options = {is_watched, limit_ns, world, ask, wake, add_state};

    memset(world, 0, sizeof(*world));
    world->state = "3 events wait";
    (void)snprintf(name, sizeof(name), "@sfedge-watchdog-test-%ld", (long)getpid());
    memset(&address, 0, sizeof(address));
    address.local.sun_family = AF_UNIX;
    memcpy(address.local.sun_path + 1, name + 1, strlen(name) - 1);
    world->manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(world->manager >= 0);
    const size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(name);
    assert_int_equal(bind(world->manager, &address.any, (socklen_t)size), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(sfe_arena_open(sfe_watchdog_memory_bytes(), &world->arena, &err), SFE_OK);
    assert_int_equal(sfe_watchdog_open(&options, world->arena, &world->watchdog, &err), SFE_OK);
}

static void close_world(struct world *world)
{
    sfe_arena_close(world->arena);
    (void)close(world->manager);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void both_pass(struct world *world)
{
    sfe_watchdog_pass(world->watchdog, SFE_WATCHDOG_FLASH);
    sfe_watchdog_pass(world->watchdog, SFE_WATCHDOG_CLOUD);
}

static void it_is_ready_when_flash_and_cloud_have_taken_a_turn(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, true, LIMIT);
    assert_int_equal(sfe_watchdog_turn(world.watchdog, SECOND), UINT64_MAX);
    assert_int_equal(world.asked, 1);
    assert_string_equal(hear(&world), "");
    sfe_watchdog_pass(world.watchdog, SFE_WATCHDOG_CLOUD);
    assert_int_equal(sfe_watchdog_turn(world.watchdog, SECOND), UINT64_MAX);
    assert_string_equal(hear(&world), "");
    sfe_watchdog_pass(world.watchdog, SFE_WATCHDOG_FLASH);
    assert_int_equal(sfe_watchdog_turn(world.watchdog, SECOND), SECOND + LIMIT / 3u);
    assert_string_equal(hear(&world), "READY=1\nWATCHDOG=1\nSTATUS=3 events wait");
    close_world(&world);
}

static void a_turn_before_the_question_is_no_answer(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, true, LIMIT);
    both_pass(&world);
    assert_int_equal(world.woken, 0);
    (void)sfe_watchdog_turn(world.watchdog, SECOND);
    (void)sfe_watchdog_turn(world.watchdog, SECOND);
    assert_string_equal(hear(&world), "");
    both_pass(&world);
    assert_int_equal(world.woken, 2);
    both_pass(&world); /* Edge is woken once a question, not by each turn. */
    assert_int_equal(world.woken, 2);
    close_world(&world);
}

static void check_silence(enum sfe_watchdog_thread stuck, enum sfe_watchdog_thread goes_on)
{
    struct world world;
    open_world(&world, true, LIMIT);
    (void)sfe_watchdog_turn(world.watchdog, 0);
    both_pass(&world);
    uint64_t due_ns = sfe_watchdog_turn(world.watchdog, 0);
    assert_string_equal(hear(&world), "READY=1\nWATCHDOG=1\nSTATUS=3 events wait");
    for (uint64_t now_ns = due_ns; now_ns < due_ns + 10u * LIMIT; now_ns += SECOND / 10u) {
        sfe_watchdog_pass(world.watchdog, goes_on);
        (void)sfe_watchdog_turn(world.watchdog, now_ns);
        assert_string_equal(hear(&world), "");
    }
    sfe_watchdog_pass(world.watchdog, stuck);
    (void)sfe_watchdog_turn(world.watchdog, due_ns + 10u * LIMIT);
    assert_string_equal(hear(&world), "WATCHDOG=1");
    close_world(&world);
}

static void no_ping_while_flash_is_stuck(void **state)
{
    (void)state;
    check_silence(SFE_WATCHDOG_FLASH, SFE_WATCHDOG_CLOUD);
}

static void no_ping_while_cloud_is_stuck(void **state)
{
    (void)state;
    check_silence(SFE_WATCHDOG_CLOUD, SFE_WATCHDOG_FLASH);
}

static void pings_come_three_times_within_the_limit(void **state)
{
    struct world world;
    unsigned pings = 0;
    (void)state;
    open_world(&world, true, LIMIT);
    uint64_t now_ns = SECOND;
    while (now_ns < SECOND + 10u * LIMIT) {
        uint64_t due_ns = sfe_watchdog_turn(world.watchdog, now_ns);
        if (due_ns == UINT64_MAX) {
            both_pass(&world);
        } else {
            assert_true(due_ns > now_ns && due_ns <= now_ns + LIMIT / 3u);
            now_ns = due_ns;
        }
        pings += strstr(hear(&world), "WATCHDOG=1") != NULL;
    }
    assert_int_equal(pings, 30);
    close_world(&world);
}

static void a_state_is_told_when_it_has_changed(void **state)
{
    struct world world;
    static const char *const states[] = {"a", "a", "b"};
    static const char *const messages[] = {"READY=1\nSTATUS=a", "", "STATUS=b"};
    (void)state;
    open_world(&world, true, 0);
    for (size_t i = 0; i < 3; i++) {
        world.state = states[i];
        assert_int_equal(sfe_watchdog_turn(world.watchdog, i * 10u * SECOND), UINT64_MAX);
        both_pass(&world);
        assert_int_equal(sfe_watchdog_turn(world.watchdog, i * 10u * SECOND),
                         (i + 1u) * 10u * SECOND);
        assert_string_equal(hear(&world), messages[i]);
    }
    close_world(&world);
}

static void a_state_that_is_too_long_does_no_harm(void **state)
{
    struct world world;
    char text[2000];
    (void)state;
    open_world(&world, true, LIMIT);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    world.state = text;
    (void)sfe_watchdog_turn(world.watchdog, 0);
    both_pass(&world);
    (void)sfe_watchdog_turn(world.watchdog, 0);
    assert_non_null(strstr(hear(&world), "READY=1\nWATCHDOG=1"));
    close_world(&world);
}

static void without_a_manager_nobody_is_asked(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, false, 0);
    assert_int_equal(sfe_watchdog_turn(world.watchdog, SECOND), UINT64_MAX);
    both_pass(&world);
    sfe_watchdog_begin_reload(world.watchdog);
    sfe_watchdog_end_reload(world.watchdog);
    sfe_watchdog_stop(world.watchdog, SECOND);
    assert_int_equal(world.asked, 0);
    assert_int_equal(world.woken, 0);
    assert_string_equal(hear(&world), "");
    close_world(&world);
}

static void a_reload_is_told_and_its_end(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, true, LIMIT);
    sfe_watchdog_begin_reload(world.watchdog);
    assert_string_equal(hear(&world), "RELOADING=1");
    (void)sfe_watchdog_turn(world.watchdog, 0);
    both_pass(&world);
    (void)sfe_watchdog_turn(world.watchdog, 0);
    assert_string_equal(hear(&world), "WATCHDOG=1\nSTATUS=3 events wait");
    sfe_watchdog_end_reload(world.watchdog);
    assert_string_equal(hear(&world), "READY=1");
    close_world(&world);
}

static void an_end_asks_for_the_time_that_it_may_take(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, true, LIMIT);
    (void)sfe_watchdog_turn(world.watchdog, 0);
    sfe_watchdog_stop(world.watchdog, 90u * SECOND);
    assert_string_equal(hear(&world), "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=120000000");
    both_pass(&world);
    assert_int_equal(sfe_watchdog_turn(world.watchdog, 10u * LIMIT), UINT64_MAX);
    assert_string_equal(hear(&world), "");
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_ready_when_flash_and_cloud_have_taken_a_turn),
        cmocka_unit_test(a_turn_before_the_question_is_no_answer),
        cmocka_unit_test(no_ping_while_flash_is_stuck),
        cmocka_unit_test(no_ping_while_cloud_is_stuck),
        cmocka_unit_test(pings_come_three_times_within_the_limit),
        cmocka_unit_test(a_state_is_told_when_it_has_changed),
        cmocka_unit_test(a_state_that_is_too_long_does_no_harm),
        cmocka_unit_test(without_a_manager_nobody_is_asked),
        cmocka_unit_test(a_reload_is_told_and_its_end),
        cmocka_unit_test(an_end_asks_for_the_time_that_it_may_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
