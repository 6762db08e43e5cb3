/* The state directory, for commands that only read it, beside a running agent or without one; and
 * the agent that runs on it, for those that ask it. */
#ifndef SFE_CLI_STATE_H
#define SFE_CLI_STATE_H

#include "cli/command.h"
#include "config/config.h"
#include "port/platform.h"
#include "compile/compile.h"
#include "stream/cursor.h"
#include "stream/walk.h"

struct state {
    struct sfe_arena *arena;
    const struct sfe_config *config; /* NULL: --state was given. */
    struct sfe_compiled compiled;    /* Keys alone; those that cannot be read are missing. */
    struct sfe_platform platform;
    bool has_platform;
    const char *directory;
    struct sfe_cursor_log *cursors; /* As last saved; nothing is written through it. */
};

/* Opens the directory of --state, or of the configuration, with its keys. Mistakes of the
 * configuration go to standard error; a key that cannot be used is missing where it is needed. */
SFE_MUST_USE enum sfe_code state_open(const struct sfe_arguments *arguments, struct state *state,
                                      struct sfe_error *err);
void state_close(struct state *state);

/* Claims that directory until the process ends. SFE_E_REFUSED: an agent works in it. */
SFE_MUST_USE enum sfe_code state_claim(const struct sfe_arguments *arguments,
                                       struct sfe_error *err);

/* How long an agent that is well takes to answer, at most. */
#define STATE_WAIT_NS UINT64_C(5000000000)

/* Asks the agent that runs on the directory, one JSON object and its line end; its answer goes to
 * `document`. SFE_E_NETWORK: none does, or it hung up; SFE_E_TIMEOUT: no answer in `wait_ns`. */
SFE_MUST_USE enum sfe_code state_ask(struct state *state, struct sfe_slice question,
                                     uint64_t wait_ns, struct sfe_builder *document,
                                     struct sfe_error *err);

/* Follows what that agent tells, a line a call, until `visit` says false. SFE_E_NETWORK: none runs,
 * or it ended. */
SFE_MUST_USE enum sfe_code state_follow(struct state *state, struct sfe_slice question,
                                        bool (*visit)(void *visitor, struct sfe_slice line),
                                        void *visitor, struct sfe_error *err);

/* A walk over stream `name` in memory of its own; both are for state_walk_close. */
struct state_walk {
    /* Set before the walk is opened; NULL: nobody asks. As in struct sfe_stream_walk_options. */
    void (*on_damage)(void *owner, const struct sfe_stream_damage *damage);
    void *owner;
    /* Filled by state_walk_open. */
    struct sfe_arena *arena;
    struct sfe_stream_walk *walk;
    const struct sfe_crypto *crypto;
    struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX];
    uint32_t key_count;
};
SFE_MUST_USE enum sfe_code state_walk_open(const struct state *state, const char *name,
                                           struct state_walk *walk, struct sfe_error *err);
void state_walk_close(struct state_walk *walk);

/* Says which key is missing where events of the stream could not be opened, and the walk passed
 * them over: SFE_E_CONFIG where there is no key at all, SFE_E_PERMISSION where no event opens with
 * those that are there, SFE_E_NOT_FOUND where the key was changed and an old one is missing. */
SFE_MUST_USE enum sfe_code state_walk_tell_locked(const struct state_walk *walk,
                                                  struct sfe_error *err);

/* Calls `visit` for each stream: those of the configuration, then others that have files. Stops at
 * the first failure. */
SFE_MUST_USE enum sfe_code state_each(const struct state *state,
                                      enum sfe_code (*visit)(void *visitor, const char *name,
                                                             struct sfe_error *err),
                                      void *visitor, struct sfe_error *err);

#endif
