#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/thread.h"
#include "posix/posix.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    struct sfe_mutex *mutex;
    struct sfe_condition *condition;
    int count;
    bool is_set;
    size_t stack_bytes;
    char name[16];
};

static void open_shared(struct shared *shared)
{
    *shared = (struct shared){.mutex = sfe_mutex_open(), .condition = sfe_condition_open()};
    assert_non_null(shared->mutex);
    assert_non_null(shared->condition);
}

static void close_shared(struct shared *shared)
{
    sfe_condition_close(shared->condition);
    sfe_mutex_close(shared->mutex);
}

static void look_at_oneself(void *argument)
{
    struct shared *shared = argument;
    pthread_attr_t attributes;
    (void)pthread_getname_np(pthread_self(), shared->name, sizeof(shared->name));
    (void)pthread_getattr_np(pthread_self(), &attributes);
    (void)pthread_attr_getstacksize(&attributes, &shared->stack_bytes);
    (void)pthread_attr_destroy(&attributes);
}

static void thread_has_the_name_and_a_stack_of_its_own_size(void **state)
{
    struct shared shared = {0};
    struct sfe_thread *thread = NULL;
    struct sfe_error err;
    (void)state;
    assert_int_equal(
        sfe_thread_start("edge-of-names15", 128 * 1024, look_at_oneself, &shared, &thread, &err),
        SFE_OK);
    sfe_thread_join(thread);
    assert_string_equal(shared.name, "edge-of-names15");
    assert_true(shared.stack_bytes >= 128 * 1024);
    assert_true(shared.stack_bytes < 4u * 1024 * 1024);
}

static void count_up(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < 10000; i++) {
        sfe_mutex_lock(shared->mutex);
        shared->count++;
        sfe_mutex_unlock(shared->mutex);
    }
}

static void mutex_loses_no_count_of_two_threads(void **state)
{
    struct shared shared;
    struct sfe_thread *first = NULL;
    struct sfe_thread *second = NULL;
    struct sfe_error err;
    (void)state;
    open_shared(&shared);
    assert_int_equal(sfe_thread_start("first", 65536, count_up, &shared, &first, &err), SFE_OK);
    assert_int_equal(sfe_thread_start("second", 65536, count_up, &shared, &second, &err), SFE_OK);
    sfe_thread_join(first);
    sfe_thread_join(second);
    assert_int_equal(shared.count, 20000);
    close_shared(&shared);
}

static void set_and_signal(void *argument)
{
    struct shared *shared = argument;
    sfe_mutex_lock(shared->mutex);
    shared->is_set = true;
    sfe_condition_signal(shared->condition);
    sfe_mutex_unlock(shared->mutex);
}

static void wait_without_end_ends_with_a_signal(void **state)
{
    struct shared shared;
    struct sfe_thread *thread = NULL;
    struct sfe_error err;
    (void)state;
    open_shared(&shared);
    sfe_mutex_lock(shared.mutex);
    assert_int_equal(sfe_thread_start("setter", 65536, set_and_signal, &shared, &thread, &err),
                     SFE_OK);
    while (!shared.is_set) {
        assert_true(sfe_condition_wait(shared.condition, shared.mutex, UINT64_MAX));
    }
    sfe_mutex_unlock(shared.mutex);
    sfe_thread_join(thread);
    close_shared(&shared);
}

static void wait_is_false_once_the_time_came(void **state)
{
    struct shared shared;
    (void)state;
    open_shared(&shared);
    sfe_mutex_lock(shared.mutex);
    uint64_t until_ns = sfe_posix_now_ns() + 5000000u;
    while (sfe_condition_wait(shared.condition, shared.mutex, until_ns)) {
        assert_true(sfe_posix_now_ns() < until_ns);
    }
    assert_true(sfe_posix_now_ns() >= until_ns);
    assert_false(sfe_condition_wait(shared.condition, shared.mutex, 0));
    sfe_mutex_unlock(shared.mutex);
    close_shared(&shared);
}

static void unlock_without_lock_ends_the_process(void **state)
{
    int status = 0;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* cmocka would take the signal for a failed test. */
        (void)close(STDERR_FILENO);
        sfe_mutex_unlock(sfe_mutex_open());
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_has_the_name_and_a_stack_of_its_own_size),
        cmocka_unit_test(mutex_loses_no_count_of_two_threads),
        cmocka_unit_test(wait_without_end_ends_with_a_signal),
        cmocka_unit_test(wait_is_false_once_the_time_came),
        cmocka_unit_test(unlock_without_lock_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
