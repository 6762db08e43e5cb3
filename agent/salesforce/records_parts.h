/* What the records target is made of; shared by the files of this module only. Cloud thread.
 *
 * A slot goes through phases, one a map: the records of map 0 of all its events, then those of map
 * 1 of the events whose records have all succeeded, and so on, each phase in as many requests as it
 * needs, one after the other.
 */
#ifndef SFE_SALESFORCE_RECORDS_PARTS_H
#define SFE_SALESFORCE_RECORDS_PARTS_H

#include "base/limits.h"
#include "port/compress.h"
#include "salesforce/collections.h"
#include "salesforce/records.h"

struct records;

enum records_state {
    RECORDS_EMPTY,
    RECORDS_FILLING,
    RECORDS_PENDING, /* A request is ready and waits for a log-in. */
    RECORDS_SENT
};

/* Where the next record of a slot comes from. */
struct records_place {
    uint32_t map;
    uint32_t event;
    uint32_t item;
};

struct records_slot {
    struct sfe_http_owner owner; /* First: the tag of the slot's exchange. */
    struct records *records;
    uint32_t number;
    enum records_state state;
    uint32_t event_count;
    bool takes_no_more;  /* Its one event has more records than fit into a request. */
    bool has_logged_in;  /* This request was refused with 401 once already. */
    uint64_t pending_ns; /* Since when it waits; 0: not asked yet. */
    struct records_place next;
    uint32_t request_map;         /* Whose records the request holds. */
    struct sfe_verdict *verdicts; /* One an event. */
    struct collections_request request;
    uint16_t event_of[SFE_COLLECTION_RECORDS_MAX]; /* Which event each record is of. */
    struct sfe_slice wire; /* What is sent: the body, or the same compressed. */
    bool is_gzip;
    struct sfe_builder gzip_body;
    struct sfe_builder answer_body;
};

struct records {
    struct sfe_records_options options;
    struct sfe_target_host host;
    struct records_slot *slots;
    struct sfe_json_token *tokens; /* Of the event or answer at hand. */
    struct sfe_gzip *gzip;         /* NULL: not compressed. */
    struct sfe_builder order_text; /* Scratch. */
};

/* Adds the records of `map` of the event at hand from *item on, as event number `event` of the
 * slot. SFE_OK: all are in. Otherwise *item is the first that is not: SFE_E_FULL and SFE_E_AGAIN
 * (external ID) mean the next request; SFE_E_UNMAPPED and SFE_E_TOO_LARGE never. */
SFE_MUST_USE enum sfe_code records_fill(struct records_slot *slot, uint32_t map, uint32_t event,
                                        const struct sfe_map_subject *subject, uint32_t *item,
                                        struct sfe_error *err);

/* The target's `offer`. */
enum sfe_code records_offer(void *context, uint32_t number, struct sfe_event *event,
                            int64_t time_ns, struct sfe_lane *lane, uint64_t *order_key,
                            struct sfe_error *err);

/* Makes the slot's next request from where it stands. False when there is none left to make. */
bool records_make_next(struct records_slot *slot);

/* Sends the request that is ready, or lets it wait for a log-in. */
void records_go_on(struct records_slot *slot);

/* Begins the exchange. SFE_E_AGAIN: the org is not ready. */
SFE_MUST_USE enum sfe_code records_begin(struct records_slot *slot, struct sfe_error *err);

/* Ends the slot. `err` and `retry_after_s` as in struct sfe_slot_result. */
void records_finish(struct records_slot *slot, enum sfe_slot_outcome outcome,
                    const struct sfe_error *err, int64_t retry_after_s);

/* Takes the answer: on_answer of the slot's owner. */
void records_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

/* The worst of an event's records decides: RETRY above DEAD above DONE. */
void records_judge(struct records_slot *slot, uint32_t event, enum sfe_verdict_kind kind,
                   const struct sfe_error *err);

void records_empty(struct records_slot *slot);

#endif
