/* Makes the event that says what became of another: the answer to it. Pure; any thread.
 *
 * Its payload, JSON, members without a value left out:
 * {"event":{"id":"…","stream":"sales","seq":7,"source":"tills","time":"2026-11-24T10:15:30.123Z"},
 *  "output":"accounting","outcome":"done","attempts":1,
 *  "error":{"reason":"SFE-API","message":"…","api_code":"…","http_status":400,"where":"…"},
 *  "dead":12,
 *  "answer":{…},
 *  "payload":{…}}
 * `outcome` is "done", "dead" (with `error` and `dead`, the letter's number) or "late".
 * `answer` is what the target wrote; `payload` the event's own, "payload_base64" where that is no
 * JSON. What does not fit is named instead: "answer_left_out":true, "payload_left_out":true. Its
 * topic is the event's, its source the output.
 */
#ifndef SFE_OUTPUT_ANSWER_EVENT_H
#define SFE_OUTPUT_ANSWER_EVENT_H

#include "base/bytes.h"
#include "base/error.h"
#include "event/event.h"

#include <stdbool.h>

/* The least that a payload may be allowed: holds everything but answer and payload. */
#define ANSWER_EVENT_BYTES_MIN 1024u

/* What is left out, in this order, where it finds no room. */
enum answer_event_cut {
    ANSWER_EVENT_WHOLE,
    ANSWER_EVENT_NO_PAYLOAD,
    ANSWER_EVENT_NO_ANSWER,
    ANSWER_EVENT_LEAST /* No topic, no words of the error. */
};

struct answer_origin {
    const char *output;
    const char *stream;
    uint32_t attempts;
    int64_t time_ns; /* Unix time of the event's arrival, put right. */
    bool time_is_known;
    const struct sfe_error *reason; /* NULL: it was done. */
    uint64_t dead_sequence;         /* Of its letter; 0: none. */
    struct sfe_slice answer;        /* A JSON object, or empty. */
    bool is_answer_cut;             /* It was too large to be kept. */
    bool is_late;                   /* It was not offered at all; without a reason. */
};

/* Fills `made` from `event`, which may get its identity filled; slices are borrowed from both
 * arguments and from `payload`, which is emptied and written. Its identity follows from that of
 * `event`, the output and the outcome: the answer to a repeat is the same event. Leaves out at
 * least what `cut` says; returns what was left out. Times are the caller's to fill. */
enum answer_event_cut answer_event_make(struct sfe_event *event, const struct answer_origin *origin,
                                        enum answer_event_cut cut, struct sfe_builder *payload,
                                        struct sfe_event *made);

#endif
