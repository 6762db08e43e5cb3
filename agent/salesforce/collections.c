#include "salesforce/collections.h"

#include "base/assert.h"
#include "base/hash.h"

#define ID_SEED 0x7366656467652d69u

/* Of every request: there is always room to close it. */
static const char opening[] = "{\"allOrNone\":false,\"records\":[";
static const char closing[] = "]}";

_Static_assert(COLLECTIONS_ID_PLACES >= 2 * SFE_COLLECTION_RECORDS_MAX, "a table half empty");

void collections_begin(struct collections_request *request)
{
    SFE_ASSERT(request->body.capacity >= sizeof(opening) + sizeof(closing));
    memset(request->places, 0, sizeof(request->places));
    request->count = 0;
    request->is_closed = false;
    sfe_builder_rewind(&request->body, 0);
    sfe_builder_add(&request->body, sfe_slice_make(opening, sizeof(opening) - 1));
}

void collections_begin_record(struct collections_request *request, struct sfe_slice object)
{
    SFE_ASSERT(!request->is_closed);
    if (request->count > 0) {
        sfe_builder_add_byte(&request->body, ',');
    }
    sfe_builder_add(&request->body, SFE_TEXT("{\"attributes\":{\"type\":\""));
    sfe_builder_add(&request->body, object);
    sfe_builder_add(&request->body, SFE_TEXT("\"},"));
}

/* The place of `hash`, or the free one where it would go. */
static uint64_t *find(struct collections_request *request, uint64_t hash)
{
    size_t index = (size_t)hash & (COLLECTIONS_ID_PLACES - 1);

    SFE_ASSERT(hash != 0);
    while (request->places[index] != 0 && request->places[index] != hash) {
        index = (index + 1) & (COLLECTIONS_ID_PLACES - 1);
    }
    return &request->places[index];
}

enum sfe_code collections_end_record(struct collections_request *request, uint64_t id_hash)
{
    uint64_t *place = find(request, id_hash);

    sfe_builder_add_byte(&request->body, '}');
    if (request->count == SFE_COLLECTION_RECORDS_MAX || request->body.overflowed ||
        sfe_builder_room(&request->body) < sizeof(closing)) {
        return SFE_E_FULL;
    }
    if (*place != 0) {
        return SFE_E_AGAIN;
    }
    *place = id_hash;
    request->ids[request->count++] = id_hash;
    return SFE_OK;
}

void collections_rewind(struct collections_request *request, struct collections_mark mark)
{
    SFE_ASSERT(!request->is_closed);
    SFE_ASSERT(mark.count <= request->count);
    /* The last one first: so no chain of the table is broken. */
    while (request->count > mark.count) {
        *find(request, request->ids[--request->count]) = 0;
    }
    sfe_builder_rewind(&request->body, mark.size);
}

uint64_t collections_hash_id(struct sfe_slice external_id)
{
    uint64_t hash = sfe_hash64_caseless(ID_SEED, external_id);

    return hash == 0 ? 1 : hash;
}

void collections_close(struct collections_request *request)
{
    SFE_ASSERT(!request->is_closed);
    sfe_builder_add(&request->body, sfe_slice_make(closing, sizeof(closing) - 1));
    SFE_ASSERT(!request->body.overflowed);
    request->is_closed = true;
}

void collections_reopen(struct collections_request *request)
{
    SFE_ASSERT(request->is_closed);
    sfe_builder_rewind(&request->body, request->body.size - (sizeof(closing) - 1));
    request->is_closed = false;
}

enum sfe_code collections_read(struct sfe_slice body, struct sfe_json_token *tokens,
                               uint32_t capacity, uint32_t count, struct collections_answer *answer,
                               struct sfe_error *err)
{
    enum sfe_code code = sfe_json_parse(body, 0, tokens, capacity, &answer->json, err);

    if (code != SFE_OK) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is not JSON");
    }
    if (sfe_json_kind(&answer->json, 0) != SFE_JSON_ARRAY ||
        sfe_json_length(&answer->json, 0) != count) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is no list of %u results",
                        (unsigned)count);
    }
    answer->at = sfe_json_first(&answer->json, 0);
    return SFE_OK;
}

/* The element's member `success`; SFE_JSON_NONE where it is no result. */
static uint32_t find_success(const struct sfe_json *json, uint32_t element)
{
    if (sfe_json_kind(json, element) != SFE_JSON_OBJECT) {
        return SFE_JSON_NONE;
    }
    uint32_t success = sfe_json_member(json, element, SFE_TEXT("success"));
    bool is_flag = success != SFE_JSON_NONE && (sfe_json_kind(json, success) == SFE_JSON_TRUE ||
                                                sfe_json_kind(json, success) == SFE_JSON_FALSE);
    return is_flag ? success : SFE_JSON_NONE;
}

enum sfe_code collections_next(struct collections_answer *answer, bool *succeeded,
                               struct rest_error *error, struct sfe_error *err)
{
    const struct sfe_json *json = &answer->json;
    uint32_t element = answer->at;

    SFE_ASSERT(element != SFE_JSON_NONE);
    uint32_t success = find_success(json, element);
    if (success == SFE_JSON_NONE) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer holds something that is no result");
    }
    answer->at = sfe_json_next(json, 0, element);
    const uint32_t id = sfe_json_member(json, element, SFE_TEXT("id"));
    answer->record_id = id != SFE_JSON_NONE && sfe_json_kind(json, id) == SFE_JSON_STRING
                            ? sfe_json_raw(json, id)
                            : (struct sfe_slice){NULL, 0};
    *succeeded = sfe_json_kind(json, success) == SFE_JSON_TRUE;
    if (*succeeded) {
        return SFE_OK;
    }
    *error = (struct rest_error){.code = ""};
    uint32_t errors = sfe_json_member(json, element, SFE_TEXT("errors"));
    uint32_t first = errors == SFE_JSON_NONE || sfe_json_kind(json, errors) != SFE_JSON_ARRAY
                         ? SFE_JSON_NONE
                         : sfe_json_first(json, errors);
    if (first != SFE_JSON_NONE) {
        (void)rest_take_error(json, first, error);
    }
    return SFE_OK;
}
