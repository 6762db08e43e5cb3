/* The bytes of an sObject Collections upsert (API sheet, section 3.1): the request's body, and the
 * answer's array in the order of the request. Pure; any thread.
 *
 * Request: {"allOrNone":false,"records":[{"attributes":{"type":"X"},…},…]}. No external ID stands
 * in it twice: the org would refuse both.
 */
#ifndef SFE_SALESFORCE_COLLECTIONS_H
#define SFE_SALESFORCE_COLLECTIONS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "salesforce/rest.h"

/* A power of two, so large that the table is never more than half full. */
#define COLLECTIONS_ID_PLACES 512u

struct collections_request {
    struct sfe_builder body;
    uint32_t count;                           /* Records in it. */
    bool is_closed;                           /* The brackets are closed: it can be sent. */
    uint64_t ids[SFE_COLLECTION_RECORDS_MAX]; /* Hash of each record's external ID. */
    uint64_t places[COLLECTIONS_ID_PLACES];   /* The same as a table; 0: a free place. */
};

/* Empties the request. */
void collections_begin(struct collections_request *request);

/* Where the request stands, to go back to. */
struct collections_mark {
    size_t size;
    uint32_t count;
};
static inline struct collections_mark collections_mark(const struct collections_request *request)
{
    return (struct collections_mark){request->body.size, request->count};
}
void collections_rewind(struct collections_request *request, struct collections_mark mark);

/* Opens a record of `object`; its members follow. */
void collections_begin_record(struct collections_request *request, struct sfe_slice object);

/* Closes the record with the hash of its external ID. SFE_E_FULL: it does not fit; SFE_E_AGAIN: its
 * external ID is in the request already. In both cases the caller goes back to its mark. */
SFE_MUST_USE enum sfe_code collections_end_record(struct collections_request *request,
                                                  uint64_t id_hash);

/* The hash of an external ID: never 0, capitals like small letters. */
uint64_t collections_hash_id(struct sfe_slice external_id);

/* Closes the brackets, and opens them again when it could not be sent. */
void collections_close(struct collections_request *request);
void collections_reopen(struct collections_request *request);

/* Walks an answer. */
struct collections_answer {
    struct sfe_json json;
    uint32_t at;                /* The next element; SFE_JSON_NONE: none. */
    struct sfe_slice record_id; /* Of the last element; empty: it had none. */
};

/* SFE_E_PROTOCOL where the body is no array of `count` elements. */
SFE_MUST_USE enum sfe_code collections_read(struct sfe_slice body, struct sfe_json_token *tokens,
                                            uint32_t capacity, uint32_t count,
                                            struct collections_answer *answer,
                                            struct sfe_error *err);

/* The next record's result; `error` is written where it failed. SFE_E_PROTOCOL where the element is
 * no result. Must not be called more often than there are elements. */
SFE_MUST_USE enum sfe_code collections_next(struct collections_answer *answer, bool *succeeded,
                                            struct rest_error *error, struct sfe_error *err);

#endif
