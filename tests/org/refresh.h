/* Refresh tokens and their rotation (API sheet, section 1): each use gives another one and ends the
 * one before; one that is used again after its end costs the whole family and its sessions. */
#ifndef SFE_TESTS_ORG_REFRESH_H
#define SFE_TESTS_ORG_REFRESH_H

#include "buffer.h"

#define REFRESH_FAMILIES 5u
#define REFRESH_ENDED    256u

struct refresh_family {
    struct buffer token; /* Owned; the one that is alive. */
    bool is_revoked;
};

struct refresh_tokens {
    struct refresh_family families[REFRESH_FAMILIES];
    uint32_t count;
    struct {
        uint64_t hash;
        uint32_t family;
    } ended[REFRESH_ENDED];
    uint32_t ended_count;
    bool rotates;
};

enum refresh_result { REFRESH_TAKEN, REFRESH_UNKNOWN, REFRESH_REUSED };

/* Loads one family a line. NULL, or what is wrong. */
const char *refresh_load(struct refresh_tokens *tokens, const char *path);
void refresh_unload(struct refresh_tokens *tokens);

/* Uses `token`. TAKEN: *family, whose token is now another one where it rotates. REUSED: *family is
 * revoked. */
enum refresh_result refresh_use(struct refresh_tokens *tokens, struct sfe_slice token,
                                uint32_t *family);

#endif
