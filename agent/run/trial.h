/* A new configuration is on trial (`agent.confirm_within`): where its connections do not come up in
 * time the agent goes back to the one that was good last, by a reload, or at the next start. The
 * operator's file is never touched.
 *
 * On flash are the last good one and the name of the one given up (trial/kept.h). A start finds its
 * file good, given up (then the good one runs), or new (then it is on trial, its time begins
 * again); so a cut at any moment leaves one of the three. Edge thread but where said.
 */
#ifndef SFE_RUN_TRIAL_H
#define SFE_RUN_TRIAL_H

#include "run/parts.h"

/* What a start runs on; both setups are held for who asked. */
struct agent_choice {
    struct sfe_setup *setup;
    struct sfe_setup *good; /* NULL: there is none, or it is not wanted. */
    bool is_returned;       /* `setup` is `good`: the file was given up before. */
};

/* Main thread, as the next one. */
void agent_trial_choose(const struct sfe_agent_options *options, struct agent_choice *choice);

/* Takes the choice's `good`. After the first set was opened. */
SFE_MUST_USE enum sfe_code agent_open_trial(struct sfe_agent *agent, struct agent_choice *choice,
                                            struct sfe_error *err);
size_t agent_trial_memory_bytes(void);

/* reload.c: goes back to `setup`, which it holds. While no reload is under way. */
void agent_begin_return(struct sfe_agent *agent, struct sfe_setup *setup);

/* A reload took another configuration; `before` ran until now. */
void agent_trial_begin(struct sfe_agent *agent, struct sfe_setup *before);

/* The configuration to go back to by the reload under way has come in, or was refused: then the
 * agent ends, and its next start takes it. */
void agent_trial_end_return(struct sfe_agent *agent, bool is_done);

/* Looks whether all is connected, or the time is over. Returns when to look again. */
uint64_t agent_trial_turn(struct sfe_agent *agent, uint64_t now_ns);

/* While there is a trial every org is logged in to, also one that nothing asks for yet. Cloud
 * thread, before the orgs' turns. */
void agent_trial_want_orgs(struct sfe_agent *agent, uint64_t now_ns);

/* Writes what is to be kept. Returns when to try again. Flash thread. */
uint64_t agent_trial_keep(struct sfe_agent *agent, uint64_t now_ns);

void agent_trial_facts(const struct sfe_agent *agent, struct sfe_status_trial *facts);

/* Main thread. */
void agent_close_trial(struct sfe_agent *agent);

#endif
