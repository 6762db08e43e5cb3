/* JSON for people: one member a line. Pure; any thread. */
#ifndef SFE_CLI_PRETTY_H
#define SFE_CLI_PRETTY_H

#include "base/bytes.h"

/* Adds `json`, a valid document, with line breaks and two blanks a level; numbers and texts keep
 * every byte. Overflow is the builder's. */
void pretty_add(struct sfe_slice json, struct sfe_builder *out);

#endif
