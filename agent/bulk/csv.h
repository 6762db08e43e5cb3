/* Rows of a bulk job's CSV (API sheet, section 4): UTF-8, a header of API names, RFC 4180 quotes,
 * lines end in LF, no row without a line end. Pure; any thread.
 *
 * What JSON says, CSV has to say otherwise: a field that is left out is empty (leave alone), null
 * and the empty text are #N/A (clear). The text #N/A itself cannot be said.
 */
#ifndef SFE_BULK_CSV_H
#define SFE_BULK_CSV_H

#include "flow/map.h"

/* Of one field (API sheet, section 4), in characters; of one row. */
#define BULK_FIELD_CHARACTERS_MAX 32000u
#define BULK_ROW_CHARACTERS_MAX   400000u

/* Adds the header row of `map`. */
void bulk_csv_add_header(const struct sfe_map *map, struct sfe_builder *out);

/* Adds the row of one record; `value` is scratch and holds the longest value of a field as JSON.
 * SFE_E_UNMAPPED as sfe_map_add_record; SFE_E_UNSUPPORTED: a text that cannot be said;
 * SFE_E_TOO_LARGE: longer than a job takes. On failure `out` is as before. */
SFE_MUST_USE enum sfe_code bulk_csv_add_row(const struct sfe_map *map,
                                            const struct sfe_map_record *record,
                                            struct sfe_builder *value, struct sfe_builder *out,
                                            struct sfe_error *err);

#endif
