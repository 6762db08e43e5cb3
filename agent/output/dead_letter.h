/* Makes the dead letter of an event: the event as it came, with an annotation that says why it
 * could not be delivered. Pure; any thread.
 *
 * Annotation:
 * {"reason":"SFE-API","message":"…","api_code":"…","http_status":200,"pointer":"…",
 * "output":"…","stream":"…","sequence":7,"attempts":3};
 * members without a value are left out. It quotes no payload and no secret; the message is the
 * error's own.
 */
#ifndef SFE_OUTPUT_DEAD_LETTER_H
#define SFE_OUTPUT_DEAD_LETTER_H

#include "base/bytes.h"
#include "base/error.h"
#include "event/event.h"

/* Holds any annotation: every text of an error, escaped at its worst, and two names. */
#define DEAD_LETTER_ANNOTATION_BYTES 4096u

struct dead_letter_origin {
    const char *output;
    const char *stream;
    uint32_t attempts;
    int64_t time_ns; /* Unix time of arrival, put right. */
    bool time_is_known;
};

/* Fills `letter` from `event`, which may get its identity filled; slices are borrowed from both
 * arguments. `annotation` is emptied and written. Where the clock was unset at arrival and the time
 * is known since, that is the letter's time. */
void dead_letter_make(struct sfe_event *event, const struct dead_letter_origin *origin,
                      const struct sfe_error *reason, struct sfe_builder *annotation,
                      struct sfe_event *letter);

/* Cuts the payload to an excerpt that every stream takes. */
void dead_letter_shorten(struct sfe_event *letter);

#endif
