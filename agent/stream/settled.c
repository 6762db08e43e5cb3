#include "stream/settled.h"

#include "base/assert.h"

#include <string.h>

bool sfe_settled_has(const struct sfe_cursor *cursor, uint64_t sequence)
{
    if (cursor == NULL) {
        return false;
    }
    if (sequence < cursor->sequence) {
        return true;
    }
    for (uint32_t i = 0; i < cursor->range_count; i++) {
        if (sequence >= cursor->ranges[i].begin && sequence < cursor->ranges[i].end) {
            return true;
        }
    }
    return false;
}

static void remove_range(struct sfe_cursor *cursor, uint32_t index)
{
    SFE_ASSERT(index < cursor->range_count);
    cursor->range_count--;
    memmove(&cursor->ranges[index], &cursor->ranges[index + 1u],
            (cursor->range_count - index) * sizeof(cursor->ranges[0]));
}

/* Ranges that the cursor's sequence has reached belong to it. */
static void absorb(struct sfe_cursor *cursor)
{
    while (cursor->range_count != 0 && cursor->ranges[0].begin <= cursor->sequence) {
        if (cursor->ranges[0].end > cursor->sequence) {
            cursor->sequence = cursor->ranges[0].end;
        }
        remove_range(cursor, 0);
    }
}

enum sfe_code sfe_settled_add(struct sfe_cursor *cursor, uint64_t sequence, struct sfe_error *err)
{
    uint32_t at = 0;

    if (sfe_settled_has(cursor, sequence)) {
        return SFE_OK;
    }
    if (sequence == cursor->sequence) {
        cursor->sequence++;
        absorb(cursor);
        return SFE_OK;
    }
    while (at < cursor->range_count && cursor->ranges[at].end < sequence) {
        at++;
    }
    if (at < cursor->range_count && cursor->ranges[at].end == sequence) {
        cursor->ranges[at].end++;
        if (at + 1u < cursor->range_count &&
            cursor->ranges[at + 1u].begin == cursor->ranges[at].end) {
            cursor->ranges[at].end = cursor->ranges[at + 1u].end;
            remove_range(cursor, at + 1u);
        }
        return SFE_OK;
    }
    if (at < cursor->range_count && cursor->ranges[at].begin == sequence + 1u) {
        cursor->ranges[at].begin = sequence;
        return SFE_OK;
    }
    if (cursor->range_count == SFE_CURSOR_RANGES_MAX) {
        return sfe_fail(err, SFE_E_FULL,
                        "more than %u gaps between settled ones: settle older ones first",
                        SFE_CURSOR_RANGES_MAX);
    }
    memmove(&cursor->ranges[at + 1u], &cursor->ranges[at],
            (cursor->range_count - at) * sizeof(cursor->ranges[0]));
    cursor->ranges[at] = (struct sfe_cursor_range){sequence, sequence + 1u};
    cursor->range_count++;
    return SFE_OK;
}

void sfe_settled_pass(struct sfe_cursor *cursor, uint64_t sequence)
{
    if (sequence > cursor->sequence) {
        cursor->sequence = sequence;
        absorb(cursor);
    }
}
