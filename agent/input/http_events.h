/* The events in the body of a request: a JSON object is one, a JSON array of objects holds some,
 * and so do lines of objects. All of a body is checked before anything of it is taken. Pure; any
 * thread. */
#ifndef SFE_INPUT_HTTP_EVENTS_H
#define SFE_INPUT_HTTP_EVENTS_H

#include "base/json_reader.h"
#include "input/http_request.h"

struct http_events_rules {
    const char *identity; /* Pointer to the value that each event must have; NULL: none. */
    uint32_t event_bytes_max;
    struct sfe_json_token *tokens; /* Scratch for one body. */
    uint32_t token_capacity;
};

/* Checks the whole body and counts its events. SFE_E_PROTOCOL: nothing of it may be taken;
 * err->http_status is what to answer (400 or 413), err->message names the element ("element 3"
 * counts from 0 as a JSON pointer does; lines from 1). */
SFE_MUST_USE enum sfe_code http_events_check(struct sfe_slice body, enum http_body_kind kind,
                                             const struct http_events_rules *rules, uint32_t *count,
                                             struct sfe_error *err);

/* Takes the next event of a body that was checked; *offset is 0 at first. False behind the last. */
bool http_events_next(struct sfe_slice body, size_t *offset, struct sfe_slice *event);

/* The identity of an event that was checked: the value at rules->identity as it stands, without its
 * quotes. */
struct sfe_slice http_events_identity(struct sfe_slice event,
                                      const struct http_events_rules *rules);

#endif
