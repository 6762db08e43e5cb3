#include "unit.h"

#include "base/crc32c_table.h"

static void each_entry_is_a_byte_followed_by_zero_bytes(void **state)
{
    (void)state;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (size_t zeros = 0; zeros < 8; zeros++) {
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0x82F63B78u : 0);
            }
            assert_int_equal(crc32c_table[zeros][byte], crc);
        }
    }
}

/* What a CPU without the instruction computes; the one here may have it. */
static void eight_bytes_by_table_are_eight_bytes_one_by_one(void **state)
{
    const uint8_t bytes[8] = {'1', '2', '3', '4', '5', '6', '7', '8'};
    uint32_t crc = UINT32_MAX;
    uint32_t sliced = 0;
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        uint8_t salted = i < 4 ? (uint8_t)(bytes[i] ^ 0xFFu) : bytes[i];
        sliced ^= crc32c_table[7 - i][salted];
        crc = crc >> 8 ^ crc32c_table[0][(crc ^ bytes[i]) & 0xFFu];
    }
    assert_int_equal(sliced, crc);
    assert_int_equal(~(crc >> 8 ^ crc32c_table[0][(crc ^ '9') & 0xFFu]), 0xE3069283u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_is_a_byte_followed_by_zero_bytes),
        cmocka_unit_test(eight_bytes_by_table_are_eight_bytes_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
