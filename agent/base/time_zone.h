/* Zones with daylight saving, as POSIX writes them in TZ (IEEE Std 1003.1, section 8.3):
 * "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<+0530>-5:30". Pure; any thread. */
#ifndef SFE_BASE_TIME_ZONE_H
#define SFE_BASE_TIME_ZONE_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

/* When the clocks are changed each year, by the time shown before. */
struct sfe_time_change {
    enum { SFE_CHANGE_WEEK, SFE_CHANGE_DAY, SFE_CHANGE_LEAP_DAY } kind;
    int32_t month, week; /* WEEK: 1 to 12; 1 to 5, the last. */
    int32_t day;    /* WEEK: 0, Sunday, to 6. DAY: 1 to 365, without 29 February. LEAP_DAY: 0 to
                       365, with it. */
    int32_t second; /* Of that day; may lie on another. */
};

struct sfe_time_zone {
    int32_t standard_s; /* East of Greenwich. */
    int32_t daylight_s;
    bool has_daylight;
    struct sfe_time_change begin, end; /* Of daylight saving. */
};

/* Reads a zone's text; without rules the clocks change as in the United States. SFE_E_SYNTAX. */
SFE_MUST_USE enum sfe_code sfe_time_zone_parse(struct sfe_slice text, struct sfe_time_zone *zone,
                                               struct sfe_error *err);

/* Seconds east of Greenwich at a time, since 1970. */
int32_t sfe_time_zone_at(const struct sfe_time_zone *zone, int64_t unix_s);

/* The time, since 1970, when clocks there show `local_s` (as seconds since 1970 in Greenwich). Of
 * an hour that comes twice the first; one that is left out is counted on from before. */
int64_t sfe_time_zone_unix(const struct sfe_time_zone *zone, int64_t local_s);

#endif
