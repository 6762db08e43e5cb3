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
        const struct sfe_verdict_row *first = sfe_verdict_row(0);
        for (uint32_t i = 0; strcmp(first->code, row->code) != 0;) {
            first = sfe_verdict_row(++i);
        }
        if (first != row) {
            continue; /* Which of its rows holds, the message says; see below. */
        }
        assert_true(row->advice[0] != '\0');
        if (row->code[strlen(row->code) - 1] == '*') {
            continue;
        }
        enum sfe_retry patient = record(row->code,
                                        "System.LimitException Concurrent "
                                        "Foreign key external ID "
                                        "Duplicate external id specified",
                                        row->attempts_max == 0 ? 1000000 : row->attempts_max - 1);
        assert_int_equal(patient, row->on_record);
        assert_int_equal(err.retry, row->on_record);
        assert_string_equal(err.api_code, row->code);
        assert_int_equal(err.code, SFE_E_API);
        if (row->attempts_max != 0) {
            assert_int_equal(record(row->code, err.message, row->attempts_max), SFE_RETRY_NEVER);
        }
    }
    assert_true(count > 60);
}

static void every_code_of_the_contract_has_a_row(void **state)
{
    static const char *const codes[] = {"UNKNOWN_EXCEPTION",
                                        "SERVER_UNAVAILABLE",
                                        "UNABLE_TO_LOCK_ROW",
                                        "QUERY_TIMEOUT",
                                        "OPERATION_TOO_LARGE",
                                        "APEX_CPU_TIMEOUT",
                                        "LIMIT_EXCEEDED",
                                        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                                        "INVALID_SESSION_ID",
                                        "INVALID_AUTH_HEADER",
                                        "REQUEST_LIMIT_EXCEEDED",
                                        "EXCEEDED_QUOTA",
                                        "STORAGE_LIMIT_EXCEEDED",
                                        "API_DISABLED_FOR_ORG",
                                        "API_CURRENTLY_DISABLED",
                                        "ORG_LOCKED",
                                        "INACTIVE_ORG",
                                        "FUNCTIONALITY_NOT_ENABLED",
                                        "UNSUPPORTED_API_VERSION",
                                        "NOT_FOUND",
                                        "INSUFFICIENT_ACCESS",
                                        "INSUFFICIENT_ACCESS_OR_READONLY",
                                        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                                        "INVALID_TYPE",
                                        "INVALID_FIELD",
                                        "INVALID_FIELD_FOR_INSERT_UPDATE",
                                        "JSON_PARSER_ERROR",
                                        "MALFORMED_ID",
                                        "INVALID_ID_FIELD",
                                        "INVALID_CROSS_REFERENCE_KEY",
                                        "INVALID_REFERENCE",
                                        "REQUIRED_FIELD_MISSING",
                                        "MISSING_ARGUMENT",
                                        "STRING_TOO_LONG",
                                        "NUMBER_OUTSIDE_VALID_RANGE",
                                        "NUMERIC_VALUE",
                                        "INVALID_EMAIL_ADDRESS",
                                        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                                        "INVALID_DATE_FORMAT",
                                        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                                        "FIELD_FILTER_VALIDATION_EXCEPTION",
                                        "FIELD_INTEGRITY_EXCEPTION",
                                        "CANNOT_EXECUTE_FLOW_TRIGGER",
                                        "TXN_SECURITY_NO_ACCESS",
                                        "DUPLICATE_VALUE",
                                        "DUPLICATE_EXTERNAL_ID",
                                        "DUPLICATES_DETECTED",
                                        "ENTITY_IS_LOCKED",
                                        "ENTITY_IS_DELETED",
                                        "DELETE_FAILED",
                                        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                                        "PROCESSING_HALTED",
                                        "EXCEEDED_ID_LIMIT",
                                        "TRANSFER_REQUIRES_READ",
                                        "OWNER_REQUIRED",
                                        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
                                        "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
                                        "MALFORMED_QUERY",
                                        "INVALID_QUERY_LOCATOR",
                                        "InvalidBatch",
                                        "InvalidJob",
                                        "InvalidJobState",
                                        "ClientInputError",
                                        "TooManyJobs"};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        (void)request(400, codes[i], "");
        if (strstr(err.message, " -> ") == NULL) {
            fail_msg("%s is not in the table", codes[i]);
        }
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

static void a_lock_is_tried_in_company_first_and_then_alone_for_long(void **state)
{
    (void)state;
    assert_int_equal(record("UNABLE_TO_LOCK_ROW", "", 1), SFE_RETRY_LATER);
    assert_int_equal(record("UNABLE_TO_LOCK_ROW", "", 3), SFE_RETRY_ALONE);
    assert_int_equal(record("UNABLE_TO_LOCK_ROW", "", 400), SFE_RETRY_ALONE);
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
        cmocka_unit_test(every_code_of_the_contract_has_a_row),
        cmocka_unit_test(a_missing_parent_is_waited_for_and_an_unknown_field_is_not),
        cmocka_unit_test(a_duplicate_value_goes_once_more_alone_and_then_dies),
        cmocka_unit_test(a_lock_is_tried_in_company_first_and_then_alone_for_long),
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
