/* Walks a stream's durable events. Each reader has its own buffer and file handle and belongs to
 * one thread. */
#ifndef SFE_STREAM_READER_H
#define SFE_STREAM_READER_H

#include "stream/stream.h"

struct sfe_stream_reader;

/* Where an event's frame begins: makes coming back to it cheap. */
struct sfe_stream_place {
    uint32_t segment;
    uint32_t offset;
};

/* What a reader of a stream with these options takes from the arena. Pure. */
size_t sfe_stream_reader_memory_bytes(const struct sfe_stream_options *options);

/* Takes its buffer (one largest frame) from `arena`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_stream_reader_open(struct sfe_stream *stream,
                                                  struct sfe_arena *arena,
                                                  struct sfe_stream_reader **reader,
                                                  struct sfe_error *err);

/* The next event read will be the first kept one at or after `sequence`. */
void sfe_stream_reader_seek(struct sfe_stream_reader *reader, uint64_t sequence);

/* The next durable event; its slices live until the next call on this reader. `place` may be NULL.
 * `time_ns` is its time of arrival as Unix time, put right where the clock was unset then and is
 * known now. A jump in event->sequence is a gap: those events were released, dropped or damaged.
 * SFE_E_END at the durable end; SFE_E_STORAGE when reading fails (try again later). Damage is
 * skipped, counted and logged, never an error. */
SFE_MUST_USE enum sfe_code sfe_stream_reader_next(struct sfe_stream_reader *reader,
                                                  struct sfe_event *event, int64_t *time_ns,
                                                  struct sfe_stream_place *place,
                                                  struct sfe_error *err);

/* Reads again the event `sequence` at `place`. Cheap when called in the order of sequences. Does
 * not disturb where `next` stands beyond costing it a re-read of its frame. SFE_E_NOT_FOUND: no
 * longer there (dropped or damaged). Slices as above. */
SFE_MUST_USE enum sfe_code sfe_stream_reader_fetch(struct sfe_stream_reader *reader,
                                                   struct sfe_stream_place place, uint64_t sequence,
                                                   struct sfe_event *event, int64_t *time_ns,
                                                   struct sfe_error *err);

/* Events passed over because their bytes were damaged, since open. */
uint64_t sfe_stream_reader_damaged(const struct sfe_stream_reader *reader);

/* Releases the file handle. NULL is allowed. */
void sfe_stream_reader_close(struct sfe_stream_reader *reader);

#endif
