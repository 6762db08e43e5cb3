#include "stream/seal.h"

#include "base/assert.h"

#define ID_TEXT_BYTES (2u * SFE_AEAD_ID_BYTES + 1u)

void seal_begin(const struct seal *seal, const uint8_t salt[SFE_AEAD_SALT_BYTES],
                struct segment *segment)
{
    SFE_ASSERT(seal->key_count > 0);
    segment->is_sealed = true;
    segment->seal.key = 0;
    memcpy(segment->seal.salt, salt, SFE_AEAD_SALT_BYTES);
    seal->crypto->aead_id(seal->crypto->context, seal->keys[0], segment->seal.key_id);
}

static void show_id(const uint8_t id[SFE_AEAD_ID_BYTES], char text[ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (uint32_t i = 0; i < SFE_AEAD_ID_BYTES; i++) {
        text[2u * i] = digits[id[i] >> 4];
        text[2u * i + 1u] = digits[id[i] & 15u];
    }
    text[ID_TEXT_BYTES - 1u] = '\0';
}

enum sfe_code seal_find_key(const struct seal *seal, struct segment *segment, struct sfe_error *err)
{
    char id[ID_TEXT_BYTES];

    for (uint32_t i = 0; i < seal->key_count; i++) {
        uint8_t found[SFE_AEAD_ID_BYTES];
        seal->crypto->aead_id(seal->crypto->context, seal->keys[i], found);
        if (memcmp(found, segment->seal.key_id, sizeof(found)) == 0) {
            segment->seal.key = i;
            return SFE_OK;
        }
    }
    show_id(segment->seal.key_id, id);
    if (seal->key_count == 0) {
        return sfe_fail(err, SFE_E_CRYPTO,
                        "segment %u is encrypted with key %s and there is no key; name its file "
                        "in \"encrypt_key_file\" or \"encrypt_old_key_files\"",
                        (unsigned)segment->number, id);
    }
    return sfe_fail(err, SFE_E_CRYPTO,
                    "segment %u is encrypted with key %s, which is none of the %u given; name its "
                    "file in \"encrypt_old_key_files\"",
                    (unsigned)segment->number, id, (unsigned)seal->key_count);
}

/* The nonce is the frame's place: written to once under the segment's salt. */
static struct sfe_aead_message message_of(const struct segment *segment, uint32_t offset,
                                          const uint8_t *associated, struct sfe_slice bytes)
{
    struct sfe_aead_message message = {
        .associated = sfe_slice_make(associated, FRAME_ASSOCIATED_BYTES), .bytes = bytes};
    struct sfe_builder nonce = sfe_builder_make(message.nonce, sizeof(message.nonce));

    SFE_ASSERT(segment->is_sealed && offset >= SEGMENT_BEGIN);
    sfe_builder_add_u32le(&nonce, offset);
    memcpy(message.salt, segment->seal.salt, sizeof(message.salt));
    return message;
}

enum sfe_code seal_frame(const struct seal *seal, const struct segment *segment, uint32_t offset,
                         const struct frame *frame, const uint8_t *plain, uint8_t *sealed,
                         struct sfe_error *err)
{
    SFE_ASSERT((frame->flags & FRAME_SEALED) != 0 && frame->body_bytes > FRAME_TAG_BYTES);
    frame_begin(frame, sealed);
    const struct sfe_aead_message message =
        message_of(segment, offset, sealed,
                   sfe_slice_make(plain + FRAME_HEADER_BYTES, frame->body_bytes - FRAME_TAG_BYTES));
    enum sfe_code code =
        seal->crypto->aead_seal(seal->crypto->context, seal->keys[segment->seal.key], &message,
                                sealed + FRAME_HEADER_BYTES, err);
    if (code == SFE_OK) {
        frame_end(frame, segment->salt, sealed);
    }
    return code;
}

enum sfe_code seal_open(const struct seal *seal, const struct segment *segment, uint32_t offset,
                        struct sfe_slice body, uint8_t *plain, struct sfe_error *err)
{
    const struct sfe_aead_message message =
        message_of(segment, offset, body.bytes - FRAME_HEADER_BYTES, body);

    SFE_ASSERT(segment->seal.key < seal->key_count);
    return seal->crypto->aead_unseal(seal->crypto->context, seal->keys[segment->seal.key], &message,
                                     plain, err);
}
