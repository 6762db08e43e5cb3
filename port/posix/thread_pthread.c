#include "port/thread.h"
#include "posix.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES       16u
#define STACK_STEP_BYTES 4096u

/* Sanitizers put red zones around every variable; a stack sized for us alone would not do. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_EXTRA_BYTES (1024u * 1024u)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define STACK_EXTRA_BYTES (1024u * 1024u)
#endif
#endif
#ifndef STACK_EXTRA_BYTES
#define STACK_EXTRA_BYTES 0u
#endif

struct sfe_thread {
    pthread_t handle;
    void (*body)(void *argument);
    void *argument;
    char name[NAME_BYTES];
};

struct sfe_mutex {
    pthread_mutex_t handle;
};

struct sfe_condition {
    pthread_cond_t handle; /* On CLOCK_MONOTONIC: pthreads knows no CLOCK_BOOTTIME. */
};

static void *run(void *argument)
{
    struct sfe_thread *thread = argument;
    (void)pthread_setname_np(pthread_self(), thread->name);
    thread->body(thread->argument);
    return NULL;
}

static size_t stack_size(size_t wanted_bytes)
{
    size_t bytes = wanted_bytes + STACK_EXTRA_BYTES;
    size_t least = (size_t)PTHREAD_STACK_MIN;
    if (bytes < least) {
        bytes = least;
    }
    return (bytes + STACK_STEP_BYTES - 1) / STACK_STEP_BYTES * STACK_STEP_BYTES;
}

static int start(struct sfe_thread *thread, size_t stack_bytes)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0) {
        return failed;
    }
    failed = pthread_attr_setstacksize(&attributes, stack_size(stack_bytes));
    SFE_ASSERT(failed == 0);
    failed = pthread_create(&thread->handle, &attributes, run, thread);
    (void)pthread_attr_destroy(&attributes);
    return failed;
}

enum sfe_code sfe_thread_start(const char *name, size_t stack_bytes, void (*body)(void *argument),
                               void *argument, struct sfe_thread **thread, struct sfe_error *err)
{
    SFE_ASSERT(body != NULL);
    SFE_ASSERT(strlen(name) < NAME_BYTES);
    *thread = NULL;
    struct sfe_thread *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for thread '%s'", name);
    }
    made->body = body;
    made->argument = argument;
    memcpy(made->name, name, strlen(name) + 1);
    int failed = start(made, stack_bytes);
    if (failed != 0) {
        free(made);
        return sfe_fail_os(err, SFE_E_NO_MEMORY, failed, "cannot start thread '%s'", name);
    }
    *thread = made;
    return SFE_OK;
}

void sfe_thread_join(struct sfe_thread *thread)
{
    if (thread == NULL) {
        return;
    }
    int failed = pthread_join(thread->handle, NULL);
    SFE_ASSERT(failed == 0);
    free(thread);
}

struct sfe_mutex *sfe_mutex_open(void)
{
    struct sfe_mutex *mutex = calloc(1, sizeof(*mutex));
    if (mutex == NULL) {
        return NULL;
    }
    pthread_mutexattr_t attributes;
    int failed = pthread_mutexattr_init(&attributes);
    SFE_ASSERT(failed == 0);
    failed = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    SFE_ASSERT(failed == 0);
    failed = pthread_mutex_init(&mutex->handle, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    if (failed != 0) {
        free(mutex);
        return NULL;
    }
    return mutex;
}

void sfe_mutex_lock(struct sfe_mutex *mutex)
{
    int failed = pthread_mutex_lock(&mutex->handle);
    SFE_ASSERT(failed == 0);
}

void sfe_mutex_unlock(struct sfe_mutex *mutex)
{
    int failed = pthread_mutex_unlock(&mutex->handle);
    SFE_ASSERT(failed == 0);
}

void sfe_mutex_close(struct sfe_mutex *mutex)
{
    if (mutex == NULL) {
        return;
    }
    int failed = pthread_mutex_destroy(&mutex->handle);
    SFE_ASSERT(failed == 0);
    free(mutex);
}

struct sfe_condition *sfe_condition_open(void)
{
    struct sfe_condition *condition = calloc(1, sizeof(*condition));
    if (condition == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    SFE_ASSERT(failed == 0);
    failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    SFE_ASSERT(failed == 0);
    failed = pthread_cond_init(&condition->handle, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (failed != 0) {
        free(condition);
        return NULL;
    }
    return condition;
}

bool sfe_condition_wait(struct sfe_condition *condition, struct sfe_mutex *mutex, uint64_t until_ns)
{
    uint64_t nap_ns = sfe_posix_nap_ns(until_ns);
    if (nap_ns == 0) {
        return false;
    }
    struct timespec deadline = {0, 0};
    int failed = clock_gettime(CLOCK_MONOTONIC, &deadline);
    SFE_ASSERT(failed == 0);
    uint64_t nanoseconds = (uint64_t)deadline.tv_nsec + nap_ns;
    deadline.tv_sec += (time_t)(nanoseconds / 1000000000u);
    deadline.tv_nsec = (long)(nanoseconds % 1000000000u);
    failed = pthread_cond_timedwait(&condition->handle, &mutex->handle, &deadline);
    SFE_ASSERT(failed == 0 || failed == ETIMEDOUT);
    return failed == 0 || sfe_posix_nap_ns(until_ns) != 0;
}

void sfe_condition_signal(struct sfe_condition *condition)
{
    int failed = pthread_cond_signal(&condition->handle);
    SFE_ASSERT(failed == 0);
}

void sfe_condition_close(struct sfe_condition *condition)
{
    if (condition == NULL) {
        return;
    }
    int failed = pthread_cond_destroy(&condition->handle);
    SFE_ASSERT(failed == 0);
    free(condition);
}
