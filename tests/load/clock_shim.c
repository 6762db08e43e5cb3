/* Preloaded, moves the time of day of one process by so many seconds as the file named in
 * SFE_TEST_CLOCK says at that moment. Monotonic clocks stay as they are. With SFE_TEST_BOOT naming
 * a file, that one is read in place of the kernel's boot id. */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static long long moved_s(void)
{
    const char *path = getenv("SFE_TEST_CLOCK");
    char text[32];
    int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    return strtoll(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, id, now);

    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += (time_t)moved_s();
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise = {0, 0};

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec precise = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL) {
        *now = precise.tv_sec;
    }
    return precise.tv_sec;
}

/* The kernel knows nothing of the moved time: a wait of a second by it would take a day where a day
 * was added. No machine has been running for thirty years, so such a time is of the wall clock. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct timespec real = *until;
    const int is_wall = until->tv_sec > 1000000000;

    real.tv_sec -= is_wall ? (time_t)moved_s() : 0;
    return pthread_cond_clockwait(condition, mutex, is_wall ? CLOCK_REALTIME : CLOCK_MONOTONIC,
                                  &real);
}

int open(const char *path, int flags, ...)
{
    const char *boot = getenv("SFE_TEST_BOOT");
    mode_t mode = 0;
    va_list more;

    va_start(more, flags);
    if ((flags & O_CREAT) != 0) {
        mode = va_arg(more, mode_t);
    }
    va_end(more);
    if (boot != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) {
        path = boot;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
