/* What an org's calls cost, and who may make them. */
#include "salesforce/org_parts.h"

#include "base/assert.h"
#include "base/hash.h"
#include "stream/kept_file.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_NS  INT64_C(1000000000)
#define NAME_BYTES 24u
/* A request on a slow link may take so much longer at most. */
#define EXTRA_MS_MAX 3600000u
/* What CSV is about when it is compressed. */
#define SMALLER_BY 4u

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
    return budget_is_kept(&org->budget) && org->options.storage != NULL;
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
    uint64_t bytes = budget_used_bytes(&org->budget, now_ns);
    uint64_t end_s = budget_end_s(&org->budget, now_ns);

    sfe_mutex_lock(org->mutex);
    org->facts.calls_of_day = used;
    org->facts.calls_forecast = forecast;
    org->facts.bytes_of_day = bytes;
    org->facts.calls_end_s = end_s;
    org->facts.is_held_back = org->held_back != 0;
    org->facts.is_slowed = org->slowed != 0;
    sfe_mutex_unlock(org->mutex);
}

/* Sets or clears the bit of `need`; true where it was the other before. */
static bool mark(uint32_t *bits, enum sfe_org_need need, bool is_waiting)
{
    const uint32_t before = *bits;

    *bits = is_waiting ? before | 1u << need : before & ~(1u << need);
    return *bits != before;
}

bool sfe_org_may_call(struct sfe_org *org, enum sfe_org_need need, uint64_t now_ns,
                      uint64_t *until_ns)
{
    load(org);
    const bool is_held = !budget_allows(&org->budget, need, now_ns, until_ns);
    const bool is_slow = !is_held && !meter_allows(&org->meter, need, now_ns, until_ns);
    const bool has_changed = mark(&org->held_back, need, is_held);

    if (mark(&org->slowed, need, is_slow) || has_changed) {
        tell(org, now_ns);
    }
    return !is_held && !is_slow;
}

bool sfe_org_is_scarce(struct sfe_org *org, enum sfe_org_need need)
{
    return budget_is_scarce(&org->budget, need, sfe_org_now_ns(org));
}

/* Gives the counts to flash, where a step of them is over. */
static void keep(struct sfe_org *org)
{
    struct sfe_builder bytes = sfe_builder_make(org->calls_bytes, sizeof(org->calls_bytes));

    if (!is_kept(org) || !budget_is_due(&org->budget)) {
        return;
    }
    load(org);
    org->budget.calls.unkept = 0;
    org->budget.bytes.unkept = 0;
    sfe_mutex_lock(org->mutex);
    budget_write(&org->budget, time_of_day_s(org), &bytes);
    org->calls_size = bytes.size;
    sfe_mutex_unlock(org->mutex);
    if (org->options.on_keep != NULL) {
        org->options.on_keep(org->options.owner);
    }
}

void org_count_call(struct sfe_org *org, enum sfe_org_need need)
{
    const uint64_t now_ns = sfe_org_now_ns(org);

    load(org);
    budget_count(&org->budget, need, now_ns);
    meter_count_call(&org->meter, now_ns);
    tell(org, now_ns);
    keep(org);
}

void org_count_login(struct sfe_org *org)
{
    meter_count_call(&org->meter, sfe_org_now_ns(org));
}

static void count_bytes(struct sfe_org *org, uint64_t bytes)
{
    const uint64_t now_ns = sfe_org_now_ns(org);

    budget_count_bytes(&org->budget, bytes, now_ns);
    meter_count_bytes(&org->meter, bytes, now_ns);
    keep(org);
}

static enum sfe_code read_upload(void *context, uint8_t *bytes, size_t capacity, size_t *got)
{
    struct sfe_org *org = context;
    const struct sfe_http_body *whole = org->whole_upload;
    enum sfe_code code = whole->read(whole->context, bytes, capacity, got);

    if (code == SFE_OK) {
        SFE_ASSERT(org->large != NULL);
        org->large->charged_bytes += *got;
        count_bytes(org, *got);
    }
    return code;
}

/* It comes decompressed: the meter is charged a guess, and what is left of the truth at the end. */
static enum sfe_code take_download(void *context, struct sfe_slice bytes)
{
    struct sfe_org *org = context;

    org->guessed_bytes += bytes.size / SMALLER_BY;
    meter_count_bytes(&org->meter, bytes.size / SMALLER_BY, sfe_org_now_ns(org));
    return org->whole_sink->take(org->whole_sink->context, bytes);
}

static bool is_large(const struct sfe_http_request *request)
{
    return request->upload != NULL || request->sink != NULL;
}

enum sfe_code org_measure(struct sfe_org *org, struct sfe_http_request *request,
                          struct sfe_error *err)
{
    struct sfe_http_owner *owner = request->tag;
    const bool is_metered = org->options.bytes_per_second != 0 || org->options.daily_bytes != 0;
    const uint64_t bytes = request->body.size + request->answer_body->capacity +
                           (request->upload == NULL ? 0 : request->upload->size);

    owner->charged_bytes = 0;
    if (!is_metered) {
        return SFE_OK;
    }
    if (is_large(request) && org->large != NULL) {
        return sfe_fail(err, SFE_E_FULL, "the metered link carries another large body");
    }
    if (is_large(request)) {
        org->large = owner;
        org->guessed_bytes = 0;
    }
    request->bytes_per_second_max = meter_bytes_per_second(&org->meter, is_large(request));
    uint64_t extra_ms = meter_duration_ms(&org->meter, bytes);
    request->total_timeout_ms += (uint32_t)(extra_ms < EXTRA_MS_MAX ? extra_ms : EXTRA_MS_MAX);
    if (request->upload != NULL) {
        org->whole_upload = request->upload;
        org->upload = (struct sfe_http_body){org, request->upload->size, read_upload};
        request->upload = &org->upload;
    }
    if (request->sink != NULL) {
        org->whole_sink = request->sink;
        org->sink = (struct sfe_http_sink){org, take_download};
        request->sink = &org->sink;
    }
    return SFE_OK;
}

void org_charge_begin(struct sfe_org *org, const struct sfe_http_request *request,
                      struct sfe_http_owner *owner)
{
    owner->charged_bytes += request->body.size;
    count_bytes(org, request->body.size);
}

void org_charge_end(struct sfe_org *org, struct sfe_http_owner *owner,
                    const struct sfe_http_answer *answer)
{
    uint64_t guessed_bytes = 0;

    if (org->large == owner) {
        org->large = NULL;
        guessed_bytes = org->guessed_bytes;
    }
    if (answer == NULL) {
        return;
    }
    const uint64_t now_ns = sfe_org_now_ns(org);
    const uint64_t bytes = answer->sent_bytes + answer->received_bytes;
    const uint64_t more = bytes > owner->charged_bytes ? bytes - owner->charged_bytes : 0;
    budget_count_bytes(&org->budget, more, now_ns);
    meter_count_bytes(&org->meter, more > guessed_bytes ? more - guessed_bytes : 0, now_ns);
    keep(org);
    sfe_mutex_lock(org->mutex);
    org->facts.sent_bytes += answer->sent_bytes;
    org->facts.received_bytes += answer->received_bytes;
    sfe_mutex_unlock(org->mutex);
    tell(org, now_ns);
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
