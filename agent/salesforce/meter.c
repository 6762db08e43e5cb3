#include "salesforce/meter.h"

#define SECOND_NS UINT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
/* Who waits with a priority asks again within this, or waits no longer. */
#define PATIENCE_NS SECOND_NS
/* The others ask again while it has the word. */
#define GIVE_WAY_NS (SECOND_NS / 20)
/* 16 GiB: no sum below overflows. */
#define CHARGE_MAX (UINT64_C(1) << 34)

void meter_open(struct meter *meter, uint32_t calls_per_minute, uint32_t bytes_per_second)
{
    *meter =
        (struct meter){.calls_per_minute = calls_per_minute, .bytes_per_second = bytes_per_second};
}

bool meter_allows(struct meter *meter, enum sfe_org_need need, uint64_t now_ns, uint64_t *until_ns)
{
    const uint64_t free_ns = meter->call_ns > meter->paid_ns ? meter->call_ns : meter->paid_ns;

    if (need != SFE_ORG_ORDINARY) {
        meter->priority_ns = now_ns < free_ns ? free_ns + PATIENCE_NS : 0;
    }
    if (now_ns < free_ns) {
        *until_ns = free_ns;
        return false;
    }
    if (need == SFE_ORG_ORDINARY && now_ns < meter->priority_ns) {
        *until_ns = now_ns + GIVE_WAY_NS;
        return false;
    }
    return true;
}

static void push(uint64_t *free_ns, uint64_t now_ns, uint64_t more_ns)
{
    *free_ns = (*free_ns > now_ns ? *free_ns : now_ns) + more_ns;
}

void meter_count_call(struct meter *meter, uint64_t now_ns)
{
    if (meter->calls_per_minute != 0) {
        push(&meter->call_ns, now_ns, MINUTE_NS / meter->calls_per_minute);
    }
}

void meter_count_bytes(struct meter *meter, uint64_t bytes, uint64_t now_ns)
{
    bytes = bytes < CHARGE_MAX ? bytes : CHARGE_MAX;
    if (meter->bytes_per_second != 0) {
        push(&meter->paid_ns, now_ns, bytes * SECOND_NS / meter->bytes_per_second);
    }
}

uint32_t meter_bytes_per_second(const struct meter *meter, bool is_large)
{
    return is_large ? meter->bytes_per_second - meter->bytes_per_second / 4
                    : meter->bytes_per_second;
}

uint64_t meter_duration_ms(const struct meter *meter, uint64_t bytes)
{
    const uint32_t slowest = meter_bytes_per_second(meter, true);

    bytes = bytes < CHARGE_MAX ? bytes : CHARGE_MAX;
    return slowest == 0 ? 0 : bytes * 1000 / slowest;
}
