#include "real_platform.h"

#include "base/assert.h"

#ifdef __GLIBC__
#include <malloc.h>
/* The arena of a part is a mapping of its own: what it never touches costs nothing, and all of it
 * goes back when the part is closed. Left to itself glibc would move this bound up with the first
 * arena that is freed. */
#define MAPPED_FROM_BYTES (256 * 1024)
#endif

enum sfe_code sfe_platform_open(const char *state_directory, struct sfe_platform *platform,
                                struct sfe_error *err)
{
    SFE_ASSERT(state_directory != NULL);
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
#endif
    *platform = (struct sfe_platform){.clock = {.context = NULL}};
    sfe_posix_clock(&platform->clock);
    sfe_posix_entropy(&platform->entropy);
    sfe_paho_mqtt(&platform->mqtt);
    enum sfe_code code = sfe_posix_storage_open(state_directory, &platform->storage, err);
    if (code == SFE_OK) {
        code = sfe_posix_poller_open(&platform->poller, err);
    }
    if (code == SFE_OK) {
        code = sfe_curl_http_open(&platform->clock, &platform->http, err);
    }
    if (code == SFE_OK) {
        code = sfe_mbedtls_crypto_open(&platform->entropy, &platform->crypto, err);
    }
    if (code == SFE_OK) {
        code = sfe_mbedtls_tls_open(&platform->clock, &platform->entropy, &platform->tls, err);
    }
    if (code != SFE_OK) {
        sfe_platform_close(platform);
    }
    return code;
}

/* Each close leaves alone what was never opened. */
void sfe_platform_close(struct sfe_platform *platform)
{
    SFE_ASSERT(platform != NULL);
    sfe_mbedtls_tls_close(&platform->tls);
    sfe_mbedtls_crypto_close(&platform->crypto);
    sfe_curl_http_close(&platform->http);
    sfe_posix_poller_close(&platform->poller);
    sfe_posix_storage_close(&platform->storage);
}
