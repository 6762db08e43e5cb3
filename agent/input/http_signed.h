/* Whether a request is signed, and when: HMAC-SHA256 with a key that both sides have, in the forms
 * that senders of webhooks use.
 *
 * Without a time the body is signed: "X-Hub-Signature-256: sha256=HEX" (GitHub), or BASE64 alone
 * (Shopify). With a time TIME.BODY is signed, TIME in seconds since 1970 in a field of its own; or
 * both stand in one field, "t=TIME,v1=HEX", where v1 may stand more than once (Stripe). Any
 * thread. */
#ifndef SFE_INPUT_HTTP_SIGNED_H
#define SFE_INPUT_HTTP_SIGNED_H

#include "input/http_auth.h"
#include "input/http_request.h"
#include "port/clock.h"
#include "port/crypto.h"

struct http_signed_rules {
    struct sfe_slice key;
    struct http_field_names names;
    uint64_t window_ns; /* How far the time may be from ours, before or behind. */
};

/* Judges the request with this head and body; before the body is what http_auth.h asks for, which
 * is put back. SFE_E_PROTOCOL: it is refused, with err->http_status 401; or with 503 where it is
 * our own clock that cannot be relied on: so that a sender keeps what it has until the clock is
 * right, and a request that was recorded is taken at no time. */
SFE_MUST_USE enum sfe_code http_signed_check(const struct http_signed_rules *rules,
                                             const struct sfe_crypto *crypto,
                                             const struct sfe_clock *clock,
                                             const struct http_head *head, uint8_t *body,
                                             struct sfe_error *err);

/* Who may have signed. */
struct http_signers {
    const struct sfe_http_identity *identities;
    uint32_t count;
    const struct sfe_crypto *crypto;
    const struct sfe_clock *clock;
};

/* Judges as http_signed_check, with each key of all in the place of `rules->key`: all are tried,
 * whoever it is. *signer is whose it was, HTTP_NOBODY with SFE_E_PROTOCOL alone; it may be known
 * and the request refused for its time. */
SFE_MUST_USE enum sfe_code http_signed_identify(const struct http_signed_rules *rules,
                                                const struct http_signers *signers,
                                                const struct http_head *head, uint8_t *body,
                                                uint32_t *signer, struct sfe_error *err);

#endif
