/* How far two words are apart, for "did you mean". Pure; any thread. */
#ifndef SFE_BASE_EDIT_DISTANCE_H
#define SFE_BASE_EDIT_DISTANCE_H

#include "base/bytes.h"

/* Longer words are not compared. */
#define SFE_EDIT_DISTANCE_BYTES_MAX 64u

/* Number of edits between two words (insert, remove, replace, swap of neighbours), A-Z taken as
 * a-z; UINT32_MAX where one is longer than SFE_EDIT_DISTANCE_BYTES_MAX. */
uint32_t sfe_edit_distance(struct sfe_slice a, struct sfe_slice b);

#endif
