#include "run/drain.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "input/intake.h"

struct agent_drain {
    bool is_on;
    bool stays;
    uint64_t until_ns; /* Its time is over then. */
    uint64_t lease_ns; /* Nobody has asked for it any more then. */
};

size_t agent_drain_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct agent_drain));
}

enum sfe_code agent_open_drain(struct sfe_agent *agent, struct sfe_error *err)
{
    agent->drain = sfe_arena_take(agent->arena, sizeof(*agent->drain), err);
    return agent->drain == NULL ? err->code : SFE_OK;
}

bool agent_is_draining(const struct sfe_agent *agent)
{
    return agent->drain->is_on;
}

static uint64_t now(const struct sfe_agent *agent)
{
    return sfe_clock_monotonic_ns(&agent->platform->clock);
}

/* As if the streams were full: PUBACKs wait and the brokers keep their queues, senders by HTTP are
 * told to come again, files stay where they are. What outputs put into streams is not held up. */
static void pause_sources(const struct sfe_agent *agent, bool is_paused)
{
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        if (agent->set.sources[i].intake != NULL) {
            sfe_intake_pause(agent->set.sources[i].intake, is_paused);
        }
    }
}

static void begin(struct sfe_agent *agent, const struct agent_drain_question *question)
{
    struct agent_drain *drain = agent->drain;
    const uint64_t now_ns = now(agent);
    const uint64_t longest_ns = UINT64_MAX - now_ns;

    drain->is_on = true;
    drain->stays = question->stays;
    drain->until_ns =
        now_ns + (question->within_ns < longest_ns ? question->within_ns : longest_ns);
    pause_sources(agent, true);
    SFE_LOG(agent->log, SFE_INFO, "draining: nothing more is taken in",
            sfe_count("within_s", question->within_ns / 1000000000u));
}

/* The sources' next turns take what they have held back. */
static void end(struct sfe_agent *agent, const char *why)
{
    agent->drain->is_on = false;
    pause_sources(agent, false);
    SFE_LOG(agent->log, SFE_INFO, "draining has ended", sfe_text("why", why));
}

uint64_t agent_drain_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    const struct agent_drain *drain = agent->drain;

    if (!drain->is_on || agent->stop_is_wanted) {
        return UINT64_MAX;
    }
    if (now_ns >= drain->lease_ns) {
        end(agent, "the command that asked for it has gone; what comes is taken again");
        return now_ns;
    }
    pause_sources(agent, true);
    return drain->lease_ns;
}

/* All that is durable, and how many events are not yet. */
static uint64_t count_durable(const struct sfe_agent *agent, uint64_t *staged)
{
    uint64_t durable = 0;

    *staged = 0;
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        struct sfe_stream_facts facts;
        sfe_stream_facts(agent->set.streams[i].stream, &facts);
        durable += facts.durable_sequence;
        *staged += facts.staged_events;
    }
    return durable;
}

static uint64_t put_outputs(const struct sfe_agent *agent, struct sfe_json_writer *writer)
{
    uint64_t left = 0;

    sfe_json_begin_array(writer, "outputs");
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        const struct agent_output *output = &agent->set.outputs[i];
        struct sfe_output_facts facts;
        sfe_output_facts(output->output, &facts);
        if (facts.backlog == 0) {
            continue;
        }
        left += facts.backlog;
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "output", sfe_slice_text(output->name));
        sfe_json_put_text(writer, "stream",
                          sfe_slice_text(agent->set.config->streams[output->stream_index].name));
        sfe_json_put_u64(writer, "left", facts.backlog);
        sfe_json_put_text(writer, "state", sfe_slice_text(sfe_output_state_name(facts.state)));
        if (facts.last_error.code != SFE_OK) {
            sfe_json_put_text(writer, "error", sfe_slice_text(facts.last_error.message));
        }
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
    return left;
}

/* What one output delivers another may have to deliver again (`on_done`): nothing is left only
 * where no stream moved while all were looked at. */
static const char *judge(struct sfe_agent *agent, struct sfe_json_writer *writer)
{
    struct agent_drain *drain = agent->drain;
    uint64_t staged;
    uint64_t staged_after;
    const uint64_t durable = count_durable(agent, &staged);
    const uint64_t left = put_outputs(agent, writer);
    const uint64_t durable_after = count_durable(agent, &staged_after);
    const bool is_empty = left == 0 && staged == 0 && staged_after == 0 && durable == durable_after;

    sfe_json_put_u64(writer, "left", left + staged_after);
    if (agent->stop_is_wanted) {
        return "stopping";
    }
    if (!drain->is_on) {
        return "none";
    }
    if (!is_empty && now(agent) < drain->until_ns) {
        return "waits";
    }
    if (drain->stays) {
        end(agent, is_empty ? "all is delivered" : "its time is over");
    } else {
        agent->stop_is_wanted = true; /* In the next turn; until then nothing is taken either. */
    }
    return is_empty ? "empty" : "time";
}

void agent_answer_drain(struct sfe_agent *agent, const struct agent_drain_question *question,
                        struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);
    struct agent_drain *drain = agent->drain;
    const char *outcome;

    if (question->wish == AGENT_DRAIN_GO_ON && !agent->stop_is_wanted) {
        if (!drain->is_on) {
            begin(agent, question);
        }
        drain->lease_ns = now(agent) + AGENT_DRAIN_LEASE_NS;
    }
    sfe_json_begin_object(&writer, NULL);
    if (question->wish == AGENT_DRAIN_CANCEL && drain->is_on && !agent->stop_is_wanted) {
        end(agent, "cancelled");
        outcome = "cancelled";
    } else {
        outcome = judge(agent, &writer);
    }
    sfe_json_put_text(&writer, "drain", sfe_slice_text(outcome));
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(out, '\n');
}
