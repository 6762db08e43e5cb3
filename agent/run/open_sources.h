/* What every kind of input opens alike. Main thread. */
#ifndef SFE_RUN_OPEN_SOURCES_H
#define SFE_RUN_OPEN_SOURCES_H

#include "run/parts.h"

/* The route of one input; its stream is open. */
struct sfe_intake_route agent_route(const struct agent_set *set,
                                    const struct sfe_config_input *input);

/* What the intake of one input alone takes. Pure. */
size_t agent_intake_bytes(const struct sfe_config *config, const struct sfe_config_input *input);

/* Opens the source's intake in its arena; the routes are copied. Fails as sfe_intake_open. */
SFE_MUST_USE enum sfe_code agent_open_intake(struct sfe_agent *agent, const struct agent_set *set,
                                             struct agent_source *source,
                                             const struct sfe_intake_route *routes,
                                             uint32_t route_count, struct sfe_error *err);

/* The brokers of a connection, in `arena`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code agent_list_brokers(struct sfe_arena *arena,
                                              const struct sfe_config_mqtt *config,
                                              struct sfe_mqtt_broker **brokers,
                                              struct sfe_error *err);

#endif
