#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "port/thread.h"
#include "real_platform.h"
#include "run/control.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uint8_t memory[SFE_CONTROL_BYTES_MAX];
static char folder[] = "/tmp/sfedge-control-XXXXXX";
static char path[64];

struct served {
    struct sfe_poller poller;
    struct sfe_control *control;
    struct sfe_clock clock;
    size_t size;
    atomic_bool is_over;
    atomic_bool is_asked;  /* A client waits for a reload. */
    atomic_bool has_ended; /* The reload: it may be told. */
};

static void add_document(void *owner, struct sfe_builder *out)
{
    struct served *served = owner;

    for (size_t i = 0; i < served->size; i++) {
        sfe_builder_add_byte(out, (uint8_t)('a' + i % 26u));
    }
}

static void begin_reload(void *context)
{
    struct served *served = context;

    atomic_store(&served->is_asked, true);
}

static void serve(void *argument)
{
    struct served *served = argument;
    struct sfe_error err;

    while (!atomic_load(&served->is_over)) {
        uint64_t until_ns =
            sfe_control_turn(served->control, sfe_clock_monotonic_ns(&served->clock));
        assert_int_equal(served->poller.wait(served->poller.context, until_ns, &err), SFE_OK);
        if (atomic_load(&served->is_asked) && atomic_load(&served->has_ended)) {
            atomic_store(&served->is_asked, false);
            sfe_control_answer(served->control, SFE_TEXT("{\"ok\":true}"));
        }
    }
}

static void begin(struct served *served, struct sfe_arena **arena, struct sfe_thread **thread)
{
    const struct sfe_control_owner owner = {served, add_document, begin_reload};
    struct sfe_error err;

    sfe_posix_clock(&served->clock);
    assert_int_equal(sfe_arena_open(1 << 20, arena, &err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&served->poller, &err), SFE_OK);
    assert_int_equal(
        sfe_control_open(&served->poller, path, &owner, *arena, &served->control, &err), SFE_OK);
    assert_int_equal(sfe_thread_start("serve", 65536, serve, served, thread, &err), SFE_OK);
}

static void end(struct served *served, struct sfe_arena *arena, struct sfe_thread *thread)
{
    atomic_store(&served->is_over, true);
    served->poller.wake(served->poller.context);
    sfe_thread_join(thread);
    sfe_control_close(served->control);
    sfe_posix_poller_close(&served->poller);
    sfe_arena_close(arena);
}

static void asking_gets_the_whole_document_each_time(void **state)
{
    struct served served = {.size = 100000};
    struct sfe_poller client;
    struct sfe_arena *arena;
    struct sfe_thread *thread;
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_posix_poller_open(&client, &err), SFE_OK);
    begin(&served, &arena, &thread);
    for (int i = 0; i < 3; i++) {
        struct sfe_builder document = sfe_builder_make(memory, sizeof(memory));
        assert_int_equal(sfe_control_ask(&client, path, UINT64_MAX, &document, &err), SFE_OK);
        assert_int_equal(document.size, 100000);
        assert_int_equal(memory[27], 'b');
    }
    end(&served, arena, thread);
    sfe_posix_poller_close(&client);
}

static int connect_to(void)
{
    union {
        struct sockaddr_un local;
        struct sockaddr any;
    } address = {.local = {.sun_family = AF_UNIX}};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    (void)snprintf(address.local.sun_path, sizeof(address.local.sun_path), "%s", path);
    assert_int_equal(connect(fd, &address.any, sizeof(address.local)), 0);
    return fd;
}

static size_t read_all(int fd)
{
    size_t size = 0;
    ssize_t got;

    while (size < sizeof(memory) && (got = read(fd, memory + size, sizeof(memory) - size)) > 0) {
        size += (size_t)got;
    }
    (void)close(fd);
    return size;
}

static void who_says_nothing_gets_the_status_and_holds_up_nobody_for_ever(void **state)
{
    struct served served = {.size = 1000};
    struct sfe_arena *arena;
    struct sfe_thread *thread;

    (void)state;
    begin(&served, &arena, &thread);
    int silent = connect_to();
    int other = connect_to();
    assert_int_equal(write(other, "status\n", 7), 7);
    assert_int_equal(read_all(silent), 1000);
    assert_int_equal(read_all(other), 1000);
    end(&served, arena, thread);
}

static void what_is_no_request_is_refused(void **state)
{
    struct served served = {.size = 1000};
    struct sfe_arena *arena;
    struct sfe_thread *thread;

    (void)state;
    begin(&served, &arena, &thread);
    int fd = connect_to();
    assert_int_equal(write(fd, "reloadx\n", 8), 8);
    size_t size = read_all(fd);
    assert_true(size > 0 && size < 1000);
    assert_non_null(memmem(memory, size, "\"ok\":false", 10));
    assert_false(atomic_load(&served.is_asked));
    end(&served, arena, thread);
}

static void a_reload_is_answered_when_it_is_over_and_the_status_meanwhile(void **state)
{
    struct served served = {.size = 1000};
    struct sfe_arena *arena;
    struct sfe_thread *thread;

    (void)state;
    begin(&served, &arena, &thread);
    int asker = connect_to();
    assert_int_equal(write(asker, "reload\n", 7), 7);
    int other = connect_to();
    assert_int_equal(write(other, "status\n", 7), 7);
    assert_int_equal(read_all(other), 1000);
    assert_true(atomic_load(&served.is_asked));
    int second = connect_to();
    assert_int_equal(write(second, "reload\n", 7), 7);
    size_t size = read_all(second);
    assert_non_null(memmem(memory, size, "\"ok\":false", 10));
    atomic_store(&served.has_ended, true);
    served.poller.wake(served.poller.context);
    assert_int_equal(read_all(asker), 11);
    assert_memory_equal(memory, "{\"ok\":true}", 11);
    end(&served, arena, thread);
}

static void an_asker_who_leaves_is_forgotten(void **state)
{
    struct served served = {.size = 1000};
    struct sfe_arena *arena;
    struct sfe_thread *thread;

    (void)state;
    begin(&served, &arena, &thread);
    int asker = connect_to();
    assert_int_equal(write(asker, "reload\n", 7), 7);
    int other = connect_to();
    assert_int_equal(write(other, "status\n", 7), 7);
    assert_int_equal(read_all(other), 1000);
    (void)close(asker);
    other = connect_to();
    assert_int_equal(write(other, "status\n", 7), 7);
    assert_int_equal(read_all(other), 1000);
    atomic_store(&served.has_ended, true);
    served.poller.wake(served.poller.context);
    other = connect_to();
    assert_int_equal(write(other, "status\n", 7), 7);
    assert_int_equal(read_all(other), 1000);
    end(&served, arena, thread);
}

static void asking_where_nobody_listens_is_not_found(void **state)
{
    struct sfe_poller client;
    struct sfe_builder document = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_posix_poller_open(&client, &err), SFE_OK);
    assert_int_equal(
        sfe_control_ask(&client, "/tmp/sfedge-no-such.sock", UINT64_MAX, &document, &err),
        SFE_E_NOT_FOUND);
    sfe_posix_poller_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_gets_the_whole_document_each_time),
        cmocka_unit_test(who_says_nothing_gets_the_status_and_holds_up_nobody_for_ever),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(a_reload_is_answered_when_it_is_over_and_the_status_meanwhile),
        cmocka_unit_test(an_asker_who_leaves_is_forgotten),
        cmocka_unit_test(asking_where_nobody_listens_is_not_found),
    };
    int failed;

    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/status.sock", folder);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(folder);
    return failed;
}
