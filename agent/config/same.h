/* Are two configurations the same in one of their parts? What is effective is compared, by the
 * table of keys: a default that is written out changes nothing. Names of other parts count, not
 * what stands behind them; nor do names of files stand for what is in them. Pure; any thread.
 */
#ifndef SFE_CONFIG_SAME_H
#define SFE_CONFIG_SAME_H

#include "config/config.h"

/* Where a part stands: its index in the list of its kind. */
struct sfe_config_part {
    const struct sfe_config *config;
    uint32_t index;
};

/* Address, identity, limits and how it is trusted; not what its secret files hold. */
bool sfe_config_same_connection(struct sfe_config_part a, struct sfe_config_part b);

/* What is taken, and into which stream; of its connection only the name. */
bool sfe_config_same_input(struct sfe_config_part a, struct sfe_config_part b);

/* All that HTTP inputs know senders by, and what these may send; not what secret files hold. */
bool sfe_config_same_identities(const struct sfe_config *a, const struct sfe_config *b);

/* But for the streams it reads: each of them is a part of its own. */
bool sfe_config_same_output(struct sfe_config_part a, struct sfe_config_part b);

#endif
