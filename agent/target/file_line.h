/* The line that an event becomes in a file: JSON (NDJSON), or a row of CSV (RFC 4180, but lines end
 * in LF). Pure; any thread.
 *
 * Without a map the payload is the line: JSON without its line breaks; other text as a JSON string;
 * other bytes as {"base64":"…"}.
 */
#ifndef SFE_OUTPUT_FILE_LINE_H
#define SFE_OUTPUT_FILE_LINE_H

#include "flow/map.h"

/* The longest line. Pure. */
size_t file_line_bytes_max(uint32_t event_bytes_max);

/* Adds the row of column names. */
void file_line_add_heading(const struct sfe_map *map, struct sfe_builder *out);

/* Adds the line of a JSON file, with its end; `map` may be NULL. SFE_E_UNMAPPED as
 * sfe_map_add_record; SFE_E_FULL: no room. On failure `out` is as before. */
SFE_MUST_USE enum sfe_code file_line_add_json(const struct sfe_map *map,
                                              const struct sfe_map_subject *subject,
                                              struct sfe_builder *out, struct sfe_error *err);

/* The same of a row; `value` is scratch, room for the longest value twice. What has no value, or
 * is null, is empty. */
SFE_MUST_USE enum sfe_code file_line_add_row(const struct sfe_map *map,
                                             const struct sfe_map_subject *subject,
                                             struct sfe_builder *value, struct sfe_builder *out,
                                             struct sfe_error *err);

#endif
