/* A walk over JSON text as it stands: nothing is copied and no table is built, so that an answer of
 * any size can be walked, one that was cut off too. It believes the brackets and looks no closer;
 * all it hands out lies inside the text. Pure; any thread. */
#ifndef SFE_SALESFORCE_WALK_H
#define SFE_SALESFORCE_WALK_H

#include "base/bytes.h"

#include <stdbool.h>

/* Over the members of an object. */
struct walk {
    struct sfe_slice text; /* From the object's first byte on. */
    size_t at;             /* 0 at first. */
};

/* The first byte at or behind `at` that is no blank; the text's size where there is none. */
size_t walk_blank(struct sfe_slice text, size_t at);

/* Behind the value that begins at `at`; 0: it does not end, or is none. */
size_t walk_value(struct sfe_slice text, size_t at);

static inline struct sfe_slice walk_part(struct sfe_slice text, size_t begin, size_t end)
{
    return sfe_slice_part(text, begin, end - begin);
}

/* The next member: its key without quotes, its value as it stands. False: there is none that is
 * whole. */
bool walk_next(struct walk *walk, struct sfe_slice *key, struct sfe_slice *value);

/* The last member of that name, as every look-up in this program; empty: there is none. A name is
 * compared as it stands, but for a slash that some servers escape. */
struct sfe_slice walk_member(struct sfe_slice object, const char *name);

/* Inside the quotes of a text; of all else nothing. */
struct sfe_slice walk_text(struct sfe_slice value);

/* True where raw text `raw` is `text`, which has no quote or backslash. */
bool walk_is(struct sfe_slice raw, const char *text);

#endif
