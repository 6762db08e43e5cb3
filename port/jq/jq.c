#include "port/jq.h"

#include "worker.h"

#include "base/assert.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBER_BYTES  24u
#define CHECK_WAIT_MS 10000u

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* `end` becomes the worker's standard input; it has nothing else. 0: it runs. */
static int spawn(const struct sfe_jq_options *options, int end, pid_t *process)
{
    char numbers[3][NUMBER_BYTES];
    char *const environment[] = {NULL};
    const uint32_t values[] = {options->cpu_ms, options->memory_bytes, options->result_bytes_max};
    char program[SFE_JQ_PROGRAM_BYTES];
    char name[] = "sfedge";
    char word[] = SFE_JQ_WORKER;
    char *const arguments[] = {name, word, program, numbers[0], numbers[1], numbers[2], NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%u", (unsigned)values[i]);
    }
    const int size = snprintf(program, sizeof(program), "%s", options->program);
    SFE_ASSERT(size >= 0 && (size_t)size < sizeof(program));
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    set_attributes(&attributes);
    int code = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    if (code == 0) {
        code =
            posix_spawn(process, "/proc/self/exe", &actions, &attributes, arguments, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

enum sfe_code sfe_jq_start(const struct sfe_jq_options *options, struct sfe_jq *jq,
                           struct sfe_error *err)
{
    int ends[2];
    pid_t process = -1;

    *jq = (struct sfe_jq){-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        err->os_errno = errno;
        return sfe_fail(err, SFE_E_REFUSED, "no socket for a jq worker");
    }
    const int code = spawn(options, ends[1], &process);
    (void)close(ends[1]);
    if (code != 0) {
        (void)close(ends[0]);
        (void)sfe_fail(err, SFE_E_REFUSED, "no jq worker can be started");
        err->os_errno = code;
        return err->code;
    }
    *jq = (struct sfe_jq){ends[0], (int)process};
    return SFE_OK;
}

enum sfe_code sfe_jq_write(const struct sfe_jq *jq, struct sfe_slice bytes, size_t *written)
{
    ssize_t size;

    *written = 0;
    do {
        size = send(jq->socket, bytes.bytes, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size >= 0) {
        *written = (size_t)size;
        return SFE_OK;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK ? SFE_OK : SFE_E_END;
}

enum sfe_code sfe_jq_read(const struct sfe_jq *jq, struct sfe_builder *out)
{
    ssize_t size;

    SFE_ASSERT(sfe_builder_room(out) > 0);
    do {
        size = recv(jq->socket, out->bytes + out->size, sfe_builder_room(out), MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size > 0) {
        out->size += (size_t)size;
        return SFE_OK;
    }
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? SFE_E_AGAIN : SFE_E_END;
}

void sfe_jq_wait(const struct sfe_jq *jq, uint32_t wait_ms)
{
    struct pollfd waited = {.fd = jq->socket, .events = POLLIN};

    (void)poll(&waited, 1, (int)wait_ms);
}

enum sfe_jq_end sfe_jq_stop(struct sfe_jq *jq)
{
    int status = 0;
    pid_t ended;

    if (jq->socket < 0) {
        return SFE_JQ_KILLED;
    }
    /* Once the socket has ended, how the worker ends is settled, and this changes nothing. */
    (void)kill((pid_t)jq->process, SIGKILL);
    do {
        ended = waitpid((pid_t)jq->process, &status, 0);
    } while (ended < 0 && errno == EINTR);
    (void)close(jq->socket);
    *jq = (struct sfe_jq){-1, -1};
    if (ended < 0) {
        return SFE_JQ_KILLED;
    }
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGXCPU ? SFE_JQ_TIME
               : WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS ||
                       WTERMSIG(status) == SIGABRT
                   ? SFE_JQ_FAULT
                   : SFE_JQ_KILLED;
    }
    return WEXITSTATUS(status) == SFE_JQ_EXIT_MEMORY ? SFE_JQ_MEMORY : SFE_JQ_KILLED;
}

enum sfe_code sfe_jq_check(const struct sfe_jq_options *options, struct sfe_error *err)
{
    static const char *const ends[] = {
        [SFE_JQ_KILLED] = "the jq worker was ended, or did not answer",
        [SFE_JQ_TIME] = "to compile it takes more than \"time\"",
        [SFE_JQ_MEMORY] = "to compile it takes more than \"memory\"",
        [SFE_JQ_FAULT] = "libjq fails on it",
    };
    uint8_t memory[SFE_JQ_HEAD_BYTES + SFE_JQ_MESSAGE_BYTES];
    struct sfe_builder answer = sfe_builder_make(memory, sizeof(memory));
    struct sfe_jq jq;
    enum sfe_code code = sfe_jq_start(options, &jq, err);
    char shown[SFE_JQ_MESSAGE_BYTES];

    if (code != SFE_OK) {
        return code;
    }
    do { /* The message of a program that is wrong comes at once, and the end behind it. */
        sfe_jq_wait(&jq, CHECK_WAIT_MS);
        code = sfe_jq_read(&jq, &answer);
    } while (code == SFE_OK && memory[0] == SFE_JQ_INVALID && sfe_builder_room(&answer) > 0);
    const enum sfe_jq_end end = sfe_jq_stop(&jq);
    if (answer.size < SFE_JQ_HEAD_BYTES) {
        return sfe_fail(err, SFE_E_CONFIG, "%s", ends[end]);
    }
    if (memory[0] == SFE_JQ_READY) {
        return SFE_OK;
    }
    sfe_printable(shown, sizeof(shown),
                  sfe_slice_make(memory + SFE_JQ_HEAD_BYTES, answer.size - SFE_JQ_HEAD_BYTES));
    return sfe_fail(err, SFE_E_CONFIG, "%s", shown);
}
