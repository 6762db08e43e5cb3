/* Outputs that run jq. */
#include "run/output_kind.h"

#include "base/arena.h"
#include "compile/compile.h"
#include "target/jq.h"

/* The worker is this program once more: what it has before libjq takes anything. */
#define WORKER_BYTES (4u * 1024u * 1024u)

static struct sfe_jq_target_options options_of(const struct sfe_config *config,
                                               const struct sfe_config_output *output)
{
    return (struct sfe_jq_target_options){
        .worker = sfe_compile_jq_options(config, output),
        .event_bytes_max = config->agent.event_bytes_max,
    };
}

static void jq_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                     bool is_rehearsal, struct sfe_output_options *sizes)
{
    (void)config;
    (void)output;
    (void)is_rehearsal;
    sizes->slot_count = SFE_JQ_SLOTS;
    sizes->slot_events_max = 1;
    sizes->batch_age_ns = 0;
    sizes->window_events = SFE_WINDOW_EVENTS;
}

static size_t jq_bytes(const struct sfe_config *config, const struct sfe_config_output *output)
{
    const struct sfe_jq_target_options options = options_of(config, output);

    return sfe_arena_cost(sizeof(struct sfe_target)) + sfe_jq_target_memory_bytes(&options);
}

/* Not of our process, and of this device all the same. */
static size_t jq_library_bytes(const struct sfe_config *config,
                               const struct sfe_config_output *output)
{
    (void)config;
    return WORKER_BYTES + (size_t)output->jq.memory_bytes;
}

static void wake_cloud(void *owner)
{
    const struct sfe_agent *agent = owner;

    agent->platform->http.wake(agent->platform->http.context);
}

static void wake_nobody(void *owner)
{
    (void)owner;
}

static enum sfe_code open_jq(struct sfe_agent *agent, const struct agent_set *set,
                             struct agent_output *output, struct sfe_error *err)
{
    struct sfe_jq_target_options options =
        options_of(set->config, &set->config->outputs[output->config_index]);
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);

    if (target == NULL) {
        return err->code;
    }
    options.where = set->compiled->outputs[output->config_index].where;
    options.is_waiting = set->compiled->without_secrets;
    options.on_sent = options.is_waiting ? wake_nobody : wake_cloud;
    options.owner = agent;
    const enum sfe_code code =
        sfe_jq_target_open(&options, output->arena, &output->jq, target, err);
    if (code == SFE_OK) {
        output->target = target;
    }
    return code;
}

static void close_jq(struct agent_output *output)
{
    sfe_jq_target_close(output->jq);
    output->jq = NULL;
}

const struct agent_output_kind agent_jq_output = {
    .sizes = jq_sizes,
    .memory_bytes = jq_bytes,
    .library_bytes = jq_library_bytes,
    .open = open_jq,
    .close = close_jq,
};
