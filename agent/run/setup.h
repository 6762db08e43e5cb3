/* A configuration that was loaded and compiled whole, in memory of its own, shared by all that
 * borrow from it. `check`, `run` and a reload take the same way. One thread.
 */
#ifndef SFE_RUN_SETUP_H
#define SFE_RUN_SETUP_H

#include "config/config.h"
#include "compile/compile.h"

struct sfe_arena;

struct sfe_setup {
    struct sfe_arena *arena;
    const struct sfe_config *config;
    struct sfe_compiled compiled;
    uint32_t holders;
    /* The whole configuration as one text, where agent.confirm_within is set; else empty. */
    struct sfe_slice printed;
    struct sfe_arena *printed_arena; /* Of that text, and of `room`; NULL: there is none. */
    struct sfe_builder room;         /* For the file that it is kept in; flash thread. */
};

/* Loads and compiles `path`, as sfe_config_load and sfe_compile do, and reports every mistake. The
 * caller holds the setup. */
SFE_MUST_USE enum sfe_code sfe_setup_load(const char *path, sfe_config_report report, void *reader,
                                          struct sfe_setup **setup, struct sfe_error *err);

/* The same of a configuration that was kept as one text (`printed` of another setup), for the agent
 * that was started with `path`. */
SFE_MUST_USE enum sfe_code sfe_setup_load_printed(const char *path, struct sfe_slice text,
                                                  sfe_config_report report, void *reader,
                                                  struct sfe_setup **setup, struct sfe_error *err);

/* What a setup takes while somebody holds it. */
size_t sfe_setup_memory_bytes(const struct sfe_setup *setup);

/* One more holder. */
struct sfe_setup *sfe_setup_hold(struct sfe_setup *setup);

/* One holder less; the last one wipes its secrets and gives the memory back. NULL is allowed. */
void sfe_setup_drop(struct sfe_setup *setup);

#endif
