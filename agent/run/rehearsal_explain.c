#include "base/arena.h"
#include "base/assert.h"
#include "run/parts.h"
#include "run/rehearsal_parts.h"

#include <stdio.h>

#define ORDER_BYTES 512u

static const struct sfe_config_field *find_field(const struct sfe_config_record *record,
                                                 const char *name)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return &record->fields[i];
        }
    }
    return NULL;
}

/* One record of a map, field by field. */
/* The conditions one by one. */
static void tell_conditions(struct rehearsal *rehearsal, const struct sfe_where *where,
                            const struct sfe_map_subject *subject, struct sfe_rehearsal_step told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;
    struct sfe_where_step step = {.found = rehearsal->step.found};

    told.condition = &step;
    for (uint32_t i = 0; i < sfe_where_node_count(where); i++) {
        sfe_where_explain(where, i, subject, &step);
        audience->on_step(audience->reader, &told);
    }
}

/* The conditions of an output, and what comes of them. */
static enum sfe_code explain_where(struct rehearsal *rehearsal, struct sfe_where *where,
                                   const struct sfe_map_subject *subject,
                                   struct sfe_rehearsal_step told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;
    struct sfe_error err;
    const enum sfe_code code = sfe_where_judge(where, subject, &err);

    tell_conditions(rehearsal, where, subject, told);
    told.message = code == SFE_E_SKIPPED ? "skipped: where does not take it" : err.message;
    if (code != SFE_OK) {
        audience->on_step(audience->reader, &told);
    }
    return code;
}

/* The conditions of a field's cases, up to the one that it is. */
static void tell_cases(struct rehearsal *rehearsal, const struct sfe_map *map, uint32_t field,
                       const struct sfe_map_subject *subject, struct sfe_rehearsal_step told)
{
    const uint32_t chosen = rehearsal->step.chosen;
    const uint32_t count = sfe_map_field_case_count(map, field);

    for (uint32_t i = 0; i < (chosen == 0 ? count : chosen); i++) {
        const struct sfe_where *where = sfe_map_case_condition(map, field, i);
        told.case_number = i + 1u;
        if (where != NULL) {
            tell_conditions(rehearsal, where, subject, told);
        }
    }
}

static void explain_record(struct rehearsal *rehearsal, const struct sfe_config_record *record,
                           const struct sfe_map *map, const struct sfe_map_subject *subject,
                           uint32_t item, struct sfe_rehearsal_step *told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;

    for (uint32_t i = 0; i < sfe_map_field_count(map); i++) {
        sfe_map_explain(map, i, subject, told->index, item, &rehearsal->step);
        told->configured = find_field(record, rehearsal->step.field);
        if (sfe_map_field_condition(map, i) != NULL || sfe_map_field_case_count(map, i) != 0) {
            if (sfe_map_field_condition(map, i) != NULL) {
                tell_conditions(rehearsal, sfe_map_field_condition(map, i), subject, *told);
            }
            tell_cases(rehearsal, map, i, subject, *told);
            /* Again, for the conditions were told from its memory. */
            sfe_map_explain(map, i, subject, told->index, item, &rehearsal->step);
        }
        told->step = &rehearsal->step;
        audience->on_step(audience->reader, told);
    }
}

/* What is done with the records, where that is no upsert. */
static const char *action_told(const struct sfe_config_record *record)
{
    if (record->action == SFE_ACTION_DELETE) {
        return "action: delete by external ID, 24 records a call; what is gone is done";
    }
    return record->missing == SFE_MISSING_DONE
               ? "action: update by external ID, 24 records a call; what is not there is done"
               : "action: update by external ID, 24 records a call; what is not there is a dead "
                 "letter";
}

static void explain_map(struct rehearsal *rehearsal, const struct sfe_config_record *record,
                        const struct sfe_map *map, const struct sfe_map_subject *subject,
                        struct sfe_rehearsal_step told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;
    struct sfe_error err;
    uint32_t count = 0;
    uint32_t item = SFE_JSON_NONE;

    if (sfe_map_count(map, subject, &count, &err) != SFE_OK) {
        told.message = err.message;
        audience->on_step(audience->reader, &told);
        return;
    }
    if (record->action != SFE_ACTION_UPSERT && count > 0) {
        told.message = action_told(record);
        audience->on_step(audience->reader, &told);
        told.message = NULL;
    }
    if (count == 0) {
        told.message = "no records: the array of \"each\" is empty or missing";
        audience->on_step(audience->reader, &told);
    }
    for (told.index = 0; told.index < count; told.index++) {
        item = sfe_map_item(map, subject, told.index, item);
        explain_record(rehearsal, record, map, subject, item, &told);
    }
}

/* What the order key is where nothing is said of it. */
static const char *order_told(const struct sfe_config_output *output,
                              const struct sfe_compiled_output *compiled)
{
    if (output->type == SFE_OUTPUT_MQTT) {
        return "order key: the message's topic"; /* It may have no map. */
    }
    return sfe_map_external_id_field(compiled->maps[0]) == NULL
               ? "order key: the event's own identity, so none is kept"
               : "order key: the first record's external ID";
}

static void explain_order(struct rehearsal *rehearsal, const struct sfe_config_output *output,
                          const struct sfe_compiled_output *compiled,
                          const struct sfe_map_subject *subject, struct sfe_rehearsal_step told)
{
    const struct sfe_template *order_by = compiled->order_by;
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;
    uint8_t memory[ORDER_BYTES];
    char message[ORDER_BYTES + 32u];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    told.message = order_told(output, compiled);
    if (order_by != NULL && sfe_template_add(order_by, subject, &text, &err) == SFE_OK) {
        if (snprintf(message, sizeof(message), "order key: %.*s", (int)text.size,
                     (const char *)memory) > 0) {
            told.message = message;
        }
    } else if (order_by != NULL) {
        told.message = "order key: none can be made";
    }
    audience->on_step(audience->reader, &told);
}

/* Which API the output's records go by, and why. */
static const char *api_told(const struct sfe_config_output *output)
{
    if (output->type == SFE_OUTPUT_MQTT) {
        return output->mqtt.qos == 0 ? "mqtt: one message an event, QoS 0: it may be lost"
                                     : "mqtt: one message an event, settled by the PUBACK";
    }
    if (output->type == SFE_OUTPUT_PLATFORM_EVENTS) {
        return "api: collections, up to 200 platform events a call";
    }
    switch (output->api) {
    case SFE_API_COLLECTIONS:
        return "api: collections, as configured: one sObject Collections a call";
    case SFE_API_COMPOSITE:
        return "api: composite, as configured: up to five Collections in one call";
    case SFE_API_GRAPH:
        return "api: graph, as configured: all records of the event or none";
    case SFE_API_AUTO:
    case SFE_API_BULK:
    default:
        break;
    }
    if (output->api == SFE_API_BULK) {
        return "api: bulk, as configured: jobs as below; the requests that follow show the same "
               "records as Collections";
    }
    if (output->all_or_none) {
        return "api: graph, for all_or_none: all records of the event or none";
    }
    return output->record_count > 1
               ? "api: composite, for records of several objects go in one call, parents first; "
                 "collections where the event makes records of one alone"
               : "api: collections, for one event's records; a backlog goes as a composite, five "
                 "Collections in one call";
}

static void explain_api(struct rehearsal *rehearsal, const struct sfe_config_output *output,
                        struct sfe_rehearsal_step told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;

    told.message = api_told(output);
    audience->on_step(audience->reader, &told);
    rehearsal_bulk_tell_from(rehearsal, output, told);
}

/* What it would wait for. Nothing waits here. */
static void explain_waits(struct rehearsal *rehearsal, const struct sfe_config_output *output,
                          const struct sfe_compiled_output *compiled,
                          const struct sfe_map_subject *subject, struct sfe_rehearsal_step told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;
    uint8_t memory[ORDER_BYTES];
    char message[ORDER_BYTES + SFE_NAME_BYTES_MAX + 80u];
    struct sfe_builder key = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;
    int length;

    if (output->waits.key == NULL) {
        return;
    }
    if (sfe_template_add(compiled->waits_key, subject, &key, &err) == SFE_OK) {
        length = snprintf(message, sizeof(message),
                          "waits for a confirmation of key \"%.*s\" in stream \"%s\"; here it goes "
                          "at once",
                          (int)key.size, (const char *)memory,
                          rehearsal->config.streams[output->waits.stream].name);
    } else {
        length = snprintf(message, sizeof(message),
                          "waits for a confirmation, and has no key: it would be a dead letter");
    }
    SFE_ASSERT(length > 0);
    told.message = message;
    audience->on_step(audience->reader, &told);
}

/* The steps of every output that reads the event. */
static void explain_event(struct rehearsal *rehearsal, uint32_t stream, struct sfe_event *event,
                          int64_t time_ns)
{
    struct sfe_map_subject subject;

    sfe_map_subject_make(event, time_ns, rehearsal->tokens, SFE_JSON_TOKENS_MAX, &subject);
    for (uint32_t i = 0; i < rehearsal->agent->set.output_count; i++) {
        const struct agent_output *output = &rehearsal->agent->set.outputs[i];
        const struct sfe_config_output *config = &rehearsal->config.outputs[output->config_index];
        const struct sfe_compiled_output *compiled =
            &rehearsal->options->compiled->outputs[output->config_index];
        if (output->stream_index != stream) {
            continue;
        }
        struct sfe_rehearsal_step told = {.output = config->name};
        if (compiled->where != NULL &&
            explain_where(rehearsal, compiled->where, &subject, told) != SFE_OK) {
            continue;
        }
        explain_waits(rehearsal, config, compiled, &subject, told);
        if (config->type == SFE_OUTPUT_FILE ||
            (config->record_count == 0 && config->type != SFE_OUTPUT_MQTT)) {
            continue; /* Its request, its line, or the event in on_done shows all there is. */
        }
        explain_order(rehearsal, config, compiled, &subject, told);
        explain_api(rehearsal, config, told);
        for (uint32_t map = 0; map < config->record_count; map++) {
            told.object = config->records[map].object;
            explain_map(rehearsal, &config->records[map], compiled->maps[map], &subject, told);
            if (config->api == SFE_API_BULK) {
                rehearsal_bulk_explain(rehearsal, compiled->maps[map], &subject, told);
            }
        }
    }
}

enum sfe_code rehearsal_explain_stream(struct rehearsal *rehearsal, uint32_t index, uint64_t from,
                                       struct sfe_error *err)
{
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    int64_t time_ns = 0;
    enum sfe_code code = sfe_stream_reader_open(rehearsal->agent->set.streams[index].stream,
                                                rehearsal->options->arena, &reader, err);

    if (code == SFE_OK) {
        sfe_stream_reader_seek(reader, from);
    }
    while (code == SFE_OK) {
        code = sfe_stream_reader_next(reader, &event, &time_ns, NULL, err);
        if (code == SFE_OK) {
            explain_event(rehearsal, index, &event, time_ns);
        }
    }
    sfe_stream_reader_close(reader);
    return code == SFE_E_END ? SFE_OK : code;
}
