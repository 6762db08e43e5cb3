/* The worker process: one program, one value after the other, until the socket ends. It has no
 * memory of ours, and may be ended at any instant. */
#include "worker.h"

#include "port/jq.h"

#include "base/assert.h"

#include <jq.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define ARGUMENTS      6
#define SECOND_MS      1000u
#define OPEN_FILES_MAX 1024

struct worker {
    jq_state *jq;
    uint32_t cpu_ms;
    uint32_t result_bytes_max;
    char message[SFE_JQ_MESSAGE_BYTES];
    uint8_t *value; /* JSON as it came; as large as the largest so far. */
    size_t capacity;
};

bool sfe_jq_is_worker(int argc, char **argv)
{
    return argc == ARGUMENTS && strcmp(argv[1], SFE_JQ_WORKER) == 0;
}

static void on_no_memory(void *data)
{
    (void)data;
    _exit(SFE_JQ_EXIT_MEMORY);
}

static void on_message(void *data, jv message)
{
    struct worker *worker = data;

    message = jq_format_error(message);
    if (worker->message[0] == '\0' && jv_get_kind(message) == JV_KIND_STRING) {
        (void)snprintf(worker->message, sizeof(worker->message), "%s", jv_string_value(message));
    }
    jv_free(message);
}

static void set_limit(int resource, rlim_t most)
{
    const struct rlimit limit = {most, most};

    (void)setrlimit((__rlimit_resource_t)resource, &limit);
}

/* Address space in use: the libraries of the whole program, and its stack. */
static rlim_t memory_now(void)
{
    char text[64] = {0};
    FILE *file = fopen("/proc/self/statm", "re");
    const long page = sysconf(_SC_PAGESIZE);

    if (file != NULL) {
        text[fread(text, 1, sizeof(text) - 1u, file)] = 0;
        (void)fclose(file);
    }
    return (rlim_t)strtoull(text, NULL, 10) * (rlim_t)page;
}

/* Nothing is left open but the socket, and nothing can be opened. */
static void close_files(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 1u, ~0u, 0u) == 0) {
        return;
    }
#endif
    for (int i = 1; i < OPEN_FILES_MAX; i++) {
        (void)close(i);
    }
}

static void confine(uint32_t memory_bytes)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    const rlim_t memory = memory_now();
    close_files();
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_FSIZE, 0);
    set_limit(RLIMIT_NOFILE, 1);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    set_limit(RLIMIT_AS, memory + memory_bytes);
#else
    (void)memory;
    (void)memory_bytes;
#endif
}

/* From here on the process may use so much time; 0: no more is counted. The system ends it. */
static void arm(uint32_t cpu_ms)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)(cpu_ms / SECOND_MS),
                     .tv_usec = (suseconds_t)(cpu_ms % SECOND_MS) * 1000}};

    (void)setitimer(ITIMER_PROF, &timer, NULL);
}

static bool read_all(uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t got = read(STDIN_FILENO, bytes, size);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        bytes += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

static void write_all(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t put = write(STDIN_FILENO, bytes, size);
        if (put < 0 && errno != EINTR) {
            _exit(0); /* Nobody listens any more. */
        }
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
}

static void answer(enum sfe_jq_kind kind, const char *text, size_t size)
{
    uint8_t head[SFE_JQ_HEAD_BYTES] = {(uint8_t)kind, (uint8_t)size, (uint8_t)(size >> 8),
                                       (uint8_t)(size >> 16), (uint8_t)(size >> 24)};

    write_all(head, sizeof(head));
    write_all((const uint8_t *)text, size);
}

static bool compile(struct worker *worker, const char *program)
{
    worker->jq = jq_init();
    if (worker->jq == NULL) {
        on_no_memory(NULL);
    }
    jq_set_nomem_handler(worker->jq, on_no_memory, NULL);
    jq_set_error_cb(worker->jq, on_message, worker);
    jq_set_attr(worker->jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
    return jq_compile(worker->jq, program) != 0;
}

/* What ended the program: an error of it, or just its end. */
static void answer_failure(struct worker *worker, jv end, enum sfe_jq_kind otherwise)
{
    const bool has_failed = jv_invalid_has_msg(jv_copy(end)) != 0;

    worker->message[0] = '\0';
    if (has_failed) {
        jv message = jv_invalid_get_msg(end);
        if (jv_get_kind(message) != JV_KIND_STRING) {
            message = jv_dump_string(message, 0);
        }
        (void)snprintf(worker->message, sizeof(worker->message), "%s", jv_string_value(message));
        jv_free(message);
    } else {
        jv_free(end);
    }
    answer(has_failed ? SFE_JQ_FAILED : otherwise, worker->message, strlen(worker->message));
}

static void run(struct worker *worker, jv value)
{
    static const char halted[] = "halt and halt_error end no event";

    jq_start(worker->jq, value, 0);
    jv result = jq_next(worker->jq);
    if (!jv_is_valid(result) && jq_halted(worker->jq)) {
        jv_free(result);
        answer(SFE_JQ_FAILED, halted, sizeof(halted) - 1u);
        return;
    }
    if (!jv_is_valid(result)) {
        answer_failure(worker, result, SFE_JQ_NONE);
        return;
    }
    jv second = jq_next(worker->jq);
    if (jv_is_valid(second)) {
        jv_free(second);
        jv_free(result);
        answer(SFE_JQ_SEVERAL, "", 0);
        return;
    }
    if (jv_invalid_has_msg(jv_copy(second))) {
        jv_free(result);
        answer_failure(worker, second, SFE_JQ_NONE);
        return;
    }
    jv_free(second);
    jv text = jv_dump_string(result, 0);
    const size_t size = (size_t)jv_string_length_bytes(jv_copy(text));
    if (size > worker->result_bytes_max) {
        answer(SFE_JQ_TOO_LARGE, "", 0);
    } else {
        answer(SFE_JQ_RESULT, jv_string_value(text), size);
    }
    jv_free(text);
}

static bool take_value(struct worker *worker, size_t *size)
{
    uint8_t head[4];

    if (!read_all(head, sizeof(head))) {
        return false;
    }
    *size = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (*size > worker->capacity) {
        uint8_t *larger = realloc(worker->value, *size);
        if (larger == NULL) {
            on_no_memory(NULL);
        }
        worker->value = larger;
        worker->capacity = *size;
    }
    return read_all(worker->value, *size);
}

int sfe_jq_work(int argc, char **argv)
{
    struct worker worker = {.jq = NULL};
    size_t size = 0;

    SFE_ASSERT(sfe_jq_is_worker(argc, argv));
    worker.cpu_ms = (uint32_t)strtoul(argv[3], NULL, 10);
    worker.result_bytes_max = (uint32_t)strtoul(argv[5], NULL, 10);
    confine((uint32_t)strtoul(argv[4], NULL, 10));
    arm(worker.cpu_ms + SECOND_MS); /* To compile takes some time on small machines. */
    if (!compile(&worker, argv[2])) {
        answer(SFE_JQ_INVALID, worker.message, strlen(worker.message));
        return SFE_JQ_EXIT_INVALID;
    }
    answer(SFE_JQ_READY, "", 0);
    while (arm(0), take_value(&worker, &size)) {
        arm(worker.cpu_ms);
        jv value = jv_parse_sized((const char *)worker.value, (int)size);
        if (jv_is_valid(value)) {
            run(&worker, value);
        } else {
            answer_failure(&worker, value, SFE_JQ_FAILED);
        }
    }
    return 0; /* What is left goes with the process. */
}
