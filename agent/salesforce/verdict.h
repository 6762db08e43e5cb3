/* The one table of Salesforce's error codes: code -> what to do, and what to tell (API sheet,
 * section 5). Pure; any thread. */
#ifndef SFE_SALESFORCE_VERDICT_H
#define SFE_SALESFORCE_VERDICT_H

#include "base/bytes.h"
#include "base/error.h"

enum sfe_verdict_scope {
    SFE_SCOPE_REQUEST, /* The answer to the whole request. */
    SFE_SCOPE_RECORD   /* One record's own result. */
};

/* What to do about `code` with HTTP status `http_status` (0: none) and text `message` (some codes
 * need it). `attempts` of this record so far (1: the first) decide where patience ends. Also
 * records everything in *err with advice. */
enum sfe_retry sfe_verdict_decide(enum sfe_verdict_scope scope, uint16_t http_status,
                                  struct sfe_slice code, struct sfe_slice message,
                                  uint32_t attempts, struct sfe_error *err);

/* One row of the error catalogue, for the documentation; NULL past the end. */
struct sfe_verdict_row {
    const char *code;
    enum sfe_retry on_request;
    enum sfe_retry on_record;
    uint32_t attempts_max; /* For retries of a record; 0: without end. */
    const char *advice;
};
const struct sfe_verdict_row *sfe_verdict_row(uint32_t index);

#endif
