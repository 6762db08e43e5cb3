/* Finds the right name that was probably meant: the nearest by edits (insert, remove, replace, swap
 * of neighbours). Pure; any thread, unshared. */
#ifndef SFE_CONFIG_SUGGEST_H
#define SFE_CONFIG_SUGGEST_H

#include "base/bytes.h"

struct suggest {
    struct sfe_slice word; /* Borrowed. */
    struct sfe_slice best; /* Borrowed from the candidate; empty: none is near enough. */
    uint32_t distance;
};

/* Starts the search for what `word` should have been. */
struct suggest suggest_make(struct sfe_slice word);

/* Offers one right name; the first of equally near ones is kept. */
void suggest_offer(struct suggest *suggest, struct sfe_slice candidate);

#endif
