#include "config/suggest.h"

#include "base/edit_distance.h"

struct suggest suggest_make(struct sfe_slice word)
{
    /* A third of the word may be wrong; beyond that a guess helps nobody. */
    uint32_t limit = word.size > SFE_EDIT_DISTANCE_BYTES_MAX ? 0 : (uint32_t)(word.size + 2) / 3;

    return (struct suggest){word, {NULL, 0}, limit + 1};
}

void suggest_offer(struct suggest *suggest, struct sfe_slice candidate)
{
    uint32_t distance = sfe_edit_distance(suggest->word, candidate);

    if (candidate.size != 0 && distance < suggest->distance && distance < candidate.size) {
        suggest->distance = distance;
        suggest->best = candidate;
    }
}
