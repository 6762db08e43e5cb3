/* The bytes of a Composite call (API sheet, section 3.2) of single records, each updated or deleted
 * by its external ID (section 2); and its answer. Pure; any thread.
 *
 * Collections can neither update nor delete by external ID, so each record is a subrequest of its
 * own: PATCH …/sobjects/X/Id__c/VALUE?updateOnly=true, or DELETE of the same address. Both answer
 * 404 where there is no such record, but also where object or field are unknown or hidden, and for
 * some values that the org does not take in a path. So the last subrequest asks by query which of
 * the IDs are there: without its word a 404 says nothing.
 *
 * The request is built in the same structure as Collections are: one part, of one map.
 */
#ifndef SFE_SALESFORCE_SINGLE_H
#define SFE_SALESFORCE_SINGLE_H

#include "salesforce/collections.h"
#include "salesforce/composite.h"

/* Records in a call: one subrequest is the query. */
#define SINGLES_MAX (COMPOSITE_PARTS_MAX - 1u)
/* Encoded external IDs of a request: its address stays below the 16,384 bytes of section 2. */
#define SINGLE_LOOKUP_BYTES 12288u

struct single {
    const struct collections_path *path;
    struct sfe_slice external_id;
    uint32_t map;
    bool deletes; /* Otherwise it updates, and the members of its body follow. */
};

/* Opens a record. The request must be empty or of singles of the same map. */
void single_begin(struct collections_request *request, const struct single *single);

/* Closes it. SFE_E_FULL: it does not fit; SFE_E_AGAIN: its external ID is in the request already.
 * In both cases the caller goes back to its mark. */
SFE_MUST_USE enum sfe_code single_end(struct collections_request *request,
                                      const struct single *single, uint64_t id_hash);

/* Adds the query, closes the brackets, and opens them again when it could not be sent. */
void single_close(struct collections_request *request, const struct collections_path *path);
void single_reopen(struct collections_request *request);

/* The rows that the query found: token of the list. SFE_E_PROTOCOL where `body` is no whole result
 * of a query. */
SFE_MUST_USE enum sfe_code single_find_rows(const struct sfe_json *json, uint32_t body,
                                            uint32_t *rows, struct sfe_error *err);

/* True where one of the rows has the external ID with this hash (collections_hash_id). */
bool single_is_listed(const struct sfe_json *json, uint32_t rows, uint64_t id_hash);

#endif
