/* The messages of a Bayeux 1.0 answer (Streaming API; API sheet of events, section 2): an array of
 * objects, replies and events mixed. Nothing is copied and no table is built, so that an answer of
 * any size can be walked, one that was cut off too. Pure; any thread. */
#ifndef SFE_SALESFORCE_BAYEUX_H
#define SFE_SALESFORCE_BAYEUX_H

#include "event/feed.h"

#include <stdbool.h>

enum bayeux_reconnect { BAYEUX_UNSAID, BAYEUX_RETRY, BAYEUX_HANDSHAKE, BAYEUX_NONE };

/* Slices are raw JSON inside the answer; of texts without their quotes. Empty: not there. */
struct bayeux_message {
    struct sfe_slice channel;
    struct sfe_slice data; /* Of an event. */
    struct sfe_slice client_id;
    struct sfe_slice subscription;
    struct sfe_slice error; /* Why: ext.sfdc.failureReason where it says more than `error`. */
    bool is_successful;
    enum bayeux_reconnect reconnect;
    int64_t interval_ms; /* -1: unsaid, as the next. */
    int64_t timeout_ms;
};

/* The message at or behind *offset, which is moved behind it. False: there is none that is whole.
 */
bool bayeux_next(struct sfe_slice body, size_t *offset, struct bayeux_message *message);

/* True where raw text `raw` is `text`, which has no quote or backslash. */
bool bayeux_is(struct sfe_slice raw, const char *text);

/* The number that an error begins with ("403::Unknown client"); 0: none. */
uint32_t bayeux_error_number(struct sfe_slice error);

/* True where the error has the words, in any case of letters. */
bool bayeux_error_has(struct sfe_slice error, const char *words);

/* What an event says of itself: its replay id as it stands, and an identity made of EventUuid; of a
 * change event's transactionKey and sequenceNumber, with entity and type as gap events repeat the
 * numbers; else of channel, replay id and date of creation. False where `data` is no object. */
bool bayeux_read_marks(struct sfe_slice channel, struct sfe_slice data,
                       struct sfe_feed_marks *marks);

#endif
