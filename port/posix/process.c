#include "port/process.h"
#include "posix.h"

#include "base/assert.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler must not take a lock");

/* The one state of the process that has to be global: a signal handler is given nothing else.
 * Written once, before the handlers are in place; then only `pending` changes. */
static struct {
    void (*wake)(void *context);
    void *context;
    atomic_uint pending;
} caught;

static void on_signal(int number)
{
    int kept_errno = errno;
    atomic_fetch_or(&caught.pending, number == SIGHUP ? SFE_SIGNAL_RELOAD : SFE_SIGNAL_STOP);
    if (caught.wake != NULL) {
        caught.wake(caught.context);
    }
    errno = kept_errno;
}

static void catch_one(int number, void (*handler)(int number))
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    int failed = sigaction(number, &action, NULL);
    SFE_ASSERT(failed == 0);
}

void sfe_process_keep_memory_private(void)
{
    /* Not dumpable: no core is written, and no process of the same user may read our memory. A
     * kernel that says no has no such thing. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void sfe_process_catch_signals(void (*wake)(void *context), void *context)
{
    caught.wake = wake;
    caught.context = context;
    atomic_store(&caught.pending, 0);
    catch_one(SIGTERM, on_signal);
    catch_one(SIGINT, on_signal);
    catch_one(SIGHUP, on_signal);
    catch_one(SIGPIPE, SIG_IGN);
}

unsigned sfe_process_signals(void)
{
    return atomic_exchange(&caught.pending, 0);
}

/* The address in $NOTIFY_SOCKET: a path, or '@' and an abstract name. 0 when there is none. */
static socklen_t notify_address(struct sockaddr_un *address)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t size = name == NULL ? 0 : strlen(name);
    if (size < 2 || size >= sizeof(address->sun_path) || (name[0] != '/' && name[0] != '@')) {
        return 0;
    }
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, name, size);
    if (name[0] == '@') {
        address->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

void sfe_process_notify(const char *state)
{
    union {
        struct sockaddr_un local;
        struct sockaddr any;
    } address;
    SFE_ASSERT(state != NULL);
    socklen_t size = notify_address(&address.local);
    if (size == 0) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    /* A manager that does not listen must not hold us up: its watchdog will say so. */
    ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, &address.any, size);
    (void)sent;
    (void)close(fd);
}

/* All digits, and none but digits; 0 otherwise. */
static uint64_t environment_number(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    unsigned long long number;

    if (text == NULL || *text < '0' || *text > '9') {
        return 0;
    }
    errno = 0;
    number = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' ? 0 : number;
}

uint64_t sfe_process_watchdog_ns(void)
{
    const uint64_t limit_us = environment_number("WATCHDOG_USEC");

    /* A child that inherits the variables is not the one that is waited for. */
    if (getenv("WATCHDOG_PID") != NULL &&
        environment_number("WATCHDOG_PID") != (uint64_t)getpid()) {
        return 0;
    }
    return limit_us > UINT64_MAX / 1000u ? 0 : limit_us * 1000u;
}

const char *sfe_process_environment(const char *name)
{
    SFE_ASSERT(name != NULL);
    return getenv(name);
}

static void write_all(int fd, struct sfe_slice text)
{
    while (text.size > 0) {
        ssize_t written = write(fd, text.bytes, text.size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* A closed pipe: whoever read has seen enough. */
        }
        text = sfe_slice_part(text, (size_t)written, text.size);
    }
}

void sfe_process_print(struct sfe_slice text)
{
    write_all(STDOUT_FILENO, text);
}

void sfe_process_print_error(struct sfe_slice text)
{
    write_all(STDERR_FILENO, text);
}

bool sfe_process_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}
