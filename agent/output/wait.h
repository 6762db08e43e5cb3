/* What lets events of an output wait for something that comes from elsewhere, before they are
 * offered to the target. The output reads on meanwhile, as far as its window goes: an event that
 * waits holds up no other, whatever their order keys. Cloud thread. */
#ifndef SFE_OUTPUT_WAIT_H
#define SFE_OUTPUT_WAIT_H

#include "base/error.h"
#include "event/event.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the output stands. */
struct sfe_wait_view {
    uint64_t now_ns;
    uint64_t base;     /* All below is settled, and its cursor says so, or a later one. */
    bool has_read_all; /* Of what was durable just now, */
    bool is_full;      /* or as much as there is room for. */
};

/* How the output is told what became of an event that is held, by its sequence. */
struct sfe_wait_host {
    void *context;
    void (*go)(void *context, uint64_t sequence);   /* It waits no longer. */
    void (*late)(void *context, uint64_t sequence); /* It has waited for too long: given up. */
};

struct sfe_output_wait {
    void *context;
    /* Asked once for each event, in the order of the stream, when it is read. SFE_OK: it need not
     * wait. SFE_E_AGAIN: it is held until the host is told. SFE_E_SKIPPED: it is none of the
     * output's. Others: it can never go (err says why). `is_settled`: it was settled in the last
     * run, and may have to be known all the same; the host is told nothing of it. `base` as in
     * the view. */
    enum sfe_code (*judge)(void *context, struct sfe_event *event, uint64_t base, bool is_settled,
                           struct sfe_error *err);
    /* In each turn of the output, after it has read on. Returns when it is due again. */
    uint64_t (*turn)(void *context, const struct sfe_wait_view *view,
                     const struct sfe_wait_host *host);
};

#endif
