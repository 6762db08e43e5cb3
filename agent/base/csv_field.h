/* One field of CSV (RFC 4180). Pure; any thread. */
#ifndef SFE_BASE_CSV_FIELD_H
#define SFE_BASE_CSV_FIELD_H

#include "base/bytes.h"

/* Adds `text` as a field between commas: within quotes where it holds a comma, a quote or a line
 * break, or has a blank at either end, which some readers would take away. */
void sfe_csv_add_field(struct sfe_builder *builder, struct sfe_slice text);

#endif
