/* What the files of the card guard share. Pure; any thread. */
#ifndef SFE_INPUT_CARD_GUARD_PARTS_H
#define SFE_INPUT_CARD_GUARD_PARTS_H

#include "input/card_guard.h"

/* What a member's name says of its value. */
enum guard_form {
    GUARD_FORM_NONE,
    GUARD_FORM_GOODS,        /* A sound GTIN is left alone. */
    GUARD_FORM_CARD,         /* Digits that pass the check are a card's, whoever issued it. */
    GUARD_FORM_VERIFICATION, /* Dropped: 3 or 4 digits. */
    GUARD_FORM_PIN,          /* Dropped: 4 to 12 digits (ISO 9564-1). */
    GUARD_FORM_BLOCK,        /* Dropped: 14 to 32 hexadecimal digits. */
    GUARD_FORM_TRACK         /* Dropped: anything. */
};

struct guard_rule {
    enum guard_form form;
    bool is_named; /* In `mask`. */
};

/* The rule for members named `raw`, a JSON string as it stands. */
struct guard_rule guard_rule_of(const struct sfe_card_guard *guard, struct sfe_slice raw);

/* False: the rule neither masks nor drops anything. Quick. */
bool guard_may_name(const struct sfe_card_guard *guard, struct sfe_slice raw);

/* True where a value's text is to be dropped. */
bool guard_drops(enum guard_form form, struct sfe_slice text);

/* True where digits are a card's because the member's name says so. */
bool guard_is_card_by_name(enum guard_form form, struct sfe_slice text);

/* True where digits are a sound GTIN, of a member whose name says so. */
bool guard_is_goods(enum guard_form form, struct sfe_slice text);

#endif
