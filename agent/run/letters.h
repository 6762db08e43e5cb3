/* Dead letters by hand: put back into their streams, or given up. Only while no agent works in the
 * state directory: who opens this holds its lock. Main thread.
 *
 * Never a lost letter: a letter is settled only after what replaces it is durable, and gone only
 * after that is durable as well. A crash in between repeats, which changes nothing: the event keeps
 * its identity.
 */
#ifndef SFE_RUN_LETTERS_H
#define SFE_RUN_LETTERS_H

#include "base/log.h"
#include "compile/compile.h"
#include "port/platform.h"

struct sfe_arena;
struct sfe_letters;

struct sfe_letters_options {
    const struct sfe_config *config; /* Borrowed, as all pointers here. */
    const struct sfe_platform *platform;
    const struct sfe_compiled *compiled; /* Of sfe_compile_keys; NULL: no stream has keys. */
    struct sfe_arena *arena;             /* Of sfe_agent_memory_bytes_max. */
    struct sfe_log *log;
};

/* Recovers the dead letters and the cursors. Errors as of sfe_stream_open. */
SFE_MUST_USE enum sfe_code sfe_letters_open(const struct sfe_letters_options *options,
                                            struct sfe_letters **letters, struct sfe_error *err);

/* The unsettled letters: the first one from `sequence` on. SFE_E_END: none. */
SFE_MUST_USE enum sfe_code sfe_letters_next(struct sfe_letters *letters, uint64_t *sequence,
                                            struct sfe_error *err);

/* Puts letter `sequence` back into the stream that it came from, or that an input would put it into
 * today. Durable with the next save. SFE_E_NOT_FOUND: no such letter. SFE_E_UNSUPPORTED: it is only
 * an excerpt, or no stream takes it. SFE_E_NO_SPACE: the stream is full. */
SFE_MUST_USE enum sfe_code sfe_letters_retry(struct sfe_letters *letters, uint64_t sequence,
                                             struct sfe_error *err);

/* Gives letter `sequence` up. SFE_E_NOT_FOUND. */
SFE_MUST_USE enum sfe_code sfe_letters_drop(struct sfe_letters *letters, uint64_t sequence,
                                            struct sfe_error *err);

/* Makes all of the above durable, and gives back the flash of letters that are settled. */
SFE_MUST_USE enum sfe_code sfe_letters_save(struct sfe_letters *letters, struct sfe_error *err);

/* What was not saved has not happened, but for copies that change nothing. NULL is allowed. */
void sfe_letters_close(struct sfe_letters *letters);

#endif
