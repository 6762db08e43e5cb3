/* What changes from one status document to the next: rates, for the live view and for scripts.
 * Pure; any thread. */
#ifndef SFE_STATUS_TOP_H
#define SFE_STATUS_TOP_H

#include "base/json_reader.h"

struct sfe_top {
    const struct sfe_json *before; /* Two status documents of one agent... */
    const struct sfe_json *now;
    uint64_t elapsed_ns; /* ...and the time between them; not 0. */
    uint32_t columns;    /* Longer lines are cut; 0: they are not. */
};

/* Adds the view: a few lines for each link, stream, org and output. */
void sfe_top_add_text(const struct sfe_top *top, struct sfe_builder *out);

/* Adds one JSON object and a line end: interval_ms, rates, and the whole document as `status`. */
void sfe_top_add_json(const struct sfe_top *top, struct sfe_builder *out);

#endif
