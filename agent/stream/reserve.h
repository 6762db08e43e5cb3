/* One segment's worth of flash, kept as a file of its own for the day when there is no other: it
 * becomes the next segment by a new name. Flash thread. */
#ifndef SFE_STREAM_RESERVE_H
#define SFE_STREAM_RESERVE_H

#include "stream/parts.h"

/* Makes the spare file where the options ask for it, there is none, and there is room for it and
 * one more segment. Not having it is no failure: it is made when there is room. */
void reserve_make(struct sfe_stream *stream);

/* True where the quota allows no new segment but the spare. */
bool reserve_is_due(const struct sfe_stream *stream);

/* Gives the spare file the name of a segment and opens it, of full size and empty.
 * SFE_E_NOT_FOUND: there is none. */
SFE_MUST_USE enum sfe_code reserve_use(struct sfe_stream *stream, const char *name,
                                       struct sfe_file **file, struct sfe_error *err);

#endif
