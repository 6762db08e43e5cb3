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

static size_t memory_bytes(uint32_t records_max)
{
    const struct sfe_bulk_options options = {.records_max = records_max};

    return sfe_arena_cost(sizeof(struct sfe_target)) +
           sfe_arena_cost(sizeof(struct sfe_target_pair)) + sfe_bulk_memory_bytes(&options) +
           sfe_bulk_journal_memory_bytes(records_max);
}

size_t agent_bulk_memory_bytes(const struct sfe_config_output *output)
{
    return use_of(output) == BULK_NEVER ? 0 : memory_bytes(output->bulk_records);
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

static struct sfe_bulk_journal_options journal_options(struct sfe_agent *agent,
                                                       const struct agent_set *set,
                                                       const struct agent_output *output,
                                                       uint32_t events_max)
{
    return (struct sfe_bulk_journal_options){
        .storage = &agent->platform->storage,
        .output = output->name,
        .stream = set->config->streams[output->stream_index].name,
        .events_max = events_max,
        .log = agent->log,
        .on_noted = on_noted,
        .on_durable = on_durable,
        .owner = agent,
    };
}

/* An output that no longer goes by bulk still waits for the job that was under way: it could come
 * after what is sent now. Its events go again, for which no room is needed. */
#define LEFT_EVENTS 1u

size_t agent_left_bulk_memory_bytes(struct sfe_agent *agent, const struct agent_set *set,
                                    const struct agent_output *output)
{
    const struct sfe_bulk_journal_options options =
        journal_options(agent, set, output, LEFT_EVENTS);
    bool is_left = use_of(&set->config->outputs[output->config_index]) == BULK_NEVER &&
                   sfe_bulk_journal_exists(&options);

    return is_left ? memory_bytes(LEFT_EVENTS) : 0;
}

/* Sets *is_needed where a job can be under way, or can come to be. */
static enum sfe_code open_journal(struct sfe_agent *agent, const struct agent_set *set,
                                  struct agent_output *output, bool *is_needed,
                                  struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    bool is_used = use_of(config) != BULK_NEVER;
    const struct sfe_bulk_journal_options options =
        journal_options(agent, set, output, is_used ? config->bulk_records : LEFT_EVENTS);
    struct bulk_job_note ignored;

    *is_needed = is_used;
    if (!is_used && !sfe_bulk_journal_exists(&options)) {
        return SFE_OK;
    }
    enum sfe_code code = sfe_bulk_journal_open(&options, output->arena, &output->journal, err);
    if (code == SFE_OK && !is_used) {
        *is_needed = bulk_journal_left(output->journal, &ignored);
    }
    return code;
}

/* Makes the bulk target the output's: alone, or beside that of its records. */
static enum sfe_code set_target(struct agent_output *output, bool is_alone,
                                struct sfe_output_options *sizes, struct sfe_error *err)
{
    struct sfe_target_pair *pair = sfe_arena_take(output->arena, sizeof(*pair), err);
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);

    if (pair == NULL || target == NULL) {
        return SFE_E_NO_MEMORY;
    }
    output->target = target;
    if (is_alone) {
        sfe_bulk_target(output->bulk, target);
        sizes->large_use = sfe_bulk_use;
        return SFE_OK;
    }
    pair->small = *output->records;
    pair->large_slot = sizes->slot_count;
    pair->large_use = sfe_bulk_use;
    sfe_bulk_target(output->bulk, &pair->large);
    sfe_target_pair_make(pair, target);
    sizes->large_use = sfe_target_pair_use;
    if (sizes->large_slot_events == 0) {
        sizes->large_slot_events = LEFT_EVENTS;
        sizes->large_from = UINT32_MAX;
    }
    return SFE_OK;
}

enum sfe_code agent_open_bulk(struct sfe_agent *agent, const struct agent_set *set,
                              struct agent_output *output, struct sfe_output_options *sizes,
                              struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const enum bulk_use use = use_of(config);
    bool is_needed = false;

    if (set->compiled->without_secrets) {
        return SFE_OK;
    }
    enum sfe_code code = open_journal(agent, set, output, &is_needed, err);
    if (code != SFE_OK || !is_needed) {
        return code;
    }
    const struct sfe_bulk_options options = {
        .name = output->name,
        .org = agent_find_org(set, config->connection),
        .maps = set->compiled->outputs[output->config_index].maps,
        .map_count = config->record_count,
        .slot = use == BULK_ALWAYS ? 0 : sizes->slot_count,
        .records_max = use == BULK_NEVER ? LEFT_EVENTS : config->bulk_records,
        .has_other = use != BULK_ALWAYS,
        .journal = output->journal,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
    };
    code = sfe_bulk_open(&options, output->arena, &output->bulk, err);
    return code == SFE_OK ? set_target(output, use == BULK_ALWAYS, sizes, err) : code;
}

void agent_close_bulk(struct agent_output *output)
{
    sfe_bulk_close(output->bulk);
    output->bulk = NULL;
    sfe_bulk_journal_close(output->journal);
    output->journal = NULL;
}
