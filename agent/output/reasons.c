#include "output/reasons.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdbool.h>
#include <string.h>

/* Places for reasons without words: more codes than an org has for one object. */
#define WORDLESS_MAX 64u

struct reason {
    struct sfe_error err;
    uint32_t users; /* 0: the place is free. */
};

struct sfe_reasons {
    struct reason *all; /* Those with words, those without, and one for what is beyond both. */
    uint32_t kept_max;
};

static uint32_t place_count(uint32_t kept_max)
{
    return kept_max + WORDLESS_MAX + 1u;
}

size_t sfe_reasons_memory_bytes(uint32_t kept_max)
{
    return sfe_arena_cost(sizeof(struct sfe_reasons)) +
           sfe_arena_cost(place_count(kept_max) * sizeof(struct reason));
}

struct sfe_reasons *sfe_reasons_open(uint32_t kept_max, struct sfe_arena *arena,
                                     struct sfe_error *err)
{
    struct sfe_reasons *reasons = sfe_arena_take(arena, sizeof(*reasons), err);
    struct reason *all =
        reasons == NULL ? NULL
                        : sfe_arena_take(arena, place_count(kept_max) * sizeof(struct reason), err);

    if (all == NULL) {
        return NULL;
    }
    *reasons = (struct sfe_reasons){.all = all, .kept_max = kept_max};
    return reasons;
}

static bool is_same(const struct sfe_error *a, const struct sfe_error *b)
{
    return a->code == b->code && a->retry == b->retry && a->http_status == b->http_status &&
           strcmp(a->api_code, b->api_code) == 0 && strcmp(a->pointer, b->pointer) == 0 &&
           strcmp(a->where, b->where) == 0 && strcmp(a->message, b->message) == 0;
}

/* The place of the same reason among [begin, end), or a free one, which it then takes; `end` where
 * there is neither. */
static uint32_t find(struct sfe_reasons *reasons, uint32_t begin, uint32_t end,
                     const struct sfe_error *reason)
{
    uint32_t free_place = end;

    for (uint32_t i = begin; i < end; i++) {
        const struct reason *one = &reasons->all[i];
        if (one->users > 0 && is_same(&one->err, reason)) {
            return i;
        }
        if (one->users == 0 && free_place == end) {
            free_place = i;
        }
    }
    if (free_place != end) {
        reasons->all[free_place].err = *reason;
    }
    return free_place;
}

static void drop_words(struct sfe_error *reason)
{
    const struct sfe_error whole = *reason;

    (void)sfe_fail(reason, whole.code, "too many events fail in too many ways to keep the words");
    (void)sfe_error_api(reason, whole.http_status, whole.api_code, whole.retry);
}

uint32_t sfe_reasons_keep(struct sfe_reasons *reasons, const struct sfe_error *reason)
{
    const uint32_t last = reasons->kept_max + WORDLESS_MAX;
    uint32_t place = find(reasons, 0, reasons->kept_max, reason);

    if (place == reasons->kept_max) {
        struct sfe_error wordless = *reason;
        drop_words(&wordless);
        place = find(reasons, reasons->kept_max, last, &wordless);
    }
    if (place == last && reasons->all[last].users == 0) {
        (void)sfe_fail(&reasons->all[last].err, reason->code, "too many events fail in other ways");
        reasons->all[last].err.retry = SFE_RETRY_LATER;
    }
    reasons->all[place].users++;
    return place;
}

const struct sfe_error *sfe_reasons_at(const struct sfe_reasons *reasons, uint32_t place)
{
    SFE_ASSERT(place < place_count(reasons->kept_max) && reasons->all[place].users > 0);
    return &reasons->all[place].err;
}

void sfe_reasons_drop(struct sfe_reasons *reasons, uint32_t place)
{
    SFE_ASSERT(place < place_count(reasons->kept_max) && reasons->all[place].users > 0);
    reasons->all[place].users--;
}

void sfe_reasons_clear(struct sfe_reasons *reasons)
{
    for (uint32_t i = 0; i < place_count(reasons->kept_max); i++) {
        reasons->all[i].users = 0;
    }
}
