#include "port/process.h"

#include "base/assert.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define NUMERIC_BYTES 64u

enum sfe_code sfe_process_lookup(const char *host, struct sfe_builder *addresses,
                                 struct sfe_error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    SFE_ASSERT(host != NULL);
    int failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed != 0) {
        return sfe_fail(err, SFE_E_NETWORK, "cannot find host '%s': %s", host,
                        gai_strerror(failed));
    }
    for (const struct addrinfo *entry = found; entry != NULL; entry = entry->ai_next) {
        char numeric[NUMERIC_BYTES];
        const size_t before = addresses->size;
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, numeric, sizeof(numeric), NULL, 0,
                        NI_NUMERICHOST) != 0) {
            continue;
        }
        sfe_builder_add_text(addresses, before == 0 ? "" : " ");
        sfe_builder_add_text(addresses, numeric);
        if (addresses->overflowed) {
            sfe_builder_rewind(addresses, before);
            break;
        }
    }
    freeaddrinfo(found);
    return SFE_OK;
}
