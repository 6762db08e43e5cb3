/* The state directory, for commands that only read it, beside a running agent or without one; and
 * the agent that runs on it, for those that ask it. */
#ifndef SFE_CLI_STATE_H
#define SFE_CLI_STATE_H

#include "cli/command.h"
#include "config/config.h"
#include "port/platform.h"
#include "stream/cursor.h"
#include "stream/walk.h"

struct state {
    struct sfe_arena *arena;
    const struct sfe_config *config; /* NULL: --state was given. */
    struct sfe_platform platform;
    bool has_platform;
    const char *directory;
    struct sfe_cursor_log *cursors; /* As last saved; nothing is written through it. */
};

/* Opens the directory of --state, or of the configuration. Mistakes of the configuration go to
 * standard error. */
SFE_MUST_USE enum sfe_code state_open(const struct sfe_arguments *arguments, struct state *state,
                                      struct sfe_error *err);
void state_close(struct state *state);

/* Asks the agent that runs on the directory; its answer goes to `document`. SFE_E_NETWORK: none
 * does, or it does not answer. */
SFE_MUST_USE enum sfe_code state_ask(struct state *state, struct sfe_slice question,
                                     struct sfe_builder *document, struct sfe_error *err);

/* Follows what that agent tells, a line a call, until `visit` says false. SFE_E_NETWORK: none runs,
 * or it ended. */
SFE_MUST_USE enum sfe_code state_follow(struct state *state, struct sfe_slice question,
                                        bool (*visit)(void *visitor, struct sfe_slice line),
                                        void *visitor, struct sfe_error *err);

/* A walk over stream `name` in memory of its own; both are for state_walk_close. */
struct state_walk {
    struct sfe_arena *arena;
    struct sfe_stream_walk *walk;
};
SFE_MUST_USE enum sfe_code state_walk_open(const struct state *state, const char *name,
                                           struct state_walk *walk, struct sfe_error *err);
void state_walk_close(struct state_walk *walk);

/* SFE_E_CRYPTO where the stream keeps encrypted events, which a walk passes over. */
SFE_MUST_USE enum sfe_code state_walk_tell_sealed(const struct state_walk *walk,
                                                  struct sfe_error *err);

/* Calls `visit` for each stream: those of the configuration, then others that have files. Stops at
 * the first failure. */
SFE_MUST_USE enum sfe_code state_each(const struct state *state,
                                      enum sfe_code (*visit)(void *visitor, const char *name,
                                                             struct sfe_error *err),
                                      void *visitor, struct sfe_error *err);

#endif
