#include "salesforce/collections.h"

#include "base/assert.h"
#include "base/hash.h"
#include "salesforce/composite.h"

#define ID_SEED 0x7366656467652d69u
/* Spreads the few numbers of maps over all bits (2^64 over the golden ratio). */
#define MAP_SPREAD 0x9e3779b97f4a7c15u

/* collateSubrequests: by default parts that do not name each other may run in any order. */
static const char envelope_opening[] =
    "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[";
static const char envelope_closing[] = "}]}";
static const char opening[] = "{\"allOrNone\":false,\"records\":[";
static const char closing[] = "]}";
/* There is always room to close a request. */
#define CLOSING_BYTES (sizeof(closing) + sizeof(envelope_closing) - 2u)

_Static_assert(COLLECTIONS_ID_PLACES >= 2 * COLLECTIONS_RECORDS_MAX, "a table half empty");

void collections_begin(struct collections_request *request)
{
    SFE_ASSERT(request->body.capacity >= sizeof(envelope_opening) + CLOSING_BYTES);
    memset(request->places, 0, sizeof(request->places));
    request->count = 0;
    request->part_count = 0;
    request->is_closed = false;
    request->is_alone = false;
    request->is_single = false;
    sfe_builder_rewind(&request->lookup, 0);
    sfe_builder_rewind(&request->parents, 0);
    sfe_builder_rewind(&request->body, 0);
    sfe_builder_add_text(&request->body, envelope_opening);
}

void collections_add_path(const struct collections_path *path, struct sfe_builder *out)
{
    sfe_builder_add(out, SFE_TEXT("/services/data/"));
    sfe_builder_add_text(out, path->version);
    sfe_builder_add(out, SFE_TEXT("/composite/sobjects"));
    if (path->external_id != NULL) {
        sfe_builder_add_byte(out, '/');
        sfe_builder_add_text(out, path->object);
        sfe_builder_add_byte(out, '/');
        sfe_builder_add_text(out, path->external_id);
    }
}

void collections_begin_part(struct collections_request *request, uint32_t map,
                            const struct collections_path *path)
{
    struct sfe_builder *body = &request->body;
    const uint32_t number = request->part_count;

    SFE_ASSERT(!request->is_closed && number < SFE_COLLECTIONS_MAX);
    if (number > 0) {
        request->parts[number - 1].end = request->count;
        sfe_builder_add(body, SFE_TEXT("]}},"));
    }
    sfe_builder_add_text(body, path->external_id == NULL ? "{\"method\":\"POST\",\"url\":\""
                                                         : "{\"method\":\"PATCH\",\"url\":\"");
    collections_add_path(path, body);
    sfe_builder_add(body, SFE_TEXT("\",\"referenceId\":\"p"));
    sfe_builder_add_u64(body, number);
    sfe_builder_add(body, SFE_TEXT("\",\"body\":"));
    request->parts[number] = (struct collections_part){map, request->count, 0, body->size};
    request->part_count++;
    sfe_builder_add_text(body, opening);
}

void collections_begin_record(struct collections_request *request, struct sfe_slice object)
{
    SFE_ASSERT(!request->is_closed && request->part_count > 0);
    if (collections_part_records(request) > 0) {
        sfe_builder_add_byte(&request->body, ',');
    }
    request->record_begin = request->body.size;
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

bool collections_claim(struct collections_request *request, uint64_t id_hash)
{
    uint64_t *place = find(request, id_hash);

    SFE_ASSERT(request->count < COLLECTIONS_RECORDS_MAX);
    if (*place != 0) {
        return false;
    }
    *place = id_hash;
    request->order[request->count] = (uint16_t)request->count;
    request->ids[request->count++] = id_hash;
    return true;
}

static bool begins_with(struct sfe_slice text, size_t at, const char *part)
{
    struct sfe_slice wanted = sfe_slice_text(part);

    return sfe_slice_equal(sfe_slice_part(text, at, wanted.size), wanted);
}

static uint32_t count_text(struct sfe_slice json, uint8_t first, const char *second)
{
    const uint8_t *at = json.bytes;
    const uint8_t *end = json.bytes + json.size;
    uint32_t count = 0;

    while (at < end && (at = memchr(at, first, (size_t)(end - at))) != NULL) {
        at++;
        count += begins_with(json, (size_t)(at - json.bytes), second) ? 1u : 0u;
    }
    return count;
}

uint32_t collections_count_references(struct sfe_slice json)
{
    return count_text(json, '@', "{") + count_text(json, '@', "\\u007") +
           count_text(json, '\\', "u0040");
}

enum sfe_code collections_end_record(struct collections_request *request, uint64_t id_hash)
{
    sfe_builder_add_byte(&request->body, '}');
    if (collections_part_records(request) == SFE_COLLECTION_RECORDS_MAX ||
        request->body.overflowed || sfe_builder_room(&request->body) < CLOSING_BYTES) {
        return SFE_E_FULL;
    }
    const size_t begin = request->record_begin;
    if (collections_count_references(
            sfe_slice_make(request->body.bytes + begin, request->body.size - begin)) > 0) {
        if (request->part_count > 1) {
            return SFE_E_FULL;
        }
        request->is_alone = true;
    }
    if (!collections_claim(request, id_hash)) {
        return SFE_E_AGAIN;
    }
    if (request->parents.capacity > 0) {
        request->rows[request->count - 1] = (struct collections_row){
            .begin = (uint32_t)begin, .size = (uint32_t)(request->body.size - begin)};
    }
    return SFE_OK;
}

void collections_note_parent(struct collections_request *request, struct sfe_slice json)
{
    struct sfe_builder *parents = &request->parents;

    SFE_ASSERT(request->count > 0 && parents->capacity > 0);
    if (json.size <= sfe_builder_room(parents)) {
        struct collections_row *row = &request->rows[request->count - 1];
        row->parent = (uint32_t)parents->size;
        row->parent_size = (uint32_t)json.size;
        sfe_builder_add(parents, json);
    }
}

void collections_rewind(struct collections_request *request, struct collections_mark mark)
{
    SFE_ASSERT(!request->is_closed);
    SFE_ASSERT(mark.count <= request->count && mark.part_count <= request->part_count);
    /* The last one first: so no chain of the table is broken. */
    while (request->count > mark.count) {
        *find(request, request->ids[--request->count]) = 0;
    }
    request->part_count = mark.part_count;
    request->is_alone = mark.is_alone;
    request->is_single = mark.is_single;
    sfe_builder_rewind(&request->lookup, mark.lookup_size);
    sfe_builder_rewind(&request->parents, mark.parents_size);
    sfe_builder_rewind(&request->body, mark.size);
}

uint64_t collections_hash_id(struct sfe_slice external_id)
{
    uint64_t hash = sfe_hash64_caseless(ID_SEED, external_id);

    return hash == 0 ? 1 : hash;
}

uint64_t collections_hash_of_map(uint64_t id_hash, uint32_t map)
{
    uint64_t hash = id_hash ^ ((uint64_t)map * MAP_SPREAD);

    return hash == 0 ? 1 : hash;
}

void collections_close(struct collections_request *request)
{
    SFE_ASSERT(!request->is_closed && request->part_count > 0);
    sfe_builder_add_text(&request->body, closing);
    sfe_builder_add_text(&request->body, envelope_closing);
    SFE_ASSERT(!request->body.overflowed);
    request->parts[request->part_count - 1].end = request->count;
    request->is_closed = true;
}

/* True where the parent of the record at `place` comes before that of `other`. */
static bool is_before(const struct collections_request *request, uint16_t record, uint16_t other)
{
    const struct collections_row *row = &request->rows[record];
    const struct collections_row *next = &request->rows[other];
    const size_t size = row->parent_size < next->parent_size ? row->parent_size : next->parent_size;
    const int difference = size == 0 ? 0
                                     : memcmp(request->parents.bytes + row->parent,
                                              request->parents.bytes + next->parent, size);

    return difference != 0 ? difference < 0 : row->parent_size < next->parent_size;
}

/* Places of the records of one map. */
struct places {
    uint32_t begin;
    uint32_t end;
};

static bool is_sorted(const struct collections_request *request, struct places places)
{
    for (uint32_t i = places.begin + 1; i < places.end; i++) {
        if (is_before(request, request->order[i], request->order[i - 1])) {
            return false;
        }
    }
    return true;
}

/* Merges [begin, middle) and [middle, end), of which equal ones keep their order. */
static void merge(struct collections_request *request, struct places places, uint32_t middle)
{
    uint16_t left[COLLECTIONS_RECORDS_MAX];
    uint16_t *order = request->order;
    const uint32_t count = middle - places.begin;
    uint32_t taken = 0;
    uint32_t right = middle;

    if (!is_before(request, order[middle], order[middle - 1])) {
        return;
    }
    memcpy(left, order + places.begin, count * sizeof(*left));
    for (uint32_t at = places.begin; taken < count; at++) {
        const bool is_right = right < places.end && is_before(request, order[right], left[taken]);
        order[at] = is_right ? order[right++] : left[taken++];
    }
}

static void sort_places(struct collections_request *request, struct places places)
{
    const uint32_t count = places.end - places.begin;

    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t at = 0; at + width < count; at += 2 * width) {
            const uint32_t end = at + 2 * width < count ? at + 2 * width : count;
            merge(request, (struct places){places.begin + at, places.begin + end},
                  places.begin + at + width);
        }
    }
}

/* The first record of the part stands here. */
static size_t records_begin_at(const struct collections_part *part)
{
    return part->begin + sizeof(opening) - 1u;
}

/* Behind the last record of the part, as the body stands. */
static size_t records_end_at(const struct collections_request *request, uint32_t part)
{
    const struct collections_row *last =
        &request->rows[request->order[request->parts[part].end - 1]];

    return last->begin + last->size;
}

/* The records of a part in their order, from `at` in the body on. */
static void lay_out(struct collections_request *request, uint32_t part, size_t at,
                    struct sfe_builder *scratch)
{
    for (uint32_t i = request->parts[part].first; i < request->parts[part].end; i++) {
        struct collections_row *row = &request->rows[request->order[i]];
        if (i > request->parts[part].first) {
            sfe_builder_add_byte(scratch, ',');
        }
        const size_t begin = at + scratch->size;
        sfe_builder_add(scratch, sfe_slice_make(request->body.bytes + row->begin, row->size));
        row->begin = (uint32_t)begin;
    }
}

/* Sorts the records of the parts [first, end), which are of one map. What stands between the parts
 * moves with their bounds. */
static void sort_map(struct collections_request *request, uint32_t first, uint32_t end,
                     struct sfe_builder *scratch)
{
    const struct places places = {request->parts[first].first, request->parts[end - 1].end};
    const size_t begin = records_begin_at(&request->parts[first]);
    struct sfe_slice between[SFE_COLLECTIONS_MAX] = {{NULL, 0}};

    if (is_sorted(request, places)) {
        return;
    }
    const size_t size = records_end_at(request, end - 1) - begin;
    for (uint32_t i = first; i + 1 < end; i++) {
        const size_t part_end = records_end_at(request, i);
        between[i] = sfe_slice_make(request->body.bytes + part_end,
                                    records_begin_at(&request->parts[i + 1]) - part_end);
    }
    sort_places(request, places);
    sfe_builder_rewind(scratch, 0);
    for (uint32_t i = first; i < end; i++) {
        lay_out(request, i, begin, scratch);
        if (i + 1 < end) {
            sfe_builder_add(scratch, between[i]);
            request->parts[i + 1].begin = begin + scratch->size - (sizeof(opening) - 1u);
        }
    }
    SFE_ASSERT(!scratch->overflowed && scratch->size == size);
    memcpy(request->body.bytes + begin, scratch->bytes, size);
}

void collections_sort(struct collections_request *request, struct sfe_builder *scratch)
{
    uint32_t first = 0;

    SFE_ASSERT(request->is_closed && scratch->capacity >= request->body.capacity);
    while (request->parents.size > 0 && first < request->part_count) {
        uint32_t end = first + 1;
        while (end < request->part_count && request->parts[end].map == request->parts[first].map) {
            end++;
        }
        sort_map(request, first, end, scratch);
        first = end;
    }
}

void collections_reopen(struct collections_request *request)
{
    SFE_ASSERT(request->is_closed);
    sfe_builder_rewind(&request->body, request->body.size - CLOSING_BYTES);
    request->is_closed = false;
}

struct sfe_slice collections_wire(const struct collections_request *request, bool is_composite)
{
    const struct sfe_slice whole = sfe_builder_slice(&request->body);

    SFE_ASSERT(request->is_closed && (is_composite || request->part_count == 1));
    if (is_composite) {
        return whole;
    }
    const size_t begin = request->parts[0].begin;
    return sfe_slice_part(whole, begin, whole.size - begin - (sizeof(envelope_closing) - 1u));
}

enum sfe_code collections_read(const struct sfe_json *json, uint32_t list, uint32_t count,
                               struct collections_answer *answer, struct sfe_error *err)
{
    if (list == SFE_JSON_NONE || sfe_json_kind(json, list) != SFE_JSON_ARRAY ||
        sfe_json_length(json, list) != count) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is no list of %u results",
                        (unsigned)count);
    }
    *answer =
        (struct collections_answer){.json = json, .list = list, .at = sfe_json_first(json, list)};
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

enum sfe_code collections_take(struct collections_answer *answer, uint32_t element, bool *succeeded,
                               struct rest_error *error, struct sfe_error *err)
{
    const struct sfe_json *json = answer->json;

    SFE_ASSERT(element != SFE_JSON_NONE);
    uint32_t success = find_success(json, element);
    if (success == SFE_JSON_NONE) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer holds something that is no result");
    }
    answer->element = element;
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

enum sfe_code collections_next(struct collections_answer *answer, bool *succeeded,
                               struct rest_error *error, struct sfe_error *err)
{
    const uint32_t element = answer->at;
    const enum sfe_code code = collections_take(answer, element, succeeded, error, err);

    if (code == SFE_OK) {
        answer->at = sfe_json_next(answer->json, answer->list, element);
    }
    return code;
}

uint16_t composite_http_status(const struct sfe_json *json, uint32_t token)
{
    uint32_t status = 0;

    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_NUMBER) {
        return 0;
    }
    const struct sfe_slice text = sfe_json_raw(json, token);
    if (text.size != 3) {
        return 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return 0;
        }
        status = status * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    return status < 100 || status > 599 ? 0 : (uint16_t)status;
}

/* The number behind "p"; `count` where it is none of ours. */
static uint32_t part_of(const struct sfe_json *json, uint32_t reference, uint32_t count)
{
    if (reference == SFE_JSON_NONE || sfe_json_kind(json, reference) != SFE_JSON_STRING) {
        return count;
    }
    const struct sfe_slice text = sfe_json_raw(json, reference);
    uint32_t number = 0;
    if (text.size < 2 || text.size > 3 || text.bytes[0] != 'p' ||
        (text.size == 3 && text.bytes[1] == '0')) {
        return count;
    }
    for (size_t i = 1; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return count;
        }
        number = number * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    return number < count ? number : count;
}

static enum sfe_code read_result(const struct sfe_json *json, uint32_t element, uint32_t count,
                                 struct composite_result *results, struct sfe_error *err)
{
    if (sfe_json_kind(json, element) != SFE_JSON_OBJECT) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a subrequest's answer is no object");
    }
    const uint32_t part =
        part_of(json, sfe_json_member(json, element, SFE_TEXT("referenceId")), count);
    const struct composite_result result = {
        composite_http_status(json, sfe_json_member(json, element, SFE_TEXT("httpStatusCode"))),
        sfe_json_member(json, element, SFE_TEXT("body")),
    };
    if (part == count || results[part].http_status != 0 || result.http_status == 0 ||
        result.body == SFE_JSON_NONE) {
        return sfe_fail(err, SFE_E_PROTOCOL,
                        "a subrequest's answer has no status, no body, or not its own name");
    }
    results[part] = result;
    return SFE_OK;
}

enum sfe_code composite_read(const struct sfe_json *json, uint32_t count,
                             struct composite_result results[COMPOSITE_PARTS_MAX],
                             struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    uint32_t list = SFE_JSON_NONE;

    SFE_ASSERT(count > 0 && count <= COMPOSITE_PARTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        results[i] = (struct composite_result){0, SFE_JSON_NONE};
    }
    if (sfe_json_kind(json, 0) == SFE_JSON_OBJECT) {
        list = sfe_json_member(json, 0, SFE_TEXT("compositeResponse"));
    }
    if (list == SFE_JSON_NONE || sfe_json_kind(json, list) != SFE_JSON_ARRAY ||
        sfe_json_length(json, list) != count) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is no list of %u subrequests",
                        (unsigned)count);
    }
    for (uint32_t element = sfe_json_first(json, list); element != SFE_JSON_NONE && code == SFE_OK;
         element = sfe_json_next(json, list, element)) {
        code = read_result(json, element, count, results, err);
    }
    return code;
}
