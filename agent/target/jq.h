/* The target that transforms: each event's payload goes through a jq program, and the result is the
 * answer, {"result": …}, which the output passes on (on_done) for others to map.
 *
 * The program runs in a worker process (port/jq.h) that is bounded in time and memory. Turns never
 * wait for it: what is under way is looked at again every few milliseconds. Events are answered in
 * the order in which they were sent, over all slots. An event whose program fails, takes too much,
 * or makes no single result of at most the bound is dead, with the reason. A worker that ends is
 * started anew, and what it had not answered goes to the next; an event is given up for memory or a
 * fault of libjq only where it was the first that its worker had. A worker that is killed from
 * outside costs nothing but time.
 *
 * jq makes a double of every number: an event with a number of more than 15 digits is dead rather
 * than changed. Cloud thread.
 */
#ifndef SFE_TARGET_JQ_H
#define SFE_TARGET_JQ_H

#include "flow/where.h"
#include "output/target.h"
#include "port/jq.h"

#define SFE_JQ_SLOTS 8u

struct sfe_jq_target;

struct sfe_jq_target_options {
    struct sfe_jq_options worker; /* Borrowed, as all pointers here. */
    struct sfe_where *where;      /* NULL: every event. */
    uint32_t event_bytes_max;
    /* Waits for the worker instead of coming again: for a rehearsal, whose clock jumps. */
    bool is_waiting;
    void (*on_sent)(void *owner); /* Another turn is wanted, to look at what is under way. */
    void *owner;
};

/* What it takes from the arena. Pure. */
size_t sfe_jq_target_memory_bytes(const struct sfe_jq_target_options *options);

/* Fills in `target`. The worker is started with the first event. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_jq_target_open(const struct sfe_jq_target_options *options,
                                              struct sfe_arena *arena,
                                              struct sfe_jq_target **opened,
                                              struct sfe_target *target, struct sfe_error *err);

/* Ends the worker. NULL is allowed. */
void sfe_jq_target_close(struct sfe_jq_target *self);

#endif
