/* Encrypting the bodies of frames: AES-256-GCM, the frame's header authenticated with it. Why a
 * nonce never repeats: `struct segment_seal`. Any thread; keys never change. */
#ifndef SFE_STREAM_SEAL_H
#define SFE_STREAM_SEAL_H

#include "stream/segment.h"

struct seal {
    const struct sfe_crypto *crypto;
    struct sfe_aead_key *const *keys; /* The first seals, all open. */
    uint32_t key_count;
};

/* Makes `segment` a sealed one, with the first key: its id, and the salt given. */
void seal_begin(const struct seal *seal, const uint8_t salt[SFE_AEAD_SALT_BYTES],
                struct segment *segment);

/* Finds the key of a sealed segment. SFE_E_CRYPTO: it is not there. */
SFE_MUST_USE enum sfe_code seal_find_key(const struct seal *seal, struct segment *segment,
                                         struct sfe_error *err);

/* Writes to `sealed` the whole frame that stands at `offset`, sealed; `plain` is a frame's memory
 * with the body in its place, and stays as it is. */
SFE_MUST_USE enum sfe_code seal_frame(const struct seal *seal, const struct segment *segment,
                                      uint32_t offset, const struct frame *frame,
                                      const uint8_t *plain, uint8_t *sealed, struct sfe_error *err);

/* Opens the body of a frame of a sealed segment into `plain`; `body` is what frame_body gave.
 * SFE_E_CRYPTO: its bytes are not what was written. */
SFE_MUST_USE enum sfe_code seal_open(const struct seal *seal, const struct segment *segment,
                                     uint32_t offset, struct sfe_slice body, uint8_t *plain,
                                     struct sfe_error *err);

#endif
