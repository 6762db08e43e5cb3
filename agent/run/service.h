/* What the running agent tells: its status, and whatever else commands ask over the control socket.
 */
#ifndef SFE_RUN_SERVICE_H
#define SFE_RUN_SERVICE_H

#include "run/parts.h"

/* Takes the scratch that agent_add_status needs. Main thread. */
SFE_MUST_USE enum sfe_code agent_open_gathered(struct sfe_agent *agent, struct sfe_error *err);

/* What that scratch takes from the arena. */
size_t agent_gathered_memory_bytes(void);

/* Adds the status document. Edge thread. */
void agent_add_status(void *agent, struct sfe_builder *out);

/* Adds the same as metrics, as status/metrics.h says. Edge thread. */
void agent_add_metrics(struct sfe_agent *agent, struct sfe_builder *out);

/* Takes the watch and the scratch that answering needs; first of all that tells the watch. Main
 * thread. */
SFE_MUST_USE enum sfe_code agent_open_questions(struct sfe_agent *agent,
                                                const struct sfe_config *config,
                                                struct sfe_error *err);
size_t agent_questions_memory_bytes(const struct sfe_config *config);

/* The service behind the control socket. Edge thread. */
enum sfe_control_next agent_answer(void *agent, struct sfe_slice question, struct sfe_builder *out);
void agent_go_on(void *agent, struct sfe_builder *out);
void agent_gone(void *agent);

/* Adds what the service manager shows, in one line: backlog, and what is not connected. Edge
 * thread.
 */
void agent_add_state(void *agent, struct sfe_builder *out);

/* Takes what the threads pass through. Main thread. */
SFE_MUST_USE enum sfe_code agent_open_watchdog(struct sfe_agent *agent, struct sfe_error *err);

/* Takes the listener of `watch`, and what finds out whether work moves. Main thread. */
SFE_MUST_USE enum sfe_code
agent_open_monitor(struct sfe_agent *agent, const struct sfe_config *config, struct sfe_error *err);
size_t agent_monitor_memory_bytes(const struct sfe_config *config);

/* The input of type health. Main thread; as in run/open_files.h. */
size_t agent_health_source_bytes(const struct sfe_config *config, uint32_t index);
SFE_MUST_USE enum sfe_code agent_open_health_source(struct sfe_agent *agent,
                                                    const struct agent_set *set,
                                                    struct agent_source *source,
                                                    struct sfe_error *err);

/* Samples the counters behind the rates; returns when to do so again. Edge thread. */
uint64_t agent_sample_rates(struct sfe_agent *agent, uint64_t now_ns);

#endif
