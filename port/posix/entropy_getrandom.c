#include "real_platform.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/random.h>

static enum sfe_code fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(bytes != NULL || size == 0);
    unsigned char *place = bytes;
    while (size > 0) {
        ssize_t got = getrandom(place, size, GRND_NONBLOCK);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return sfe_fail(err, SFE_E_NOT_READY, "the system has no random bytes yet");
        }
        if (got < 0) {
            return sfe_fail_os(err, SFE_E_UNSUPPORTED, errno, "cannot get random bytes");
        }
        place += got;
        size -= (size_t)got;
    }
    return SFE_OK;
}

void sfe_posix_entropy(struct sfe_entropy *entropy)
{
    SFE_ASSERT(entropy != NULL);
    *entropy = (struct sfe_entropy){.context = NULL, .fill = fill};
}
