#include "unit.h"

#include "base/hash.h"

static void assert_hash(const struct sfe_slice *parts, size_t count, const char *expected)
{
    uint8_t memory[32];
    struct sfe_builder hex = sfe_builder_make(memory, sizeof(memory));
    struct sfe_hash128 hash = sfe_hash128(parts, count);
    sfe_builder_add_hex(&hex, sfe_slice_make(hash.bytes, sizeof(hash.bytes)));
    assert_built(&hex, expected);
}

/* The vectors published with SipHash-2-4: key 00 01 ... 0f, input 00 01 02 ... */
static void the_64_bit_form_meets_the_published_vectors(void **state)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {{0, 0x726fdb47dd0e0e31u},  {1, 0x74f839c593dc67fdu}, {2, 0x0d6c8009d9a94f5au},
                   {3, 0x85676696d7fb7e2du},  {7, 0xab0200f58b01d137u}, {8, 0x93f5f5799a932462u},
                   {15, 0xa129ca6149be45e5u}, {63, 0x958a324ceb064572u}};
    uint8_t input[64];
    (void)state;
    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        struct sfe_slice slice = sfe_slice_make(input, vectors[i].size);
        assert_true(sfe_hash64(0x0706050403020100u, slice) == vectors[i].hash);
    }
}

/* Computed by another implementation of SipHash-2-4-128. They are part of the stored format. */
static void the_128_bit_form_never_changes(void **state)
{
    uint8_t input[256];
    struct sfe_slice parts[3] = {{NULL, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = (uint8_t)i;
    }
    assert_hash(parts, 0, "7dd67a019f40a0cbc3c853871d9c5100");
    assert_hash(parts, 1, "a0c0c23fcbd16c9cc9cf1ff44e48b3f8");
    parts[0] = sfe_slice_make(input, 5);
    parts[1] = sfe_slice_make(input + 5, 8);
    parts[2] = sfe_slice_make(input + 13, 13);
    assert_hash(parts, 3, "947af31bf1069e0116ce1e1d73f57a6d");
    parts[0] = sfe_slice_make(input, 256);
    assert_hash(parts, 1, "c0d9ecfda04c6d2f3f382fd112cc26a4");
}

static void where_one_part_ends_matters(void **state)
{
    const struct sfe_slice left[] = {SFE_TEXT("a"), SFE_TEXT("bc")};
    const struct sfe_slice right[] = {SFE_TEXT("ab"), SFE_TEXT("c")};
    (void)state;
    assert_hash(left, 2, "e85d59c0d4f63f2a7536b5be48d1c774");
    assert_hash(right, 2, "68b72b7255b8c9f8c4b42a2889f6e80b");
}

static void the_caseless_form_folds_letters_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t as_is[11];
        uint8_t folded[11];
        bool is_upper = i >= 'A' && i <= 'Z';
        for (size_t j = 0; j < sizeof(as_is); j++) { /* Both in a word and behind it. */
            as_is[j] = (uint8_t)(i + (j % 2 == 0 ? 0 : 128u));
            bool is_letter = as_is[j] >= 'A' && as_is[j] <= 'Z';
            folded[j] = (uint8_t)(as_is[j] + (is_letter ? 32 : 0));
        }
        struct sfe_slice slice = sfe_slice_make(as_is, sizeof(as_is));
        assert_true(sfe_hash64_caseless(5, slice) ==
                    sfe_hash64(5, sfe_slice_make(folded, sizeof(folded))));
        if (is_upper) {
            assert_true(sfe_hash64_caseless(5, slice) != sfe_hash64(5, slice));
        }
    }
}

static void the_seed_matters(void **state)
{
    (void)state;
    assert_true(sfe_hash64(1, SFE_TEXT("x")) != sfe_hash64(2, SFE_TEXT("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_64_bit_form_meets_the_published_vectors),
        cmocka_unit_test(the_128_bit_form_never_changes),
        cmocka_unit_test(where_one_part_ends_matters),
        cmocka_unit_test(the_caseless_form_folds_letters_and_nothing_else),
        cmocka_unit_test(the_seed_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
