/* Whatever answers a log-in: a grant has a token and an address that is safe to carry it to; all
 * else is refused with what to do. */
#include "base/bytes.h"
#include "salesforce/oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check(uint16_t status, struct sfe_slice body)
{
    static uint8_t memory[OAUTH_TOKEN_BYTES_MAX];
    struct sfe_secret token = {memory, 0, sizeof(memory)};
    static uint8_t renewed_memory[64];
    struct sfe_secret renewed = {renewed_memory, 0, sizeof(renewed_memory)};
    struct oauth_grant grant = {.token = &token, .refresh_token = &renewed};
    struct sfe_error err;
    enum sfe_code code = oauth_read_answer(status, "application/json", body,
                                           "https://login.salesforce.com", &grant, &err);

    if (code == SFE_OK) {
        demand(status == 200, "only 200 grants");
        demand(token.size > 0 && token.size <= sizeof(memory), "a grant has a token");
        demand(strncasecmp(grant.instance_url, "https://", 8) == 0, "a grant has a safe address");
        demand(strnlen(grant.instance_url, OAUTH_URL_BYTES_MAX) < OAUTH_URL_BYTES_MAX,
               "an address ends");
        return;
    }
    demand(status == 200 || renewed.size == 0, "only a grant has a refresh token");
    demand(token.size == 0, "what is refused leaves no token");
    demand(code == err.code && (code == SFE_E_AUTH || code == SFE_E_PROTOCOL), "a refusal is told");
    demand(err.retry != SFE_RETRY_NEVER, "a log-in is never given up");
    demand(strnlen(err.message, sizeof(err.message)) < sizeof(err.message), "a message ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(200, sfe_slice_make(data, size));
    check(400, sfe_slice_make(data, size));
    check(503, sfe_slice_make(data, size));
    return 0;
}
