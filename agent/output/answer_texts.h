/* What came back for events, as text, until it is in the stream of answers. Bounded: in small cells
 * of one piece of memory, as many as a text needs. Cloud thread.
 */
#ifndef SFE_OUTPUT_ANSWER_TEXTS_H
#define SFE_OUTPUT_ANSWER_TEXTS_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

struct sfe_arena;
struct answer_texts;

/* What memory for `bytes` of text takes from the arena. Pure. */
size_t answer_texts_memory_bytes(size_t bytes);

/* NULL on SFE_E_NO_MEMORY (err). */
struct answer_texts *answer_texts_open(size_t bytes, struct sfe_arena *arena,
                                       struct sfe_error *err);

/* Keeps a copy of `text`, which is not empty, and says where. False: there is no room. */
bool answer_texts_keep(struct answer_texts *texts, struct sfe_slice text, uint32_t *place);

/* Adds the text at a place that is kept. */
void answer_texts_add(const struct answer_texts *texts, uint32_t place, struct sfe_builder *out);

/* Gives the place back. */
void answer_texts_drop(struct answer_texts *texts, uint32_t place);

#endif
