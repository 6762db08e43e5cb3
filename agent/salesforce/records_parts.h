/* What the records target is made of; shared by the files of this module only. Cloud thread.
 *
 * A slot goes through its maps in order: the records of map 0 of all its events, then those of map
 * 1, and so on, in as many requests as they need, one after the other. Each request holds up to
 * five parts (Collections), each of one map. Of an event of which a record failed in a request
 * before, nothing more is sent; within one request its later records go with it, and what becomes
 * of them does not count.
 */
#ifndef SFE_SALESFORCE_RECORDS_PARTS_H
#define SFE_SALESFORCE_RECORDS_PARTS_H

#include "base/limits.h"
#include "port/compress.h"
#include "salesforce/collections.h"
#include "salesforce/records.h"
#include "salesforce/records_results.h"
#include "salesforce/verdict.h"

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

struct records_verdict {
    enum sfe_verdict_kind kind;
    uint8_t judged_map; /* The map that decided a verdict not DONE. */
    uint64_t id_hash;   /* As of sfe_verdict, like the next. */
    char record_id[SFE_WATCH_RECORD_ID_BYTES];
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
    struct records_verdict *verdicts; /* One an event. */
    struct sfe_error *errors;         /* Of verdicts that are not DONE; the others touch none. */
    struct records_results results;   /* With keeps_results. */
    struct collections_request request;
    uint16_t event_of[COLLECTIONS_RECORDS_MAX]; /* Which event each record, or graph, is of. */
    uint16_t first_of[SFE_GRAPHS_MAX];          /* The first node of each graph. */
    bool is_composite;     /* What is sent; otherwise the one Collections alone. */
    struct sfe_slice wire; /* What is sent: the body, or the same compressed. */
    bool is_gzip;
    struct sfe_builder gzip_body;
    struct sfe_builder answer_body;
};

struct records {
    struct sfe_records_options options;
    struct sfe_target_host host;
    struct records_slot *slots;
    uint32_t parts_max; /* Of a request, at present: fewer after a call that took too long. */
    struct sfe_json_token *tokens;              /* Of the event or answer at hand. */
    struct sfe_gzip *gzip;                      /* NULL: not compressed. */
    struct sfe_builder order_text;              /* Scratch. */
    struct sfe_builder sorted;                  /* Of a body, with names_parents. */
    uint32_t elements[COLLECTIONS_RECORDS_MAX]; /* Of each record, its result in the answer. */
};

/* True where the records are platform events: created, never repeated without a trace. */
static inline bool records_publishes(const struct records *records)
{
    return sfe_map_external_id_field(records->options.maps[0]) == NULL;
}

/* Adds the records of `map` of the event at hand from *item on, as event number `event` of the
 * slot. SFE_OK: all are in. Otherwise *item is the first that is not: SFE_E_FULL and SFE_E_AGAIN
 * (external ID) mean the next request; SFE_E_UNMAPPED and SFE_E_TOO_LARGE never. */
SFE_MUST_USE enum sfe_code records_fill(struct records_slot *slot, uint32_t map, uint32_t event,
                                        const struct sfe_map_subject *subject, uint32_t *item,
                                        struct sfe_error *err);

/* Finds the event's order key. SFE_E_AGAIN: it is held (without a lane: never). */
SFE_MUST_USE enum sfe_code records_find_key(struct records_slot *slot,
                                            const struct sfe_map_subject *subject,
                                            struct sfe_lane *lane, uint64_t *order_key,
                                            struct sfe_error *err);

/* Empties the request. */
void records_clear_request(struct records_slot *slot);

/* Whether the event is taken: SFE_OK, SFE_E_SKIPPED, or SFE_E_UNMAPPED where it cannot be judged.
 */
SFE_MUST_USE enum sfe_code records_judge_where(const struct records *records,
                                               const struct sfe_map_subject *subject,
                                               struct sfe_error *err);

/* The target's `offer`. */
enum sfe_code records_offer(void *context, uint32_t number, struct sfe_event *event,
                            int64_t time_ns, struct sfe_lane *lane, uint64_t *order_key,
                            struct sfe_error *err);

/* The target's `find_keys`. */
void records_find_keys(void *context, struct sfe_event *event, int64_t time_ns, uint64_t *order_key,
                       uint64_t *parent_key);

/* Adds records to the slot's request from where it stands. False when the request is still empty:
 * there is nothing left to send. */
bool records_fill_on(struct records_slot *slot);

/* Sends the request that is ready, or lets it wait for a log-in. */
void records_go_on(struct records_slot *slot);

/* Begins the exchange. SFE_E_AGAIN: the org is not ready. */
SFE_MUST_USE enum sfe_code records_begin(struct records_slot *slot, struct sfe_error *err);

/* Ends the slot. `err` and `retry_after_s` as in struct sfe_slot_result. */
void records_finish(struct records_slot *slot, enum sfe_slot_outcome outcome,
                    const struct sfe_error *err, int64_t retry_after_s);

/* Takes the answer: on_answer of the slot's owner. */
void records_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

/* A record of `map` of the event has failed. The first map with a failure decides, as parents come
 * before children; within a map RETRY is above DEAD. */
void records_judge(struct records_slot *slot, uint32_t event, uint32_t map,
                   enum sfe_verdict_kind kind, const struct sfe_error *err);

/* Judges what the request's answer says of each record. Failure: it is not what it should be, so
 * nothing is known. */
SFE_MUST_USE enum sfe_code records_read_results(struct records_slot *slot, struct sfe_error *err);

/* Notes that the error came of upserting records of `map`. */
void records_add_where(const struct records_slot *slot, uint32_t map, struct sfe_error *err);

/* Which record the event became: that of map 0 that comes first, `place` in the request. */
void records_note_first(struct records_slot *slot, uint32_t event, uint32_t place,
                        struct sfe_slice record_id);

/* What is to be done about `error`, told in *err. `event` is asked for its tries where the scope is
 * the record. */
enum sfe_retry records_decide(const struct records_slot *slot, enum sfe_verdict_scope scope,
                              uint32_t map, uint16_t http_status, const struct rest_error *error,
                              uint32_t event, struct sfe_error *err);
void records_judge_error(struct records_slot *slot, uint32_t event, uint32_t map,
                         uint16_t http_status, const struct rest_error *error);

/* A part was refused as a whole, or not run: nothing of it was written. */
void records_judge_refused(struct records_slot *slot, const struct collections_part *part,
                           uint16_t http_status, const struct rest_error *error);

/* The allowance is used up: nothing is sent to the org for a while. */
void records_pause_for_quota(struct records_slot *slot, int64_t retry_after_s);

void records_empty(struct records_slot *slot);

#endif
