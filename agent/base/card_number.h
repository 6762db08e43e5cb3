/* Finds card numbers (PAN) in text and masks them to their last 4 digits.
 *
 * A card number is 13 to 19 digits, in one piece or in groups (all but the last of 4 digits at
 * least) with single blanks or hyphens between them, whose first digits and length are an issuer's
 * and whose check digit is right (ISO/IEC 7812-1: Luhn). It stands alone: not beside further
 * digits, not in a word of hexadecimal digits, not in a number with a point. A number of 13 digits
 * that is a sound GTIN-13 as well is taken for one: cards so short are no longer issued.
 *
 * Escapes do not hide: "%20" and "+" (URL) are read everywhere, "\u0034" in a JSON string. What is
 * written is never longer than what was read. Pure; any thread.
 */
#ifndef SFE_BASE_CARD_NUMBER_H
#define SFE_BASE_CARD_NUMBER_H

#include "base/bytes.h"

#define SFE_CARD_DIGITS_MIN 13u
#define SFE_CARD_DIGITS_MAX 19u

enum sfe_card_text { SFE_CARD_TEXT_PLAIN, SFE_CARD_TEXT_JSON_STRING };

/* What was found and masked. */
struct sfe_card_found {
    uint64_t numbers;
    uint64_t tracks; /* Track 1 or 2 of a magnetic stripe, ISO/IEC 7813. */
};

/* True where `count` digits (ASCII) are a card number by issuer, length and check digit. */
bool sfe_card_is_number(const uint8_t *digits, size_t count);

/* True where the check digit of `count` digits (ASCII) is right. */
bool sfe_card_luhn_holds(const uint8_t *digits, size_t count);

/* False: sfe_card_add_masked would change nothing. Looks at few of the bytes. True may be wrong
 * where there are escapes. */
bool sfe_card_may_hold(struct sfe_slice text);

/* Adds `text` with each card number's digits but the last 4 as '*', and each track as one '*'. */
void sfe_card_add_masked(struct sfe_slice text, enum sfe_card_text kind, struct sfe_builder *out,
                         struct sfe_card_found *found);

/* Masks as plain text, in place: for messages that may quote what a device or an org sent. */
void sfe_card_mask(struct sfe_builder *text, struct sfe_card_found *found);

#endif
