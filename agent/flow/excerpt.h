/* A few bytes of a payload, fit to stand in a message: never enough to be the payload, never a card
 * number. */
#ifndef SFE_FLOW_EXCERPT_H
#define SFE_FLOW_EXCERPT_H

#include "base/bytes.h"

#define FLOW_EXCERPT_BYTES_MAX 40u

struct flow_excerpt {
    char text[FLOW_EXCERPT_BYTES_MAX + 4]; /* With "..." where something was cut off. */
};

/* Takes the beginning of `payload`, made printable. Thirteen digits or more in a row, single blanks
 * and hyphens between them not counted, become asterisks: they may be a card number (PCI DSS 4,
 * requirement 3.4.1). */
struct flow_excerpt flow_excerpt_make(struct sfe_slice payload);

#endif
