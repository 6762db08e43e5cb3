/* Numbers as text: their grammar and their range, without making a number of them. */
#ifndef SFE_FLOW_NUMBER_H
#define SFE_FLOW_NUMBER_H

#include "base/bytes.h"

/* True for text in JSON's number grammar (RFC 8259 section 6). */
bool flow_is_number(struct sfe_slice text);

/* True where a number (in JSON's grammar) does not exceed the largest double; nothing is converted.
 */
bool flow_is_in_double_range(struct sfe_slice number);

#endif
