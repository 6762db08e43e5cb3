/* The agent: opens everything in order and closes it in reverse; three turns, and the threads
 * around them.
 *
 * edge: sockets on site, status, signals. flash: every write and sync below the state directory.
 * cloud: all HTTP. Each turn does what is due, never waits for anything but the one slow thing it
 * owns, and says when it wants to be called next; a simulation may call the same three from one
 * thread in any order.
 */
#ifndef SFE_RUN_AGENT_H
#define SFE_RUN_AGENT_H

#include "base/log.h"
#include "port/platform.h"
#include "run/setup.h"

struct sfe_agent;
struct sfe_learned_clock;
struct sfe_metered_storage;

struct sfe_agent_options {
    struct sfe_setup *setup;       /* Held by the agent. */
    struct sfe_platform *platform; /* Borrowed, as all pointers here; must outlive the agent. */
    struct sfe_log *log;
    struct sfe_learned_clock *learned;   /* In front of the platform's clock; NULL: none is. */
    struct sfe_metered_storage *metered; /* In front of the platform's storage; NULL: none is. */
};

/* What `config` takes from the arenas of the agent at most, once its streams are what it says; its
 * setup comes on top. All of it is taken at open. */
size_t sfe_agent_memory_bytes_max(const struct sfe_config *config);

/* The same while a reload makes each part anew, in the same size, beside what runs; two setups come
 * on top. */
size_t sfe_agent_reload_memory_bytes_max(const struct sfe_config *config);

/* What the libraries take from the heap for it at most (libcurl with its TLS, mbedTLS, paho): not
 * counted but measured, with a margin (config_memory_test.py), for certificates as many as a
 * system's bundle has. A TLS handshake is part of it; the stacks of threads are not. */
size_t sfe_agent_library_bytes_max(const struct sfe_config *config);

/* Recovers the streams and opens inputs and outputs; connects nothing yet. On failure *agent is
 * NULL. Main thread. */
SFE_MUST_USE enum sfe_code sfe_agent_open(const struct sfe_agent_options *options,
                                          struct sfe_agent **agent, struct sfe_error *err);

/* The three turns; each returns the monotonic time of its next one. Only ever from one thread each.
 */
uint64_t sfe_agent_edge_turn(struct sfe_agent *agent, uint64_t now_ns);
uint64_t sfe_agent_flash_turn(struct sfe_agent *agent, uint64_t now_ns);
uint64_t sfe_agent_cloud_turn(struct sfe_agent *agent, uint64_t now_ns);

/* Begins an orderly end: nothing more is taken, what is in flight is settled within
 * agent.stop_timeout. Edge thread. */
void sfe_agent_stop(struct sfe_agent *agent);

/* Runs the three turns on three threads, edge on the calling one, until stopped by a signal. SFE_OK
 * after an orderly end. */
SFE_MUST_USE enum sfe_code sfe_agent_run(struct sfe_agent *agent, struct sfe_error *err);

/* Closes everything in reverse order. NULL is allowed. Main thread. */
void sfe_agent_close(struct sfe_agent *agent);

#endif
