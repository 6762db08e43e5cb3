#include "cli/command.h"

#include "base/arena.h"
#include "base/learned_clock.h"
#include "base/metered_storage.h"
#include "cli/print.h"
#include "port/process.h"
#include "run/agent.h"
#include "run/compile.h"

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)

/* From the configuration to the end of the agent, with everything open that it needs. */
static enum sfe_code run_agent(const struct sfe_config *config, const struct sfe_compiled *compiled,
                               struct sfe_error *err)
{
    struct sfe_platform platform;
    struct sfe_learned_clock learned;
    struct sfe_metered_storage metered;
    struct sfe_arena *arena = NULL;
    struct sfe_log *log = NULL;
    struct sfe_agent *agent = NULL;
    bool has_platform = false;
    enum sfe_code code = sfe_process_claim_directory(config->agent.state, err);

    if (code != SFE_OK) {
        return sfe_within(err, "cannot use the state directory %s", config->agent.state);
    }
    code = sfe_platform_open(config->agent.state, &platform, err);
    if (code != SFE_OK) {
        goto out;
    }
    has_platform = true;
    sfe_learned_clock_put(&learned, &platform.clock);
    sfe_metered_storage_put(&metered, &platform.storage);
    code = sfe_log_open(config->agent.log_level, &platform.clock, &log, err);
    if (code != SFE_OK) {
        goto out;
    }
    code = sfe_arena_open(sfe_agent_arena_bytes(config), &arena, err);
    if (code != SFE_OK) {
        goto out;
    }
    const struct sfe_agent_options options = {config, compiled, &platform, arena,
                                              log,    &learned, &metered};
    code = sfe_agent_open(&options, &agent, err);
    if (code == SFE_OK) {
        code = sfe_agent_run(agent, err);
    }
out:
    sfe_agent_close(agent);
    sfe_arena_close(arena);
    sfe_log_close(log);
    if (has_platform) {
        platform.storage = metered.inner; /* What was opened is what is closed. */
        sfe_platform_close(&platform);
    }
    return code;
}

int sfe_cli_run(const struct sfe_arguments *arguments)
{
    struct sfe_arena *arena = NULL;
    const struct sfe_config *config = NULL;
    struct sfe_compiled compiled = {0};
    struct sfe_error err;
    enum sfe_code code = SFE_OK;

    sfe_process_keep_memory_private();
    code = sfe_arena_open(CONFIG_BYTES_MAX, &arena, &err);
    if (code != SFE_OK) {
        return sfe_cli_fail("run", &err);
    }
    code = sfe_config_load(arguments->config, arena, sfe_cli_print_mistake, NULL, &config, &err);
    if (code == SFE_OK) {
        code = sfe_compile(config, arena, sfe_cli_print_mistake, NULL, &compiled, &err);
    }
    if (code == SFE_OK) {
        code = run_agent(config, &compiled, &err);
        sfe_compiled_wipe(&compiled);
    }
    sfe_arena_close(arena);
    return code == SFE_OK ? 0 : sfe_cli_fail("run", &err);
}
