/* Any bytes as what an org says of its limits: at most those that matter are found, each once. */
#include "salesforce/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[2048];
    struct sfe_org_limit found[SFE_ORG_LIMITS_MAX];
    const uint32_t count = limits_read(sfe_slice_make(data, size), tokens, found);

    if (count > SFE_ORG_LIMITS_MAX) {
        abort();
    }
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(found[i - 1].name, found[i].name) == 0) {
            abort();
        }
    }
    return 0;
}
