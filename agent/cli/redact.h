/* The configuration as it may be shown to others. Pure. */
#ifndef SFE_CLI_REDACT_H
#define SFE_CLI_REDACT_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_arena;

/* Adds `text`, a configuration that was checked, with "removed" in place of each text that is a
 * secret or may hold one: what stands below `headers` and `body`, the payload of a will, who we
 * are to brokers and orgs (username, client_id), what is called password, secret, token, bearer or
 * hmac and does not only say where that is; of addresses user, password and query. Memory from
 * `arena`. SFE_E_SYNTAX; SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code redact_add(struct sfe_slice text, struct sfe_arena *arena,
                                      struct sfe_builder *out, struct sfe_error *err);

#endif
