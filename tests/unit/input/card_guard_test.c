#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/card_guard.h"

static const char *const names[] = {"card_number", "n\xC3\xBAmero"};

static struct sfe_card_guard_facts guard_with(struct sfe_card_guard guard, const char *text,
                                              const char *wanted)
{
    char memory[512];
    char shown[512];
    struct sfe_card_guard_facts facts = {0, 0, 0, 0};
    struct sfe_slice masked =
        sfe_card_guard_payload(&guard, sfe_slice_text(text), (uint8_t *)memory, &facts);

    assert_true(masked.size <= strlen(text));
    memcpy(shown, masked.bytes, masked.size);
    shown[masked.size] = '\0';
    assert_string_equal(shown, wanted);
    return facts;
}

static struct sfe_card_guard_facts becomes(const char *text, const char *wanted)
{
    return guard_with((struct sfe_card_guard){names, 2, true}, text, wanted);
}

static void stays(const char *text)
{
    struct sfe_card_guard_facts facts = becomes(text, text);

    assert_int_equal(facts.named + facts.numbers + facts.tracks + facts.authentication, 0);
}

static void named_members_keep_their_last_four_at_any_depth(void **state)
{
    (void)state;
    struct sfe_card_guard_facts facts =
        becomes("{\"card_number\":\"ABCD1234567\",\"t\":[{\"card_number\": \"12345\"}]}",
                "{\"card_number\":\"*******4567\",\"t\":[{\"card_number\": \"*2345\"}]}");
    assert_int_equal(facts.named, 2);
    becomes("{\"card_number\":\"1234\",\"b\":1}", "{\"card_number\":\"****\",\"b\":1}");
    becomes("{\"card_\\u006eumber\":\"123456\"}", "{\"card_\\u006eumber\":\"**3456\"}");
    becomes("{\"n\\u00famero\":\"123456\"}", "{\"n\\u00famero\":\"**3456\"}");
}

static void named_members_of_any_type_are_masked(void **state)
{
    (void)state;
    becomes("{\"card_number\":12345678}", "{\"card_number\":\"**5678\"}");
    becomes("{\"card_number\":123}", "{\"card_number\":\"*\"}");
    becomes("{\"card_number\":7}", "{\"card_number\":0}");
    becomes("{\"card_number\":true,\"b\":true}", "{\"card_number\":\"**\",\"b\":true}");
    stays("{\"card_number\":null}");
    stays("{\"card_number\":\"\"}");
    becomes("{\"card_number\":{\"a\":\"123456\",\"b\":[654321]},\"c\":\"123456\"}",
            "{\"card_number\":{\"a\":\"**3456\",\"b\":[\"4321\"]},\"c\":\"123456\"}");
    becomes("{\"card_number\":\"\\u00e912345\\n\"}", "{\"card_number\":\"***345*\"}");
}

static void authentication_data_become_null(void **state)
{
    (void)state;
    struct sfe_card_guard_facts facts =
        becomes("{\"cvv\":\"123\",\"PIN\":1234,\"pin_block\":\"0412AC89ABCDEF67\",\"id\":5}",
                "{\"cvv\":null,\"PIN\":null,\"pin_block\":null,\"id\":5}");
    assert_int_equal(facts.authentication, 3);
    becomes("{\"cvv2\":\"1234\"}", "{\"cvv2\":null}");
    becomes("{\"cvv\":123}", "{\"cvv\":\"\"}");
    becomes("{\"csc\":[\"123\",\"4567\"]}", "{\"csc\":[null,null]}");
    stays("{\"pin\":13,\"cid\":\"C-77\",\"ksn\":\"ok\"}");
}

static void tracks_become_null(void **state)
{
    (void)state;
    struct sfe_card_guard_facts facts =
        becomes("{\"raw\":\"%B4111111111111111^DOE/JOHN^2512101?\",\"track2\":\"abc\"}",
                "{\"raw\":null,\"track2\":null}");
    assert_int_equal(facts.tracks, 2);
    becomes("{\"card_number\":\";4111111111111111=25121010?\"}", "{\"card_number\":null}");
}

static void card_numbers_are_masked_wherever_they_stand(void **state)
{
    (void)state;
    struct sfe_card_guard_facts facts =
        becomes("{\"note\":\"paid 4111 1111 1111 1111\",\"x\":[5555555555554444]}",
                "{\"note\":\"paid **** **** **** 1111\",\"x\":[\"**********4444\"]}");
    assert_int_equal(facts.numbers, 2);
    becomes("{\"4111111111111111\":1}", "{\"************1111\":1}");
    becomes("4111111111111111", "\"**********1111\"");
    becomes("4111 1111 1111 1111", "**** **** **** 1111");
    becomes("{pan: 4111 1111 1111 1111}", "{pan: **** **** **** 1111}");
    becomes("id,4111111111111111,\"5\"", "id,************1111,\"5\"");
    becomes("{\"pan\":\"9999999999999995\"}", "{\"pan\":\"************9995\"}");
}

static void what_only_looks_like_a_card_stays(void **state)
{
    (void)state;
    stays("{\"ts\":1764000123455,\"imei\":\"490154203237518\",\"iccid\":\"8944500102198304826\"}");
    stays("{\"v\":-4111111111111111,\"w\":0.4111111111111111,\"e\":4111111111111111e3}");
    stays("{\"gtin\":\"30006381333935\",\"id\":\"r.0421.03.20261123.18233\",\"seq\":18233}");
    stays(
        "{\"id\":\"3f0c2b1e-6a77-4d6e-9a1c-0b7d0e4f2a11\",\"end\":\"2026-11-24T00:13:22+01:00\"}");
    stays("{\"rrn\":\"629410003344\",\"last4\":\"1111\",\"token\":\"tok_7Q\"}");
    stays("21.5");
    stays("");
}

static void without_card_guard_only_names_and_authentication_count(void **state)
{
    (void)state;
    guard_with((struct sfe_card_guard){names, 1, false},
               "{\"a\":\"4111111111111111\",\"card_number\":\"123456\",\"cvv\":\"123\"}",
               "{\"a\":\"4111111111111111\",\"card_number\":\"**3456\",\"cvv\":null}");
}

static void what_has_nothing_to_hide_is_not_copied(void **state)
{
    const struct sfe_card_guard guard = {names, 2, true};
    const struct sfe_card_guard off = {NULL, 0, false};
    struct sfe_slice clean = SFE_TEXT("{\"id\":\"press7\",\"ts\":1764000123456,\"state\":\"RUN\"}");
    struct sfe_slice card = SFE_TEXT("{\"a\":\"4111111111111111\"}");
    struct sfe_card_guard_facts facts = {0, 0, 0, 0};
    uint8_t memory[64];

    (void)state;
    assert_ptr_equal(sfe_card_guard_payload(&guard, clean, memory, &facts).bytes, clean.bytes);
    assert_ptr_equal(sfe_card_guard_payload(&off, card, memory, &facts).bytes, card.bytes);
    assert_int_equal(facts.numbers, 0);
}

static void a_topic_is_searched_as_text(void **state)
{
    const struct sfe_card_guard guard = {NULL, 0, true};
    struct sfe_card_guard_facts facts = {0, 0, 0, 0};
    uint8_t memory[64];

    (void)state;
    struct sfe_slice masked =
        sfe_card_guard_text(&guard, SFE_TEXT("pos/4111111111111111/sale"), memory, &facts);
    assert_true(sfe_slice_equal(masked, SFE_TEXT("pos/************1111/sale")));
    assert_int_equal(facts.numbers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_members_keep_their_last_four_at_any_depth),
        cmocka_unit_test(named_members_of_any_type_are_masked),
        cmocka_unit_test(authentication_data_become_null),
        cmocka_unit_test(tracks_become_null),
        cmocka_unit_test(card_numbers_are_masked_wherever_they_stand),
        cmocka_unit_test(what_only_looks_like_a_card_stays),
        cmocka_unit_test(without_card_guard_only_names_and_authentication_count),
        cmocka_unit_test(what_has_nothing_to_hide_is_not_copied),
        cmocka_unit_test(a_topic_is_searched_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
