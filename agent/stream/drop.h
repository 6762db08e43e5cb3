/* What happens where the quota is used up and the stream may drop. The mutex is held by the caller
 * of every function but `drop_tell`. */
#ifndef SFE_STREAM_DROP_H
#define SFE_STREAM_DROP_H

#include "stream/parts.h"

/* What a commit changed; to be told when the mutex is free. */
enum drop_change { DROP_NO_CHANGE, DROP_BEGAN, DROP_ENDED };

/* Fills in what `segment`, about to begin with `frame`, says of events dropped before it: totals,
 * and with drop-oldest the oldest segments, as many as have to go. Nothing is removed yet. */
void drop_plan(const struct sfe_stream *stream, const struct frame *frame, struct segment *segment);

/* `frame` is durable in the current segment, and so is what drop_plan said, where that is new. From
 * now on readers pass over what was dropped. */
enum drop_change drop_note(struct sfe_stream *stream, const struct frame *frame, bool is_new,
                           uint64_t payload_bytes);

/* A durable header tells of `gap`, if of any: it holds from now on. */
void drop_take_gap(struct sfe_stream *stream, const struct segment_gap *gap);

/* What the frames of segments before `newest` told as dropped, by the counts of the next one
 * without what that itself tells. Of those that are found at the start. */
void drop_take_told(struct segment_table *table, uint32_t newest);

/* Something was given back: is dropping over? */
enum drop_change drop_note_release(struct sfe_stream *stream);

/* Is segment `index` wholly within the gap that a newer one tells of? */
bool drop_covers(const struct sfe_stream *stream, uint32_t index);

/* Logs the beginning, or the end with the count. */
void drop_tell(const struct sfe_stream *stream, enum drop_change change);

#endif
