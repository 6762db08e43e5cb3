/* What a service manager (systemd) hears of the agent: that it runs, that it still does, in what
 * state it is, and that it stops; sd_notify(3). A manager that hears nothing for a while kills the
 * agent and starts it again, which is the same way as after a power cut.
 *
 * A ping must prove something. Edge asks flash and cloud to take a turn, and pings only when both
 * have ended one since: a thread that is stuck (in a write that does not return, in a look-up, in a
 * loop) makes no ping, and neither does edge when it is stuck itself. READY follows the first
 * answer of both. Without a manager nothing is asked and nobody is woken.
 */
#ifndef SFE_SUPERVISE_WATCHDOG_H
#define SFE_SUPERVISE_WATCHDOG_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_arena;
struct sfe_watchdog;

/* The threads that answer; edge asks. */
enum sfe_watchdog_thread { SFE_WATCHDOG_FLASH, SFE_WATCHDOG_CLOUD, SFE_WATCHDOG_THREADS };

struct sfe_watchdog_options {
    bool is_watched;   /* There is a manager to tell. */
    uint64_t limit_ns; /* It wants to hear from us this often; 0: only what changes. */
    void *context;     /* Of the functions below. */
    /* Makes flash and cloud take a turn soon. Edge thread. */
    void (*ask)(void *context);
    /* Makes edge take a turn soon. Flash and cloud threads. */
    void (*wake)(void *context);
    /* Adds the state in one line, without its end. Edge thread. */
    void (*add_state)(void *context, struct sfe_builder *out);
};

/* What it takes from the arena. */
size_t sfe_watchdog_memory_bytes(void);

/* SFE_E_NO_MEMORY. Main thread. */
SFE_MUST_USE enum sfe_code sfe_watchdog_open(const struct sfe_watchdog_options *options,
                                             struct sfe_arena *arena,
                                             struct sfe_watchdog **watchdog, struct sfe_error *err);

/* `thread` has ended a turn. That thread. */
void sfe_watchdog_pass(struct sfe_watchdog *watchdog, enum sfe_watchdog_thread thread);

/* Asks, and tells the manager what there is to tell; returns the monotonic time of the next turn.
 * Edge thread. */
uint64_t sfe_watchdog_turn(struct sfe_watchdog *watchdog, uint64_t now_ns);

/* The orderly end has begun, and takes `limit_ns` at most; from here on nothing is asked. Edge
 * thread. */
void sfe_watchdog_stop(struct sfe_watchdog *watchdog, uint64_t limit_ns);

/* A reload begins, and has ended. Edge thread. */
void sfe_watchdog_begin_reload(struct sfe_watchdog *watchdog);
void sfe_watchdog_end_reload(struct sfe_watchdog *watchdog);

#endif
