#include "salesforce/budget.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_S    3600
#define HOUR_NS   (3600 * SECOND_NS)
#define DAY_NS    (24 * HOUR_NS)
/* What the org told is old after this: one call is let through, and its answer tells anew. */
#define ASK_AGAIN_NS (900 * SECOND_NS)
#define MAGIC        0x43464553u /* "SEFC" */
#define VERSION      2u
#define BODY_BYTES   (16u + 2u * 8u * BUDGET_HOURS)
#define FILE_BYTES   (BODY_BYTES + 4u)

void budget_open(struct budget *budget, uint64_t daily_calls, uint64_t daily_bytes,
                 uint32_t reserve_percent, uint64_t now_ns)
{
    SFE_ASSERT(reserve_percent < 100);
    *budget = (struct budget){.calls = {.daily = daily_calls},
                              .bytes = {.daily = daily_bytes},
                              .reserve_percent = reserve_percent,
                              .hour_ns = now_ns};
}

static void pass_share(struct budget_share *share, uint64_t hours)
{
    for (; hours > 0; hours--) {
        memmove(share->hours + 1, share->hours, sizeof(share->hours) - sizeof(share->hours[0]));
        share->hours[0] = 0;
    }
}

static void pass(struct budget *budget, uint64_t now_ns)
{
    uint64_t hours = now_ns < budget->hour_ns ? 0 : (now_ns - budget->hour_ns) / HOUR_NS;

    budget->hour_ns += hours * HOUR_NS;
    if (hours > BUDGET_HOURS) {
        hours = BUDGET_HOURS;
    }
    pass_share(&budget->calls, hours);
    pass_share(&budget->bytes, hours);
}

static uint64_t used_of(const struct budget_share *share)
{
    uint64_t used = 0;

    for (uint32_t i = 0; i < BUDGET_HOURS; i++) {
        used += share->hours[i];
    }
    return used;
}

uint64_t budget_used(struct budget *budget, uint64_t now_ns)
{
    pass(budget, now_ns);
    return used_of(&budget->calls);
}

uint64_t budget_used_bytes(struct budget *budget, uint64_t now_ns)
{
    pass(budget, now_ns);
    return used_of(&budget->bytes);
}

uint64_t budget_forecast(struct budget *budget, uint64_t now_ns)
{
    const uint64_t *hours = budget->calls.hours;

    pass(budget, now_ns);
    uint64_t passed_ns = now_ns - budget->hour_ns;
    uint64_t last_hour = hours[0] + hours[1] * ((HOUR_NS - passed_ns) / SECOND_NS) / HOUR_S;

    return 24 * last_hour;
}

static uint64_t end_of(uint64_t used, uint64_t limit, uint64_t per_day)
{
    if (limit == 0 || per_day == 0) {
        return 0;
    }
    const uint64_t left = used < limit ? limit - used : 0;
    const uint64_t end_s = left >= per_day ? 0 : left * 24 * HOUR_S / per_day;

    return end_s == 0 && left < per_day ? 1 : end_s;
}

uint64_t budget_end_s(struct budget *budget, uint64_t now_ns)
{
    const uint64_t per_day = budget_forecast(budget, now_ns);
    const uint64_t ours = end_of(budget_used(budget, now_ns), budget->calls.daily, per_day);
    const uint64_t orgs = end_of(budget->org_used, budget->org_limit, per_day);

    return ours == 0 || (orgs != 0 && orgs < ours) ? orgs : ours;
}

/* What somebody with this need may use of `whole`. */
static uint64_t allowed_of(const struct budget *budget, uint64_t whole, enum sfe_org_need need)
{
    const uint64_t percent = 100 - budget->reserve_percent;

    return need == SFE_ORG_ORDINARY ? whole / 100 * percent + whole % 100 * percent / 100 : whole;
}

/* Of the gateway's own part of bytes. */
static bool bytes_allow(struct budget *budget, enum sfe_org_need need, uint64_t now_ns,
                        uint64_t *until_ns)
{
    if (budget->bytes.daily == 0 ||
        budget_used_bytes(budget, now_ns) < allowed_of(budget, budget->bytes.daily, need)) {
        return true;
    }
    *until_ns = budget->hour_ns + HOUR_NS; /* Then the oldest hour is over. */
    return false;
}

/* Of the gateway's own part of calls. */
static bool calls_allow(struct budget *budget, enum sfe_org_need need, uint64_t now_ns,
                        uint64_t *until_ns)
{
    uint64_t allowed = allowed_of(budget, budget->calls.daily, need);
    uint64_t used = budget_used(budget, now_ns);

    if (budget->calls.daily == 0) {
        return true;
    }
    if (used >= allowed) {
        *until_ns = budget->hour_ns + HOUR_NS;
        return false;
    }
    if (need != SFE_ORG_ORDINARY || used * 2 < allowed || budget->ordinary_ns == 0) {
        return true;
    }
    uint64_t spacing_ns = DAY_NS / (2 * (allowed - used));
    if (spacing_ns > HOUR_NS) {
        spacing_ns = HOUR_NS;
    }
    *until_ns = budget->ordinary_ns + spacing_ns;
    return now_ns >= *until_ns;
}

bool budget_allows(struct budget *budget, enum sfe_org_need need, uint64_t now_ns,
                   uint64_t *until_ns)
{
    if (need != SFE_ORG_PAST_SHARE && (!bytes_allow(budget, need, now_ns, until_ns) ||
                                       !calls_allow(budget, need, now_ns, until_ns))) {
        return false;
    }
    if (need == SFE_ORG_ORDINARY && budget->org_limit != 0 &&
        budget->org_used >= allowed_of(budget, budget->org_limit, need) &&
        now_ns < budget->told_ns + ASK_AGAIN_NS) {
        *until_ns = budget->told_ns + ASK_AGAIN_NS;
        return false;
    }
    return true;
}

bool budget_is_scarce(struct budget *budget, enum sfe_org_need need, uint64_t now_ns)
{
    const uint64_t ours = allowed_of(budget, budget->calls.daily, need);
    const uint64_t orgs = allowed_of(budget, budget->org_limit, need);

    return (budget->calls.daily != 0 && budget_used(budget, now_ns) >= ours / 2) ||
           (budget->org_limit != 0 && budget->org_used >= orgs / 4 * 3);
}

void budget_count(struct budget *budget, enum sfe_org_need need, uint64_t now_ns)
{
    pass(budget, now_ns);
    budget->calls.hours[0]++;
    budget->calls.unkept++;
    if (need == SFE_ORG_ORDINARY) {
        budget->ordinary_ns = now_ns;
        if (now_ns >= budget->told_ns + ASK_AGAIN_NS) {
            budget->told_ns = now_ns; /* This one asks; the others wait for its answer. */
        }
    }
}

void budget_count_bytes(struct budget *budget, uint64_t bytes, uint64_t now_ns)
{
    pass(budget, now_ns);
    budget->bytes.hours[0] += bytes;
    budget->bytes.unkept += bytes;
}

void budget_told(struct budget *budget, uint64_t used, uint64_t limit, uint64_t now_ns)
{
    budget->org_used = used;
    budget->org_limit = limit;
    budget->told_ns = now_ns;
}

static uint64_t bytes_step(const struct budget *budget)
{
    return budget->bytes.daily / BUDGET_STEPS + 1;
}

bool budget_is_kept(const struct budget *budget)
{
    return budget->calls.daily != 0 || budget->bytes.daily != 0;
}

bool budget_is_due(const struct budget *budget)
{
    return (budget->calls.daily != 0 && budget->calls.unkept >= BUDGET_STEP) ||
           (budget->bytes.daily != 0 && budget->bytes.unkept >= bytes_step(budget));
}

static void write_hours(const struct budget_share *share, struct sfe_builder *out)
{
    for (uint32_t i = 0; i < BUDGET_HOURS; i++) {
        sfe_builder_add_u64le(out, share->hours[i]);
    }
}

void budget_write(const struct budget *budget, int64_t unix_s, struct sfe_builder *out)
{
    size_t begin = out->size;

    sfe_builder_add_u32le(out, MAGIC);
    sfe_builder_add_u16le(out, VERSION);
    sfe_builder_add_u16le(out, BUDGET_HOURS);
    sfe_builder_add_u64le(out, (uint64_t)unix_s);
    write_hours(&budget->calls, out);
    write_hours(&budget->bytes, out);
    SFE_ASSERT(!out->overflowed);
    sfe_builder_add_u32le(out,
                          sfe_crc32c(0, sfe_slice_make(out->bytes + begin, out->size - begin)));
    SFE_ASSERT(!out->overflowed);
}

static void read_hours(struct sfe_reader *reader, struct budget_share *share, uint64_t hours,
                       uint64_t step)
{
    for (uint32_t i = 0; i < BUDGET_HOURS; i++) {
        uint64_t used = sfe_reader_u64le(reader) + (i == 0 ? step : 0);
        if (i + hours < BUDGET_HOURS) {
            share->hours[i + hours] += used;
        }
    }
}

bool budget_read(struct budget *budget, struct sfe_slice bytes, int64_t unix_s)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    uint32_t magic = sfe_reader_u32le(&reader);
    uint16_t version = sfe_reader_u16le(&reader);
    uint16_t count = sfe_reader_u16le(&reader);
    int64_t then_s = (int64_t)sfe_reader_u64le(&reader);
    uint64_t hours = 0;

    if (bytes.size != FILE_BYTES || magic != MAGIC || version != VERSION || count != BUDGET_HOURS) {
        return false;
    }
    struct sfe_reader end = sfe_reader_make(sfe_slice_part(bytes, BODY_BYTES, 4));
    if (sfe_reader_u32le(&end) != sfe_crc32c(0, sfe_slice_part(bytes, 0, BODY_BYTES))) {
        return false;
    }
    if (unix_s > 0 && then_s > 0 && unix_s > then_s) {
        hours = (uint64_t)(unix_s - then_s) / HOUR_S;
    }
    read_hours(&reader, &budget->calls, hours, BUDGET_STEP);
    read_hours(&reader, &budget->bytes, hours, bytes_step(budget));
    return true;
}
