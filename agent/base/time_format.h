/* Times as text and numbers, without the C library's locale and zone. Pure; any thread.
 *
 * A time is nanoseconds since 1970-01-01T00:00:00Z in an int64_t (1677 to 2262), leap seconds as
 * POSIX has them.
 */
#ifndef SFE_BASE_TIME_FORMAT_H
#define SFE_BASE_TIME_FORMAT_H

#include "base/bytes.h"

struct sfe_time_zone;

enum sfe_time_unit {
    SFE_TIME_AUTO, /* By size: below 1e11 s, 1e14 ms, 1e17 us, else ns (payloads sheet, section 3).
                    */
    SFE_TIME_S,
    SFE_TIME_MS,
    SFE_TIME_US,
    SFE_TIME_NS,
    SFE_TIME_RFC3339
};

/* Reads `text`: an integer or decimal number in `unit` (exactly, never through a double), or RFC
 * 3339 and its relatives (blank for T, comma fraction, +0000, seconds left out, leap second :60).
 * Under SFE_TIME_AUTO text with a '-' after the fourth digit is RFC 3339. A time without a zone is
 * of `zone`, or, where that is NULL, SFE_E_SYNTAX: a zone is never guessed. Errors: SFE_E_SYNTAX
 * with what was found. */
SFE_MUST_USE enum sfe_code sfe_time_parse(struct sfe_slice text, enum sfe_time_unit unit,
                                          const struct sfe_time_zone *zone, int64_t *unix_ns,
                                          struct sfe_error *err);

/* Adds "2026-11-24T10:15:30.123Z" (milliseconds, UTC), as Salesforce's dateTime fields take it. */
void sfe_time_add_datetime(struct sfe_builder *builder, int64_t unix_ns);

/* Adds "2026-11-24", the UTC day. */
void sfe_time_add_date(struct sfe_builder *builder, int64_t unix_ns);

/* True for a plain calendar date "2026-11-24" that exists. */
bool sfe_time_is_date(struct sfe_slice text);

/* Reads an HTTP date (RFC 9110 section 5.6.7, IMF-fixdate) into seconds since 1970. SFE_E_SYNTAX
 * otherwise. */
SFE_MUST_USE enum sfe_code sfe_time_parse_http(struct sfe_slice text, int64_t *unix_s,
                                               struct sfe_error *err);

#endif
