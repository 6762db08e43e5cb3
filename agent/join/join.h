/* Lets the events of an output wait for confirmations that come in another stream: an order goes
 * when a confirmation of the same key is durable, in whichever order the two came; one that gets
 * none within its time is late. Cloud thread, but for the calls that say otherwise.
 *
 * There is no file of its own: what is known is made again from the two streams, from two cursors
 * that are saved with all others in one snapshot. What became of an order is decided before it has
 * an effect, by something that is durable by then, so that it is decided alike after any crash:
 *
 * - It goes: a confirmation of its key is read, which only a durable one is. That one stays in
 *   front of the confirmations' cursor until the orders' cursor has passed the order. In a snapshot
 *   the former is never newer than the latter, as it is taken first. So whoever reads the order
 *   again also reads the confirmation again, and the order goes again, with the same identity.
 *   Power cut before the delivery, or after it and before the snapshot: the same.
 * - It is late: first it is noted among the decided ones (decided.h), in a snapshot, and only when
 *   that is durable the output gives it up, be it as a dead letter or as an event of the stream of
 *   late ones. A note counts for more than any confirmation, and stays until the orders' cursor has
 *   passed the order. Power cut before the snapshot: nothing has happened, it is judged anew.
 *   After it: the order is late, whatever has come meanwhile, and what says so may be written again
 *   with the same identity.
 * - Neither: nothing has happened, so nothing has to be remembered.
 *
 * Times only say when an order becomes late, and never decide twice. An order is late where the
 * clock, or this run, says that its time is over, and all confirmations were read that had arrived
 * by then, even staged ones. One that arrived after the order's time does not count, where both
 * were stamped with the clock set. While the clock is not set only the time of this run counts.
 *
 * Keys are meant to be used once. A confirmation counts for all orders of its key that are read
 * until those that went by it are passed, or where none did, until its own time is over; another
 * one of its key changes nothing meanwhile.
 *
 * Bounds: as many orders as the output's window holds; `keep` confirmations without an order. Where
 * those are used up no more confirmations are read until one has an order or its time is over, and
 * meanwhile no order is late.
 */
#ifndef SFE_JOIN_JOIN_H
#define SFE_JOIN_JOIN_H

#include "base/log.h"
#include "flow/map.h"
#include "flow/where.h"
#include "output/wait.h"
#include "port/clock.h"
#include "stream/cursor.h"
#include "stream/reader.h"

struct sfe_arena;
struct sfe_join;

/* The cursors of a join: of the confirmations ("output/stream"), and of the orders decided to be
 * late ("output+orders"). */
#define SFE_JOIN_CURSORS 2u

struct sfe_join_options {
    const char *output;               /* Borrowed, as all pointers here. */
    struct sfe_stream *orders;        /* That the output reads. */
    struct sfe_stream *stream;        /* Of confirmations. */
    struct sfe_stream_reader *reader; /* Of it; the join's once that is open. */
    struct sfe_where *takes;          /* Which events are orders; NULL: all. May be the target's. */
    struct sfe_template *key;
    struct sfe_where *where; /* Which of `stream` are confirmations; NULL: all. */
    struct sfe_template *their_key;
    uint64_t within_ns;  /* From the order's arrival on. */
    uint32_t orders_max; /* The output's window. */
    uint32_t keep;       /* Confirmations that have no order. */
    /* Where they stood; NULL: at the beginning. Copied. */
    const struct sfe_cursor *cursor;
    const struct sfe_cursor *decided;
    const struct sfe_clock *clock;
    struct sfe_log *log;
    void (*on_settled)(void *owner); /* The cursors should be saved soon. */
    void *owner;
};

struct sfe_join_facts {
    uint64_t cursor;        /* Of the confirmations. */
    uint64_t backlog;       /* Confirmations that are not read. */
    uint32_t confirmations; /* Kept. */
    uint32_t early;         /* Of them, those without an order. */
    uint64_t unusable;      /* Events that had no key, or could not be judged, since open. */
    bool is_full;           /* No more confirmations are read: `keep` of them have no order. */
};

/* What it takes from the arena. Pure. */
size_t sfe_join_memory_bytes(uint32_t orders_max, uint32_t keep);

/* The names of its cursors. */
void sfe_join_cursor_names(const char *output, const char *orders, const char *stream,
                           char names[SFE_JOIN_CURSORS][SFE_CURSOR_NAME_BYTES]);

/* SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_join_open(const struct sfe_join_options *options,
                                         struct sfe_arena *arena, struct sfe_join **join,
                                         struct sfe_error *err);

/* For the output; lives as long as the join. */
const struct sfe_output_wait *sfe_join_wait(const struct sfe_join *join);

/* The join behind it. */
struct sfe_join *sfe_join_of(const struct sfe_output_wait *wait);

/* The stream of confirmations. Any thread. */
const struct sfe_stream *sfe_join_stream(const struct sfe_join *join);

/* Takes the cursors for a snapshot, before that of the output is taken; and says that the snapshot
 * is durable. Any thread (its own lock). */
void sfe_join_take_cursors(struct sfe_join *join, struct sfe_cursor cursors[SFE_JOIN_CURSORS]);
void sfe_join_saved(struct sfe_join *join);

/* Any thread (the same lock). */
void sfe_join_facts(struct sfe_join *join, struct sfe_join_facts *facts);

/* After its output; closes the reader as well. NULL is allowed. */
void sfe_join_close(struct sfe_join *join);

#endif
