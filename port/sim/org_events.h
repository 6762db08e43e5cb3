/* The event bus of the simulated org, read by its Streaming API (CometD by long polling). It is
 * strict: cookies, one session a client that ends when nobody polls, replay ids that are known or
 * refused; what an answer held is taken for delivered, whether it arrived or not. In trouble it
 * ends sessions and tokens, gives advice of any kind, and loses what it pleases on the way. */
#ifndef SFE_PORT_SIM_ORG_EVENTS_H
#define SFE_PORT_SIM_ORG_EVENTS_H

#include "base/bytes.h"
#include "sim/org.h"

#define SIM_ORG_CHANNELS    2u
#define SIM_ORG_EVENTS_MAX  2048u
#define SIM_ORG_EVENT_BYTES 2048u

/* "/event/Zero__e" and "/event/One__e". */
extern const char *const sim_org_channels[SIM_ORG_CHANNELS];

/* Publishes event `number` of a channel: a JSON object; `number` is told apart from all others by
 * its EventUuid. False: the books are full. */
bool sim_org_publish(struct sim_org *org, uint32_t channel, uint32_t number,
                     struct sfe_slice payload);

/* Keeps the newest so many; their retention is over for all before. */
void sim_org_events_drop(struct sim_org *org, uint32_t kept);

/* All replay ids given until now are unknown from here on, and the events kept get others. */
void sim_org_events_renumber(struct sim_org *org);

/* True where a poll is held for a client of all channels, and there is nothing to say to it. */
bool sim_org_events_idle(const struct sim_org *org);

/* Events in answers, and subscriptions that named a place it does not know. */
uint64_t sim_org_events_sent(const struct sim_org *org);
uint64_t sim_org_events_stale(const struct sim_org *org);

#endif
