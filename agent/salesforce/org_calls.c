/* What an org's calls cost, and who may make them. */
#include "salesforce/org_parts.h"

#include "base/hash.h"
#include "stream/kept_file.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_NS  INT64_C(1000000000)
#define NAME_BYTES 24u

static void make_name(const struct sfe_org *org, char name[NAME_BYTES])
{
    (void)snprintf(name, NAME_BYTES, "calls.%016" PRIx64,
                   sfe_hash64(0, sfe_slice_text(org->options.name)));
}

static int64_t time_of_day_s(const struct sfe_org *org)
{
    const struct sfe_clock *clock = org->options.clock;
    int64_t unix_ns = 0;

    return clock->wall_ns(clock->context, &unix_ns) == SFE_CLOCK_UNSET ? 0 : unix_ns / SECOND_NS;
}

static bool is_kept(const struct sfe_org *org)
{
    return org->budget.daily_calls != 0 && org->options.storage != NULL;
}

/* Once, and not before the first call: the org before a reload may count until then. */
static void load(struct sfe_org *org)
{
    uint8_t memory[BUDGET_BYTES_MAX];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));
    char name[NAME_BYTES];
    struct sfe_error err;

    if (org->has_calls || !is_kept(org)) {
        return;
    }
    org->has_calls = true;
    make_name(org, name);
    enum sfe_code code = kept_file_read(org->options.storage, name, &bytes, &err);
    if (code == SFE_OK &&
        !budget_read(&org->budget, sfe_builder_slice(&bytes), time_of_day_s(org))) {
        code = sfe_fail(&err, SFE_E_CORRUPT, "%s is damaged", name);
    }
    if (code != SFE_OK && code != SFE_E_NOT_FOUND) {
        sfe_log_error(org->options.log, SFE_WARNING, "the count of API calls begins anew", &err);
    }
}

static void tell(struct sfe_org *org, uint64_t now_ns)
{
    uint64_t used = budget_used(&org->budget, now_ns);
    uint64_t forecast = budget_forecast(&org->budget, now_ns);

    sfe_mutex_lock(org->mutex);
    org->facts.calls_of_day = used;
    org->facts.calls_forecast = forecast;
    org->facts.is_held_back = org->held_back != 0;
    sfe_mutex_unlock(org->mutex);
}

bool sfe_org_may_call(struct sfe_org *org, enum sfe_org_need need, uint64_t now_ns,
                      uint64_t *until_ns)
{
    const uint32_t bit = 1u << need;
    const bool was_held_back = (org->held_back & bit) != 0;

    load(org);
    bool may_call = budget_allows(&org->budget, need, now_ns, until_ns);
    if (may_call == was_held_back) {
        org->held_back ^= bit;
        tell(org, now_ns);
    }
    return may_call;
}

void org_count_call(struct sfe_org *org, enum sfe_org_need need)
{
    const uint64_t now_ns = sfe_org_now_ns(org);
    struct sfe_builder bytes = sfe_builder_make(org->calls_bytes, sizeof(org->calls_bytes));
    bool is_due = false;

    load(org);
    budget_count(&org->budget, need, now_ns);
    tell(org, now_ns);
    if (is_kept(org) && org->budget.unkept >= BUDGET_STEP) {
        org->budget.unkept = 0;
        sfe_mutex_lock(org->mutex);
        budget_write(&org->budget, time_of_day_s(org), &bytes);
        org->calls_size = bytes.size;
        is_due = true;
        sfe_mutex_unlock(org->mutex);
    }
    if (is_due && org->options.on_keep != NULL) {
        org->options.on_keep(org->options.owner);
    }
}

/* A count that cannot be written is written with the next step. */
void org_keep_calls(struct sfe_org *org)
{
    uint8_t memory[BUDGET_BYTES_MAX];
    char name[NAME_BYTES];
    struct sfe_error err;
    size_t size;

    sfe_mutex_lock(org->mutex);
    size = org->calls_size;
    org->calls_size = 0;
    memcpy(memory, org->calls_bytes, sizeof(memory));
    sfe_mutex_unlock(org->mutex);
    make_name(org, name);
    if (size != 0 &&
        kept_file_write(org->options.storage, name, sfe_slice_make(memory, size), &err) != SFE_OK) {
        sfe_log_error(org->options.log, SFE_WARNING, "cannot keep the count of API calls", &err);
    }
}
