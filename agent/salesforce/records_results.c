#include "salesforce/records_results.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"

/* Records of an event, on average; a slot of one event has room for many. */
#define PER_EVENT  4u
#define AT_LEAST   512u
#define NONE_LOST  UINT16_MAX
#define TEXT_BYTES (RECORDS_RESULT_BYTES - 1u)

static uint32_t capacity_of(uint32_t slot_events_max)
{
    const uint32_t wanted = slot_events_max * PER_EVENT;

    return wanted < AT_LEAST ? AT_LEAST : wanted;
}

size_t records_results_memory_bytes(uint32_t slot_events_max)
{
    return sfe_arena_cost(capacity_of(slot_events_max) * sizeof(struct records_result));
}

enum sfe_code records_results_open(struct records_results *results, uint32_t slot_events_max,
                                   struct sfe_arena *arena, struct sfe_error *err)
{
    results->capacity = capacity_of(slot_events_max);
    results->all = sfe_arena_take(arena, results->capacity * sizeof(*results->all), err);
    records_results_clear(results);
    return results->all == NULL ? SFE_E_NO_MEMORY : SFE_OK;
}

void records_results_clear(struct records_results *results)
{
    results->count = 0;
    results->first_lost = NONE_LOST;
}

void records_results_note(struct records_results *results, uint32_t event, uint32_t map,
                          enum records_result_kind kind, struct sfe_slice text)
{
    SFE_ASSERT(event < NONE_LOST);
    if (results->all == NULL) {
        return;
    }
    if (results->count == results->capacity) {
        results->first_lost = event < results->first_lost ? (uint16_t)event : results->first_lost;
        return;
    }
    struct records_result *result = &results->all[results->count++];
    *result = (struct records_result){
        .event = (uint16_t)event, .map = (uint8_t)map, .kind = (uint8_t)kind};
    sfe_printable(result->text, sizeof(result->text), sfe_slice_part(text, 0, TEXT_BYTES));
}

static struct sfe_slice text_of(const struct sfe_json *json, uint32_t object, struct sfe_slice name)
{
    const uint32_t token = sfe_json_kind(json, object) == SFE_JSON_OBJECT
                               ? sfe_json_member(json, object, name)
                               : SFE_JSON_NONE;
    const bool is_text = token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_STRING;

    return is_text ? sfe_json_raw(json, token) : sfe_slice_make(NULL, 0);
}

/* Of a platform event that was published: OPERATION_ENQUEUED, with its UUID for a message. */
static struct sfe_slice uuid_of(const struct sfe_json *json, uint32_t body)
{
    const uint32_t errors = sfe_json_member(json, body, SFE_TEXT("errors"));
    const uint32_t first = errors == SFE_JSON_NONE || sfe_json_kind(json, errors) != SFE_JSON_ARRAY
                               ? SFE_JSON_NONE
                               : sfe_json_first(json, errors);
    const struct sfe_slice none = {NULL, 0};

    return first == SFE_JSON_NONE ? none : text_of(json, first, SFE_TEXT("message"));
}

void records_results_take(struct records_results *results, uint32_t event, uint32_t map,
                          const struct sfe_json *json, uint32_t body)
{
    const bool is_object = body != SFE_JSON_NONE && sfe_json_kind(json, body) == SFE_JSON_OBJECT;
    enum records_result_kind kind = RECORDS_RESULT_WRITTEN;

    if (results->all == NULL) {
        return;
    }
    if (!is_object) { /* An answer without a body. */
        records_results_note(results, event, map, kind, sfe_slice_make(NULL, 0));
        return;
    }
    const struct sfe_slice uuid = uuid_of(json, body);
    const uint32_t created = sfe_json_member(json, body, SFE_TEXT("created"));
    if (uuid.size != 0) {
        records_results_note(results, event, map, RECORDS_RESULT_PUBLISHED, uuid);
        return;
    }
    if (created != SFE_JSON_NONE && sfe_json_kind(json, created) == SFE_JSON_TRUE) {
        kind = RECORDS_RESULT_CREATED;
    } else if (created != SFE_JSON_NONE && sfe_json_kind(json, created) == SFE_JSON_FALSE) {
        kind = RECORDS_RESULT_UPDATED;
    }
    records_results_note(results, event, map, kind, text_of(json, body, SFE_TEXT("id")));
}

static void add(const struct records_result *result, const char *object,
                struct sfe_json_writer *writer)
{
    static const char *const names[] = {
        [RECORDS_RESULT_WRITTEN] = "id",   [RECORDS_RESULT_CREATED] = "id",
        [RECORDS_RESULT_UPDATED] = "id",   [RECORDS_RESULT_PUBLISHED] = "uuid",
        [RECORDS_RESULT_FAILED] = "error",
    };

    sfe_json_begin_object(writer, NULL);
    sfe_json_put_text(writer, "object", sfe_slice_text(object));
    if (result->text[0] != '\0') {
        sfe_json_put_text(writer, names[result->kind], sfe_slice_text(result->text));
    }
    if (result->kind == RECORDS_RESULT_CREATED || result->kind == RECORDS_RESULT_UPDATED) {
        sfe_json_put_bool(writer, "created", result->kind == RECORDS_RESULT_CREATED);
    }
    sfe_json_end_object(writer);
}

void records_results_add(const struct records_results *results, uint32_t event,
                         struct sfe_map *const *maps, struct sfe_json_writer *writer)
{
    sfe_json_begin_array(writer, "records");
    for (uint32_t i = 0; i < results->count; i++) {
        const struct records_result *result = &results->all[i];
        if (result->event == event) {
            add(result, sfe_map_object(maps[result->map]), writer);
        }
    }
    sfe_json_end_array(writer);
    if (event >= results->first_lost) {
        sfe_json_put_bool(writer, "records_left_out", true);
    }
}
