/* What a trial of a configuration leaves on flash: the last configuration that was good, as one
 * text without secrets, and which one was given up. Each is replaced whole, so after a power cut
 * the old or the new one is there. What does not check counts as not there.
 */
#ifndef SFE_TRIAL_KEPT_H
#define SFE_TRIAL_KEPT_H

#include "base/error.h"
#include "base/hash.h"
#include "port/storage.h"

#include <stdbool.h>

/* A text is no larger. */
#define SFE_TRIAL_TEXT_BYTES_MAX (4u * 1024u * 1024u)

/* What names a configuration. Pure. */
struct sfe_hash128 sfe_trial_hash(struct sfe_slice text);
bool sfe_trial_same(const struct sfe_hash128 *a, const struct sfe_hash128 *b);

/* The last good one. `room` holds the file, so it needs SFE_TRIAL_TEXT_BYTES_MAX and a little more;
 * *text is in it. SFE_E_NOT_FOUND: there is none, or it does not check. Main thread, or flash. */
SFE_MUST_USE enum sfe_code sfe_trial_read_good(const struct sfe_storage *storage,
                                               struct sfe_builder *room, struct sfe_slice *text,
                                               struct sfe_error *err);

/* Replaces it. `room` as above. Flash thread. */
SFE_MUST_USE enum sfe_code sfe_trial_write_good(const struct sfe_storage *storage,
                                                struct sfe_slice text, struct sfe_builder *room,
                                                struct sfe_error *err);

/* What a room needs for a text of so many bytes. */
size_t sfe_trial_room_bytes(size_t text_bytes);

/* The one given up last; SFE_E_NOT_FOUND as above. Main thread, or flash. */
SFE_MUST_USE enum sfe_code sfe_trial_read_refused(const struct sfe_storage *storage,
                                                  struct sfe_hash128 *hash, struct sfe_error *err);
SFE_MUST_USE enum sfe_code sfe_trial_write_refused(const struct sfe_storage *storage,
                                                   const struct sfe_hash128 *hash,
                                                   struct sfe_error *err);

#endif
