/* What an output of type jq is: a program, checked where it will run. */
#include "compile/parts.h"

#include "base/limits.h"
#include "port/jq.h"

#define MILLISECOND_NS 1000000u
/* {"result":…} in an answer. */
#define AROUND_BYTES 64u
/* What an event of an answer needs beside it. */
#define EVENT_BYTES 2048u

struct sfe_jq_options sfe_compile_jq_options(const struct sfe_config *config,
                                             const struct sfe_config_output *output)
{
    const uint32_t answer_max = SFE_ANSWER_BYTES_MAX - AROUND_BYTES;
    const uint32_t event_max = config->agent.event_bytes_max;
    const uint32_t room = event_max > 2u * EVENT_BYTES ? event_max - EVENT_BYTES : EVENT_BYTES;

    return (struct sfe_jq_options){
        .program = output->jq.program,
        .cpu_ms = (uint32_t)(output->jq.time_ns / MILLISECOND_NS),
        .memory_bytes = (uint32_t)output->jq.memory_bytes,
        .result_bytes_max = room < answer_max ? room : answer_max,
    };
}

enum sfe_code compile_jq(struct compiler *compiler, const struct sfe_config_output *output,
                         struct sfe_error *err)
{
    const struct sfe_jq_options options = sfe_compile_jq_options(compiler->config, output);
    const enum sfe_code code = sfe_jq_check(&options, err);

    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &output->jq.program_place, err);
        return SFE_OK;
    }
    return code;
}
