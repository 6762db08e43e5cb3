#include "salesforce_world.h"

#include "salesforce/verdict.h"

static struct sfe_error err;

static enum sfe_retry record(const char *code, const char *message, uint32_t attempts)
{
    return sfe_verdict_decide(SFE_SCOPE_RECORD, 200, sfe_slice_text(code), sfe_slice_text(message),
                              attempts, &err);
}

static enum sfe_retry request(uint16_t status, const char *code, const char *message)
{
    return sfe_verdict_decide(SFE_SCOPE_REQUEST, status, sfe_slice_text(code),
                              sfe_slice_text(message), 1, &err);
}

static void every_row_is_decided_as_it_says(void **state)
{
    uint32_t count = 0;

    (void)state;
    for (const struct sfe_verdict_row *row; (row = sfe_verdict_row(count)) != NULL; count++) {
        const char *part = sfe_verdict_message_part(count);
        const char *message = part == NULL ? "" : part;
        assert_true(row->advice[0] != '\0');
        if (row->code[strlen(row->code) - 1] == '*') {
            continue;
        }
        assert_int_equal(
            record(row->code, message, row->attempts_max == 0 ? 1000000 : row->attempts_max - 1),
            row->on_record);
        assert_int_equal(err.retry, row->on_record);
        assert_string_equal(err.api_code, row->code);
        assert_int_equal(err.code, SFE_E_API);
        assert_int_equal(request(400, row->code, message), row->on_request);
        if (row->attempts_max != 0) {
            assert_int_equal(record(row->code, message, row->attempts_max), SFE_RETRY_NEVER);
        }
        /* What is split is dead some day. */
        assert_true(row->on_record != SFE_RETRY_SMALLER || row->attempts_max != 0);
    }
    assert_null(sfe_verdict_message_part(count));
    assert_true(count > 60);
}

/* The sheets' list of codes, with what they say is to be done; not made from the table. */
static const struct {
    const char *code;
    const char *message;
    enum sfe_retry on_request;
    enum sfe_retry on_record; /* At the first try. */
} contract[] = {
    {"UNKNOWN_EXCEPTION", "", SFE_RETRY_LATER, SFE_RETRY_LATER},
    {"INTERNAL_SERVER_ERROR", "", SFE_RETRY_LATER, SFE_RETRY_LATER},
    {"SERVER_UNAVAILABLE", "", SFE_RETRY_AWAY, SFE_RETRY_AWAY},
    {"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", SFE_RETRY_AWAY, SFE_RETRY_AWAY},
    {"UNABLE_TO_LOCK_ROW", "", SFE_RETRY_LOCKED, SFE_RETRY_LOCKED},
    {"TooManyLockFailure", "", SFE_RETRY_LOCKED, SFE_RETRY_LOCKED},
    {"QUERY_TIMEOUT", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"OPERATION_TOO_LARGE", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"REQUEST_RUNNING_TOO_LONG", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"APEX_CPU_TIMEOUT", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"TOO_MANY_APEX_RETRIES", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"LIMIT_EXCEEDED", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"EXCEEDED_ID_LIMIT", "", SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "System.LimitException: Too many SOQL queries: 101",
     SFE_RETRY_SMALLER, SFE_RETRY_SMALLER},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "first error: UNABLE_TO_LOCK_ROW", SFE_RETRY_LOCKED,
     SFE_RETRY_LOCKED},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "System.NullPointerException", SFE_RETRY_SMALLER,
     SFE_RETRY_LATER},
    {"APEX_ERROR", "System.LimitException: Apex CPU time limit exceeded", SFE_RETRY_SMALLER,
     SFE_RETRY_SMALLER},
    {"APEX_ERROR", "System.NullPointerException", SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"CANNOT_EXECUTE_FLOW_TRIGGER", "UNABLE_TO_LOCK_ROW", SFE_RETRY_LOCKED, SFE_RETRY_LOCKED},
    {"CANNOT_EXECUTE_FLOW_TRIGGER", "The flow failed", SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"TXN_SECURITY_APEX_ERROR", "", SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"TXN_SECURITY_NO_ACCESS", "", SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "", SFE_RETRY_LATER, SFE_RETRY_LATER},
    {"PROCESSING_HALTED", "", SFE_RETRY_LATER, SFE_RETRY_LATER},
    {"BATCH_PROCESSING_HALTED", "", SFE_RETRY_LATER, SFE_RETRY_LATER},
    {"INVALID_SESSION_ID", "Session expired or invalid", SFE_RETRY_AFTER_LOGIN, SFE_RETRY_LATER},
    {"INVALID_AUTH_HEADER", "", SFE_RETRY_AFTER_LOGIN, SFE_RETRY_LATER},
    {"REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", SFE_RETRY_AFTER_QUOTA,
     SFE_RETRY_LATER},
    {"REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", SFE_RETRY_LATER,
     SFE_RETRY_LATER},
    {"EXCEEDED_QUOTA", "", SFE_RETRY_AFTER_QUOTA, SFE_RETRY_LATER},
    {"ExceededQuota", "", SFE_RETRY_AFTER_QUOTA, SFE_RETRY_LATER},
    {"TooManyJobs", "", SFE_RETRY_AFTER_QUOTA, SFE_RETRY_LATER},
    {"STORAGE_LIMIT_EXCEEDED", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"API_DISABLED_FOR_ORG", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"API_CURRENTLY_DISABLED", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"ORG_LOCKED", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"INACTIVE_ORG", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"FUNCTIONALITY_NOT_ENABLED", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"UNSUPPORTED_API_VERSION", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"METHOD_NOT_ALLOWED", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"UNSUPPORTED_MEDIA_TYPE", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"URI_TOO_LONG", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"PASSWORD_LOCKOUT", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"LOGIN_MUST_USE_SECURITY_TOKEN", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"LOGIN_DURING_RESTRICTED_TIME", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"LOGIN_DURING_RESTRICTED_DOMAIN", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"LICENSE_LIMIT_EXCEEDED", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"CLIENT_NOT_ACCESSIBLE_FOR_USER", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"INVALID_TYPE", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"INVALID_FIELD_FOR_INSERT_UPDATE", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_AFTER_HUMAN},
    {"NOT_FOUND", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"INSUFFICIENT_ACCESS", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"INSUFFICIENT_ACCESS_OR_READONLY", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"MALFORMED_QUERY", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"InvalidBatch", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"InvalidJob", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"INVALIDJOB", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"INVALIDENTITY", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"ClientInputError", "", SFE_RETRY_AFTER_HUMAN, SFE_RETRY_NEVER},
    {"INVALID_FIELD", "No such column 'X__c' on sobject of type Y", SFE_RETRY_AFTER_HUMAN,
     SFE_RETRY_AFTER_HUMAN},
    {"INVALID_FIELD",
     "Foreign key external ID: s-1 not found for field SaleId__c in entity PosSale__c",
     SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"INVALID_CROSS_REFERENCE_KEY", "", SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"JSON_PARSER_ERROR", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"MALFORMED_ID", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_ID_FIELD", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_TYPE_ON_FIELD_IN_RECORD", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_REFERENCE", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"REQUIRED_FIELD_MISSING", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"MISSING_ARGUMENT", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"STRING_TOO_LONG", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"NUMBER_OUTSIDE_VALID_RANGE", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"NUMERIC_VALUE_OUT_OF_RANGE", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_EMAIL_ADDRESS", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_DATE_FORMAT", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"FIELD_CUSTOM_VALIDATION_EXCEPTION", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"FIELD_FILTER_VALIDATION_EXCEPTION", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"FIELD_INTEGRITY_EXCEPTION", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"DUPLICATE_EXTERNAL_ID", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"DUPLICATES_DETECTED", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"ENTITY_IS_DELETED", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"DELETE_FAILED", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"DEPENDENCY_EXISTS", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"TRANSFER_REQUIRES_READ", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INACTIVE_OWNER_OR_USER", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_STATUS", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"OWNER_REQUIRED", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"INVALID_OPERATION", "", SFE_RETRY_SMALLER, SFE_RETRY_NEVER},
    {"DUPLICATE_VALUE", "duplicate value found: Serial__c duplicates value on record with id: a0",
     SFE_RETRY_SMALLER, SFE_RETRY_ALONE},
    {"DUPLICATE_VALUE", "Duplicate external id specified: R1", SFE_RETRY_SMALLER, SFE_RETRY_ALONE},
    {"ENTITY_IS_LOCKED", "", SFE_RETRY_SMALLER, SFE_RETRY_LATER},
    {"INVALID_QUERY_LOCATOR", "", SFE_RETRY_LATER, SFE_RETRY_NEVER},
    {"InvalidJobState", "", SFE_RETRY_LATER, SFE_RETRY_NEVER},
    {"INVALIDJOBSTATE", "", SFE_RETRY_LATER, SFE_RETRY_NEVER}};

static void every_code_of_the_contract_is_decided_as_the_sheets_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
        const char *code = contract[i].code;
        if (request(400, code, contract[i].message) != contract[i].on_request ||
            strstr(err.message, " -> ") == NULL) {
            fail_msg("%s of a request: %s", code, err.message);
        }
        if (record(code, contract[i].message, 1) != contract[i].on_record) {
            fail_msg("%s of a record: %s", code, err.message);
        }
    }
}

static void a_batch_too_large_for_the_org_is_split_and_the_lone_record_dies_in_the_end(void **state)
{
    static const char *const codes[] = {"QUERY_TIMEOUT", "LIMIT_EXCEEDED", "APEX_CPU_TIMEOUT"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(request(400, codes[i], ""), SFE_RETRY_SMALLER);
        assert_int_equal(record(codes[i], "", 9), SFE_RETRY_SMALLER);
        assert_int_equal(record(codes[i], "", 10), SFE_RETRY_NEVER);
    }
}

static void maintenance_is_waited_for_without_end(void **state)
{
    (void)state;
    assert_int_equal(record("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", 1000000),
                     SFE_RETRY_AWAY);
}

static void several_places_for_an_external_id_are_no_retry(void **state)
{
    (void)state;
    assert_int_equal(request(300, "", ""), SFE_RETRY_SMALLER);
    assert_int_equal(sfe_verdict_decide(SFE_SCOPE_RECORD, 300, SFE_TEXT(""), SFE_TEXT(""), 1, &err),
                     SFE_RETRY_NEVER);
    assert_string_equal(err.api_code, "DUPLICATE_EXTERNAL_ID");
}

static void every_way_of_trying_again_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = SFE_RETRY_NEVER; i <= SFE_RETRY_AFTER_HUMAN; i++) {
        for (int k = SFE_RETRY_NEVER; k < i; k++) {
            assert_string_not_equal(sfe_verdict_retry_name((enum sfe_retry)i),
                                    sfe_verdict_retry_name((enum sfe_retry)k));
        }
    }
}

static void every_status_has_a_default(void **state)
{
    (void)state;
    assert_null(sfe_verdict_status(100));
    for (uint32_t i = 0; sfe_verdict_status(i) != NULL; i++) {
        const struct sfe_verdict_status *status = sfe_verdict_status(i);
        assert_true(status->meaning[0] != '\0');
        assert_int_equal(request(status->from, "", ""), status->retry);
    }
}

static void a_missing_parent_is_waited_for_and_an_unknown_field_is_not(void **state)
{
    const char *missing = "Foreign key external ID: s-1 not found for field SaleId__c in entity "
                          "PosSale__c";

    (void)state;
    assert_int_equal(record("INVALID_FIELD", missing, 19), SFE_RETRY_LATER);
    assert_int_equal(record("INVALID_FIELD", missing, 20), SFE_RETRY_NEVER);
    assert_int_equal(record("INVALID_FIELD", "No such column 'X__c' on sobject of type Y", 1),
                     SFE_RETRY_AFTER_HUMAN);
    assert_int_equal(request(400, "INVALID_FIELD", "No such column 'X__c'"), SFE_RETRY_AFTER_HUMAN);
    assert_int_equal(request(400, "INVALID_FIELD", missing), SFE_RETRY_SMALLER);
}

static void a_duplicate_value_goes_once_more_alone_and_then_dies(void **state)
{
    const char *clash = "duplicate value found: Serial__c duplicates value on record with id: a0";

    (void)state;
    assert_int_equal(record("DUPLICATE_VALUE", clash, 1), SFE_RETRY_ALONE);
    assert_int_equal(record("DUPLICATE_VALUE", clash, 2), SFE_RETRY_NEVER);
    assert_int_equal(record("DUPLICATE_VALUE", "Duplicate external id specified: R1", 2),
                     SFE_RETRY_ALONE);
}

static void a_lock_is_serialised_for_long(void **state)
{
    (void)state;
    assert_int_equal(record("UNABLE_TO_LOCK_ROW", "", 1), SFE_RETRY_LOCKED);
    assert_int_equal(record("UNABLE_TO_LOCK_ROW", "", 400), SFE_RETRY_LOCKED);
}

static void a_trigger_at_its_limit_is_split_and_one_that_throws_is_not(void **state)
{
    (void)state;
    assert_int_equal(record("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                            "Trigger: System.LimitException: Apex CPU time limit exceeded", 9),
                     SFE_RETRY_SMALLER);
    assert_int_equal(record("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "System.NullPointer", 1),
                     SFE_RETRY_LATER);
    assert_int_equal(record("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "System.NullPointer", 5),
                     SFE_RETRY_NEVER);
}

static void the_allowance_of_a_day_is_not_too_many_calls_at_once(void **state)
{
    (void)state;
    assert_int_equal(request(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
                     SFE_RETRY_AFTER_QUOTA);
    assert_int_equal(request(503, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."),
                     SFE_RETRY_LATER);
}

static void rights_missing_for_a_request_stop_and_for_a_record_kill(void **state)
{
    (void)state;
    assert_int_equal(request(403, "INSUFFICIENT_ACCESS_OR_READONLY", ""), SFE_RETRY_AFTER_HUMAN);
    assert_int_equal(record("INSUFFICIENT_ACCESS_OR_READONLY", "", 1), SFE_RETRY_NEVER);
}

static void an_unknown_code_of_a_record_is_dead_after_three_tries(void **state)
{
    (void)state;
    assert_int_equal(record("SOMETHING_NEW", "", 1), SFE_RETRY_LATER);
    assert_int_equal(record("SOMETHING_NEW", "", 2), SFE_RETRY_LATER);
    assert_int_equal(record("SOMETHING_NEW", "", 3), SFE_RETRY_NEVER);
}

static void an_unknown_refusal_of_a_request_is_split_and_then_stops(void **state)
{
    (void)state;
    assert_int_equal(request(400, "SOMETHING_NEW", ""), SFE_RETRY_SMALLER);
    assert_int_equal(
        sfe_verdict_decide(SFE_SCOPE_RECORD, 400, SFE_TEXT("SOMETHING_NEW"), SFE_TEXT(""), 1, &err),
        SFE_RETRY_AFTER_HUMAN);
    assert_int_equal(request(500, "SOMETHING_NEW", ""), SFE_RETRY_LATER);
}

static void a_bare_status_decides_where_no_code_is_named(void **state)
{
    (void)state;
    assert_int_equal(request(401, "", ""), SFE_RETRY_AFTER_LOGIN);
    assert_int_equal(request(404, "", ""), SFE_RETRY_AFTER_HUMAN);
    assert_int_equal(request(413, "", ""), SFE_RETRY_SMALLER);
    assert_int_equal(request(429, "", ""), SFE_RETRY_LATER);
    assert_int_equal(request(503, "", ""), SFE_RETRY_LATER);
    assert_int_equal(request(302, "", ""), SFE_RETRY_LATER);
}

static void the_error_tells_message_and_advice(void **state)
{
    (void)state;
    (void)record("STRING_TOO_LONG", "Unit: data value too large", 1);
    assert_string_equal(err.message, "Unit: data value too large -> make the org's field longer, "
                                     "or map less text");
    assert_int_equal(err.http_status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_decided_as_it_says),
        cmocka_unit_test(every_code_of_the_contract_is_decided_as_the_sheets_say),
        cmocka_unit_test(
            a_batch_too_large_for_the_org_is_split_and_the_lone_record_dies_in_the_end),
        cmocka_unit_test(maintenance_is_waited_for_without_end),
        cmocka_unit_test(several_places_for_an_external_id_are_no_retry),
        cmocka_unit_test(every_way_of_trying_again_has_a_name_of_its_own),
        cmocka_unit_test(every_status_has_a_default),
        cmocka_unit_test(a_missing_parent_is_waited_for_and_an_unknown_field_is_not),
        cmocka_unit_test(a_duplicate_value_goes_once_more_alone_and_then_dies),
        cmocka_unit_test(a_lock_is_serialised_for_long),
        cmocka_unit_test(a_trigger_at_its_limit_is_split_and_one_that_throws_is_not),
        cmocka_unit_test(the_allowance_of_a_day_is_not_too_many_calls_at_once),
        cmocka_unit_test(rights_missing_for_a_request_stop_and_for_a_record_kill),
        cmocka_unit_test(an_unknown_code_of_a_record_is_dead_after_three_tries),
        cmocka_unit_test(an_unknown_refusal_of_a_request_is_split_and_then_stops),
        cmocka_unit_test(a_bare_status_decides_where_no_code_is_named),
        cmocka_unit_test(the_error_tells_message_and_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
