#include "input/card_guard_parts.h"

#include "base/card_number.h"
#include "base/json_reader.h"

/* Names as they are compared: lower case, without '_', '-' and blanks. */
static const struct known_name {
    const char *name;
    enum guard_form form;
} known_names[] = {
    {"cvv", GUARD_FORM_VERIFICATION}, {"cvv2", GUARD_FORM_VERIFICATION},
    {"cvc", GUARD_FORM_VERIFICATION}, {"cvc2", GUARD_FORM_VERIFICATION},
    {"cid", GUARD_FORM_VERIFICATION}, {"csc", GUARD_FORM_VERIFICATION},
    {"pin", GUARD_FORM_PIN},          {"pinblock", GUARD_FORM_BLOCK},
    {"ksn", GUARD_FORM_BLOCK},        {"track1", GUARD_FORM_TRACK},
    {"track2", GUARD_FORM_TRACK},     {"track1data", GUARD_FORM_TRACK},
    {"track2data", GUARD_FORM_TRACK}, {"pan", GUARD_FORM_CARD},
    {"cardnumber", GUARD_FORM_CARD},  {"gtin", GUARD_FORM_GOODS},
    {"ean", GUARD_FORM_GOODS},        {"upc", GUARD_FORM_GOODS},
    {"barcode", GUARD_FORM_GOODS},
};

/* The longest with its separators. */
#define KNOWN_BYTES_MAX 20u

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'f');
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_all(struct sfe_slice text, bool (*holds)(uint8_t byte))
{
    size_t i = 0;

    while (i < text.size && holds(text.bytes[i])) {
        i++;
    }
    return i == text.size;
}

static bool is_gap(uint8_t byte)
{
    return byte == '_' || byte == '-' || byte == ' ';
}

static bool is_known_as(struct sfe_slice raw, const char *name)
{
    size_t at = 0;

    for (;;) {
        while (at < raw.size && is_gap(raw.bytes[at])) {
            at++;
        }
        if (at == raw.size || *name == '\0') {
            return at == raw.size && *name == '\0';
        }
        uint8_t byte = raw.bytes[at++];
        byte = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20u) : byte;
        if (byte != (uint8_t)*name++) {
            return false;
        }
    }
}

static enum guard_form known_form(struct sfe_slice name)
{
    const uint8_t first = name.size == 0 ? 0 : name.bytes[0] | 0x20u;
    const bool has_gap = name.size != 0 && is_gap(name.bytes[0]);

    for (size_t i = 0; i < sizeof(known_names) / sizeof(known_names[0]); i++) {
        bool may_be = has_gap || first == (uint8_t)known_names[i].name[0];
        if (may_be && is_known_as(name, known_names[i].name)) {
            return known_names[i].form;
        }
    }
    return GUARD_FORM_NONE;
}

/* The reader checks escapes before it reads them; here nobody has. */
static bool escapes_are_sound(struct sfe_slice raw)
{
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] != '\\') {
            continue;
        }
        if (++i == raw.size) {
            return false;
        }
        for (size_t j = 1; raw.bytes[i] == 'u' && j <= 4; j++) {
            if (i + j >= raw.size || !is_hex(raw.bytes[i + j])) {
                return false;
            }
        }
    }
    return true;
}

struct guard_rule guard_rule_of(const struct sfe_card_guard *guard, struct sfe_slice raw)
{
    const bool is_escaped = raw.size != 0 && memchr(raw.bytes, '\\', raw.size) != NULL;
    const struct sfe_json_token token = {
        0, (uint32_t)raw.size, 1, SFE_JSON_STRING, is_escaped ? 1 : 0, 0};
    const struct sfe_json json = {raw, &token, 1};
    struct guard_rule rule = {GUARD_FORM_NONE, false};
    uint8_t memory[2 * KNOWN_BYTES_MAX];
    struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));

    if (is_escaped && !escapes_are_sound(raw)) {
        return rule; /* No JSON. */
    }
    for (uint32_t i = 0; !rule.is_named && i < guard->mask_count; i++) {
        rule.is_named = sfe_json_text_equal(&json, 0, sfe_slice_text(guard->mask[i]));
    }
    sfe_json_add_text(&json, 0, &plain);
    if (!plain.overflowed) {
        rule.form = known_form(sfe_builder_slice(&plain));
    }
    return rule;
}

/* The first letters of names with a form other than goods; "_", "-" and blank may come first. */
static bool may_be_known(struct sfe_slice raw)
{
    uint8_t first = raw.bytes[0] | 0x20u;

    return raw.size >= 3 && raw.size <= KNOWN_BYTES_MAX &&
           (first == 'c' || first == 'p' || first == 'k' || first == 't' || is_gap(raw.bytes[0])) &&
           known_form(raw) > GUARD_FORM_GOODS;
}

bool guard_may_name(const struct sfe_card_guard *guard, struct sfe_slice raw)
{
    if (raw.size == 0) {
        return false;
    }
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] == '\\') {
            return true;
        }
    }
    for (uint32_t i = 0; i < guard->mask_count; i++) {
        if (raw.bytes[0] == (uint8_t)guard->mask[i][0] &&
            sfe_slice_equal(raw, sfe_slice_text(guard->mask[i]))) {
            return true;
        }
    }
    return may_be_known(raw);
}

bool guard_drops(enum guard_form form, struct sfe_slice text)
{
    size_t low = form == GUARD_FORM_VERIFICATION ? 3 : (form == GUARD_FORM_PIN ? 4 : 14);
    size_t high = form == GUARD_FORM_VERIFICATION ? 4 : (form == GUARD_FORM_PIN ? 12 : 32);

    if (form == GUARD_FORM_TRACK) {
        return text.size != 0;
    }
    if (form < GUARD_FORM_VERIFICATION || text.size < low || text.size > high) {
        return false;
    }
    return form == GUARD_FORM_BLOCK ? is_all(text, is_hex) : is_all(text, is_digit);
}

bool guard_is_card_by_name(enum guard_form form, struct sfe_slice text)
{
    return form == GUARD_FORM_CARD && text.size >= 12 && text.size <= SFE_CARD_DIGITS_MAX &&
           is_all(text, is_digit) && sfe_card_luhn_holds(text.bytes, text.size);
}

/* GS1 General Specifications, 7.9: weights 3 and 1 from the right, the check digit apart. */
bool guard_is_goods(enum guard_form form, struct sfe_slice text)
{
    unsigned sum = 0;

    if (form != GUARD_FORM_GOODS || text.size < 8 || text.size > 14 || !is_all(text, is_digit)) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t digit = text.bytes[text.size - 1 - i];
        sum += (digit - (unsigned)'0') * (i % 2 == 0 ? 1u : 3u);
    }
    return sum % 10 == 0;
}
