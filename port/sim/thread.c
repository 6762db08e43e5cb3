/* One thread: nothing ever waits, and a mutex that is locked twice is a deadlock found. */
#include "port/thread.h"

#include "base/assert.h"

#include <stdlib.h>

struct sfe_mutex {
    bool is_locked;
};

struct sfe_condition {
    uint64_t signals;
};

enum sfe_code sfe_thread_start(const char *name, size_t stack_bytes, void (*body)(void *argument),
                               void *argument, struct sfe_thread **thread, struct sfe_error *err)
{
    (void)stack_bytes;
    (void)body;
    (void)argument;
    *thread = NULL;
    return sfe_fail(err, SFE_E_UNSUPPORTED, "no thread '%s' in a simulation", name);
}

void sfe_thread_join(struct sfe_thread *thread)
{
    SFE_ASSERT(thread == NULL);
}

struct sfe_mutex *sfe_mutex_open(void)
{
    return calloc(1, sizeof(struct sfe_mutex));
}

void sfe_mutex_lock(struct sfe_mutex *mutex)
{
    SFE_ASSERT(!mutex->is_locked);
    mutex->is_locked = true;
}

void sfe_mutex_unlock(struct sfe_mutex *mutex)
{
    SFE_ASSERT(mutex->is_locked);
    mutex->is_locked = false;
}

void sfe_mutex_close(struct sfe_mutex *mutex)
{
    SFE_ASSERT(mutex == NULL || !mutex->is_locked);
    free(mutex);
}

struct sfe_condition *sfe_condition_open(void)
{
    return calloc(1, sizeof(struct sfe_condition));
}

bool sfe_condition_wait(struct sfe_condition *condition, struct sfe_mutex *mutex, uint64_t until_ns)
{
    (void)until_ns;
    SFE_ASSERT(condition != NULL && mutex->is_locked);
    return false;
}

void sfe_condition_signal(struct sfe_condition *condition)
{
    condition->signals++;
}

void sfe_condition_close(struct sfe_condition *condition)
{
    free(condition);
}
