/* How the parts of the real platform are opened; for platform.c and the port's own tests. */
#ifndef SFE_PORT_REAL_PLATFORM_H
#define SFE_PORT_REAL_PLATFORM_H

#include "port/platform.h"

/* Each fills its struct; `_close` frees what is behind the context. */
void sfe_posix_clock(struct sfe_clock *clock);
void sfe_posix_entropy(struct sfe_entropy *entropy);
SFE_MUST_USE enum sfe_code
sfe_posix_storage_open(const char *directory, struct sfe_storage *storage, struct sfe_error *err);
void sfe_posix_storage_close(struct sfe_storage *storage);
SFE_MUST_USE enum sfe_code sfe_posix_poller_open(struct sfe_poller *poller, struct sfe_error *err);
void sfe_posix_poller_close(struct sfe_poller *poller);
SFE_MUST_USE enum sfe_code sfe_curl_http_open(const struct sfe_clock *clock, struct sfe_http *http,
                                              struct sfe_error *err);
void sfe_curl_http_close(struct sfe_http *http);
void sfe_paho_mqtt(struct sfe_mqtt *mqtt);
SFE_MUST_USE enum sfe_code sfe_mbedtls_crypto_open(const struct sfe_entropy *entropy,
                                                   struct sfe_crypto *crypto,
                                                   struct sfe_error *err);
void sfe_mbedtls_crypto_close(struct sfe_crypto *crypto);
SFE_MUST_USE enum sfe_code sfe_mbedtls_tls_open(const struct sfe_clock *clock,
                                                const struct sfe_entropy *entropy,
                                                struct sfe_tls *tls, struct sfe_error *err);
void sfe_mbedtls_tls_close(struct sfe_tls *tls);

#endif
