/* The server's end of TLS, over a non-blocking socket. */
#ifndef SFE_TESTS_ORG_TLS_H
#define SFE_TESTS_ORG_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_server;
struct tls_stream;

/* Loads certificate and key. NULL, or what is wrong. */
const char *tls_server_open(struct tls_server **server, const char *certificate_file,
                            const char *key_file);
/* From now on clients must show a certificate that hangs on one in `ca_file`. NULL, or what is
 * wrong. */
const char *tls_server_ask(struct tls_server *server, const char *ca_file);
void tls_server_close(struct tls_server *server);

/* One connection; the socket stays the caller's. NULL when memory ends. */
struct tls_stream *tls_stream_open(struct tls_server *server, int *socket);
void tls_stream_close(struct tls_stream *stream);

/* As read and send, handshake included: -1 with errno EAGAIN where the socket would block, 0 at the
 * end, -1 with another errno on failure. */
ssize_t tls_read(struct tls_stream *stream, void *bytes, size_t size);
ssize_t tls_write(struct tls_stream *stream, const void *bytes, size_t size);

#endif
