/* Keeps card data from flash: what an event holds of them is masked before it is staged.
 *
 * Three rules, for each value of a JSON payload at any depth:
 * - Sensitive authentication data (PCI DSS 4, requirement 3.3.1) are dropped: the value becomes
 *   null. That is text with track 1 or 2 of a magnetic stripe in it, and members named cvv, cvv2,
 *   cvc, cvc2, cid, csc, pin, pin_block, ksn, track1, track2 with a value of that form.
 * - Members named in `mask` keep their last 4 characters, shorter ones nothing; numbers become
 *   text. Inside an object or a list each value is masked so.
 * - Card numbers (base/card_number.h) in text and numbers keep their last 4 digits. In a member
 *   named as goods are (gtin, ean, upc, barcode) a sound GTIN is left alone.
 * Other payloads and the topic are searched for card numbers and tracks as text.
 *
 * JSON stays JSON, and nothing becomes longer: where a value is too short for `null` or quotes it
 * becomes "" or 0. Nothing of what was masked is kept. Pure; needs no memory but the caller's; any
 * thread.
 */
#ifndef SFE_INPUT_CARD_GUARD_H
#define SFE_INPUT_CARD_GUARD_H

#include "base/bytes.h"

/* What an input asks for. All zero: nothing. */
struct sfe_card_guard {
    const char *const *mask; /* Names of members as they are meant, unescaped; borrowed. */
    uint32_t mask_count;
    bool finds_numbers; /* The third rule. Without it `mask` brings the first two. */
};

/* How often each rule changed something. */
struct sfe_card_guard_facts {
    uint64_t named;          /* Values of members named in `mask`. */
    uint64_t numbers;        /* Card numbers. */
    uint64_t tracks;         /* Magnetic stripes. */
    uint64_t authentication; /* Card verification values, PINs and the like. */
};

static inline bool sfe_card_guard_is_on(const struct sfe_card_guard *guard)
{
    return guard->finds_numbers || guard->mask_count != 0;
}

/* The payload as it may be kept: `payload` itself where there is nothing to mask, else a copy in
 * `memory`, which holds at least payload.size bytes. Adds to *facts. */
struct sfe_slice sfe_card_guard_payload(const struct sfe_card_guard *guard,
                                        struct sfe_slice payload, uint8_t *memory,
                                        struct sfe_card_guard_facts *facts);

/* The same for a topic or other text. */
struct sfe_slice sfe_card_guard_text(const struct sfe_card_guard *guard, struct sfe_slice text,
                                     uint8_t *memory, struct sfe_card_guard_facts *facts);

#endif
