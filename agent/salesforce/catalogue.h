/* The error catalogue of the documentation, made from the table that decides (verdict.h). Pure; any
 * thread. */
#ifndef SFE_SALESFORCE_CATALOGUE_H
#define SFE_SALESFORCE_CATALOGUE_H

#include "base/bytes.h"

#include <stdbool.h>

/* Adds all of it, in Markdown: some 20 KiB. */
void sfe_catalogue_add(struct sfe_builder *out);

/* Adds the rows of one code; where there are none, what is done about codes that are not in the
 * table, and returns false. */
bool sfe_catalogue_add_code(struct sfe_slice code, struct sfe_builder *out);

#endif
