/* The words of a log-in: the JWT bearer flow (RFC 7523), the client credentials flow and the
 * refresh token (RFC 6749, sections 4.4 and 6) of OAuth 2.0; API sheet, section 1. Pure but for the
 * signature; cloud thread. */
#ifndef SFE_SALESFORCE_OAUTH_H
#define SFE_SALESFORCE_OAUTH_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/secret.h"
#include "port/crypto.h"

/* What org and proxies allow for a token and an address. */
#define OAUTH_TOKEN_BYTES_MAX 2048u
#define OAUTH_URL_BYTES_MAX   256u
/* Holds the form of any log-in. */
#define OAUTH_FORM_BYTES_MAX 8192u

struct oauth_claims {
    const char *client_id;
    const char *username;
    const char *audience;
    int64_t now_unix_s;
    uint8_t id[16]; /* Random; of one log-in. */
};

/* Adds the body of the token request, with a JWT signed by `key`. Errors: SFE_E_CRYPTO,
 * SFE_E_TOO_LARGE. */
SFE_MUST_USE enum sfe_code oauth_add_form(const struct oauth_claims *claims,
                                          const struct sfe_crypto *crypto, struct sfe_key *key,
                                          struct sfe_builder *form, struct sfe_error *err);

/* Adds the body of the token request with the app's own secret. SFE_E_TOO_LARGE. */
SFE_MUST_USE enum sfe_code oauth_add_secret_form(const char *client_id,
                                                 struct sfe_slice client_secret,
                                                 struct sfe_builder *form, struct sfe_error *err);

struct oauth_refresh {
    const char *client_id;
    struct sfe_slice client_secret; /* Empty: the app asks for none. */
    struct sfe_slice token;
};

/* Adds the body of the token request with a refresh token. SFE_E_TOO_LARGE. */
SFE_MUST_USE enum sfe_code oauth_add_refresh_form(const struct oauth_refresh *refresh,
                                                  struct sfe_builder *form, struct sfe_error *err);

/* What a refusal is about, where the agent itself can do something. */
enum oauth_cause {
    OAUTH_OTHER,
    OAUTH_CLOCK,      /* The org's clock says that the assertion is too old. */
    OAUTH_TOKEN_ENDED /* This refresh token will never be taken again. */
};

struct oauth_grant {
    struct sfe_secret *token; /* Set on success. */
    /* Where the org gives another one: set, on failure as well, for the one before has ended. NULL:
     * the flow has none. */
    struct sfe_secret *refresh_token;
    char instance_url[OAUTH_URL_BYTES_MAX]; /* Without a slash at its end. */
    enum oauth_cause cause;                 /* On failure. */
};

/* Reads the answer of `login_url`. On failure SFE_E_AUTH (refused; err->retry: AFTER_HUMAN, LATER
 * or AFTER_QUOTA; the message says what to do; or an instance_url that is none of the org's) or
 * SFE_E_PROTOCOL (no such answer; LATER). */
SFE_MUST_USE enum sfe_code oauth_read_answer(uint16_t http_status, const char *content_type,
                                             struct sfe_slice body, const char *login_url,
                                             struct oauth_grant *grant, struct sfe_error *err);

#endif
