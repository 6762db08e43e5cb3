/* Threads, mutexes and conditions; chosen by the linker. A misuse is a broken invariant and
 * asserts. */
#ifndef SFE_PORT_THREAD_H
#define SFE_PORT_THREAD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct sfe_thread;
struct sfe_mutex;
struct sfe_condition;

/* Starts `body(argument)` on a stack of `stack_bytes` (not the system's 8 MB). `name` has at most
 * 15 bytes. Errors: SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_thread_start(const char *name, size_t stack_bytes,
                                            void (*body)(void *argument), void *argument,
                                            struct sfe_thread **thread, struct sfe_error *err);
/* Waits for the end of the thread and frees it. NULL is allowed. */
void sfe_thread_join(struct sfe_thread *thread);

/* A mutex that is not recursive. NULL when memory is short. */
struct sfe_mutex *sfe_mutex_open(void);
void sfe_mutex_lock(struct sfe_mutex *mutex);
void sfe_mutex_unlock(struct sfe_mutex *mutex);
void sfe_mutex_close(struct sfe_mutex *mutex);

/* A condition on the monotonic clock of clock.h. That clock runs on while the machine is suspended
 * and the kernel's sleeps do not: after a suspend a waiter may be late by up to a minute. */
struct sfe_condition *sfe_condition_open(void);
/* Waits until signalled or until monotonic time `until_ns` (UINT64_MAX: for ever); may wake early.
 * The mutex is held on entry and return. False when the time came. */
bool sfe_condition_wait(struct sfe_condition *condition, struct sfe_mutex *mutex,
                        uint64_t until_ns);
void sfe_condition_signal(struct sfe_condition *condition);
void sfe_condition_close(struct sfe_condition *condition);

#endif
