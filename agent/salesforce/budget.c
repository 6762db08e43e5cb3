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
#define VERSION      1u
#define BODY_BYTES   (16u + 4u * BUDGET_HOURS)
#define FILE_BYTES   (BODY_BYTES + 4u)

void budget_open(struct budget *budget, uint32_t daily_calls, uint32_t reserve_percent,
                 uint64_t now_ns)
{
    SFE_ASSERT(reserve_percent < 100);
    *budget = (struct budget){
        .daily_calls = daily_calls, .reserve_percent = reserve_percent, .hour_ns = now_ns};
}

static void pass(struct budget *budget, uint64_t now_ns)
{
    uint64_t hours = now_ns < budget->hour_ns ? 0 : (now_ns - budget->hour_ns) / HOUR_NS;

    budget->hour_ns += hours * HOUR_NS;
    if (hours > BUDGET_HOURS) {
        hours = BUDGET_HOURS;
    }
    for (; hours > 0; hours--) {
        memmove(budget->hours + 1, budget->hours, sizeof(budget->hours) - sizeof(budget->hours[0]));
        budget->hours[0] = 0;
    }
}

uint64_t budget_used(struct budget *budget, uint64_t now_ns)
{
    uint64_t used = 0;

    pass(budget, now_ns);
    for (uint32_t i = 0; i < BUDGET_HOURS; i++) {
        used += budget->hours[i];
    }
    return used;
}

uint64_t budget_forecast(struct budget *budget, uint64_t now_ns)
{
    pass(budget, now_ns);
    uint64_t passed_ns = now_ns - budget->hour_ns;
    uint64_t last_hour =
        budget->hours[0] + budget->hours[1] * ((HOUR_NS - passed_ns) / SECOND_NS) / HOUR_S;

    return 24 * last_hour;
}

/* Of the gateway's own part. */
static bool share_allows(struct budget *budget, enum sfe_org_need need, uint64_t now_ns,
                         uint64_t *until_ns)
{
    uint64_t allowed = budget->daily_calls;
    uint64_t used = budget_used(budget, now_ns);

    if (need == SFE_ORG_ORDINARY) {
        allowed = allowed * (100 - budget->reserve_percent) / 100;
    }
    if (used >= allowed) {
        *until_ns = budget->hour_ns + HOUR_NS; /* Then the oldest hour is over. */
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
    if (budget->daily_calls != 0 && need != SFE_ORG_PAST_SHARE &&
        !share_allows(budget, need, now_ns, until_ns)) {
        return false;
    }
    if (need == SFE_ORG_ORDINARY && budget->org_limit != 0 &&
        budget->org_used >= budget->org_limit / 100 * (100 - budget->reserve_percent) +
                                budget->org_limit % 100 * (100 - budget->reserve_percent) / 100 &&
        now_ns < budget->told_ns + ASK_AGAIN_NS) {
        *until_ns = budget->told_ns + ASK_AGAIN_NS;
        return false;
    }
    return true;
}

void budget_count(struct budget *budget, enum sfe_org_need need, uint64_t now_ns)
{
    pass(budget, now_ns);
    budget->hours[0]++;
    budget->unkept++;
    if (need == SFE_ORG_ORDINARY) {
        budget->ordinary_ns = now_ns;
        if (now_ns >= budget->told_ns + ASK_AGAIN_NS) {
            budget->told_ns = now_ns; /* This one asks; the others wait for its answer. */
        }
    }
}

void budget_told(struct budget *budget, uint64_t used, uint64_t limit, uint64_t now_ns)
{
    budget->org_used = used;
    budget->org_limit = limit;
    budget->told_ns = now_ns;
}

void budget_write(const struct budget *budget, int64_t unix_s, struct sfe_builder *out)
{
    size_t begin = out->size;

    sfe_builder_add_u32le(out, MAGIC);
    sfe_builder_add_u16le(out, VERSION);
    sfe_builder_add_u16le(out, BUDGET_HOURS);
    sfe_builder_add_u64le(out, (uint64_t)unix_s);
    for (uint32_t i = 0; i < BUDGET_HOURS; i++) {
        sfe_builder_add_u32le(out, budget->hours[i]);
    }
    SFE_ASSERT(!out->overflowed);
    sfe_builder_add_u32le(out,
                          sfe_crc32c(0, sfe_slice_make(out->bytes + begin, out->size - begin)));
    SFE_ASSERT(!out->overflowed);
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
    for (uint32_t i = 0; i < BUDGET_HOURS; i++) {
        uint32_t calls = sfe_reader_u32le(&reader) + (i == 0 ? BUDGET_STEP : 0);
        if (i + hours < BUDGET_HOURS) {
            budget->hours[i + hours] += calls;
        }
    }
    return true;
}
