/* One event's way, for people, made from the document that `sfedge trace --json` prints. Pure; any
 * thread. */
#ifndef SFE_STATUS_WAY_H
#define SFE_STATUS_WAY_H

#include "base/json_reader.h"

/* Adds some lines. */
void sfe_way_add_text(const struct sfe_json *json, struct sfe_builder *out);

#endif
