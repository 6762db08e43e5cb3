/* The events of a simulation: what is in one follows from its serial number alone. Made once, then
 * kept, for each crash state looks at them again. */
#ifndef SFE_TESTS_SIM_EVENTS_H
#define SFE_TESTS_SIM_EVENTS_H

#include "base/bytes.h"

#include <stdbool.h>

#define EVENT_BYTES_MAX 16384u

struct sim_events;

/* `is_light`: none takes more than a page. */
struct sim_events *sim_events_open(bool is_light);
/* NULL is allowed. */
void sim_events_close(struct sim_events *events);

/* Lives as long as `events`. */
struct sfe_slice sim_events_payload(struct sim_events *events, uint32_t serial);
struct sfe_slice sim_events_topic(uint32_t serial);

#endif
