#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/card_number.h"

#include <stdio.h>

/* Requires that `text` becomes `wanted`, and that the quick look agrees. */
static void require_masked(enum sfe_card_text kind, const char *text, const char *wanted)
{
    char masked[512];
    struct sfe_builder out = sfe_builder_make(masked, sizeof(masked) - 1);
    struct sfe_card_found found = {0, 0};
    const bool changes = strcmp(text, wanted) != 0;

    sfe_card_add_masked(sfe_slice_text(text), kind, &out, &found);
    masked[out.size] = '\0';
    assert_string_equal(masked, wanted);
    assert_int_equal(found.numbers + found.tracks != 0, changes);
    assert_true(sfe_card_may_hold(sfe_slice_text(text)) || !changes);
}

static void mask(const char *text, const char *wanted)
{
    require_masked(SFE_CARD_TEXT_PLAIN, text, wanted);
}

static void stays(const char *text)
{
    mask(text, text);
    assert_false(sfe_card_may_hold(sfe_slice_text(text)));
}

static void cards_of_every_issuer_keep_their_last_four(void **state)
{
    (void)state;
    mask("4111111111111111", "************1111"); /* Visa */
    mask("4222222222222", "*********2222");       /* Visa, 13 */
    mask("5555555555554444", "************4444"); /* Mastercard */
    mask("2223003122003222", "************3222"); /* Mastercard, 2-series */
    mask("378282246310005", "***********0005");   /* American Express */
    mask("6011111111111117", "************1117"); /* Discover */
    mask("3530111333300000", "************0000"); /* JCB */
    mask("30569309025904", "**********5904");     /* Diners Club */
    mask("36227206271667", "**********1667");
    mask("6200000000000005", "************0005");       /* UnionPay */
    mask("6759649826438453", "************8453");       /* Maestro */
    mask("6304000000000000000", "***************0000"); /* Maestro, 19 */
}

static void groups_are_read_through_single_blanks_and_hyphens(void **state)
{
    (void)state;
    mask("4111 1111 1111 1111", "**** **** **** 1111");
    mask("4111-1111-1111-1111", "****-****-****-1111");
    mask("3782 822463 10005", "**** ****** *0005");
    mask("2026-11-24 4111 1111 1111 1111 12/27", "2026-11-24 **** **** **** 1111 12/27");
    stays("4111  1111  1111  1111");
    stays("41 11 11 11 11 11 11 11");
}

static void a_card_is_found_inside_free_text_and_csv(void **state)
{
    (void)state;
    mask("paid with 4111111111111111.", "paid with ************1111.");
    mask("Visa4111111111111111", "Visa************1111");
    mask("7;4111111111111111;EUR\n8;5555555555554444;EUR",
         "7;************1111;EUR\n8;************4444;EUR");
    mask("pos/4111111111111111/sale", "pos/************1111/sale");
}

static void a_card_behind_another_number_is_masked_as_well(void **state)
{
    (void)state;
    mask("63100111 1111 4111-1111 1111 1111", "******** **** ****-**** **** 1111");
    mask("63100111 11114111-1111 1111 1111", "******** ********-**** **** 1111");
    mask("4111 1111 1111 1111 5555555555554444", "**** **** **** 1111 ************4444");
}

static void escapes_do_not_hide_a_card(void **state)
{
    (void)state;
    mask("pan=4111%201111%201111%201111&x", "pan=****%20****%20****%201111&x");
    mask("pan%3D4111111111111111", "pan%3D************1111");
    mask("4111+1111+1111+1111", "****+****+****+1111");
    require_masked(SFE_CARD_TEXT_JSON_STRING, "\\u0034111111111111111", "************1111");
    require_masked(SFE_CARD_TEXT_JSON_STRING, "\\b4111111111111111", "\\b************1111");
    require_masked(SFE_CARD_TEXT_JSON_STRING, "\\\\4111111111111111", "\\\\************1111");
    /* No escape: its digit is a digit, and the number another one. */
    require_masked(SFE_CARD_TEXT_JSON_STRING, "\\34111111111111111", "\\34111111111111111");
}

static void tracks_are_taken_out(void **state)
{
    (void)state;
    mask("%B4111111111111111^DOE/JOHN^25121011000?", "*");
    mask(";4111111111111111=25121011000?", "*");
    mask("swipe ;4111111111111111=25121011000? done", "swipe * done");
    mask("4111111111111111D25121011000", "*");
}

static void what_only_looks_like_a_card_stays(void **state)
{
    (void)state;
    stays("4111111111111112");                             /* Check digit. */
    stays("1764000123456");                                /* Epoch, ms. */
    stays("1764000123455");                                /* The same, and right by Luhn. */
    stays("1764000123456789");                             /* us */
    stays("1764000123456789012");                          /* ns */
    stays("490154203237518");                              /* IMEI */
    stays("356938035643809");                              /* IMEI */
    stays("8944500102198304826");                          /* ICCID */
    stays("4006381333931");                                /* GTIN-13 */
    stays("04006381333931");                               /* GTIN-14 */
    stays("9007199254740993");                             /* 2^53 + 1 */
    stays("70b3d57ed0001234");                             /* EUI */
    stays("0.4111111111111111");                           /* A fraction. */
    stays("4111111111111111.5");                           /* A number with a point. */
    stays("3f0c2b1e-6a77-4d6e-9a1c-0b7d4111111111111111"); /* Hexadecimal. */
    stays("41111111111111111111");                         /* Twenty digits. */
    stays("+49 30 1234567 89");
    stays("2026-11-24T10:15:00.120+01:00");
}

static void a_gtin_that_is_right_by_luhn_too_is_no_card(void **state)
{
    char text[16];
    unsigned both = 0;

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        (void)snprintf(text, sizeof(text), "400638%07u", i);
        const uint8_t *digits = (const uint8_t *)text;
        unsigned sum = 0;
        for (size_t j = 0; j < 13; j++) {
            sum += (digits[j] - (unsigned)'0') * (j % 2 == 0 ? 1u : 3u);
        }
        if (sum % 10 == 0 && sfe_card_luhn_holds(digits, 13)) {
            stays(text);
            both++;
        }
    }
    assert_true(both > 0);
}

static void masking_in_place_shortens_nothing_else(void **state)
{
    char text[] = "bad value: 4111 1111 1111 1111 (PIN)";
    struct sfe_builder builder = {(uint8_t *)text, strlen(text), strlen(text), false};
    struct sfe_card_found found = {0, 0};

    (void)state;
    sfe_card_mask(&builder, &found);
    assert_int_equal(builder.size, strlen(text));
    assert_string_equal(text, "bad value: **** **** **** 1111 (PIN)");
    assert_int_equal(found.numbers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_of_every_issuer_keep_their_last_four),
        cmocka_unit_test(groups_are_read_through_single_blanks_and_hyphens),
        cmocka_unit_test(a_card_is_found_inside_free_text_and_csv),
        cmocka_unit_test(a_card_behind_another_number_is_masked_as_well),
        cmocka_unit_test(escapes_do_not_hide_a_card),
        cmocka_unit_test(tracks_are_taken_out),
        cmocka_unit_test(what_only_looks_like_a_card_stays),
        cmocka_unit_test(a_gtin_that_is_right_by_luhn_too_is_no_card),
        cmocka_unit_test(masking_in_place_shortens_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
