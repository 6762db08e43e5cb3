/* Inputs of type salesforce-events: one source for all of a connection. */
#ifndef SFE_RUN_OPEN_EVENTS_H
#define SFE_RUN_OPEN_EVENTS_H

#include "run/parts.h"

/* memory.c: of stream `index`, what its size depends on. Pure. */
struct sfe_stream_options agent_stream_options(const struct sfe_config *config, uint32_t index);

/* What the source of a connection takes from its arena; 0: it has no such input. Pure. */
size_t agent_events_source_bytes(const struct sfe_config *config, uint32_t connection);

/* Opens source->source and what is behind it, with an arena of their own; its org is open. */
SFE_MUST_USE enum sfe_code agent_open_events_source(struct sfe_agent *agent,
                                                    const struct agent_set *set,
                                                    struct agent_source *source,
                                                    struct sfe_error *err);

/* Moves the subscriptions on; returns the next turn. Cloud thread, as the next. */
uint64_t agent_events_turn(struct sfe_agent *agent, uint64_t now_ns);

/* True once those that have stopped (all, or those that leave) have said goodbye. */
bool agent_events_are_quiet(const struct sfe_agent *agent, bool all);

/* Reads and keeps places, at once with `is_last`; returns the next turn. Flash thread, as the next.
 */
uint64_t agent_keep_places(struct sfe_agent *agent, uint64_t now_ns, bool is_last);

/* How far stream `index` of the set may be released where its outputs are through up to `wanted`.
 */
uint64_t agent_release_floor(struct sfe_agent *agent, uint32_t index, uint64_t wanted,
                             uint64_t now_ns);

#endif
