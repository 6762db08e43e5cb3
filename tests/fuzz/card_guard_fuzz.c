/* Any bytes as a payload and as a topic: what comes out is no longer, is JSON where it was, and
 * holds no card number that is found again, unless a track was taken out. */
#include "base/card_number.h"
#include "base/json_reader.h"
#include "input/card_guard.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES_MAX  8192u
#define TOKENS_MAX 8192u

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static bool is_json(struct sfe_slice text)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_json json;
    struct sfe_error err;

    return sfe_json_parse(text, 0, tokens, TOKENS_MAX, &json, &err) == SFE_OK;
}

static void require_text(const struct sfe_card_guard *guard, struct sfe_slice text)
{
    static uint8_t memory[BYTES_MAX];
    static uint8_t again[BYTES_MAX];
    struct sfe_card_guard_facts facts = {0, 0, 0, 0};
    struct sfe_card_guard_facts found = {0, 0, 0, 0};
    struct sfe_slice masked = sfe_card_guard_text(guard, text, memory, &facts);

    REQUIRE(masked.size <= text.size);
    (void)sfe_card_guard_text(guard, masked, again, &found);
    /* Beside a track that went a number may stand alone that did not before. */
    REQUIRE(found.numbers == 0 || facts.tracks != 0);
}

static void require_payload(const struct sfe_card_guard *guard, struct sfe_slice payload)
{
    static uint8_t memory[BYTES_MAX];
    struct sfe_card_guard_facts facts = {0, 0, 0, 0};
    struct sfe_slice masked = sfe_card_guard_payload(guard, payload, memory, &facts);
    uint64_t changes = facts.named + facts.numbers + facts.tracks + facts.authentication;

    REQUIRE(masked.size <= payload.size);
    REQUIRE(changes != 0 || sfe_slice_equal(masked, payload));
    REQUIRE(!is_json(payload) || is_json(masked));
}

/* What the quick look denies, the long one does not find. */
static void require_quick_look(struct sfe_slice text)
{
    static uint8_t memory[BYTES_MAX];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_card_found found = {0, 0};

    sfe_card_add_masked(text, SFE_CARD_TEXT_JSON_STRING, &out, &found);
    REQUIRE(!out.overflowed && out.size <= text.size);
    REQUIRE(found.numbers + found.tracks == 0 || sfe_card_may_hold(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"card_number", "pin", "a"};
    static const struct sfe_card_guard guards[] = {
        {names, 3, true}, {names, 3, false}, {NULL, 0, true}, {NULL, 0, false}};
    const struct sfe_slice text = sfe_slice_make(data, size < BYTES_MAX ? size : BYTES_MAX);

    for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
        require_payload(&guards[i], text);
        require_text(&guards[i], text);
    }
    require_quick_look(text);
    return 0;
}
