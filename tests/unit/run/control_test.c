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
#include <unistd.h>

static uint8_t memory[SFE_CONTROL_BYTES_MAX];
static char folder[] = "/tmp/sfedge-control-XXXXXX";
static char path[64];

struct served {
    struct sfe_poller poller;
    struct sfe_control *control;
    size_t size;
    atomic_bool is_over;
};

static void add_document(void *owner, struct sfe_builder *out)
{
    struct served *served = owner;

    for (size_t i = 0; i < served->size; i++) {
        sfe_builder_add_byte(out, (uint8_t)('a' + i % 26u));
    }
}

static void serve(void *argument)
{
    struct served *served = argument;
    struct sfe_error err;

    while (!atomic_load(&served->is_over)) {
        assert_int_equal(served->poller.wait(served->poller.context, UINT64_MAX, &err), SFE_OK);
    }
}

static void asking_gets_the_whole_document_each_time(void **state)
{
    struct served served = {.size = 100000};
    struct sfe_poller client;
    struct sfe_arena *arena;
    struct sfe_thread *thread;
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_arena_open(1 << 20, &arena, &err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&served.poller, &err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&client, &err), SFE_OK);
    assert_int_equal(
        sfe_control_open(&served.poller, path, add_document, &served, arena, &served.control, &err),
        SFE_OK);
    assert_int_equal(sfe_thread_start("serve", 65536, serve, &served, &thread, &err), SFE_OK);
    for (int i = 0; i < 3; i++) {
        struct sfe_builder document = sfe_builder_make(memory, sizeof(memory));
        assert_int_equal(sfe_control_ask(&client, path, UINT64_MAX, &document, &err), SFE_OK);
        assert_int_equal(document.size, 100000);
        assert_int_equal(memory[27], 'b');
    }
    atomic_store(&served.is_over, true);
    served.poller.wake(served.poller.context);
    sfe_thread_join(thread);
    sfe_control_close(served.control);
    sfe_posix_poller_close(&served.poller);
    sfe_posix_poller_close(&client);
    sfe_arena_close(arena);
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
