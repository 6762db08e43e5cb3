/* How much flash a configuration may take, and how it is shared. Pure; any thread. */
#ifndef SFE_RUN_ROOM_H
#define SFE_RUN_ROOM_H

#include "config/config.h"
#include "stream/quota.h"

/* The most that the state directory takes: all streams together with what a failing medium may
 * cost, damaged segments that are put aside, cursors, boot times. */
uint64_t sfe_room_bytes_max(const struct sfe_config *config);

/* The share of stream `index` in agent.quota. That of the dead letters is kept against all. */
struct sfe_quota_share sfe_room_share(const struct sfe_config *config, uint32_t index);

/* SFE_E_CONFIG where agent.quota leaves a stream too little beside what is kept for others. */
SFE_MUST_USE enum sfe_code sfe_room_check(const struct sfe_config *config, struct sfe_error *err);

#endif
