/* One thing that happened to an event, as a line: JSON for scripts and over the control socket, and
 * for people. Pure; any thread. */
#ifndef SFE_STATUS_NOTE_H
#define SFE_STATUS_NOTE_H

#include "base/json_reader.h"
#include "event/watch.h"

/* Names of stages, joined by '|', in the order of enum sfe_watch_stage. */
extern const char *const sfe_note_stages[SFE_WATCH_STAGES];

/* The stages of a list such as "accepted,dead" as bits; 0 where a name is none. Empty: all. */
unsigned sfe_note_read_stages(struct sfe_slice list);

/* Room that any note needs as JSON. */
#define SFE_NOTE_BYTES_MAX (6u * SFE_WATCH_TEXT_BYTES + 2048u)

/* Adds the note as one JSON object and a line end. `text`: topic and payload, as taken from the
 * watch. */
void sfe_note_add(const struct sfe_watch_entry *entry, const uint8_t *text,
                  struct sfe_builder *out);

/* Adds it without a line end, as a member of an array (name NULL) for an answer that was kept. */
struct sfe_json_writer;
void sfe_note_put(const struct sfe_watch_entry *entry, struct sfe_json_writer *writer);

/* Adds what a person wants to see of that JSON object, with a line end. */
void sfe_note_add_text(const struct sfe_json *json, uint32_t object, struct sfe_builder *out);

#endif
