/* Any text as the rule of a time zone: it is refused in words, or says of every time how far from
 * Greenwich the clocks there are, and finds its way back. */
#include "base/time_zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {0, -9000000000, 1774746000, 1792890000, 4102444800};
    struct sfe_time_zone zone;
    struct sfe_error err;
    const enum sfe_code code = sfe_time_zone_parse(sfe_slice_make(data, size), &zone, &err);

    require(code == SFE_OK || (code == SFE_E_SYNTAX && err.message[0] != '\0'));
    for (size_t i = 0; code == SFE_OK && i < sizeof(times) / sizeof(times[0]); i++) {
        const int32_t east = sfe_time_zone_at(&zone, times[i]);
        require(east == zone.standard_s || east == zone.daylight_s);
        const int64_t back = sfe_time_zone_unix(&zone, times[i] + east);
        require(back == times[i] || back + zone.standard_s == times[i] + east ||
                back + zone.daylight_s == times[i] + east);
    }
    return 0;
}
