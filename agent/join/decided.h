/* The orders that were decided to be late, as the ranges of a cursor whose `sequence` is 0: so they
 * are kept with the other cursors. sfe_settled_has (stream/settled.h) finds them. Pure. */
#ifndef SFE_JOIN_DECIDED_H
#define SFE_JOIN_DECIDED_H

#include "stream/cursor.h"

/* Adds an order. `before`: the order just before it in the stream, whatever became of that (0: not
 * known): what lies between these two is no order. False where there is no room. */
bool decided_add(struct sfe_cursor *decided, uint64_t order, uint64_t before);

/* All below `base` is settled and never comes again. True where something was dropped. */
bool decided_pass(struct sfe_cursor *decided, uint64_t base);

#endif
