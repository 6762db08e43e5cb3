/* A cursor that is moved by hand, one sequence at a time, in any order. Pure; any thread. */
#ifndef SFE_STREAM_SETTLED_H
#define SFE_STREAM_SETTLED_H

#include "stream/cursor.h"

/* The cursor of what people settled of the stream "dead". */
#define SFE_CURSOR_BY_HAND "dead/by-hand"

/* True where `cursor` says that `sequence` is settled; a NULL cursor says so of none. */
bool sfe_settled_has(const struct sfe_cursor *cursor, uint64_t sequence);

/* Settles `sequence`. SFE_E_FULL (with text): it would be one more gap than a cursor holds; nothing
 * has changed. */
SFE_MUST_USE enum sfe_code sfe_settled_add(struct sfe_cursor *cursor, uint64_t sequence,
                                           struct sfe_error *err);

/* Everything below `sequence` is gone: it counts as settled. */
void sfe_settled_pass(struct sfe_cursor *cursor, uint64_t sequence);

#endif
