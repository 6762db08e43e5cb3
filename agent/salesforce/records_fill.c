#include "salesforce/records_parts.h"

#include "base/assert.h"
#include "base/hash.h"
#include "output/lane.h"
#include "salesforce/records_single.h"

#define ORDER_SEED  0x7366656467652d6fu
#define PARENT_SEED 0x7366656467652d70u
/* An external ID as JSON, every byte of it written as \u00XX. */
#define PARENT_BYTES_MAX 1600u

/* What an offer leaves behind when it is taken back. */
struct offer {
    struct records_slot *slot;
    struct sfe_lane *lane;
    uint64_t *order_key;
    struct collections_mark mark;
    struct sfe_map_subject subject;
    uint32_t count; /* Records of map 0. */
};

static void add_identity(const struct sfe_map_subject *subject, struct sfe_builder *out)
{
    const struct sfe_hash128 identity = sfe_event_identity(subject->event);

    sfe_builder_add(out, sfe_slice_make(identity.bytes, sizeof(identity.bytes)));
}

/* Makes sure that the request's last part takes a record of `map`. False: the request is full. */
static bool have_part(struct records_slot *slot, uint32_t map)
{
    const struct records *records = slot->records;
    struct collections_request *request = &slot->request;
    const struct sfe_map *compiled = records->options.maps[map];

    if (request->part_count > 0 && request->parts[request->part_count - 1].map == map &&
        collections_part_records(request) < records->options.records_max) {
        return true;
    }
    if (request->part_count >= records->parts_max || request->is_alone || request->is_single) {
        return false;
    }
    const struct collections_path path = {sfe_org_api_version(records->options.org),
                                          sfe_map_object(compiled),
                                          sfe_map_external_id_field(compiled)};
    collections_begin_part(request, map, &path);
    return true;
}

/* Of the record that was added last. */
static void note_parent(struct records_slot *slot, uint32_t number,
                        const struct sfe_map_subject *subject, uint32_t index, uint32_t token)
{
    uint8_t memory[PARENT_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error ignored;

    if (slot->records->options.names_parents &&
        sfe_map_add_parent(slot->records->options.maps[number], subject, index, token, &text,
                           &ignored) == SFE_OK) {
        collections_note_parent(&slot->request, sfe_builder_slice(&text));
    }
}

static enum sfe_code add_record(struct records_slot *slot, uint32_t number,
                                const struct sfe_map_subject *subject, uint32_t index,
                                uint32_t token, struct sfe_error *err)
{
    const struct sfe_map *map = slot->records->options.maps[number];
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder external_id = sfe_builder_make(memory, sizeof(memory));
    struct collections_request *request = &slot->request;
    struct collections_mark mark = collections_mark(request);

    if (slot->records->options.verbs[number].action != SFE_RECORDS_UPSERT) {
        return records_single_add(slot, number, subject, index, token, err);
    }
    if (!have_part(slot, number)) {
        return SFE_E_FULL;
    }
    collections_begin_record(request, sfe_slice_text(sfe_map_object(map)));
    enum sfe_code code =
        sfe_map_add_record(map, subject, index, token, &request->body, &external_id, err);
    if (code == SFE_OK && records_publishes(slot->records)) {
        add_identity(subject, &external_id); /* What an event has of an ID. */
    }
    if (code == SFE_OK) {
        const uint64_t hash = collections_hash_id(sfe_builder_slice(&external_id));
        code = collections_end_record(request, collections_hash_of_map(hash, number));
    }
    if (code == SFE_OK) {
        note_parent(slot, number, subject, index, token);
        return code;
    }
    collections_rewind(request, mark);
    if (code == SFE_E_FULL && request->count == 0) {
        code = sfe_fail(err, SFE_E_TOO_LARGE, "a %.64s record does not fit into a request",
                        sfe_map_object(map));
    }
    return code;
}

enum sfe_code records_fill(struct records_slot *slot, uint32_t map, uint32_t event,
                           const struct sfe_map_subject *subject, uint32_t *item,
                           struct sfe_error *err)
{
    const struct sfe_map *compiled = slot->records->options.maps[map];
    uint32_t token = SFE_JSON_NONE;
    uint32_t count = 0;
    enum sfe_code code = sfe_map_count(compiled, subject, &count, err);

    SFE_ASSERT(event <= UINT16_MAX);
    for (uint32_t index = *item; index < count && code == SFE_OK; index++) {
        token = sfe_map_item(compiled, subject, index, token);
        code = add_record(slot, map, subject, index, token, err);
        if (code == SFE_OK) {
            slot->event_of[slot->request.count - 1] = (uint16_t)event;
            *item = index + 1;
        }
    }
    return code;
}

/* The key of `order_by`. */
static enum sfe_code find_order(struct records *records, const struct sfe_map_subject *subject,
                                uint64_t *order_key, struct sfe_error *err)
{
    struct sfe_builder *text = &records->order_text;

    sfe_builder_rewind(text, 0);
    enum sfe_code code = sfe_template_add(records->options.order_by, subject, text, err);
    if (code == SFE_E_FULL || (code == SFE_OK && text->overflowed)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the text of order_by is longer than %zu bytes",
                        text->capacity);
    }
    if (code != SFE_OK) {
        return sfe_within(err, "order_by");
    }
    uint64_t hash = sfe_hash64(ORDER_SEED, sfe_builder_slice(text));
    *order_key = hash == 0 ? 1 : hash;
    return SFE_OK;
}

/* The key of the first record, where that is not simply at hand: the event makes several records,
 * or none. */
static enum sfe_code find_first_id(struct offer *offer, struct sfe_error *err)
{
    const struct sfe_map *map = offer->slot->records->options.maps[0];
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (offer->count == 0 || records_publishes(offer->slot->records)) {
        add_identity(&offer->subject, &text);
    } else {
        uint32_t token = sfe_map_item(map, &offer->subject, 0, SFE_JSON_NONE);
        enum sfe_code code = sfe_map_add_external_id(map, &offer->subject, 0, token, &text, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    *offer->order_key = collections_hash_id(sfe_builder_slice(&text));
    return SFE_OK;
}

/* Without a lane, no key is held. */
static bool is_held(const struct offer *offer)
{
    return offer->lane != NULL && sfe_lane_is_held(offer->lane, *offer->order_key);
}

/* Finds the order key before anything is mapped, unless the one record's own ID is the key: then it
 * is found on the way. */
static enum sfe_code find_key(struct offer *offer, struct sfe_error *err)
{
    struct records *records = offer->slot->records;
    enum sfe_code code =
        sfe_map_count(records->options.maps[0], &offer->subject, &offer->count, err);

    if (code != SFE_OK) {
        return code;
    }
    if (records->options.order_by != NULL) {
        code = find_order(records, &offer->subject, offer->order_key, err);
    } else if (offer->count != 1) {
        code = find_first_id(offer, err);
    } else {
        return SFE_OK;
    }
    if (code == SFE_OK && is_held(offer)) {
        return SFE_E_AGAIN;
    }
    return code;
}

enum sfe_code records_find_key(struct records_slot *slot, const struct sfe_map_subject *subject,
                               struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct offer offer = {.slot = slot, .lane = lane, .order_key = order_key, .subject = *subject};
    enum sfe_code code = find_key(&offer, err);

    if (code == SFE_OK && slot->records->options.order_by == NULL && offer.count == 1) {
        code = find_first_id(&offer, err);
        if (code == SFE_OK && is_held(&offer)) {
            return SFE_E_AGAIN;
        }
    }
    return code;
}

/* The first record that names a parent tells it; 0 where none does. */
static uint64_t find_parent(const struct records *records, const struct sfe_map_subject *subject)
{
    uint8_t memory[PARENT_BYTES_MAX];

    for (uint32_t i = 0; i < records->options.map_count; i++) {
        const struct sfe_map *map = records->options.maps[i];
        struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
        struct sfe_error ignored;
        const uint32_t item = sfe_map_item(map, subject, 0, SFE_JSON_NONE);
        if (item != SFE_JSON_NONE &&
            sfe_map_add_parent(map, subject, 0, item, &text, &ignored) == SFE_OK && text.size > 0) {
            const uint64_t hash = sfe_hash64(PARENT_SEED, sfe_builder_slice(&text));
            return hash == 0 ? 1 : hash;
        }
    }
    return 0;
}

void records_find_keys(void *context, struct sfe_event *event, int64_t time_ns, uint64_t *order_key,
                       uint64_t *parent_key)
{
    struct records *records = context;
    struct sfe_map_subject subject;
    struct sfe_error ignored;

    sfe_map_subject_make(event, time_ns, records->tokens, SFE_JSON_TOKENS_MAX, &subject);
    if (records_find_key(&records->slots[0], &subject, NULL, order_key, &ignored) == SFE_OK) {
        *parent_key = find_parent(records, &subject);
    }
}

/* The first event of a slot may have more records than a request: it goes on where this one ends.
 */
static enum sfe_code take_part(struct offer *offer, enum sfe_code code)
{
    struct records_slot *slot = offer->slot;

    if ((code != SFE_E_FULL && code != SFE_E_AGAIN) || slot->event_count > 0 ||
        slot->request.count == 0) {
        return code;
    }
    slot->takes_no_more = true;
    return SFE_OK;
}

static enum sfe_code add_event(struct offer *offer, struct sfe_error *err)
{
    struct records_slot *slot = offer->slot;
    uint32_t item = 0;
    enum sfe_code code = records_fill(slot, 0, slot->event_count, &offer->subject, &item, err);
    bool key_is_id = slot->records->options.order_by == NULL && offer->count == 1;

    if (code == SFE_OK && key_is_id) {
        *offer->order_key = slot->request.ids[slot->request.count - 1];
        code = sfe_lane_is_held(offer->lane, *offer->order_key) ? SFE_E_AGAIN : SFE_OK;
    } else if (code == SFE_E_AGAIN && key_is_id) {
        enum sfe_code found = find_first_id(offer, err);
        code = found == SFE_OK ? SFE_E_AGAIN : found;
    } else {
        code = take_part(offer, code);
    }
    if (code == SFE_OK) {
        slot->next = (struct records_place){0, slot->takes_no_more ? 0 : slot->event_count + 1,
                                            slot->takes_no_more ? item : 0};
    }
    return code;
}

enum sfe_code records_judge_where(const struct records *records,
                                  const struct sfe_map_subject *subject, struct sfe_error *err)
{
    const enum sfe_code code = sfe_where_judge(records->options.where, subject, err);

    return code == SFE_E_UNMAPPED ? sfe_within(err, "where") : code;
}

enum sfe_code records_offer(void *context, uint32_t number, struct sfe_event *event,
                            int64_t time_ns, struct sfe_lane *lane, uint64_t *order_key,
                            struct sfe_error *err)
{
    struct records *records = context;
    struct records_slot *slot = &records->slots[number];
    struct offer offer = {.slot = slot, .lane = lane, .order_key = order_key};

    SFE_ASSERT(number < records->options.slot_count);
    SFE_ASSERT(slot->state == RECORDS_EMPTY || slot->state == RECORDS_FILLING);
    if (slot->takes_no_more || slot->event_count == records->options.slot_events_max ||
        slot->request.count >= records->parts_max * records->options.records_max) {
        return SFE_E_FULL;
    }
    sfe_map_subject_make(event, time_ns, records->tokens, SFE_JSON_TOKENS_MAX, &offer.subject);
    enum sfe_code code = records_judge_where(records, &offer.subject, err);
    if (code != SFE_OK) {
        return code;
    }
    slot->state = RECORDS_FILLING;
    offer.mark = collections_mark(&slot->request);
    code = find_key(&offer, err);
    if (code == SFE_OK) {
        code = add_event(&offer, err);
    }
    if (code != SFE_OK) {
        collections_rewind(&slot->request, offer.mark);
        return code;
    }
    bool is_claimed = sfe_lane_claim(lane, *order_key);
    SFE_ASSERT(is_claimed);
    slot->event_count++;
    return SFE_OK;
}

/* Adds the records of one event of the slot to the next request. True when the request is full. */
static bool add_next_event(struct records_slot *slot)
{
    struct records *records = slot->records;
    struct sfe_map_subject subject;
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;
    enum sfe_code code = records->host.fetch(records->host.context, slot->number, slot->next.event,
                                             &event, &time_ns, &err);

    if (code == SFE_OK) {
        sfe_map_subject_make(&event, time_ns, records->tokens, SFE_JSON_TOKENS_MAX, &subject);
        code =
            records_fill(slot, slot->next.map, slot->next.event, &subject, &slot->next.item, &err);
        if (code == SFE_E_FULL || code == SFE_E_AGAIN) {
            return true;
        }
    } else if (code != SFE_E_NOT_FOUND) {
        err.retry = SFE_RETRY_LATER;
        records_judge(slot, slot->next.event, slot->next.map, SFE_VERDICT_RETRY, &err);
        return false;
    }
    if (code != SFE_OK) {
        /* Records of it that are in the request already stay there: they do no harm. */
        records_judge(slot, slot->next.event, slot->next.map, SFE_VERDICT_DEAD, &err);
    }
    return false;
}

bool records_fill_on(struct records_slot *slot)
{
    const struct records *records = slot->records;
    const struct collections_request *request = &slot->request;

    while (slot->next.map < records->options.map_count) {
        while (slot->next.event < slot->event_count) {
            if (slot->verdicts[slot->next.event].kind == SFE_VERDICT_DONE && add_next_event(slot)) {
                return true;
            }
            slot->next.event++;
            slot->next.item = 0;
        }
        slot->next = (struct records_place){slot->next.map + 1, 0, 0};
        if (request->part_count >= records->parts_max || request->is_alone || request->is_single) {
            return true; /* The next map needs a part of its own. */
        }
    }
    return request->count > 0;
}
