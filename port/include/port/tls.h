/* TLS 1.2 and later on a stream that we opened (the client's side) or accepted (the server's). A
 * struct of functions.
 *
 * As a client chain and host name (or IP address) of the other side are checked always; there is no
 * switch to leave that out. A later connection to the same host may resume what the one before has
 * agreed on, which spares a round trip: only where that one was checked, and not beyond the time
 * for which its certificates are good; what is needed for it is kept in memory alone.
 *
 * As a server, all key exchanges have forward secrecy and renegotiation is refused. Where there is
 * a `client_ca` each client shows a certificate of that authority in every handshake; where there
 * is none, clients may resume for an hour by tickets, of which nothing but their keys is kept here.
 *
 * A session object belongs to one owner and carries one connection after the other; it reads and
 * writes its poller's stream and never waits. The poller's thread.
 */
#ifndef SFE_PORT_TLS_H
#define SFE_PORT_TLS_H

#include "base/bytes.h"
#include "base/error.h"
#include "port/poller.h"

struct sfe_tls_session; /* Opaque: whom to trust, who we are, and the connection at hand. */
struct sfe_tls_server;  /* Opaque: whom its sessions trust, and who they are. */

struct sfe_tls_options {
    const char *ca_file;   /* Certificates that are trusted (PEM); NULL: the system's. */
    const char *cert_file; /* Our own certificate and its chain (PEM); NULL: none. */
    const char *key_file;  /* Its private key (PEM); NULL with cert_file only. */
    const char *alpn;      /* Protocol offered (RFC 7301); NULL: none. Borrowed until close. */
};

/* As bytes, read only by `server_open`. */
struct sfe_tls_server_options {
    struct sfe_slice cert;      /* Our certificate and its chain (PEM). */
    struct sfe_slice key;       /* Its private key (PEM). */
    struct sfe_slice client_ca; /* Whose certificates clients must show (PEM); empty: none. */
};

/* The poller's stream that carries a connection; borrowed until `end`. */
struct sfe_tls_carrier {
    const struct sfe_poller *poller;
    struct sfe_socket *stream; /* It stands. */
};

/* The connection at hand, once its handshake is over. Times are seconds since 1970. */
struct sfe_tls_facts {
    int64_t valid_until_s; /* The first of the other side's certificates to end. */
    int64_t own_until_s;   /* The first of ours to end; 0: we have none. */
    const char *version;   /* "TLSv1.2". */
    bool is_resumed;
};

struct sfe_tls {
    void *context;
    /* Reads the files. Errors: SFE_E_NOT_FOUND, SFE_E_PERMISSION (a key that others can read as
     * well), SFE_E_TOO_LARGE, SFE_E_CONFIG (not PEM, or key and certificate do not belong
     * together), SFE_E_NO_MEMORY. May block as long as the files do. */
    enum sfe_code (*open)(void *context, const struct sfe_tls_options *options,
                          struct sfe_tls_session **session, struct sfe_error *err);
    void (*close)(void *context, struct sfe_tls_session *session); /* NULL is allowed. */
    /* Begins a connection to `host`, the name or address that the other side must prove. */
    enum sfe_code (*begin)(void *context, struct sfe_tls_session *session, const char *host,
                           const struct sfe_tls_carrier *carrier, struct sfe_error *err);
    /* Goes on with the handshake as far as the bytes go that are there: a server signs once at
     * most in a call. SFE_OK: it is over, read and write may follow. SFE_E_AGAIN: call again when
     * the stream has *events (SFE_POLL_...). SFE_E_TLS: the other side is not trusted, or it
     * refuses us; SFE_E_NETWORK: the stream broke. */
    enum sfe_code (*handshake)(void *context, struct sfe_tls_session *session, unsigned *events,
                               struct sfe_error *err);
    /* As the poller's. After SFE_IO_WOULD_BLOCK the next write begins with the same bytes. */
    enum sfe_io (*read)(void *context, struct sfe_tls_session *session, void *bytes,
                        size_t capacity, size_t *count, struct sfe_error *err);
    enum sfe_io (*write)(void *context, struct sfe_tls_session *session, struct sfe_slice bytes,
                         size_t *count, struct sfe_error *err);
    /* True where a read would give bytes that have left the stream: the poller tells of these
     * never. */
    bool (*has_more)(void *context, const struct sfe_tls_session *session);
    void (*facts)(void *context, const struct sfe_tls_session *session,
                  struct sfe_tls_facts *facts);
    /* Says goodbye as far as that goes without waiting, and lets go of the stream. */
    void (*end)(void *context, struct sfe_tls_session *session);
    /* Reads the certificates and the key: errors as sfe_tls_server_check. Closed after the last of
     * its sessions; NULL is allowed. */
    enum sfe_code (*server_open)(void *context, const struct sfe_tls_server_options *options,
                                 struct sfe_tls_server **server, struct sfe_error *err);
    void (*server_close)(void *context, struct sfe_tls_server *server);
    /* Makes a session for connections that clients open, with the buffers that these need; closed
     * by `close`. SFE_E_NO_MEMORY. */
    enum sfe_code (*server_session)(void *context, struct sfe_tls_server *server,
                                    struct sfe_tls_session **session, struct sfe_error *err);
    /* Begins a connection that was accepted; `handshake` and all else follow as for a client, but
     * `facts`. */
    void (*accept)(void *context, struct sfe_tls_session *session,
                   const struct sfe_tls_carrier *carrier);
    /* After the handshake: true where the client has shown a certificate whose common name, or one
     * of whose DNS names or URIs, is `name` to the letter; or where `name` is "sha256:" and 64
     * hexadecimal digits in small letters, the SHA-256 of the certificate (DER), and nothing else.
     */
    bool (*shows)(void *context, const struct sfe_tls_session *session, struct sfe_slice name);
};

/* Reads the files as `open` does and keeps nothing; for `check`. Chosen by the linker. */
SFE_MUST_USE enum sfe_code sfe_tls_check(const struct sfe_tls_options *options,
                                         struct sfe_error *err);

/* Reads what a server is opened with, and keeps nothing. SFE_E_CONFIG: no PEM, or key and
 * certificate do not belong together. *until_s: when the first certificate of our chain ends. */
SFE_MUST_USE enum sfe_code sfe_tls_server_check(const struct sfe_tls_server_options *options,
                                                int64_t *until_s, struct sfe_error *err);

#endif
