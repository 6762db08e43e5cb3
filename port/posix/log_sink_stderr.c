#include "port/log_sink.h"

#include "base/time_format.h"

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* A reader that has stopped reading costs a line, not the agent. */
#define WAIT_MS_MAX  100
#define PREFIX_BYTES 40u

/* systemd names in $JOURNAL_STREAM the device and inode of the stream it gave us. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char mine[48];
    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    int size = snprintf(mine, sizeof(mine), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)status.st_dev,
                        (uintmax_t)status.st_ino);
    return size > 0 && (size_t)size < sizeof(mine) && strcmp(mine, stream) == 0;
}

static void make_prefix(struct sfe_builder *prefix, int priority)
{
    if (is_journal()) {
        sfe_builder_add_byte(prefix, '<');
        sfe_builder_add_byte(prefix, (uint8_t)('0' + priority % 8));
        sfe_builder_add_byte(prefix, '>');
        return;
    }
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    sfe_time_add_datetime(prefix, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    sfe_builder_add_byte(prefix, ' ');
}

void sfe_log_sink_write(int priority, const char *line, size_t size)
{
    uint8_t memory[PREFIX_BYTES];
    char newline = '\n';
    struct sfe_builder prefix = sfe_builder_make(memory, sizeof(memory));
    make_prefix(&prefix, priority < 0 ? 3 : priority);

    struct pollfd stream = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&stream, 1, WAIT_MS_MAX) == 0) {
        return;
    }
    union {
        const char *from;
        void *base; /* writev does not write there, but its type says it might. */
    } text = {.from = line};
    struct iovec parts[3] = {{.iov_base = memory, .iov_len = prefix.size},
                             {.iov_base = text.base, .iov_len = size},
                             {.iov_base = &newline, .iov_len = 1}};
    /* One call, so that lines of several threads do not mix. There is nowhere to report a failure
     * to. */
    ssize_t written = writev(STDERR_FILENO, parts, 3);
    (void)written;
}
