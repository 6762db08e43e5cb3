/* Numbers as text: their grammar and their range, without making a number of them. */
#ifndef SFE_FLOW_NUMBER_H
#define SFE_FLOW_NUMBER_H

#include "base/bytes.h"

/* True for text in JSON's number grammar (RFC 8259 section 6). */
bool flow_is_number(struct sfe_slice text);

/* True where a number (in JSON's grammar) does not exceed the largest double; nothing is converted.
 */
bool flow_is_in_double_range(struct sfe_slice number);

/* Compares two numbers (in JSON's grammar) exactly, whatever their digits, with exponents up to
 * 10^11: -1, 0 or 1. */
int flow_number_compare(struct sfe_slice a, struct sfe_slice b);

#endif
