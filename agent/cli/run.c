#include "cli/command.h"

#include "base/learned_clock.h"
#include "base/metered_storage.h"
#include "cli/print.h"
#include "port/process.h"
#include "run/agent.h"
#include "run/setup.h"

/* From the configuration to the end of the agent, with everything open that it needs. */
static enum sfe_code run_agent(struct sfe_setup *setup, struct sfe_error *err)
{
    const struct sfe_config *config = setup->config;
    struct sfe_platform platform;
    struct sfe_learned_clock learned;
    struct sfe_metered_storage metered;
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
    const struct sfe_agent_options options = {setup, &platform, log, &learned, &metered};
    code = sfe_agent_open(&options, &agent, err);
    if (code == SFE_OK) {
        code = sfe_agent_run(agent, err);
    }
out:
    sfe_agent_close(agent);
    sfe_log_close(log);
    if (has_platform) {
        platform.storage = metered.inner; /* What was opened is what is closed. */
        sfe_platform_close(&platform);
    }
    return code;
}

int sfe_cli_run(const struct sfe_arguments *arguments)
{
    struct sfe_setup *setup = NULL;
    struct sfe_error err;
    enum sfe_code code;

    sfe_process_keep_memory_private();
    code = sfe_setup_load(arguments->config, sfe_cli_print_mistake, NULL, &setup, &err);
    if (code == SFE_OK) {
        code = run_agent(setup, &err);
    }
    sfe_setup_drop(setup);
    return code == SFE_OK ? 0 : sfe_cli_fail("run", &err);
}
