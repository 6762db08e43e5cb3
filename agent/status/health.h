/* The input of type health: appends what the agent says of itself to a stream, every so often, so
 * that an output can deliver it. A stream without room misses a report; the next one comes. Edge
 * thread. */
#ifndef SFE_STATUS_HEALTH_H
#define SFE_STATUS_HEALTH_H

#include "input/intake.h"
#include "input/source.h"
#include "port/clock.h"
#include "status/report.h"

struct sfe_arena;

#define SFE_HEALTH_TOPIC "sfedge/health"

/* Adds one JSON object of flat members: numbers of the whole gateway. Pure; any thread. */
void sfe_health_add(const struct sfe_status *status, struct sfe_slice trouble,
                    enum sfe_clock_quality quality, struct sfe_builder *out);

struct sfe_health_options {
    const char *input; /* Name. Borrowed, as all pointers here. */
    uint64_t every_ns;
    void *owner;
    /* Adds the report of now, by sfe_health_add. */
    void (*add)(void *owner, struct sfe_builder *out);
    struct sfe_intake *intake; /* Of this input alone. */
    const struct sfe_clock *clock;
};

/* What it takes from the arena. Pure. */
size_t sfe_health_memory_bytes(void);

/* The first report comes half a minute after this, or sooner where they are more frequent.
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_health_open(const struct sfe_health_options *options,
                                           struct sfe_arena *arena, struct sfe_source *source,
                                           struct sfe_error *err);

#endif
