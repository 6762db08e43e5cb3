#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/process.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void count_wake(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void signals_are_told_once_and_wake(void **state)
{
    static atomic_int wakes;
    (void)state;
    sfe_process_catch_signals(count_wake, &wakes);
    assert_int_equal(sfe_process_signals(), 0);
    (void)raise(SIGHUP);
    assert_int_equal(sfe_process_signals(), SFE_SIGNAL_RELOAD);
    assert_int_equal(sfe_process_signals(), 0);
    (void)raise(SIGTERM);
    (void)raise(SIGHUP);
    (void)raise(SIGINT);
    assert_int_equal(sfe_process_signals(), SFE_SIGNAL_STOP | SFE_SIGNAL_RELOAD);
    assert_int_equal(atomic_load(&wakes), 4);
    (void)raise(SIGPIPE); /* Would end the process. */
}

/* Listens on `name` ('@': abstract), notifies, and checks what came. */
static void check_notify(const char *name)
{
    union {
        struct sockaddr_un local;
        struct sockaddr any;
    } address;
    char text[64];
    size_t size = strlen(name);
    memset(&address, 0, sizeof(address));
    address.local.sun_family = AF_UNIX;
    memcpy(address.local.sun_path, name, size);
    if (name[0] == '@') {
        address.local.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(
        bind(fd, &address.any, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    sfe_process_notify("READY=1");
    ssize_t got = recv(fd, text, sizeof(text), MSG_DONTWAIT);
    assert_int_equal(got, 7);
    assert_memory_equal(text, "READY=1", 7);
    (void)close(fd);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void notify_reaches_a_socket_with_a_path(void **state)
{
    char directory[] = "/tmp/sfedge-notify-XXXXXX";
    char path[64];
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/n", directory);
    check_notify(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void notify_reaches_an_abstract_socket(void **state)
{
    char name[64];
    (void)state;
    (void)snprintf(name, sizeof(name), "@sfedge-notify-test-%ld", (long)getpid());
    check_notify(name);
}

static void notify_without_a_manager_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    sfe_process_notify("READY=1");
    assert_int_equal(setenv("NOTIFY_SOCKET", "/tmp/sfedge-nobody-listens", 1), 0);
    sfe_process_notify("READY=1");
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_null(sfe_process_environment("NOTIFY_SOCKET"));
}

static void print_writes_to_standard_output(void **state)
{
    int ends[2];
    char text[16];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0);
    sfe_process_print(SFE_TEXT("sent\n"));
    bool is_terminal = sfe_process_is_terminal();
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    assert_int_equal(read(ends[0], text, sizeof(text)), 5);
    assert_memory_equal(text, "sent\n", 5);
    assert_false(is_terminal);
    (void)close(kept);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void memory_that_is_kept_private_is_not_dumpable(void **state)
{
    (void)state;
    int before = prctl(PR_GET_DUMPABLE);
    assert_int_not_equal(before, 0);
    sfe_process_keep_memory_private();
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(prctl(PR_SET_DUMPABLE, before, 0, 0, 0), 0);
}

static void the_watchdog_is_that_of_this_process_alone(void **state)
{
    char pid[24];
    (void)state;
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(sfe_process_watchdog_ns(), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "3000000", 1), 0);
    assert_int_equal(sfe_process_watchdog_ns(), UINT64_C(3000000000));
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(sfe_process_watchdog_ns(), UINT64_C(3000000000));
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getppid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(sfe_process_watchdog_ns(), 0);
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
}

static void a_watchdog_that_is_no_number_is_none(void **state)
{
    static const char *const wrong[] = {"", "-1", "3s", " 5", "0x1000", "99999999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(setenv("WATCHDOG_USEC", wrong[i], 1), 0);
        assert_int_equal(sfe_process_watchdog_ns(), 0);
    }
    assert_int_equal(setenv("WATCHDOG_USEC", "18446744073709551615", 1), 0);
    assert_int_equal(sfe_process_watchdog_ns(), 0); /* More nanoseconds than there are. */
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_told_once_and_wake),
        cmocka_unit_test(notify_reaches_a_socket_with_a_path),
        cmocka_unit_test(notify_reaches_an_abstract_socket),
        cmocka_unit_test(notify_without_a_manager_does_nothing),
        cmocka_unit_test(the_watchdog_is_that_of_this_process_alone),
        cmocka_unit_test(a_watchdog_that_is_no_number_is_none),
        cmocka_unit_test(print_writes_to_standard_output),
        cmocka_unit_test(memory_that_is_kept_private_is_not_dumpable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
