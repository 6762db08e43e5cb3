/* What is settled, as other threads may know it: the cursor with its ranges, and the facts. One
 * mutex guards both.
 *
 * Also remembers the ranges the cursor was loaded with: those events are not offered again.
 */
#ifndef SFE_OUTPUT_SETTLE_H
#define SFE_OUTPUT_SETTLE_H

#include "output/output.h"
#include "output/window.h"

struct sfe_arena;
struct settle;

/* What it takes from the arena. Pure. */
size_t settle_memory_bytes(void);

/* `start` is copied; its name is kept. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code settle_open(const struct sfe_cursor *start, struct sfe_arena *arena,
                                       struct settle **settle, struct sfe_error *err);

/* Of the loaded ranges: where the one that holds `sequence` ends; 0 where none does. Cloud thread.
 */
uint64_t settle_end_of_known(const struct settle *settle, uint64_t sequence);

/* How many of [begin, end) were not settled before. Cloud thread. */
uint64_t settle_count_unknown(const struct settle *settle, uint64_t begin, uint64_t end);

/* Makes the window's state known to the other threads. Cloud thread. */
void settle_publish_cursor(struct settle *settle, const struct window *window);
void settle_publish_facts(struct settle *settle, const struct sfe_output_facts *facts);

/* Any thread. */
void settle_cursor(struct settle *settle, struct sfe_cursor *cursor);
void settle_facts(struct settle *settle, struct sfe_output_facts *facts);

void settle_close(struct settle *settle); /* NULL is allowed. */

#endif
