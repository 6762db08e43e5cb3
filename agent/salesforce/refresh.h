/* The refresh tokens of one org: which is used, and that a new one is durable before it is. Shared
 * by the files of this module only.
 *
 * The operator gives one to five, a line each, every one from an approval of its own: a power cut
 * between the org's answer and the flash costs a family, and the next one goes on.
 */
#ifndef SFE_SALESFORCE_REFRESH_H
#define SFE_SALESFORCE_REFRESH_H

#include "salesforce/refresh_token.h"

#include <stdatomic.h>

/* More approvals of one user and app the org does not keep (API sheet). */
#define REFRESH_FAMILIES_MAX 5u

struct sfe_org_options;
struct sfe_arena;

struct refresh {
    struct refresh_token families[REFRESH_FAMILIES_MAX];
    bool is_refused[REFRESH_FAMILIES_MAX];
    uint32_t count;
    uint32_t at;    /* The family in use. */
    bool is_loaded; /* What flash has of them has been read. */
    /* Set by cloud once the org gave another token, cleared by flash once that is durable. The
     * families are cloud's while it is clear, and only read while it is set. */
    atomic_bool is_keeping;
    atomic_bool has_failed; /* Flash said no; it is tried again. */
    uint64_t keep_ns;       /* Flash thread: not before. */
};

size_t refresh_memory_bytes(void);

/* Takes `lines`, which are borrowed for the call. SFE_E_CONFIG, SFE_E_CRYPTO, SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code refresh_open(struct sfe_slice lines, const struct sfe_crypto *crypto,
                                        struct sfe_arena *arena, struct refresh **refresh,
                                        struct sfe_error *err);

/* The token to use now. SFE_E_STORAGE: flash cannot be read. Cloud thread, nothing being kept. */
SFE_MUST_USE enum sfe_code refresh_take(struct refresh *refresh,
                                        const struct sfe_org_options *options,
                                        struct sfe_slice *token, struct sfe_error *err);

/* The org gave another one: it is to be kept. Cloud thread. */
void refresh_renew(struct refresh *refresh, const struct sfe_secret *token);

/* The org refuses the family in use for good. False where no other is left: then each is
 * tried again in turn, later. Cloud thread. */
bool refresh_next(struct refresh *refresh);

/* The org took the family in use. Cloud thread. */
void refresh_worked(struct refresh *refresh);

/* How many the org has not refused. */
uint32_t refresh_left(const struct refresh *refresh);

/* Keeps what is to be kept, if it is due. Returns when again; *has_tried: it did something. Flash
 * thread. */
uint64_t refresh_keep(struct refresh *refresh, const struct sfe_org_options *options,
                      uint64_t now_ns, bool *has_tried, struct sfe_error *err);

/* NULL is allowed. */
void refresh_close(struct refresh *refresh, const struct sfe_crypto *crypto);

#endif
