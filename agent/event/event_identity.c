/* The identity of an event that carries none: a hash of its topic and payload, so that the same
 * message sent twice is the same event, on every gateway and in every version. Source and time stay
 * out of it: a repeat differs in them. A sender that is known is part of it: what another one sends
 * takes the place of nothing. */
#include "event/event.h"

#include "base/assert.h"

struct sfe_hash128 sfe_event_identity(const struct sfe_event *event)
{
    SFE_ASSERT(event != NULL);
    if (event->identity_kind != SFE_IDENTITY_CONTENT) {
        return event->identity;
    }
    const struct sfe_slice parts[] = {event->topic, event->payload, event->sender};
    return sfe_hash128(parts, event->sender.size == 0 ? 2u : 3u);
}

void sfe_event_identify(struct sfe_event *event)
{
    event->identity = sfe_event_identity(event);
}

void sfe_event_add_identity(const struct sfe_event *event, struct sfe_builder *builder)
{
    const struct sfe_hash128 identity = sfe_event_identity(event);

    sfe_builder_add_hex(builder, sfe_slice_make(identity.bytes, sizeof(identity.bytes)));
}
