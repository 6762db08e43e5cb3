/* Outputs to Salesforce: records, one by one and by ingest jobs, and platform events. */
#include "run/output_kind.h"
#include "run/outputs.h"

#include "base/arena.h"
#include "bulk/journal.h"
#include "salesforce/records.h"

#include <string.h>

/* Of an output that no longer goes by bulk and has a job left: its events go again. */
#define LEFT_EVENTS 1u
/* A bulk job that nothing goes wrong with: create, upload, close, some polls, results, delete. */
#define JOB_CALLS 8u

/* Does it go by ingest jobs: never, for a backlog beside its records, or always? */
enum bulk_use { BULK_NEVER, BULK_BESIDE, BULK_ALWAYS };

static enum sfe_records_api records_api(const struct sfe_config_output *output)
{
    if (output->type == SFE_OUTPUT_PLATFORM_EVENTS) {
        return SFE_RECORDS_COLLECTIONS;
    }
    switch (output->api) {
    case SFE_API_COLLECTIONS:
    case SFE_API_BULK:
        return SFE_RECORDS_COLLECTIONS;
    case SFE_API_COMPOSITE:
        return SFE_RECORDS_COMPOSITE;
    case SFE_API_GRAPH:
        return SFE_RECORDS_GRAPH;
    case SFE_API_AUTO:
    default:
        return output->all_or_none ? SFE_RECORDS_GRAPH : SFE_RECORDS_AUTO;
    }
}

static bool passes_on(const struct sfe_config_output *output)
{
    return output->on_done >= 0 || output->on_dead >= 0;
}

/* "Parent__r.ExtId__c". */
static bool names_parent(const struct sfe_config_record *record)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (strchr(record->fields[i].name, '.') != NULL) {
            return true;
        }
    }
    return false;
}

/* As far as memory is concerned. A batch counts its events by its records at most. */
static struct sfe_records_options records_options(const struct sfe_config *config,
                                                  const struct sfe_config_output *output)
{
    _Static_assert((int)SFE_RECORDS_DELETE == (int)SFE_ACTION_DELETE, "the same actions");
    const enum sfe_records_api api = records_api(output);
    struct sfe_records_options options = {
        /* With bulk alone: for a rehearsal, which shows one. */
        .slot_count = output->api == SFE_API_BULK ? 1 : output->requests_in_flight,
        .slot_events_max = sfe_records_slot_events_max(api, output->batch_records),
        .records_max = output->batch_records,
        .api = api,
        .compress = config->connections[output->connection].salesforce.compress,
        .keeps_results = passes_on(output),
    };

    for (uint32_t i = 0; i < output->record_count; i++) {
        options.names_parents = options.names_parents ||
                                (api != SFE_RECORDS_GRAPH && names_parent(&output->records[i]));
        options.verbs[i] = (struct sfe_records_verb){
            .action = (enum sfe_records_action)output->records[i].action,
            .missing_is_done = output->records[i].missing == SFE_MISSING_DONE,
        };
    }
    return options;
}

/* Beyond the events of a job so many may wait for their keys. */
#define WINDOW_EXTRA SFE_WINDOW_EVENTS
#define WINDOW_TIMES 3u

/* A job upserts. */
static bool upserts_all(const struct sfe_config_output *output)
{
    for (uint32_t i = 0; i < output->record_count; i++) {
        if (output->records[i].action != SFE_ACTION_UPSERT) {
            return false;
        }
    }
    return true;
}

/* A rehearsal shows records; nothing of a job would be to be seen. Where order is asked for, a job
 * holds one event of a key at most: no backlog goes faster by it. What waits is no backlog. */
static enum bulk_use bulk_use(const struct sfe_config_output *output)
{
    if (output->type != SFE_OUTPUT_SALESFORCE_RECORDS) {
        return BULK_NEVER;
    }
    if (output->api == SFE_API_BULK) {
        return BULK_ALWAYS;
    }
    return output->api == SFE_API_AUTO && output->order_by == NULL && !output->all_or_none &&
                   output->waits.key == NULL && output->bulk_from != 0 && upserts_all(output)
               ? BULK_BESIDE
               : BULK_NEVER;
}

/* From how many events on a bulk job costs fewer calls than requests do. */
static uint32_t dear_from(const struct sfe_config_output *output, uint32_t slot_events_max)
{
    const uint32_t of_request =
        slot_events_max / (output->record_count > 1 ? output->record_count : 1);
    const uint32_t events = JOB_CALLS * (of_request == 0 ? 1 : of_request);

    return events < output->bulk_records ? events : output->bulk_records;
}

/* What is locked by others holds the oldest place for seconds: as much again as is in flight goes
 * by meanwhile, several times. */
static uint32_t window_events(const struct sfe_records_options *records)
{
    const uint32_t wanted = WINDOW_TIMES * records->slot_count * records->slot_events_max;

    return wanted < SFE_WINDOW_EVENTS ? SFE_WINDOW_EVENTS : wanted;
}

static void records_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                          bool is_rehearsal, struct sfe_output_options *sizes)
{
    const struct sfe_records_options records = records_options(config, output);
    const enum bulk_use use = is_rehearsal ? BULK_NEVER : bulk_use(output);

    sizes->slot_count = records.slot_count;
    sizes->slot_events_max = records.slot_events_max;
    sizes->batch_age_ns = output->batch_age_ns;
    sizes->window_events = window_events(&records);
    if (use == BULK_ALWAYS) {
        sizes->slot_count = 1;
        sizes->slot_events_max = output->bulk_records;
        sizes->batch_age_ns = output->bulk_age_ns;
        sizes->is_costly = true;
    } else if (use == BULK_BESIDE) {
        sizes->large_slot_events = output->bulk_records;
        sizes->large_age_ns = output->bulk_age_ns;
        sizes->large_from =
            output->bulk_from < output->bulk_records ? output->bulk_from : output->bulk_records;
        sizes->large_from_dear = dear_from(output, records.slot_events_max);
    }
    if (use == BULK_ALWAYS ||
        (use == BULK_BESIDE && sizes->window_events < output->bulk_records + WINDOW_EXTRA)) {
        sizes->window_events = output->bulk_records + WINDOW_EXTRA;
    }
}

static bool has_records(const struct sfe_config_output *output, bool is_rehearsal)
{
    return is_rehearsal || bulk_use(output) != BULK_ALWAYS;
}

static size_t job_memory_bytes(uint32_t records_max)
{
    const struct sfe_bulk_options options = {.records_max = records_max};

    return sfe_arena_cost(sizeof(struct sfe_target)) +
           sfe_arena_cost(sizeof(struct sfe_target_pair)) + sfe_bulk_memory_bytes(&options) +
           sfe_bulk_journal_memory_bytes(records_max);
}

static size_t bulk_memory_bytes(const struct sfe_config_output *output)
{
    return bulk_use(output) == BULK_NEVER ? 0 : job_memory_bytes(output->bulk_records);
}

static enum sfe_org_need need_of(const struct agent_set *set, const struct agent_output *output)
{
    if (set->config->outputs[output->config_index].past_share) {
        return SFE_ORG_PAST_SHARE;
    }
    return set->config->streams[output->stream_index].priority == 0 ? SFE_ORG_ORDINARY
                                                                    : SFE_ORG_PRIORITY;
}

static enum sfe_code open_target(struct sfe_agent *agent, const struct agent_set *set,
                                 struct agent_output *output, struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const struct sfe_compiled_output *compiled = &set->compiled->outputs[output->config_index];
    struct sfe_records_options options = records_options(set->config, config);

    if (!has_records(config, set->compiled->without_secrets)) {
        return SFE_OK;
    }
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);
    if (target == NULL) {
        return err->code;
    }
    options.org = agent_find_org(set, config->connection);
    options.maps = compiled->maps;
    options.map_count = config->record_count;
    options.where = compiled->where;
    options.order_by = compiled->order_by;
    options.need = need_of(set, output);
    options.log = agent->log;
    enum sfe_code code = sfe_records_open(&options, output->arena, target, err);
    if (code == SFE_OK) {
        output->records = target;
        output->target = target;
    }
    return code;
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
        .on_noted = agent_kick_flash,
        .on_durable = on_durable,
        .owner = agent,
    };
}

/* An output that no longer goes by bulk still waits for the job that was under way: it could come
 * after what is sent now. Its events go again, for which no room is needed. */

static size_t left_bulk_bytes(struct sfe_agent *agent, const struct agent_set *set,
                              const struct agent_output *output)
{
    const struct sfe_bulk_journal_options options =
        journal_options(agent, set, output, LEFT_EVENTS);
    bool is_left = bulk_use(&set->config->outputs[output->config_index]) == BULK_NEVER &&
                   sfe_bulk_journal_exists(&options);

    return is_left ? job_memory_bytes(LEFT_EVENTS) : 0;
}

/* Sets *is_needed where a job can be under way, or can come to be. */
static enum sfe_code open_journal(struct sfe_agent *agent, const struct agent_set *set,
                                  struct agent_output *output, bool *is_needed,
                                  struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    bool is_used = bulk_use(config) != BULK_NEVER;
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
        sizes->large_from_dear = UINT32_MAX;
    }
    return SFE_OK;
}

static enum sfe_code open_bulk(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_output *output, struct sfe_output_options *sizes,
                               struct sfe_error *err)
{
    const struct sfe_config_output *config = &set->config->outputs[output->config_index];
    const enum bulk_use use = bulk_use(config);
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
        .where = set->compiled->outputs[output->config_index].where,
        .slot = use == BULK_ALWAYS ? 0 : sizes->slot_count,
        .records_max = use == BULK_NEVER ? LEFT_EVENTS : config->bulk_records,
        .has_other = use != BULK_ALWAYS,
        .need = need_of(set, output),
        .journal = output->journal,
        .entropy = &agent->platform->entropy,
        .log = agent->log,
    };
    code = sfe_bulk_open(&options, output->arena, &output->bulk, err);
    return code == SFE_OK ? set_target(output, use == BULK_ALWAYS, sizes, err) : code;
}

static void close_bulk(struct agent_output *output)
{
    sfe_bulk_close(output->bulk);
    output->bulk = NULL;
    sfe_bulk_journal_close(output->journal);
    output->journal = NULL;
}

static size_t records_bytes(const struct sfe_config *config, const struct sfe_config_output *output)
{
    const struct sfe_records_options records = records_options(config, output);

    return (has_records(output, false)
                ? sfe_arena_cost(sizeof(struct sfe_target)) + sfe_records_memory_bytes(&records)
                : 0) +
           bulk_memory_bytes(output);
}

static uint64_t journal_flash_bytes(const struct sfe_config *config,
                                    const struct sfe_config_output *output)
{
    (void)config;
    return bulk_use(output) == BULK_NEVER ? 0 : sfe_bulk_journal_flash_bytes(output->bulk_records);
}

static size_t records_library_bytes(const struct sfe_config *config,
                                    const struct sfe_config_output *output)
{
    return output->requests_in_flight *
           agent_exchange_bytes(&config->connections[output->connection].salesforce);
}

static void close_records(struct agent_output *output)
{
    close_bulk(output);
    if (output->records != NULL) {
        sfe_records_close(output->records);
        output->records = NULL;
    }
}

const struct agent_output_kind agent_records_output = {
    .sizes = records_sizes,
    .memory_bytes = records_bytes,
    .left_bytes = left_bulk_bytes,
    .flash_bytes = journal_flash_bytes,
    .library_bytes = records_library_bytes,
    .open = open_target,
    .begin = open_bulk,
    .close = close_records,
};
