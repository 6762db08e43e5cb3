/* What every REST answer of Salesforce has in common: its errors and its limit header (API sheet,
 * section 2). Pure; any thread. */
#ifndef SFE_SALESFORCE_REST_H
#define SFE_SALESFORCE_REST_H

#include "base/bytes.h"
#include "base/json_reader.h"

/* One error, made printable and clipped. */
struct rest_error {
    char code[56];     /* errorCode, statusCode or error; empty: none was named. */
    char message[192]; /* message or error_description. */
    char fields[64];   /* "Unit__c, Value__c"; may be empty. */
};

/* Reads the error in object `object` of `json`, in any of the forms that occur:
 * errorCode/message/fields, statusCode/message/fields, error/error_description. False where none is
 * named. */
bool rest_take_error(const struct sfe_json *json, uint32_t object, struct rest_error *error);

/* The same of value `list`: an array of which the first counts, or one object. */
bool rest_take_first_error(const struct sfe_json *json, uint32_t list, struct rest_error *error);

/* Reads the error of a whole answer: an array of which the first counts, or one object. False where
 * the body is something else. */
bool rest_read_error(struct sfe_slice body, struct sfe_json_token *tokens, uint32_t capacity,
                     struct rest_error *error);

/* True for a page where JSON was asked for: a proxy's, a captive portal's, or the maintenance page.
 * `content_type` lower-case. */
bool rest_is_html(const char *content_type, struct sfe_slice body);

/* Reads "api-usage=25/15000" out of Sforce-Limit-Info. False where it does not say. */
bool rest_read_limit_info(const char *text, uint64_t *used, uint64_t *limit);

/* Adds `text` percent-encoded (RFC 3986): a '/' in an external ID does not end the path. */
void rest_add_encoded(struct sfe_slice text, struct sfe_builder *out);

#endif
