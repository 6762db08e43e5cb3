/* Does what waits move? Of each output with a backlog, and of each stream with events that are to
 * be written, it is remembered when something of it was last settled or written.
 *
 * Work that waits for something from elsewhere by its configuration is none. Edge thread. */
#ifndef SFE_STATUS_PROGRESS_H
#define SFE_STATUS_PROGRESS_H

#include "status/report.h"

/* As many as there can be outputs (one a stream that they read) and streams. */
#define SFE_PROGRESS_MAX (SFE_OUTPUTS_MAX * 4u + SFE_STREAMS_MAX + 1u)

struct sfe_progress_row {
    uint64_t key; /* Of its names; stays the same over reloads. */
    uint64_t done;
    uint64_t moved_ns; /* When `done` last changed, or there was no work. */
};

/* Zeroed at the start. */
struct sfe_progress {
    struct sfe_progress_row rows[2][SFE_PROGRESS_MAX]; /* One of the last look, in its order. */
    uint32_t last;                                     /* Which. */
    uint32_t count;                                    /* Of it. */
};

/* Looks at the outputs and streams of `status`; every few seconds. */
void sfe_progress_note(struct sfe_progress *progress, const struct sfe_status *status,
                       uint64_t now_ns);

/* Adds one line, without its end, of the first that has not moved for `still_ns` by the last look
 * and by now; nothing where all moves. The same outputs and streams as in the last look, or newer.
 */
void sfe_progress_add_trouble(const struct sfe_progress *progress, const struct sfe_status *status,
                              uint64_t still_ns, uint64_t now_ns, struct sfe_builder *out);

#endif
