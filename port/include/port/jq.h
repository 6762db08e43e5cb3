/* Runs a jq program over values, in a process of its own: libjq knows no bound of time or memory,
 * and a process has both. Only in builds with SFE_JQ.
 *
 * The worker is this executable once more (/proc/self/exe), with no environment, no file open but
 * the socket to us, no core, a bound of memory beside what it has at its start, and a bound of
 * processor time for each value, after which the system ends it. It ends with the thread that
 * started it, and with the socket.
 *
 * Over the socket: we write a length (u32, little-endian) and the JSON of a value; it answers each
 * in order with a kind (enum sfe_jq_kind, u8), a length and a text. Before the first it says READY,
 * or INVALID. One thread at a time for each struct.
 */
#ifndef SFE_PORT_JQ_H
#define SFE_PORT_JQ_H

#include "base/bytes.h"
#include "base/error.h"

#define SFE_JQ_HEAD_BYTES    5u   /* Of an answer. */
#define SFE_JQ_MESSAGE_BYTES 256u /* Texts that are no results are no longer. */

enum sfe_jq_kind {
    SFE_JQ_READY,
    SFE_JQ_INVALID,   /* The program does not compile: why. The worker ends. */
    SFE_JQ_RESULT,    /* JSON of the one result. */
    SFE_JQ_NONE,      /* There is none. */
    SFE_JQ_SEVERAL,   /* There are more than one. */
    SFE_JQ_FAILED,    /* The program failed on this value: why. */
    SFE_JQ_TOO_LARGE, /* The result is over the bound. */
    SFE_JQ_KINDS
};

/* How a worker came to its end. */
enum sfe_jq_end {
    SFE_JQ_KILLED, /* By somebody else. */
    SFE_JQ_TIME,
    SFE_JQ_MEMORY,
    SFE_JQ_FAULT /* A fault in libjq, such as too deep a recursion. */
};

struct sfe_jq_options {
    const char *program; /* Borrowed. */
    uint32_t cpu_ms;     /* For each value. */
    uint32_t memory_bytes;
    uint32_t result_bytes_max;
};

struct sfe_jq {
    int socket; /* -1: there is no worker. */
    int process;
};

/* Starts a worker. SFE_E_REFUSED: the system gives no process. */
SFE_MUST_USE enum sfe_code sfe_jq_start(const struct sfe_jq_options *options, struct sfe_jq *jq,
                                        struct sfe_error *err);

/* Writes what goes without waiting. SFE_E_END: the worker is gone. */
SFE_MUST_USE enum sfe_code sfe_jq_write(const struct sfe_jq *jq, struct sfe_slice bytes,
                                        size_t *written);

/* Adds what has come, as far as there is room. SFE_E_AGAIN: nothing; SFE_E_END: it is gone. */
SFE_MUST_USE enum sfe_code sfe_jq_read(const struct sfe_jq *jq, struct sfe_builder *out);

/* Waits until there is something to read, for so long at most. Not in turns. */
void sfe_jq_wait(const struct sfe_jq *jq, uint32_t wait_ms);

/* Ends the worker, if it has not ended by itself, and says how it did. */
enum sfe_jq_end sfe_jq_stop(struct sfe_jq *jq);

/* Compiles the program in a worker and waits for that. SFE_E_CONFIG with what is wrong;
 * SFE_E_REFUSED as above. */
SFE_MUST_USE enum sfe_code sfe_jq_check(const struct sfe_jq_options *options,
                                        struct sfe_error *err);

/* Whether this process was started to be a worker; and its whole life: returns the exit code. For
 * main. */
bool sfe_jq_is_worker(int argc, char **argv);
int sfe_jq_work(int argc, char **argv);

#endif
