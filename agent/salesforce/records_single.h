/* The parts of the records target that update and delete single records by external ID (API sheet,
 * sections 2 and 3.2). Cloud thread. */
#ifndef SFE_SALESFORCE_RECORDS_SINGLE_H
#define SFE_SALESFORCE_RECORDS_SINGLE_H

#include "salesforce/records_parts.h"

/* Adds record `index` of `map`. SFE_E_FULL, SFE_E_AGAIN: the next request; the request is as it
 * was after any failure. */
SFE_MUST_USE enum sfe_code records_single_add(struct records_slot *slot, uint32_t map,
                                              const struct sfe_map_subject *subject, uint32_t index,
                                              uint32_t token, struct sfe_error *err);

/* Adds the query and closes the request. */
void records_single_close(struct records_slot *slot);

/* Judges each record by its own subrequest, and by the query where it was not found. */
SFE_MUST_USE enum sfe_code records_single_read(struct records_slot *slot,
                                               const struct sfe_json *json, struct sfe_error *err);

#endif
