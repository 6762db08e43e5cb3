/* The answer to a Composite call (API sheet, section 3.2): what each of its subrequests answered,
 * found by its referenceId ("p0", "p1", … "p24"), whatever the order. HTTP 200 of the call says
 * nothing of any of them. Pure; any thread.
 */
#ifndef SFE_SALESFORCE_COMPOSITE_H
#define SFE_SALESFORCE_COMPOSITE_H

#include "base/error.h"
#include "base/json_reader.h"

/* Subrequests of a call. */
#define COMPOSITE_PARTS_MAX 25u

struct composite_result {
    uint16_t http_status;
    uint32_t body; /* Token: what the single call would answer. */
};

/* Reads `count` results out of `json`. SFE_E_PROTOCOL where one is missing, stands twice, or has no
 * status: then nothing is known of any. */
SFE_MUST_USE enum sfe_code composite_read(const struct sfe_json *json, uint32_t count,
                                          struct composite_result results[COMPOSITE_PARTS_MAX],
                                          struct sfe_error *err);

/* The number in `token`, 100 to 599; 0: it is none. */
uint16_t composite_http_status(const struct sfe_json *json, uint32_t token);

#endif
