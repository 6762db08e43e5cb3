#include "target/http_verdict.h"

static enum sfe_http_fate usual(uint32_t status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return SFE_HTTP_STOP;
    case 408:
    case 425:
    case 429:
        return SFE_HTTP_TARGET_AGAIN;
    default:
        break;
    }
    switch (status / 100u) {
    case 2:
        return SFE_HTTP_DONE;
    case 3:
        return SFE_HTTP_STOP;
    case 4:
        return SFE_HTTP_DEAD;
    default:
        return SFE_HTTP_TARGET_AGAIN;
    }
}

void sfe_http_settle_make(struct sfe_http_settle *settle)
{
    for (uint32_t status = SFE_HTTP_STATUS_MIN; status <= SFE_HTTP_STATUS_MAX; status++) {
        settle->fates[status - SFE_HTTP_STATUS_MIN] = (uint8_t)usual(status);
    }
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

bool sfe_http_settle_set(struct sfe_http_settle *settle, struct sfe_slice status,
                         enum sfe_http_fate fate)
{
    const uint8_t *text = status.bytes;

    if (status.size != 3 || text[0] < '1' || text[0] > '5') {
        return false;
    }
    const uint32_t hundred = (uint32_t)(text[0] - '1') * 100u;
    if (text[1] == 'x' && text[2] == 'x') {
        memset(settle->fates + hundred, (int)fate, 100u);
        return true;
    }
    if (!is_digit(text[1]) || !is_digit(text[2])) {
        return false;
    }
    settle->fates[hundred + (uint32_t)(text[1] - '0') * 10u + (uint32_t)(text[2] - '0')] =
        (uint8_t)fate;
    return true;
}

enum sfe_http_fate sfe_http_settle_find(const struct sfe_http_settle *settle, uint16_t status)
{
    if (status < SFE_HTTP_STATUS_MIN || status > SFE_HTTP_STATUS_MAX) {
        return SFE_HTTP_TARGET_AGAIN;
    }
    return (enum sfe_http_fate)settle->fates[status - SFE_HTTP_STATUS_MIN];
}
