#include "status/wear.h"

#include "base/assert.h"

#define SECOND_NS       UINT64_C(1000000000)
#define DAY_S           UINT64_C(86400)
#define MINUTES_PER_DAY UINT64_C(1440)
/* Before that what the start itself writes would be taken for what each minute writes. */
#define AVERAGE_S_MIN UINT64_C(3600)

static uint64_t per_thousand(uint64_t count, uint64_t of)
{
    return of == 0 ? 0 : (count * 1000u + of - 1u) / of;
}

static uint64_t per_day(uint64_t bytes, uint64_t uptime_ns)
{
    const uint64_t seconds = uptime_ns / SECOND_NS;

    if (seconds < AVERAGE_S_MIN) {
        return 0;
    }
    /* Whole and rest apart: the product of all may not fit. */
    return bytes / seconds * DAY_S + bytes % seconds * DAY_S / seconds;
}

static uint64_t life_days(const struct sfe_wear_facts *facts, uint64_t bytes_per_day)
{
    if (facts->flash_bytes == 0 || facts->flash_cycles == 0 || bytes_per_day == 0) {
        return 0;
    }
    SFE_ASSERT(facts->flash_bytes <= UINT64_MAX / facts->flash_cycles);
    const uint64_t days = facts->flash_bytes * facts->flash_cycles / bytes_per_day;
    return days < SFE_WEAR_DAYS_MAX ? days : SFE_WEAR_DAYS_MAX;
}

void sfe_wear_project(const struct sfe_wear_facts *facts, struct sfe_wear *wear)
{
    wear->syncs_per_thousand_events = per_thousand(facts->syncs, facts->events);
    wear->bytes_per_thousand_payload = per_thousand(facts->written_bytes, facts->payload_bytes);
    wear->bytes_per_day = facts->last_minute_bytes * MINUTES_PER_DAY;
    wear->average_bytes_per_day = per_day(facts->written_bytes, facts->uptime_ns);
    wear->life_days = life_days(facts, wear->average_bytes_per_day);
}
