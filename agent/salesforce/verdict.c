#include "salesforce/verdict.h"

#include "base/assert.h"

/* Patience, in tries of one record; the output's back-off makes these some seconds, some minutes,
 * some hours. */
#define TRIES_FEW    5u
#define TRIES_PARENT 20u
#define TRIES_LOCKED 60u
#define TRIES_LOCK   500u
/* Of an event that cannot go in a smaller batch any more: some minutes. Tries in company do not
 * count. */
#define TRIES_SMALLEST 10u

#define NEVER   SFE_RETRY_NEVER
#define LATER   SFE_RETRY_LATER
#define LOGIN   SFE_RETRY_AFTER_LOGIN
#define ALONE   SFE_RETRY_ALONE
#define LOCKED  SFE_RETRY_LOCKED
#define AWAY    SFE_RETRY_AWAY
#define SMALLER SFE_RETRY_SMALLER
#define QUOTA   SFE_RETRY_AFTER_QUOTA
#define HUMAN   SFE_RETRY_AFTER_HUMAN

struct row {
    struct sfe_verdict_row row;
    const char
        *message_part; /* The row holds only for messages with this in them; NULL: for all. */
};

/* {code, of a request, of a record, tries of a record, advice}; the first row that fits holds. A
 * code that ends in '*' is the beginning of codes. What can be one record's fault is split when it
 * comes for a whole request, until the record is found. */
static const struct row rows[] = {
    /* The server. */
    {{"UNKNOWN_EXCEPTION", LATER, LATER, TRIES_FEW, "the org's server failed; it is tried again"},
     NULL},
    {{"INTERNAL_SERVER_ERROR", LATER, LATER, TRIES_FEW,
      "the org's server failed; it is tried again"},
     NULL},
    {{"SERVER_UNAVAILABLE", AWAY, AWAY, 0, "the org is busy or in maintenance; wait"}, NULL},
    {{"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", AWAY, AWAY, 0,
      "the org is read-only during maintenance; it goes on by itself when that is over"},
     NULL},
    {{"UNABLE_TO_LOCK_ROW", LOCKED, LOCKED, TRIES_LOCK,
      "another transaction held the row or its parent; look for jobs that update the same parents"},
     NULL},
    {{"TooManyLockFailure", LOCKED, LOCKED, TRIES_LOCK,
      "other transactions held the rows or their parents; look for jobs that update the same ones"},
     NULL},
    {{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", LOCKED, LOCKED, TRIES_LOCK,
      "a trigger met a row that another transaction held; look for jobs that update it"},
     "UNABLE_TO_LOCK_ROW"},
    {{"CANNOT_EXECUTE_FLOW_TRIGGER", LOCKED, LOCKED, TRIES_LOCK,
      "a flow met a row that another transaction held; look for jobs that update it"},
     "UNABLE_TO_LOCK_ROW"},
    {{"QUERY_TIMEOUT", SMALLER, SMALLER, TRIES_SMALLEST,
      "a query in the org took too long; index its filters"},
     NULL},
    {{"OPERATION_TOO_LARGE", SMALLER, SMALLER, TRIES_SMALLEST,
      "too much at once; lower batch_records"},
     NULL},
    {{"REQUEST_RUNNING_TOO_LONG", SMALLER, SMALLER, TRIES_SMALLEST,
      "the request ran for too long; lower batch_records or mend the org's triggers"},
     NULL},
    {{"APEX_CPU_TIMEOUT", SMALLER, SMALLER, TRIES_SMALLEST,
      "the org's triggers are too slow for the batch; lower batch_records or mend the trigger"},
     NULL},
    {{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", SMALLER, SMALLER, TRIES_SMALLEST,
      "a trigger reached a limit of the org; lower batch_records or mend the trigger"},
     "System.LimitException"},
    {{"CANNOT_EXECUTE_FLOW_TRIGGER", SMALLER, SMALLER, TRIES_SMALLEST,
      "a flow reached a limit of the org; lower batch_records or mend the flow"},
     "LimitException"},
    {{"APEX_ERROR", SMALLER, SMALLER, TRIES_SMALLEST,
      "a trigger reached a limit of the org; lower batch_records or mend the trigger"},
     "System.LimitException"},
    {{"APEX_ERROR", SMALLER, LATER, TRIES_FEW,
      "a trigger of the org failed; mend it, then retry the dead letters"},
     NULL},
    {{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", SMALLER, LATER, TRIES_FEW,
      "a trigger of the org failed; mend it, then retry the dead letters"},
     NULL},
    {{"TOO_MANY_APEX_REQUESTS", LATER, LATER, TRIES_LOCKED, "the org's triggers are too busy"},
     NULL},
    {{"TOO_MANY_APEX_RETRIES", SMALLER, SMALLER, TRIES_SMALLEST,
      "too many records of the batch failed for its triggers; lower batch_records"},
     NULL},
    {{"LIMIT_EXCEEDED", SMALLER, SMALLER, TRIES_SMALLEST, "too much at once; lower batch_records"},
     NULL},
    {{"EXCEEDED_ID_LIMIT", SMALLER, SMALLER, TRIES_SMALLEST,
      "too many records in a call; lower batch_records"},
     NULL},
    {{"ALL_OR_NONE_OPERATION_ROLLED_BACK", LATER, LATER, 0, "a neighbour failed"}, NULL},
    {{"PROCESSING_HALTED", LATER, LATER, 0, "a neighbour failed"}, NULL},
    {{"BATCH_PROCESSING_HALTED", LATER, LATER, 0, "a neighbour failed"}, NULL},

    /* Session and allowance. */
    {{"INVALID_SESSION_ID", LOGIN, LATER, 0, "the session ended; logging in again"}, NULL},
    {{"INVALID_AUTH_HEADER", LOGIN, LATER, 0, "the session was refused; logging in again"}, NULL},
    {{"REQUEST_LIMIT_EXCEEDED", LATER, LATER, 0,
      "too many long calls at once; lower requests_in_flight"},
     "Concurrent"},
    {{"REQUEST_LIMIT_EXCEEDED", QUOTA, LATER, 0,
      "the org's API calls of 24 hours are used up; raise batch_age, or buy calls"},
     NULL},
    {{"EXCEEDED_QUOTA", QUOTA, LATER, 0, "an allowance of the org is used up"}, NULL},
    {{"ExceededQuota", QUOTA, LATER, 0, "an allowance of the org is used up"}, NULL},
    {{"TooManyJobs", QUOTA, LATER, 0, "an allowance of the org is used up"}, NULL},
    {{"STORAGE_LIMIT_EXCEEDED", HUMAN, HUMAN, 0, "the org's storage is full; free or buy storage"},
     NULL},

    /* Platform events. EVENT_LIMIT: LIMIT_EXCEEDED of an event. It is no reason to hold up what is
     * not one, so it does not wait for the quota of calls. */
    {{"EVENT_LIMIT", HUMAN, HUMAN, 0,
      "the org's platform events of this hour are used up; they go on when it is over"},
     NULL},
    {{"PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", LATER, LATER, 0, "the org's event bus is away"},
     NULL},
    {{"PLATFORM_EVENT_ENCRYPTION_ERROR", HUMAN, HUMAN, 0,
      "the org's event bus has trouble with its key; ask its administrator"},
     NULL},
    {{"PLATFORM_EVENT_PUBLISH_FAILED", LATER, LATER, TRIES_LOCKED, "the org's event bus failed"},
     NULL},

    /* The org, its features and the user's rights. */
    {{"API_DISABLED_FOR_ORG", HUMAN, HUMAN, 0, "enable API access for the user's profile"}, NULL},
    {{"API_CURRENTLY_DISABLED", HUMAN, HUMAN, 0, "API access is off in the org"}, NULL},
    {{"PASSWORD_LOCKOUT", HUMAN, HUMAN, 0, "the user is locked out; unlock it in the org"}, NULL},
    {{"LOGIN_MUST_USE_SECURITY_TOKEN", HUMAN, HUMAN, 0,
      "the user's login policy refuses the gateway; allow its address"},
     NULL},
    {{"LOGIN_DURING_RESTRICTED*", HUMAN, HUMAN, 0,
      "the user's login hours or addresses refuse the gateway; widen them"},
     NULL},
    {{"INVALID_OPERATION_WITH_EXPIRED_PASSWORD", HUMAN, HUMAN, 0,
      "the user's password has expired; set a new one, or let it never expire"},
     NULL},
    {{"CLIENT_NOT_ACCESSIBLE_FOR_USER", HUMAN, HUMAN, 0,
      "the app is not allowed for the user; assign its permission set"},
     NULL},
    {{"LICENSE_LIMIT_EXCEEDED", HUMAN, HUMAN, 0, "a licence of the org is used up"}, NULL},
    {{"ORG_LOCKED", HUMAN, HUMAN, 0, "the org is locked; ask its administrator"}, NULL},
    {{"INACTIVE_ORG", HUMAN, HUMAN, 0, "the org is inactive; ask its administrator"}, NULL},
    {{"FUNCTIONALITY_NOT_ENABLED", HUMAN, HUMAN, 0, "a feature of the org is off; enable it"},
     NULL},
    {{"UNSUPPORTED_API_VERSION", HUMAN, HUMAN, 0, "set api_version to one the org has"}, NULL},
    {{"METHOD_NOT_ALLOWED", HUMAN, HUMAN, 0,
      "set api_version to one the org has: it does not know this request"},
     NULL},
    {{"UNSUPPORTED_MEDIA_TYPE", HUMAN, HUMAN, 0,
      "something between here and the org changes requests; look at the proxy"},
     NULL},
    {{"URI_TOO_LONG", HUMAN, HUMAN, 0, "the names of object and external ID are too long"}, NULL},
    {{"NOT_FOUND", HUMAN, NEVER, 0,
      "check object, external_id and api_version: the org has no such resource"},
     NULL},
    {{"INVALID_TYPE", HUMAN, HUMAN, 0,
      "check object: the org has none of that name that the user may see"},
     NULL},
    {{"INSUFFICIENT_ACCESS*", HUMAN, NEVER, 0,
      "give the user the rights to the object and the record (permission set, sharing)"},
     NULL},
    {{"INVALID_FIELD", SMALLER, LATER, TRIES_PARENT,
      "the parent record does not exist; is it delivered by another output?"},
     "Foreign key external ID"},
    {{"INVALID_FIELD", HUMAN, HUMAN, 0,
      "check the map: a field is unknown, or hidden from the user (field-level security)"},
     NULL},
    {{"INVALID_FIELD_FOR_INSERT_UPDATE", HUMAN, HUMAN, 0,
      "check the map: a field cannot be written, or the user may not"},
     NULL},

    /* The record. */
    {{"JSON_PARSER_ERROR", SMALLER, NEVER, 0, "a value has the wrong type for its field; set type"},
     NULL},
    {{"MALFORMED_ID", SMALLER, NEVER, 0, "a reference is no record id"}, NULL},
    {{"INVALID_ID_FIELD", SMALLER, NEVER, 0, "a reference is no record id"}, NULL},
    {{"INVALID_TYPE_ON_FIELD_IN_RECORD", SMALLER, NEVER, 0,
      "a value has the wrong type for its field; set type"},
     NULL},
    {{"INVALID_CROSS_REFERENCE_KEY", SMALLER, LATER, TRIES_PARENT,
      "a referenced record is not there, or hidden from the user; is it delivered by another "
      "output?"},
     NULL},
    {{"INVALID_REFERENCE", SMALLER, NEVER, 0, "a referenced record is not there"}, NULL},
    {{"INVALID_INPUT", SMALLER, NEVER, 0, "the record is not as the org wants it"}, NULL},
    {{"REQUIRED_FIELD_MISSING", SMALLER, NEVER, 0, "map the missing field, or give it a default"},
     NULL},
    {{"MISSING_ARGUMENT", SMALLER, NEVER, 0, "map the missing field, or give it a default"}, NULL},
    {{"STRING_TOO_LONG", SMALLER, NEVER, 0, "make the org's field longer, or map less text"}, NULL},
    {{"NUMBER_OUTSIDE_VALID_RANGE", SMALLER, NEVER, 0, "the org's field has too few digits"}, NULL},
    {{"NUMERIC*", SMALLER, NEVER, 0, "the org's field has too few digits"}, NULL},
    {{"INVALID_EMAIL_ADDRESS", SMALLER, NEVER, 0, "the value is no e-mail address"}, NULL},
    {{"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", SMALLER, NEVER, 0,
      "add the value to the picklist in the org"},
     NULL},
    {{"INVALID_DATE*", SMALLER, NEVER, 0, "the value is no date; set type and unit in the map"},
     NULL},
    {{"FIELD_CUSTOM_VALIDATION_EXCEPTION", SMALLER, NEVER, 0,
      "a validation rule of the org refuses the record"},
     NULL},
    {{"FIELD_FILTER_VALIDATION_EXCEPTION", SMALLER, NEVER, 0,
      "a lookup filter of the org refuses the record"},
     NULL},
    {{"FIELD_INTEGRITY_EXCEPTION", SMALLER, NEVER, 0, "the values do not fit each other"}, NULL},
    {{"CANNOT_EXECUTE_FLOW_TRIGGER", SMALLER, LATER, TRIES_FEW,
      "a flow of the org failed; mend it, then retry the dead letters"},
     NULL},
    {{"TXN_SECURITY*", SMALLER, LATER, TRIES_FEW, "a transaction security policy refused it"},
     NULL},
    {{"DUPLICATE_VALUE", SMALLER, ALONE, TRIES_FEW, "the same external ID was twice in a request"},
     "Duplicate external id specified"},
    {{"DUPLICATE_VALUE", SMALLER, ALONE, 2,
      "another unique field of the record clashes with a record of the org"},
     NULL},
    {{"DUPLICATE_EXTERNAL_ID", SMALLER, NEVER, 0,
      "the external ID is not unique in the org: mark its field unique and remove the doubles"},
     NULL},
    {{"DUPLICATES_DETECTED", SMALLER, NEVER, 0, "a duplicate rule of the org refuses the record"},
     NULL},
    {{"ENTITY_IS_LOCKED", SMALLER, LATER, TRIES_LOCKED, "an approval process locks the record"},
     NULL},
    {{"ENTITY_IS_DELETED", SMALLER, NEVER, 0, "the record is in the org's recycle bin"}, NULL},
    {{"DELETE_FAILED", SMALLER, NEVER, 0, "the record cannot be deleted"}, NULL},
    {{"TRANSFER_REQUIRES_READ", SMALLER, NEVER, 0, "the new owner may not read the object"}, NULL},
    {{"INACTIVE_OWNER_OR_USER", SMALLER, NEVER, 0, "the record's owner is inactive in the org"},
     NULL},
    {{"INVALID_STATUS", SMALLER, NEVER, 0, "the record's state in the org does not allow this"},
     NULL},
    {{"DEPENDENCY_EXISTS", SMALLER, NEVER, 0, "another record of the org needs this one"}, NULL},
    {{"OWNER*", SMALLER, NEVER, 0, "the owner is not allowed"}, NULL},
    {{"INVALID_OPERATION*", SMALLER, NEVER, 0, "the object does not allow this"}, NULL},

    /* Queries and bulk jobs. */
    {{"EXCEEDED_MAX_SEMIJOIN*", HUMAN, NEVER, 0, "mend the query"}, NULL},
    {{"MALFORMED_QUERY", HUMAN, NEVER, 0, "mend the query"}, NULL},
    {{"INVALID_QUERY_LOCATOR", LATER, NEVER, 0, "the query's cursor has expired; it begins again"},
     NULL},
    {{"InvalidBatch", HUMAN, NEVER, 0, "the bulk job was refused"}, NULL},
    {{"InvalidJobState", LATER, NEVER, 0, "the bulk job's state is read again"}, NULL},
    {{"INVALIDJOBSTATE", LATER, NEVER, 0, "the bulk job's state is read again"}, NULL},
    {{"INVALIDJOB", HUMAN, NEVER, 0,
      "the bulk job was refused; is external_id the name of an external ID field?"},
     NULL},
    {{"INVALIDENTITY", HUMAN, NEVER, 0, "the object cannot go by bulk; set api to collections"},
     NULL},
    {{"InvalidJob", HUMAN, NEVER, 0, "the bulk job was refused"}, NULL},
    {{"ClientInputError", HUMAN, NEVER, 0, "the bulk job's data were refused"}, NULL},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool code_fits(const char *pattern, struct sfe_slice code)
{
    struct sfe_slice wanted = sfe_slice_text(pattern);

    if (wanted.size > 0 && wanted.bytes[wanted.size - 1] == '*') {
        wanted.size--;
        code = sfe_slice_part(code, 0, wanted.size);
    }
    return sfe_slice_equal(wanted, code);
}

static bool contains(struct sfe_slice text, const char *part)
{
    struct sfe_slice wanted = sfe_slice_text(part);

    for (size_t begin = 0; begin + wanted.size <= text.size; begin++) {
        if (sfe_slice_equal(sfe_slice_part(text, begin, wanted.size), wanted)) {
            return true;
        }
    }
    return false;
}

static const struct sfe_verdict_row *find_row(struct sfe_slice code, struct sfe_slice message)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (code_fits(rows[i].row.code, code) &&
            (rows[i].message_part == NULL || contains(message, rows[i].message_part))) {
            return &rows[i].row;
        }
    }
    return NULL;
}

/* A whole request refused with a code that is not in the table, or without one; by HTTP status. The
 * first row that fits holds. */
static const struct sfe_verdict_status statuses[] = {
    {401, 401, LOGIN, "the session ended"},
    {403, 405, HUMAN, "the org does not let the user, or does not know the resource"},
    {408, 408, LATER, "the request took too long on its way"},
    {410, 410, HUMAN, "the org does not know the resource any more"},
    {413, 413, SMALLER, "the batch is too large; a lone event that is too large is dead"},
    {414, 414, HUMAN, "the names of object and external ID are too long"},
    {425, 425, LATER, "too early"},
    {429, 429, LATER, "too many requests at once"},
    {431, 431, HUMAN, "the heads of the request are too long"},
    {400, 499, SMALLER,
     "something in the batch is refused it is halved until one event is alone; if that is "
     "refused too, stop and tell"},
    {0, 0, LATER, "the network, a page instead of an answer, an answer that breaks off"},
    {1, 999, LATER, "the server failed, or sent the request elsewhere"},
};

#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

static enum sfe_retry decide_unknown_request(uint16_t http_status)
{
    uint32_t i = 0;

    while (i + 1 < STATUS_COUNT &&
           (http_status < statuses[i].from || http_status > statuses[i].to)) {
        i++;
    }
    return statuses[i].retry;
}

static enum sfe_retry decide_record(const struct sfe_verdict_row *row, uint16_t http_status,
                                    uint32_t attempts)
{
    if (row == NULL && http_status == 413) {
        return NEVER; /* It will never be smaller. */
    }
    if (row == NULL && http_status >= 400) {
        return HUMAN; /* A request with nothing but this record was refused for a reason we do not
                         know. */
    }
    if (row == NULL) {
        return attempts < SFE_VERDICT_TRIES_UNKNOWN ? LATER : NEVER;
    }
    if (row->attempts_max != 0 && attempts >= row->attempts_max) {
        return NEVER;
    }
    return row->on_record;
}

enum sfe_retry sfe_verdict_decide(enum sfe_verdict_scope scope, uint16_t http_status,
                                  struct sfe_slice code, struct sfe_slice message,
                                  uint32_t attempts, struct sfe_error *err)
{
    enum sfe_retry retry;
    char text[112];
    char name[sizeof(err->api_code)];

    SFE_ASSERT(attempts > 0);
    if (code.size == 0 && http_status == 300) {
        code = SFE_TEXT("DUPLICATE_EXTERNAL_ID"); /* It comes as a list of places. */
    }
    const struct sfe_verdict_row *row = find_row(code, message);
    if (scope == SFE_SCOPE_RECORD) {
        retry = decide_record(row, http_status, attempts);
    } else {
        retry = row == NULL ? decide_unknown_request(http_status) : row->on_request;
    }
    sfe_printable(text, sizeof(text), message);
    sfe_printable(name, sizeof(name), code);
    (void)sfe_fail(err, SFE_E_API, "%s%s%s", text[0] == '\0' ? "refused" : text,
                   row == NULL ? "" : " -> ", row == NULL ? "" : row->advice);
    (void)sfe_error_api(err, http_status, name, retry);
    return retry;
}

const struct sfe_verdict_row *sfe_verdict_row(uint32_t index)
{
    return index < ROW_COUNT ? &rows[index].row : NULL;
}

const char *sfe_verdict_message_part(uint32_t index)
{
    return index < ROW_COUNT ? rows[index].message_part : NULL;
}

bool sfe_verdict_fits(uint32_t index, struct sfe_slice code)
{
    return index < ROW_COUNT && code_fits(rows[index].row.code, code);
}

const struct sfe_verdict_status *sfe_verdict_status(uint32_t index)
{
    return index < STATUS_COUNT ? &statuses[index] : NULL;
}

const char *sfe_verdict_retry_name(enum sfe_retry retry)
{
    switch (retry) {
    case SFE_RETRY_LATER:
        return "retry";
    case SFE_RETRY_AWAY:
        return "wait for the org";
    case SFE_RETRY_AFTER_LOGIN:
        return "log in again";
    case SFE_RETRY_ALONE:
        return "retry alone";
    case SFE_RETRY_LOCKED:
        return "serialise";
    case SFE_RETRY_SMALLER:
        return "split";
    case SFE_RETRY_AFTER_QUOTA:
        return "wait for quota";
    case SFE_RETRY_AFTER_HUMAN:
        return "stop and tell";
    case SFE_RETRY_NEVER:
    default:
        return "dead";
    }
}
