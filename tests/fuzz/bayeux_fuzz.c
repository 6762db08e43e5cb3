/* Whatever an org answers: the walk over its messages ends, goes forward only, and all it hands out
 * lies inside the answer; what an event says of itself fits, and is the same each time. */
#include "salesforce/bayeux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static bool is_inside(struct sfe_slice body, struct sfe_slice part)
{
    return part.size == 0 ||
           (part.bytes >= body.bytes && part.bytes + part.size <= body.bytes + body.size);
}

static void check_event(struct sfe_slice channel, struct sfe_slice event)
{
    struct sfe_feed_marks marks;
    struct sfe_feed_marks again;

    memset(&marks, 0, sizeof(marks));
    memset(&again, 0, sizeof(again));
    const bool is_event = bayeux_read_marks(channel, event, &marks);
    demand(bayeux_read_marks(channel, event, &again) == is_event, "it is one each time");
    demand(marks.place.size <= SFE_FEED_PLACE_BYTES_MAX, "a place fits");
    demand(marks.has_identity == again.has_identity &&
               memcmp(&marks.identity, &again.identity, sizeof(marks.identity)) == 0,
           "an identity stays");
    demand(marks.place.size == 0 || marks.has_identity, "what has a place has an identity");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfe_slice body = sfe_slice_make(data, size);
    struct bayeux_message message;
    size_t offset = 0;
    size_t before = 0;

    while (bayeux_next(body, &offset, &message)) {
        demand(offset > before && offset <= size, "the walk goes forward");
        before = offset;
        demand(is_inside(body, message.channel) && is_inside(body, message.data) &&
                   is_inside(body, message.client_id) && is_inside(body, message.subscription) &&
                   is_inside(body, message.error),
               "all is inside the answer");
        demand(message.interval_ms >= -1 && message.interval_ms <= 600000 &&
                   message.timeout_ms >= -1 && message.timeout_ms <= 600000,
               "advice is bounded");
        demand(bayeux_error_number(message.error) <= 999, "a number has three digits");
        (void)bayeux_error_has(message.error, "replayid");
        (void)bayeux_is(message.channel, "/meta/connect");
        if (message.data.size != 0) {
            check_event(message.channel, message.data);
        }
    }
    return 0;
}
