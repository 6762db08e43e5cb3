/* Resumes the TLS session of the connection before (RFC 5077, RFC 5246 section 7.3).
 *
 * Who resumes proves to be who was there before, and shows no certificate: none is looked at. So a
 * ticket is good for the very name that was proved, while the certificates that proved it are good,
 * and as long as the session object lives, whose trust never changes. */
#include "tls.h"

#include "base/assert.h"

#include <mbedtls/version.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

static bool is_still_valid(const struct sfe_tls_session *session)
{
    int64_t now_ns = 0;

    (void)session->clock.wall_ns(session->clock.context, &now_ns);
    return now_ns / SECOND_NS >= session->validity.from_s &&
           now_ns / SECOND_NS < session->validity.until_s;
}

void tls_resume_forget(struct sfe_tls_session *session)
{
    mbedtls_ssl_session_free(&session->ticket.session); /* Wipes. */
    mbedtls_ssl_session_init(&session->ticket.session);
    session->ticket.host[0] = '\0';
    session->ticket.is_doubtful = false;
}

void tls_resume_offer(struct sfe_tls_session *session)
{
    struct tls_ticket *ticket = &session->ticket;

    ticket->is_offered = false;
    if (ticket->host[0] == '\0' || ticket->is_refused) {
        return;
    }
    if (strcmp(ticket->host, session->host) != 0 || !is_still_valid(session)) {
        tls_resume_forget(session);
        return;
    }
    ticket->is_offered = mbedtls_ssl_set_session(&session->ssl, &ticket->session) == 0;
}

void tls_resume_keep(struct sfe_tls_session *session)
{
    struct tls_ticket *ticket = &session->ticket;

    SFE_ASSERT(session->is_judged || ticket->is_offered); /* Nobody is trusted unseen. */
    if (ticket->is_refused) {
        return;
    }
    tls_resume_forget(session);
    if (mbedtls_ssl_get_session(&session->ssl, &ticket->session) != 0) {
        tls_resume_forget(session); /* No memory, or nothing to keep: the next one is a full one. */
        return;
    }
    memcpy(ticket->host, session->host, sizeof(ticket->host));
}

void tls_resume_fail(struct sfe_tls_session *session, bool is_refused)
{
    struct tls_ticket *ticket = &session->ticket;

    if (is_refused && ticket->is_offered && !session->is_judged) {
        ticket->is_refused = true; /* It was not about their certificate. */
    }
    if (!is_refused && !ticket->is_doubtful) {
        ticket->is_doubtful = ticket->is_offered; /* A bad line; or it hangs up on the ticket. */
        return;
    }
    tls_resume_forget(session);
}
