/* Exact decimal arithmetic on numbers as they stand in JSON: scale and offset, without a double on
 * the way. Pure; any thread. */
#ifndef SFE_FLOW_DECIMAL_H
#define SFE_FLOW_DECIMAL_H

#include "base/bytes.h"

/* A number that is reckoned with has at most so many digits between its first and its last one that
 * is not zero, and stands within 10 to the power of plus or minus as many. */
#define FLOW_DECIMAL_DIGITS_MAX 40u

/* A result has fewer bytes. */
#define FLOW_DECIMAL_BYTES_MAX 256u

/* True where `number` (in JSON's grammar) can be reckoned with. */
bool flow_decimal_fits(struct sfe_slice number);

/* Adds number * scale + offset, exactly, as plain digits without zeros that say nothing. An empty
 * `scale` is 1, an empty `offset` 0. All of them fit. */
void flow_decimal_add_scaled(struct sfe_slice number, struct sfe_slice scale,
                             struct sfe_slice offset, struct sfe_builder *out);

#endif
