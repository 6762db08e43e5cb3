#include "join/decided.h"

#include "base/assert.h"

#include <string.h>

/* The first range that begins behind `order`. */
static uint32_t place_of(const struct sfe_cursor *decided, uint64_t order)
{
    uint32_t place = 0;

    while (place < decided->range_count && decided->ranges[place].begin <= order) {
        place++;
    }
    return place;
}

static bool follows(const struct sfe_cursor_range *range, uint64_t order, uint64_t before)
{
    return range->end == order || (before >= range->begin && before < range->end);
}

bool decided_add(struct sfe_cursor *decided, uint64_t order, uint64_t before)
{
    const uint32_t place = place_of(decided, order);
    struct sfe_cursor_range *ranges = decided->ranges;

    SFE_ASSERT(before < order);
    if (place > 0 && ranges[place - 1u].end > order) {
        return true;
    }
    if (place > 0 && follows(&ranges[place - 1u], order, before)) {
        ranges[place - 1u].end = order + 1u;
        return true;
    }
    if (place < decided->range_count && ranges[place].begin == order + 1u) {
        ranges[place].begin = order;
        return true;
    }
    if (decided->range_count == SFE_CURSOR_RANGES_MAX) {
        return false;
    }
    memmove(&ranges[place + 1u], &ranges[place],
            (decided->range_count - place) * sizeof(ranges[0]));
    ranges[place] = (struct sfe_cursor_range){order, order + 1u};
    decided->range_count++;
    return true;
}

bool decided_pass(struct sfe_cursor *decided, uint64_t base)
{
    uint32_t passed = 0;

    while (passed < decided->range_count && decided->ranges[passed].end <= base) {
        passed++;
    }
    decided->range_count -= passed;
    memmove(&decided->ranges[0], &decided->ranges[passed],
            decided->range_count * sizeof(decided->ranges[0]));
    return passed > 0;
}
