/* Judges the other side's certificates where mbedTLS alone does not, and says why one is refused.
 *
 * mbedTLS checks chain, times and DNS names. It has no IP addresses among the names (RFC 5280,
 * section 4.2.1.6), so these are compared here. */
#include "tls.h"

#include "base/assert.h"
#include "base/time_format.h"

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <string.h>

#define IS_VERSION_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)
/* Tags of a subjectAltName: context-specific 2 and 7. */
#define TAG_DNS_NAME   0x82
#define TAG_IP_ADDRESS 0x87
#define SECOND_NS      INT64_C(1000000000)
#define BAD_DATES      (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)

static bool is_for_address(const mbedtls_x509_crt *certificate, const uint8_t *address, size_t size)
{
    const mbedtls_x509_sequence *name = &certificate->subject_alt_names;

    for (; name != NULL; name = name->next) {
        if (name->buf.tag == TAG_IP_ADDRESS && name->buf.len == size &&
            memcmp(name->buf.p, address, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of certificates are the other side's words. */
static void keep_subject(char *text, size_t capacity, const mbedtls_x509_name *name)
{
    char whole[256] = "";
    int size = mbedtls_x509_dn_gets(whole, sizeof(whole), name);

    sfe_printable(text, capacity, sfe_slice_make(whole, size > 0 ? (size_t)size : 0));
}

/* The first DNS name that the certificate is for, or else its subject. */
static void keep_name(char *text, size_t capacity, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_sequence *name = &certificate->subject_alt_names;

    for (; name != NULL; name = name->next) {
        if (name->buf.tag == TAG_DNS_NAME) {
            sfe_printable(text, capacity, sfe_slice_make(name->buf.p, name->buf.len));
            return;
        }
    }
    keep_subject(text, capacity, &certificate->subject);
}

static int64_t to_unix_s(const mbedtls_x509_time *time)
{
    char text[32];
    struct sfe_error ignored;
    int64_t unix_ns = 0;
    int size = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", time->year, time->mon,
                        time->day, time->hour, time->min, time->sec);

    SFE_ASSERT(size > 0 && (size_t)size < sizeof(text));
    /* What lies beyond our nanoseconds (the year 2262) is no sooner than their end. */
    return sfe_time_parse(sfe_slice_make(text, (size_t)size), SFE_TIME_RFC3339, NULL, &unix_ns,
                          &ignored) == SFE_OK
               ? unix_ns / SECOND_NS
               : INT64_MAX / SECOND_NS;
}

void tls_narrow_validity(struct tls_validity *validity, const mbedtls_x509_crt *certificate)
{
    const int64_t from_s = to_unix_s(&certificate->valid_from);
    const int64_t until_s = to_unix_s(&certificate->valid_to);

    validity->from_s = from_s > validity->from_s ? from_s : validity->from_s;
    validity->until_s = until_s < validity->until_s ? until_s : validity->until_s;
}

/* Called from the last certificate of the chain to the other side's own, which has depth 0. */
int tls_see_certificate(void *session, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct sfe_tls_session *self = session;
    struct tls_findings *findings = &self->findings;

    if (!self->is_judged) {
        self->validity = (struct tls_validity){0, INT64_MAX};
        self->is_judged = true;
    }
    tls_narrow_validity(&self->validity, certificate);
    if (depth == 0 && self->address_bytes != 0 &&
        !is_for_address(certificate, self->address, self->address_bytes)) {
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    if ((*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        findings->is_self_signed = certificate->issuer_raw.len == certificate->subject_raw.len &&
                                   memcmp(certificate->issuer_raw.p, certificate->subject_raw.p,
                                          certificate->subject_raw.len) == 0;
        keep_subject(findings->issuer, sizeof(findings->issuer), &certificate->issuer);
    }
    if ((*flags & BAD_DATES) != 0) {
        findings->at = (*flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0 ? certificate->valid_to
                                                                    : certificate->valid_from;
    }
    if (depth == 0) {
        keep_name(findings->name, sizeof(findings->name), certificate);
    }
    findings->flags |= *flags;
    return 0;
}

/* "2026-01-31", and how far to believe it. */
static void add_our_time(const struct sfe_tls_session *session, struct sfe_builder *text)
{
    int64_t now_ns = 0;
    enum sfe_clock_quality quality = session->clock.wall_ns(session->clock.context, &now_ns);

    sfe_time_add_date(text, now_ns);
    if (quality == SFE_CLOCK_UNSET) {
        sfe_builder_add_text(text, " and is not set");
    } else if (quality == SFE_CLOCK_COASTING) {
        sfe_builder_add_text(text, " and may be wrong");
    }
}

static enum sfe_code fail_dates(const struct sfe_tls_session *session, struct sfe_error *err)
{
    const struct tls_findings *findings = &session->findings;
    bool is_expired = (findings->flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0;
    char ours[64];
    struct sfe_builder text = sfe_builder_make(ours, sizeof(ours) - 1);

    add_our_time(session, &text);
    ours[text.size] = '\0';
    return sfe_fail(err, SFE_E_TLS,
                    is_expired ? "the certificate of %.60s expired on %04d-%02d-%02d; our clock "
                                 "says %s"
                               : "the certificate of %.60s is not valid before %04d-%02d-%02d; our "
                                 "clock says %s",
                    session->host, findings->at.year, findings->at.mon, findings->at.day, ours);
}

static enum sfe_code fail_certificate(const struct sfe_tls_session *session, struct sfe_error *err)
{
    const struct tls_findings *findings = &session->findings;
    char other[96] = "";
    int size;

    if ((findings->flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        return findings->is_self_signed
                   ? sfe_fail(err, SFE_E_TLS,
                              "the certificate of %.60s is self-signed and not trusted: is it the "
                              "right one, name it by \"ca_file\"",
                              session->host)
                   : sfe_fail(err, SFE_E_TLS,
                              "the certificate of %.60s comes from an unknown authority (%s): is "
                              "it the right one, name it by \"ca_file\"",
                              session->host, findings->issuer);
    }
    if ((findings->flags & BAD_DATES) != 0) {
        return fail_dates(session, err);
    }
    if ((findings->flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
        return sfe_fail(err, SFE_E_TLS, "the certificate is for %s, not for %.60s", findings->name,
                        session->host);
    }
    size = mbedtls_x509_crt_verify_info(other, sizeof(other), "", findings->flags);
    return sfe_fail(err, SFE_E_TLS, "the certificate of %.60s is refused: %.*s", session->host,
                    size > 0 ? (int)strcspn(other, "\n") : 0, other);
}

/* RFC 8446, section 6. */
static const char *alert_name(unsigned alert)
{
    static const struct {
        unsigned alert;
        const char *name;
    } names[] = {
        {40, "handshake failure"},       {42, "bad certificate"},
        {43, "unsupported certificate"}, {44, "certificate revoked"},
        {45, "certificate expired"},     {46, "certificate unknown"},
        {47, "illegal parameter"},       {48, "unknown authority"},
        {49, "access denied"},           {51, "decrypt error"},
        {70, "protocol version"},        {71, "insufficient security"},
        {80, "internal error"},          {112, "unrecognized name"},
        {116, "certificate required"},   {120, "no application protocol"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].alert == alert) {
            return names[i].name;
        }
    }
    return "an alert";
}

static enum sfe_code fail_alert(const struct sfe_tls_session *session, unsigned alert,
                                struct sfe_error *err)
{
#if IS_VERSION_3
    bool wants_ours = false;
#else
    bool wants_ours = session->ssl.client_auth != 0;
#endif

    wants_ours = (wants_ours || alert == 116) && !session->has_own;
    return sfe_fail(err, SFE_E_TLS, "%.60s refuses our TLS handshake: %s (%u)%s", session->host,
                    alert_name(alert), alert,
                    wants_ours ? "; it asks for a client certificate, and \"cert_file\" names none"
                               : "");
}

static unsigned alert_at_hand(const struct sfe_tls_session *session)
{
#if IS_VERSION_3
    const unsigned char *message = session->ssl.MBEDTLS_PRIVATE(in_msg);
#else
    const unsigned char *message = session->ssl.in_msg;
#endif

    return message != NULL ? message[1] : 0;
}

enum sfe_code tls_fail(const struct sfe_tls_session *session, int result, struct sfe_error *err)
{
    char why[96] = "";

    SFE_ASSERT(result <= 0);
    if (session->last_alert != 0) {
        return fail_alert(session, session->last_alert, err);
    }
    if (session->broken.code != SFE_OK) {
        *err = session->broken;
        return session->is_done
                   ? err->code
                   : sfe_within(err, "no end of the TLS handshake with %.60s", session->host);
    }
    switch (result) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return fail_certificate(session, err);
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return fail_alert(session, alert_at_hand(session), err);
    case 0:
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return sfe_fail(err, SFE_E_NETWORK, "%.60s ended the connection%s", session->host,
                        session->is_done ? "" : " during the TLS handshake");
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
        return sfe_fail(err, SFE_E_TLS, "%.60s does not speak TLS on this port, or broke it",
                        session->host);
#if !IS_VERSION_3
    case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
#else
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
#endif
        return sfe_fail(err, SFE_E_TLS, "%.60s has no TLS 1.2 or later", session->host);
    default:
        mbedtls_strerror(result, why, sizeof(why));
        return sfe_fail(err, SFE_E_TLS, "TLS with %.60s failed: %s", session->host, why);
    }
}
