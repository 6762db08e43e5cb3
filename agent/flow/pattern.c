#include "flow/pattern.h"

#include "base/assert.h"
#include "base/utf8.h"

#define REPLACEMENT 0xFFFDu

/* Steps that are followed at once, each once. */
struct front {
    uint16_t steps[FLOW_PATTERN_STEPS_MAX];
    uint32_t count;
    uint64_t marks[FLOW_PATTERN_STEPS_MAX / 64u];
};

size_t flow_pattern_character(struct sfe_slice text, uint32_t *character)
{
    static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const size_t size = sfe_utf8_size(text.bytes, text.size);

    SFE_ASSERT(text.size > 0 && size <= 4);
    if (size == 0) {
        *character = REPLACEMENT;
        return 1;
    }
    *character = text.bytes[0] & masks[size];
    for (size_t i = 1; i < size; i++) {
        *character = (*character << 6) | (text.bytes[i] & 0x3Fu);
    }
    return size;
}

static void clear(struct front *front)
{
    front->count = 0;
    memset(front->marks, 0, sizeof(front->marks));
}

static void add(struct front *front, uint32_t step)
{
    const uint64_t mark = UINT64_C(1) << (step % 64u);

    SFE_ASSERT(step < FLOW_PATTERN_STEPS_MAX);
    if ((front->marks[step / 64u] & mark) == 0) {
        front->marks[step / 64u] |= mark;
        front->steps[front->count++] = (uint16_t)step;
    }
}

static bool is_in_set(const struct flow_pattern *pattern, const struct flow_pattern_step *step,
                      uint32_t character)
{
    for (uint32_t i = step->first; i < step->first + step->count; i++) {
        if (character >= pattern->ranges[i].low && character <= pattern->ranges[i].high) {
            return !step->is_negated;
        }
    }
    return step->is_negated;
}

/* One character of the text and the place before it. */
struct spot {
    uint32_t character;
    bool is_begin;
    bool is_end; /* There is no character. */
};

static bool takes(const struct flow_pattern *pattern, const struct flow_pattern_step *step,
                  const struct spot *spot)
{
    if (spot->is_end) {
        return false;
    }
    return step->op == FLOW_PATTERN_CHARACTER ? step->first == spot->character
                                              : is_in_set(pattern, step, spot->character);
}

static uint32_t moved(uint32_t at, int16_t by)
{
    return (uint32_t)((int32_t)at + by);
}

/* Follows all steps of `here`, which grows meanwhile, over the spot into `next`. True where one of
 * them ends the search. */
static bool follow(const struct flow_pattern *pattern, const struct spot *spot, struct front *here,
                   struct front *next)
{
    for (uint32_t i = 0; i < here->count; i++) {
        const uint32_t at = here->steps[i];
        const struct flow_pattern_step *step = &pattern->steps[at];
        switch ((enum flow_pattern_op)step->op) {
        case FLOW_PATTERN_FOUND:
            return true;
        case FLOW_PATTERN_SPLIT:
        case FLOW_PATTERN_ALTERNATIVE:
            add(here, moved(at, step->x));
            add(here, moved(at, step->y));
            break;
        case FLOW_PATTERN_JUMP:
            add(here, moved(at, step->x));
            break;
        case FLOW_PATTERN_BEGIN:
        case FLOW_PATTERN_END:
            if (step->op == FLOW_PATTERN_BEGIN ? spot->is_begin : spot->is_end) {
                add(here, at + 1u);
            }
            break;
        case FLOW_PATTERN_CHARACTER:
        case FLOW_PATTERN_SET:
            if (takes(pattern, step, spot)) {
                add(next, at + 1u);
            }
            break;
        }
    }
    return false;
}

bool flow_pattern_is_in(const struct flow_pattern *pattern, struct sfe_slice text)
{
    const bool is_anchored = pattern->steps[0].op == FLOW_PATTERN_BEGIN;
    struct front fronts[2];
    uint32_t now = 0;
    size_t at = 0;

    clear(&fronts[now]);
    for (;;) {
        struct spot spot = {0, at == 0, at == text.size};
        struct front *here = &fronts[now];
        struct front *next = &fronts[1u - now];
        if (at == 0 || !is_anchored) {
            add(here, 0);
        }
        if (!spot.is_end) {
            at += flow_pattern_character(sfe_slice_part(text, at, text.size), &spot.character);
        }
        clear(next);
        if (follow(pattern, &spot, here, next)) {
            return true;
        }
        if (spot.is_end || (is_anchored && next->count == 0)) {
            return false;
        }
        now = 1u - now;
    }
}
