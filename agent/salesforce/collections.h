/* The bytes of sObject Collections upserts (API sheet, section 3.1), alone or up to five of them in
 * one Composite call (3.2): the request's body, and a Collections answer's array in the order of
 * the request. Pure; any thread.
 *
 * A part is one Collections: {"allOrNone":false,"records":[{"attributes":{"type":"X"},…},…]}. It is
 * built inside the Composite's envelope; where there is one part alone, its bytes are cut out and
 * sent as they are. Parts run in their order (collateSubrequests is off), so parents' parts stand
 * before their children's. Where parents are noted, the records of a map are sorted by theirs
 * before they go, so that those of one parent stand together and its row is locked as seldom as can
 * be. A Composite takes "@{…}" in any text for a reference to another part: a part with such a text
 * goes alone. No external ID stands in a request twice for one map: the org would refuse both, or
 * the older could win.
 */
#ifndef SFE_SALESFORCE_COLLECTIONS_H
#define SFE_SALESFORCE_COLLECTIONS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "salesforce/rest.h"

#define COLLECTIONS_RECORDS_MAX (SFE_COLLECTIONS_MAX * SFE_COLLECTION_RECORDS_MAX)
/* A power of two, so large that the table is never more than half full. */
#define COLLECTIONS_ID_PLACES 2048u

struct collections_part {
    uint32_t map;   /* Whose records they are. */
    uint32_t first; /* Index of its first record in the request. */
    uint32_t end;   /* Behind its last one; of the last part: the request's count. */
    size_t begin;   /* Where its body begins. */
};

/* Where a record and its parent's external ID stand, in the body and among the parents. */
struct collections_row {
    uint32_t begin;
    uint32_t size;
    uint32_t parent;
    uint32_t parent_size; /* 0: it names none. */
};

struct collections_request {
    struct sfe_builder body;
    uint32_t count; /* Records in it. */
    uint32_t part_count;
    bool is_closed; /* The brackets are closed: it can be sent. */
    bool is_alone;  /* A record's text looks like a reference: the part goes without a Composite. */
    bool is_single; /* Each record is a subrequest of its own (single.h); one part. */
    size_t record_begin;        /* Where the last record begins. */
    size_t open_size;           /* Of singles: the body's size before it was closed. */
    struct sfe_builder lookup;  /* Of singles: their IDs for the query. */
    struct sfe_builder parents; /* Text of those that are noted; without memory nothing is. */
    struct collections_part parts[SFE_COLLECTIONS_MAX];
    struct collections_row rows[COLLECTIONS_RECORDS_MAX]; /* Of each record, with parents. */
    uint16_t order[COLLECTIONS_RECORDS_MAX]; /* Which record stands at each place of the body. */
    uint64_t ids[COLLECTIONS_RECORDS_MAX];   /* Hash of each record's external ID. */
    uint64_t places[COLLECTIONS_ID_PLACES];  /* The same as a table; 0: a free place. */
};

/* Empties the request. */
void collections_begin(struct collections_request *request);

/* Where the request stands, to go back to. */
struct collections_mark {
    size_t size;
    uint32_t count;
    uint32_t part_count;
    bool is_alone;
    bool is_single;
    size_t lookup_size;
    size_t parents_size;
};
static inline struct collections_mark collections_mark(const struct collections_request *request)
{
    return (struct collections_mark){request->body.size,   request->count,     request->part_count,
                                     request->is_alone,    request->is_single, request->lookup.size,
                                     request->parents.size};
}
void collections_rewind(struct collections_request *request, struct collections_mark mark);

/* Where the records of a part go: "/services/data/v62.0/composite/sobjects/X/Id__c"; without an
 * external ID they are created: "…/composite/sobjects". */
struct collections_path {
    const char *version; /* "v62.0". */
    const char *object;
    const char *external_id; /* NULL: none. */
};
void collections_add_path(const struct collections_path *path, struct sfe_builder *out);

/* Ends the part before, if any, and begins the next one, for the records of `map`. What does not
 * fit shows at the first record's end. There must be fewer than SFE_COLLECTIONS_MAX parts. */
void collections_begin_part(struct collections_request *request, uint32_t map,
                            const struct collections_path *path);

/* Records in the last part. */
static inline uint32_t collections_part_records(const struct collections_request *request)
{
    return request->part_count == 0
               ? 0
               : request->count - request->parts[request->part_count - 1].first;
}

/* Opens a record of `object`; its members follow. */
void collections_begin_record(struct collections_request *request, struct sfe_slice object);

/* How often a Composite would take text in this JSON for a reference: "@{…}". No escape is known.
 */
uint32_t collections_count_references(struct sfe_slice json);

/* Claims `id_hash` for the next record. False where the request has it already. */
bool collections_claim(struct collections_request *request, uint64_t id_hash);

/* Closes the record with the hash of its external ID. SFE_E_FULL: it does not fit, or its text
 * looks like a reference and the request has several parts; SFE_E_AGAIN: its
 * external ID is in the request already. In both cases the caller goes back to its mark. */
SFE_MUST_USE enum sfe_code collections_end_record(struct collections_request *request,
                                                  uint64_t id_hash);

/* Notes the parent of the record that was closed last, by its external ID as JSON; what there is no
 * room for has none. */
void collections_note_parent(struct collections_request *request, struct sfe_slice json);

/* Sorts the records of each map by their parents, those of one parent as they came, over all of the
 * map's parts. The request is closed; `scratch` has room for its body. */
void collections_sort(struct collections_request *request, struct sfe_builder *scratch);

/* The hash of an external ID: never 0, capitals like small letters. */
uint64_t collections_hash_id(struct sfe_slice external_id);

/* The same as it stands in a request for a record of `map`: IDs of different maps are apart. */
uint64_t collections_hash_of_map(uint64_t id_hash, uint32_t map);

/* Closes the brackets, and opens them again when it could not be sent. */
void collections_close(struct collections_request *request);
void collections_reopen(struct collections_request *request);

/* The bytes to send, of a request that is closed: the one part alone, or the whole as a Composite.
 */
struct sfe_slice collections_wire(const struct collections_request *request, bool is_composite);

/* Walks an answer. */
struct collections_answer {
    const struct sfe_json *json;
    uint32_t list;
    uint32_t at;                /* The next element; SFE_JSON_NONE: none. */
    uint32_t element;           /* The last one. */
    struct sfe_slice record_id; /* Of it; empty: it had none. */
};

/* Begins with the value `list` of `json`. SFE_E_PROTOCOL where it is no array of `count` elements.
 */
SFE_MUST_USE enum sfe_code collections_read(const struct sfe_json *json, uint32_t list,
                                            uint32_t count, struct collections_answer *answer,
                                            struct sfe_error *err);

/* The result `element` of the answer, whichever comes next; as below. */
SFE_MUST_USE enum sfe_code collections_take(struct collections_answer *answer, uint32_t element,
                                            bool *succeeded, struct rest_error *error,
                                            struct sfe_error *err);

/* The next record's result; `error` is written where it failed. SFE_E_PROTOCOL where the element is
 * no result. Must not be called more often than there are elements. */
SFE_MUST_USE enum sfe_code collections_next(struct collections_answer *answer, bool *succeeded,
                                            struct rest_error *error, struct sfe_error *err);

#endif
