#include "unit.h"

#include "base/crc32c.h"

/* Bit by bit, as the polynomial says. */
static uint32_t reference(uint32_t crc, struct sfe_slice slice)
{
    crc = ~crc;
    for (size_t i = 0; i < slice.size; i++) {
        crc ^= slice.bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0x82F63B78u : 0);
        }
    }
    return ~crc;
}

/* The examples of RFC 3720, B.4. */
static void known_sums_are_met(void **state)
{
    uint8_t bytes[32];
    (void)state;
    assert_int_equal(sfe_crc32c(0, SFE_TEXT("123456789")), 0xE3069283u);
    assert_int_equal(sfe_crc32c(0, sfe_slice_text(NULL)), 0);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(sfe_crc32c(0, sfe_slice_make(bytes, 32)), 0x8A9136AAu);
    memset(bytes, 0xFF, sizeof(bytes));
    assert_int_equal(sfe_crc32c(0, sfe_slice_make(bytes, 32)), 0x62A8AB43u);
    for (size_t i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(sfe_crc32c(0, sfe_slice_make(bytes, 32)), 0x46DD794Eu);
}

static void every_size_and_start_agrees_with_the_polynomial(void **state)
{
    uint8_t bytes[128];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 151u + 7u);
    }
    for (size_t begin = 0; begin < 9; begin++) {
        for (size_t size = 0; size < 100; size++) {
            struct sfe_slice slice = sfe_slice_make(bytes + begin, size);
            assert_int_equal(sfe_crc32c(0x12345678u, slice), reference(0x12345678u, slice));
        }
    }
}

static void a_sum_can_be_continued(void **state)
{
    struct sfe_slice whole = SFE_TEXT("one part and another part of it");
    (void)state;
    for (size_t cut = 0; cut <= whole.size; cut++) {
        uint32_t crc = sfe_crc32c(7, sfe_slice_part(whole, 0, cut));
        crc = sfe_crc32c(crc, sfe_slice_part(whole, cut, whole.size));
        assert_int_equal(crc, sfe_crc32c(7, whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sums_are_met),
        cmocka_unit_test(every_size_and_start_agrees_with_the_polynomial),
        cmocka_unit_test(a_sum_can_be_continued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
