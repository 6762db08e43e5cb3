/* Which event has an external ID: maps events as the outputs of a configuration would. Main thread.
 */
#ifndef SFE_CLI_EVENT_LOOKUP_H
#define SFE_CLI_EVENT_LOOKUP_H

#include "event/event.h"
#include "compile/compile.h"

struct sfe_lookup;

/* Takes its memory from `arena`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_lookup_open(const struct sfe_compiled *compiled,
                                           struct sfe_arena *arena, struct sfe_lookup **lookup,
                                           struct sfe_error *err);

/* True where one of the records that the outputs of stream `stream` (its index) make of the event
 * has this external ID, capitals like small letters. The event's identity may be filled. */
bool sfe_lookup_matches(struct sfe_lookup *lookup, uint32_t stream, struct sfe_event *event,
                        struct sfe_slice external_id);

#endif
