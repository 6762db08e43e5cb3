/* `drain`: nothing more is taken in until all that was taken is delivered; then the agent ends, or
 * takes again. A lease: it lasts as long as the command that asked for it keeps asking, so that one
 * that was killed leaves an agent that works. Edge thread.
 */
#ifndef SFE_RUN_DRAIN_H
#define SFE_RUN_DRAIN_H

#include "run/parts.h"

/* A command that has not asked for so long has gone. */
#define AGENT_DRAIN_LEASE_NS UINT64_C(10000000000)

enum agent_drain_wish {
    AGENT_DRAIN_LOOK,  /* Changes nothing. */
    AGENT_DRAIN_GO_ON, /* Begins it, or keeps it. */
    AGENT_DRAIN_CANCEL /* Ends it: what comes is taken again. */
};

struct agent_drain_question {
    enum agent_drain_wish wish;
    uint64_t within_ns; /* With the first GO_ON: how long it may take. */
    bool stays;         /* The same: the agent does not end, but takes again. */
};

SFE_MUST_USE enum sfe_code agent_open_drain(struct sfe_agent *agent, struct sfe_error *err);
size_t agent_drain_memory_bytes(void);

/* Does what the question says and adds one JSON object: "drain" is "none", "waits", "empty", "time"
 * (over), "cancelled" or "stopping"; "left" and "outputs" are what is not delivered. After "empty"
 * and "time" the agent stops or, where it stays, takes again. */
void agent_answer_drain(struct sfe_agent *agent, const struct agent_drain_question *question,
                        struct sfe_builder *out);

/* Before the sources' turns: those that a reload opened take nothing either. Returns when the lease
 * ends. */
uint64_t agent_drain_turn(struct sfe_agent *agent, uint64_t now_ns);

bool agent_is_draining(const struct sfe_agent *agent);

#endif
