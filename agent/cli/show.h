/* Shows events: one line for people, one JSON object a line for scripts. Who asks to see an event
 * sees its payload. */
#ifndef SFE_CLI_SHOW_H
#define SFE_CLI_SHOW_H

#include "event/event.h"

/* Prints "12 2026-11-24T10:15:30.123Z readings plant/p1/telemetry {…}"; the payload is clipped. */
void show_line(const struct sfe_event *event);

/* Prints a dead letter in one line: number, time, where from, reason and message. */
void show_letter_line(const struct sfe_event *event);

/* Prints all there is: one thing a line, payload and annotation whole. */
void show_whole(const struct sfe_event *event);

/* These fill `line` from its beginning with one line and its end. SFE_E_TOO_LARGE. */

/* One JSON object; payload as text, or as payload_base64. */
SFE_MUST_USE enum sfe_code show_json(const struct sfe_event *event, struct sfe_builder *line,
                                     struct sfe_error *err);

/* One record after RFC 4180, with the columns of SHOW_CSV_HEADER. "encoding" is "base64" where the
 * payload is no text. */
#define SHOW_CSV_HEADER "sequence,time,id,source,topic,excerpt,why,encoding,payload\r\n"
SFE_MUST_USE enum sfe_code show_csv(const struct sfe_event *event, struct sfe_builder *line,
                                    struct sfe_error *err);

/* The payload as it came. */
SFE_MUST_USE enum sfe_code show_raw(const struct sfe_event *event, struct sfe_builder *line,
                                    struct sfe_error *err);

/* Room that any event needs in `line`. */
#define SHOW_BYTES_MAX (16u * 1024u * 1024u)

#endif
