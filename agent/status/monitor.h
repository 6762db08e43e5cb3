/* What is shown over HTTP to whoever watches the gateway: /metrics for Prometheus, /healthz (this
 * thread answers), /readyz (what waits moves; else 503 and one line that says what does not).
 *
 * All of it comes from the same status that `status` and `top` show. A page is a row in monitor.c.
 * Without an address nothing listens, and what does not move is found all the same. Edge thread.
 */
#ifndef SFE_STATUS_MONITOR_H
#define SFE_STATUS_MONITOR_H

#include "base/log.h"
#include "port/clock.h"
#include "port/poller.h"
#include "status/report.h"

struct sfe_arena;
struct sfe_monitor;

struct sfe_monitor_options {
    const char *host; /* Borrowed for the monitor's life; NULL: nothing is shown. */
    uint16_t port;
    uint32_t parts; /* Links, inputs, streams, orgs and outputs; twice as many still fit. */
    void *owner;
    /* Fills in the status of now; what it points to lasts until the next call. */
    void (*gather)(void *owner, struct sfe_status *status);
    const struct sfe_poller *poller;
    const struct sfe_clock *clock;
    struct sfe_log *log;
};

/* What it takes from the arena. Pure. */
size_t sfe_monitor_memory_bytes(const struct sfe_monitor_options *options);

/* Listens with the first turn. SFE_E_NO_MEMORY. Main thread. */
SFE_MUST_USE enum sfe_code sfe_monitor_open(const struct sfe_monitor_options *options,
                                            struct sfe_arena *arena, struct sfe_monitor **monitor,
                                            struct sfe_error *err);

/* Serves who asks; returns when to be called again. */
uint64_t sfe_monitor_turn(struct sfe_monitor *monitor, uint64_t now_ns);

/* Looks at what waits: the outputs and streams of `status` alone are read. Work that has not moved
 * for `still_ns` is trouble. Every few seconds. */
void sfe_monitor_note(struct sfe_monitor *monitor, const struct sfe_status *status,
                      uint64_t still_ns, uint64_t now_ns);

/* One line without its end; empty where all moved at the last look. Lasts until the next. */
struct sfe_slice sfe_monitor_trouble(const struct sfe_monitor *monitor);

/* NULL is allowed. */
void sfe_monitor_close(struct sfe_monitor *monitor);

#endif
