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

/* The row holds only for messages with this in them; NULL: for all. The first row that fits holds.
 */
const char *sfe_verdict_message_part(uint32_t index);

/* True where row `index` is of this code, be it by its beginning. */
bool sfe_verdict_fits(uint32_t index, struct sfe_slice code);

/* What is done about a whole request with a code that the table does not have, or without one. */
struct sfe_verdict_status {
    uint16_t from; /* HTTP status; 0: there was none. */
    uint16_t to;
    enum sfe_retry retry;
    const char *meaning;
};
const struct sfe_verdict_status *sfe_verdict_status(uint32_t index);

/* How often a record with an unknown code is tried before it is dead. */
#define SFE_VERDICT_TRIES_UNKNOWN 3u

/* "retry", "log in again", "wait for quota", "serialise", "split", "wait for the org", "retry
 * alone", "dead", "stop and tell". */
const char *sfe_verdict_retry_name(enum sfe_retry retry);

#endif
