/* What the files of TLS share. Private to this folder. */
#ifndef SFE_MBEDTLS_TLS_H
#define SFE_MBEDTLS_TLS_H

#include "port/clock.h"
#include "port/entropy.h"
#include "port/tls.h"

#include <mbedtls/ssl.h>

#define TLS_HOST_BYTES_MAX 254u

/* What the check of the other side's chain found, kept for the reason. */
struct tls_findings {
    uint32_t flags;       /* MBEDTLS_X509_BADCERT_..., of all certificates. */
    bool is_self_signed;  /* The other side's own certificate, which is not trusted. */
    char issuer[64];      /* Of the last certificate of a chain that is not trusted. */
    char name[64];        /* What the other side's certificate is for. */
    mbedtls_x509_time at; /* Until or from when the certificate is good that is not. */
};

/* What a later connection may resume. */
struct tls_ticket {
    mbedtls_ssl_session session;
    char host[TLS_HOST_BYTES_MAX]; /* Who proved this name; "": there is no ticket. */
    bool is_offered;               /* For the connection at hand. */
    bool is_doubtful;              /* The line broke in the handshake that offered it. */
    bool is_refused;               /* A handshake failed with one: none is offered any more. */
};

/* Seconds since 1970 between which all certificates of a chain are good. */
struct tls_validity {
    int64_t from_s;
    int64_t until_s;
};

/* Whom we trust, and who we are. */
struct tls_identity {
    mbedtls_x509_crt trusted;
    mbedtls_x509_crt own;
    mbedtls_pk_context key;
    bool has_own;
    struct sfe_entropy entropy;
};

struct sfe_tls_session {
    struct sfe_tls_server *server; /* NULL: we are the client. */
    mbedtls_ssl_config config;     /* Of a client, as the next two. */
    struct tls_identity identity;
    const char *protocols[2];
    mbedtls_ssl_context ssl;
    struct sfe_clock clock;
    struct sfe_tls_carrier carrier; /* Stream NULL: no connection. */
    bool is_done;                   /* The handshake is over. */
    size_t unsent;                  /* Of the write that would have blocked; 0: none. */
    enum sfe_io ended;              /* SFE_IO_CLOSED or SFE_IO_FAILED, once that was seen. */
    struct sfe_error broken;        /* What the stream said when it failed. */
    uint8_t last_alert;             /* What the other side said before it broke; 0: nothing. */
    char host[TLS_HOST_BYTES_MAX];
    uint8_t address[16]; /* Where the host is an IP address. */
    size_t address_bytes;
    struct tls_findings findings;
    bool is_judged; /* The chain was looked at in the handshake at hand: it is no resumption. */
    struct tls_validity validity; /* Of the chain that was looked at last. */
    struct tls_ticket ticket;
};

/* What the functions of struct sfe_tls have as context. */
struct tls {
    struct sfe_clock clock;
    struct sfe_entropy entropy;
};

/* tls.c. NULL: no memory. */
struct sfe_tls_session *tls_make_session(void);
void tls_close_session(void *context, struct sfe_tls_session *session);
/* Lets a connection begin at `carrier`, with all forgotten of the one before. */
void tls_begin_carrier(struct sfe_tls_session *session, const struct sfe_tls_carrier *carrier);
void tls_require_1_2(mbedtls_ssl_config *config);

/* tls_trust.c */
void tls_identity_init(struct tls_identity *identity, const struct sfe_entropy *entropy);
void tls_identity_free(struct tls_identity *identity); /* Wipes. */
/* Reads the files of a client, or the bytes of a server. */
enum sfe_code tls_read_files(struct tls_identity *identity, const struct sfe_tls_options *options,
                             struct sfe_error *err);
enum sfe_code tls_read_bytes(struct tls_identity *identity,
                             const struct sfe_tls_server_options *options, struct sfe_error *err);
/* mbedTLS' source of random numbers; struct sfe_entropy is the context. */
int tls_fill_random(void *entropy, unsigned char *bytes, size_t size);

/* tls_server.c: the functions of struct sfe_tls. */
enum sfe_code tls_server_open(void *context, const struct sfe_tls_server_options *options,
                              struct sfe_tls_server **server, struct sfe_error *err);
void tls_server_close(void *context, struct sfe_tls_server *server);
enum sfe_code tls_server_session(void *context, struct sfe_tls_server *server,
                                 struct sfe_tls_session **session, struct sfe_error *err);
void tls_server_accept(void *context, struct sfe_tls_session *session,
                       const struct sfe_tls_carrier *carrier);
bool tls_server_shows(void *context, const struct sfe_tls_session *session, struct sfe_slice name);
/* Puts into words why a handshake with a client, or its connection, failed. */
enum sfe_code tls_server_fail(const struct sfe_tls_session *session, int result,
                              struct sfe_error *err);

/* tls_verify.c: mbedTLS' callback for each certificate of the chain. */
int tls_see_certificate(void *session, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);
/* Narrows `validity` to that of `certificate`. */
void tls_narrow_validity(struct tls_validity *validity, const mbedtls_x509_crt *certificate);
/* RFC 8446, section 6. */
const char *tls_alert_name(unsigned alert);
/* Of the record that was read last. */
unsigned tls_alert_at_hand(const struct sfe_tls_session *session);
/* Puts into words why the handshake or the connection failed. */
enum sfe_code tls_fail(const struct sfe_tls_session *session, int result, struct sfe_error *err);

/* tls_resume.c. Offers to resume at the beginning of a connection to session->host. */
void tls_resume_offer(struct sfe_tls_session *session);
/* Keeps what a later connection may resume. */
void tls_resume_keep(struct sfe_tls_session *session);
/* A handshake failed: refused by one side or the other, or the line broke. */
void tls_resume_fail(struct sfe_tls_session *session, bool is_refused);
/* Wipes what is kept. */
void tls_resume_forget(struct sfe_tls_session *session);

#endif
