/* Which outputs go by bulk, how large that makes them, and what is opened for it. */
#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

/* Beyond the events of a job so many may wait for their keys. */
#define WINDOW_EXTRA SFE_WINDOW_EVENTS

enum bulk_use { BULK_NEVER, BULK_BESIDE, BULK_ALWAYS };

/* A rehearsal shows records; nothing of a job would be to be seen. Where order is asked for, a job
 * holds one event of a key at most: no backlog goes faster by it. */
static enum bulk_use use_of(const struct sfe_config_output *output)
{
    if (output->api == SFE_API_BULK) {
        return BULK_ALWAYS;
    }
    return output->api == SFE_API_AUTO && output->order_by == NULL && output->bulk_from != 0
               ? BULK_BESIDE
               : BULK_NEVER;
}

void agent_output_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                        bool is_rehearsal, struct sfe_output_options *sizes)
{
    const struct sfe_records_options records = agent_records_options(config, output);
    const enum bulk_use use = is_rehearsal ? BULK_NEVER : use_of(output);

    sizes->slot_count = records.slot_count;
    sizes->slot_events_max = records.slot_events_max;
    sizes->batch_age_ns = output->batch_age_ns;
    sizes->window_events = SFE_WINDOW_EVENTS;
    if (use == BULK_ALWAYS) {
        sizes->slot_count = 1;
        sizes->slot_events_max = output->bulk_records;
        sizes->batch_age_ns = output->bulk_age_ns;
        sizes->is_costly = true;
    } else if (use == BULK_BESIDE) {
        sizes->large_slot_events = output->bulk_records;
        sizes->large_from =
            output->bulk_from < output->bulk_records ? output->bulk_from : output->bulk_records;
    }
    if (use != BULK_NEVER) {
        sizes->window_events = output->bulk_records + WINDOW_EXTRA;
    }
}

bool agent_has_records(const struct sfe_config_output *output, bool is_rehearsal)
{
    return is_rehearsal || use_of(output) != BULK_ALWAYS;
}

size_t agent_bulk_memory_bytes(const struct sfe_config_output *output)
{
    const struct sfe_bulk_options options = {.records_max = output->bulk_records};

    return use_of(output) == BULK_NEVER ? 0
                                        : sfe_bulk_memory_bytes(&options) +
                                              sfe_bulk_journal_memory_bytes(output->bulk_records);
}

static void on_noted(void *owner)
{
    agent_kick_flash(owner);
}

static void on_durable(void *owner)
{
    struct sfe_agent *agent = owner;

    agent->platform->http.wake(agent->platform->http.context);
}

static enum sfe_code open_journal(struct sfe_agent *agent, struct agent_output *output,
                                  uint32_t events_max, struct sfe_error *err)
{
    const struct sfe_bulk_journal_options options = {
        .storage = &agent->platform->storage,
        .output = output->name,
        .stream = agent->config->streams[output->stream_index].name,
        .events_max = events_max,
        .log = agent->log,
        .on_noted = on_noted,
        .on_durable = on_durable,
        .owner = agent,
    };

    if (use_of(&agent->config->outputs[output->config_index]) == BULK_NEVER &&
        !sfe_bulk_journal_exists(&options)) {
        return SFE_OK;
    }
    return sfe_bulk_journal_open(&options, agent->arena, &output->journal, err);
}

/* An output that no longer goes by bulk still waits for the job that was under way: it could come
 * after what is sent now. Its events go again, for which no room is needed. */
static bool is_needed(const struct agent_output *output, enum bulk_use use)
{
    struct bulk_job_note ignored;

    return use != BULK_NEVER ||
           (output->journal != NULL && bulk_journal_left(output->journal, &ignored));
}

enum sfe_code agent_open_bulk(struct sfe_agent *agent, struct agent_output *output,
                              struct sfe_org *org, struct sfe_output_options *sizes,
                              struct sfe_error *err)
{
    const struct sfe_config_output *config = &agent->config->outputs[output->config_index];
    const enum bulk_use use = use_of(config);
    const uint32_t events = use == BULK_NEVER ? 1 : config->bulk_records;

    if (agent->compiled->without_secrets) {
        return SFE_OK;
    }
    enum sfe_code code = open_journal(agent, output, events, err);
    if (code != SFE_OK || !is_needed(output, use)) {
        return code;
    }
    const struct sfe_bulk_options options = {
        .name = output->name,
        .org = org,
        .maps = agent->compiled->outputs[output->config_index].maps,
        .map_count = config->record_count,
        .slot = use == BULK_ALWAYS ? 0 : sizes->slot_count,
        .records_max = events,
        .has_other = use != BULK_ALWAYS,
        .journal = output->journal,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
    };
    code = sfe_bulk_open(&options, agent->arena, &output->bulk, err);
    if (code != SFE_OK) {
        return code;
    }
    if (use == BULK_ALWAYS) {
        sfe_bulk_target(output->bulk, &output->target);
        sizes->large_use = sfe_bulk_use;
        return SFE_OK;
    }
    if (use == BULK_NEVER) {
        sizes->large_slot_events = 1;
        sizes->large_from = UINT32_MAX;
    }
    output->pair.small = output->records;
    output->pair.large_slot = sizes->slot_count;
    output->pair.large_use = sfe_bulk_use;
    sfe_bulk_target(output->bulk, &output->pair.large);
    sfe_target_pair_make(&output->pair, &output->target);
    sizes->large_use = sfe_target_pair_use;
    return SFE_OK;
}

uint64_t agent_bulk_flash_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->output_count; i++) {
        if (agent->outputs[i].journal != NULL) {
            due_ns = sfe_clock_earlier_ns(
                due_ns, sfe_bulk_journal_flash_turn(agent->outputs[i].journal, now_ns));
        }
    }
    return due_ns;
}

void agent_close_bulk(struct agent_output *output)
{
    sfe_bulk_close(output->bulk);
    output->bulk = NULL;
    sfe_bulk_journal_close(output->journal);
    output->journal = NULL;
}
