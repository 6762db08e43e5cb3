/* The event bus: what was published, for a while. Replay ids grow and have holes. */
#ifndef SFE_TESTS_ORG_BUS_H
#define SFE_TESTS_ORG_BUS_H

#include "buffer.h"
#include "table.h"

#define BUS_CHANNEL_BYTES 128u

struct bus_event {
    char channel[BUS_CHANNEL_BYTES];
    uint64_t replay;
    struct buffer data; /* The member "data" of its message. */
};

struct bus {
    struct bus_event *events; /* Owned; in order. */
    uint32_t count;
    uint32_t capacity;
    uint32_t retained_max; /* The oldest goes beyond this; 0: none does. */
    uint64_t last_replay;
    uint64_t first_valid; /* Ids below were forgotten. */
    uint64_t published;
    uint64_t transactions;
};

void bus_open(struct bus *bus);
void bus_close(struct bus *bus);

/* Publishes what a change of a record means to subscribers: an event, or a change event. */
void bus_change(void *owner, const struct object *object, const struct record *record,
                enum change change);

/* Publishes `data` for a channel of any kind: a JSON object into which `event`.`replayId` is put.
 */
void bus_publish_generic(struct bus *bus, struct sfe_slice channel, struct sfe_slice payload);

/* True where there is such a channel. */
bool bus_has_channel(const struct schema *schema, struct sfe_slice channel);

/* True where a subscription may go on behind `replay`. */
bool bus_knows(const struct bus *bus, uint64_t replay);

/* All ids of before are unknown from now on, and the events too where `events`. */
void bus_forget(struct bus *bus, bool events);

#endif
