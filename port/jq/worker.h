/* How the worker process of port/jq.h is called, and what it says by its end. */
#ifndef SFE_PORT_JQ_WORKER_H
#define SFE_PORT_JQ_WORKER_H

#define SFE_JQ_WORKER        "jq-worker"
#define SFE_JQ_PROGRAM_BYTES 2048u
#define SFE_JQ_EXIT_MEMORY   4
#define SFE_JQ_EXIT_INVALID  5

#endif
