#include "salesforce/limits.h"

#include "base/assert.h"
#include "salesforce/org_parts.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define FIRST_NS  (60 * SECOND_NS)
#define EVERY_NS  (3600 * SECOND_NS)
#define SELDOM_NS (24 * EVERY_NS)
/* Of a part this small, 24 calls a day are too many. */
#define PART_MIN     2400u
#define ANSWER_BYTES 16384u
#define TOKENS       2048u
#define STORAGE      "DataStorageMB"

size_t limits_memory_bytes(void)
{
    return sfe_arena_cost(ANSWER_BYTES) + sfe_arena_cost(TOKENS * sizeof(struct sfe_json_token));
}

uint32_t limits_read(struct sfe_slice body, struct sfe_json_token *tokens,
                     struct sfe_org_limit found[SFE_ORG_LIMITS_MAX])
{
    static const char *const names[SFE_ORG_LIMITS_MAX] = {"DailyApiRequests", "DailyBulkApiBatches",
                                                          "DailyBulkV2QueryJobs",
                                                          "HourlyPublishedPlatformEvents", STORAGE};
    struct sfe_json json;
    struct sfe_error ignored;
    uint32_t count = 0;

    if (sfe_json_parse(body, 0, tokens, TOKENS, &json, &ignored) != SFE_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < SFE_ORG_LIMITS_MAX; i++) {
        struct sfe_org_limit limit = {.name = names[i]};
        const uint32_t object = sfe_json_member(&json, 0, sfe_slice_text(names[i]));
        if (object != SFE_JSON_NONE &&
            sfe_json_read_count(&json, sfe_json_member(&json, object, SFE_TEXT("Max")),
                                &limit.max) &&
            sfe_json_read_count(&json, sfe_json_member(&json, object, SFE_TEXT("Remaining")),
                                &limit.left)) {
            found[count++] = limit;
        }
    }
    return count;
}

static void mind_storage(struct limits *limits, const struct sfe_org_limit *found, uint32_t count)
{
    bool is_full = false;

    for (uint32_t i = 0; i < count; i++) {
        is_full = is_full ||
                  (strcmp(found[i].name, STORAGE) == 0 && found[i].max != 0 && found[i].left == 0);
    }
    if (is_full && !limits->is_storage_full) {
        SFE_LOG(limits->org->options.log, SFE_WARNING,
                "the org's data storage is used up: records will be refused -> free or buy storage",
                sfe_text("connection", limits->org->options.name));
    }
    limits->is_storage_full = is_full;
}

static void take(struct limits *limits)
{
    struct sfe_org_limit found[SFE_ORG_LIMITS_MAX];
    struct sfe_org *org = limits->org;
    const uint32_t count =
        limits_read(sfe_builder_slice(&limits->answer_body), limits->tokens, found);

    mind_storage(limits, found, count);
    sfe_mutex_lock(org->mutex);
    memcpy(org->facts.limits, found, count * sizeof(found[0]));
    org->facts.limit_count = count;
    sfe_mutex_unlock(org->mutex);
}

/* What it does not say this time it says an hour later. */
static void on_answer(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct limits *limits = (struct limits *)owner;

    SFE_ASSERT(limits->is_under_way);
    limits->is_under_way = false;
    sfe_org_answered(limits->org, answer);
    if (answer->code == SFE_OK && answer->status == 200) {
        take(limits);
    }
}

static bool may_ask(struct limits *limits, uint64_t now_ns, uint64_t *until_ns)
{
    struct sfe_org *org = limits->org;

    return org->held_back == 0 && org->slowed == 0 &&
           budget_allows(&org->budget, SFE_ORG_ORDINARY, now_ns, until_ns) &&
           meter_allows(&org->meter, SFE_ORG_ORDINARY, now_ns, until_ns);
}

static void ask(struct limits *limits)
{
    char path[64];
    struct sfe_error err;
    const int length =
        snprintf(path, sizeof(path), "/services/data/%s/limits", sfe_org_api_version(limits->org));
    const struct sfe_org_request request = {.method = "GET",
                                            .path = path,
                                            .answer_body = &limits->answer_body,
                                            .owner = &limits->owner};

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(path));
    limits->is_under_way = sfe_org_begin(limits->org, &request, &err) == SFE_OK;
}

uint64_t limits_turn(struct limits *limits, uint64_t now_ns)
{
    const struct sfe_org *org = limits->org;
    const uint64_t daily = org->budget.calls.daily;
    uint64_t ignored = 0;

    if (!org->has_token || org->has_stopped || limits->is_under_way) {
        return UINT64_MAX; /* An answer will wake us. */
    }
    if (limits->due_ns == 0) {
        limits->due_ns = now_ns + FIRST_NS;
    }
    if (now_ns < limits->due_ns) {
        return limits->due_ns;
    }
    if (!may_ask(limits, now_ns, &ignored)) {
        limits->due_ns = now_ns + FIRST_NS;
        return limits->due_ns;
    }
    limits->due_ns = now_ns + (daily != 0 && daily < PART_MIN ? SELDOM_NS : EVERY_NS);
    ask(limits);
    return limits->due_ns;
}

enum sfe_code limits_open(struct limits *limits, struct sfe_org *org, struct sfe_arena *arena,
                          struct sfe_error *err)
{
    uint8_t *answer = sfe_arena_take(arena, ANSWER_BYTES, err);

    *limits = (struct limits){.owner = {.on_answer = on_answer}, .org = org};
    limits->tokens = sfe_arena_take(arena, TOKENS * sizeof(*limits->tokens), err);
    if (answer == NULL || limits->tokens == NULL) {
        return SFE_E_NO_MEMORY;
    }
    limits->answer_body = sfe_builder_make(answer, ANSWER_BYTES);
    return SFE_OK;
}

void limits_close(struct limits *limits)
{
    if (limits->is_under_way) {
        sfe_org_cancel(limits->org, &limits->owner);
        limits->is_under_way = false;
    }
}
