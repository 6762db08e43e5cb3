#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "real_platform.h"
#include "compile/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"

static char root[64];
static char paths[3][80];
static struct sfe_arena *arena;
static struct sfe_compiled compiled;
static struct sfe_error mistakes[8];
static uint32_t mistake_count;

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    assert_true(mistake_count < 8);
    mistakes[mistake_count++] = *mistake;
}

static int begin(void **state)
{
    struct sfe_error err;

    (void)state;
    mistake_count = 0;
    compiled = (struct sfe_compiled){0};
    (void)snprintf(root, sizeof(root), "/tmp/sfedge-keys-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return 1;
    }
    for (int i = 0; i < 3; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/key%d", root, i);
    }
    return sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    for (int i = 0; i < 3; i++) {
        (void)unlink(paths[i]);
    }
    return rmdir(root);
}

static void put(int index, const void *bytes, size_t size)
{
    FILE *file = fopen(paths[index], "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(paths[index], 0600), 0);
}

/* A stream with the key of the first file, and the old ones of the others. */
static enum sfe_code compile(uint32_t old_count)
{
    static struct sfe_config_stream stream;
    static struct sfe_config config;
    static const char *const old[] = {paths[1], paths[2]};
    struct sfe_error err;

    stream = (struct sfe_config_stream){.name = "sales",
                                        .encrypt = true,
                                        .encrypt_key_file = paths[0],
                                        .encrypt_old_key_files = old,
                                        .encrypt_old_key_count = old_count};
    config = (struct sfe_config){.path = "sfedge.json", .streams = &stream, .stream_count = 1};
    compiled = (struct sfe_compiled){0};
    return sfe_compile_keys(&config, arena, report, NULL, &compiled, &err);
}

static void a_key_is_32_bytes_or_64_digits_in_any_case(void **state)
{
    static const uint8_t bytes[SFE_AEAD_KEY_BYTES] = {
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
        0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
        0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

    (void)state;
    put(0, bytes, sizeof(bytes));
    put(1, HEX, 64);
    put(2, HEX "\r\n", 66);
    assert_int_equal(compile(2), SFE_OK);
    assert_int_equal(compiled.streams[0].key_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_memory_equal(compiled.streams[0].keys[i], bytes, sizeof(bytes));
    }
}

static void raw_bytes_that_end_like_a_line_are_a_key(void **state)
{
    uint8_t bytes[SFE_AEAD_KEY_BYTES];

    (void)state;
    memset(bytes, '\n', sizeof(bytes));
    put(0, bytes, sizeof(bytes));
    assert_int_equal(compile(0), SFE_OK);
    assert_memory_equal(compiled.streams[0].keys[0], bytes, sizeof(bytes));
}

static void the_present_key_comes_first(void **state)
{
    uint8_t bytes[SFE_AEAD_KEY_BYTES];

    (void)state;
    for (int i = 0; i < 3; i++) {
        memset(bytes, 0x60 + i, sizeof(bytes));
        put(i, bytes, sizeof(bytes));
    }
    assert_int_equal(compile(2), SFE_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(compiled.streams[0].keys[i][0], 0x60 + i);
    }
}

static void what_is_no_key_is_told_and_not_shown(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {{HEX, 63},
                 {HEX "0", 65},
                 {HEX " ", 65},
                 {HEX HEX, 128},
                 {"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64},
                 {"", 0},
                 {HEX, 31},
                 {HEX, 33}};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        put(0, wrong[i].bytes, wrong[i].size);
        mistake_count = 0;
        assert_int_equal(compile(0), SFE_E_CONFIG);
        assert_int_equal(mistake_count, 1);
        assert_non_null(strstr(mistakes[0].message, "32 bytes or 64 hexadecimal digits"));
        assert_non_null(strstr(mistakes[0].message, "sales"));
        assert_null(strstr(mistakes[0].message, "44556677"));
        assert_int_equal(compiled.streams[0].key_count, 0);
    }
}

static void a_missing_file_and_one_that_all_can_read_are_told_and_the_others_are_had(void **state)
{
    uint8_t bytes[SFE_AEAD_KEY_BYTES] = {0x77};

    (void)state;
    put(1, bytes, sizeof(bytes));
    put(2, bytes, sizeof(bytes));
    assert_int_equal(chmod(paths[2], 0644), 0);
    assert_int_equal(compile(2), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 2);
    assert_non_null(strstr(mistakes[0].message, paths[0]));
    assert_non_null(strstr(mistakes[1].message, "chmod"));
    assert_int_equal(compiled.streams[0].key_count, 1);
    assert_int_equal(compiled.streams[0].keys[0][0], 0x77);
}

static void wiping_leaves_no_key_and_all_else(void **state)
{
    static const uint8_t none[SFE_AEAD_KEY_BYTES];

    (void)state;
    put(0, HEX, 64);
    assert_int_equal(compile(0), SFE_OK);
    compiled.streams[0].thin_key = (struct sfe_template *)&compiled;
    sfe_compiled_wipe(&compiled);
    assert_memory_equal(compiled.streams[0].keys[0], none, sizeof(none));
    assert_int_equal(compiled.streams[0].key_count, 0);
    assert_ptr_equal(compiled.streams[0].thin_key, &compiled); /* It is no secret, and in use. */
}

static void opened_keys_are_those_of_the_files(void **state)
{
    struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX];
    uint8_t id[2][SFE_AEAD_ID_BYTES];
    uint8_t bytes[SFE_AEAD_KEY_BYTES] = {0x77};
    struct sfe_crypto crypto;
    struct sfe_error err;
    uint32_t count = 0;

    (void)state;
    sfe_mbedtls_aead(&crypto);
    put(0, HEX, 64);
    put(1, bytes, sizeof(bytes));
    assert_int_equal(compile(1), SFE_OK);
    assert_int_equal(sfe_compiled_open_keys(&compiled.streams[0], &crypto, keys, &count, &err),
                     SFE_OK);
    assert_int_equal(count, 2);
    crypto.aead_id(NULL, keys[0], id[0]);
    crypto.aead_id(NULL, keys[1], id[1]);
    assert_memory_not_equal(id[0], id[1], sizeof(id[0]));
    crypto.aead_close(NULL, keys[0]);
    crypto.aead_close(NULL, keys[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_32_bytes_or_64_digits_in_any_case),
        TEST(raw_bytes_that_end_like_a_line_are_a_key),
        TEST(the_present_key_comes_first),
        TEST(what_is_no_key_is_told_and_not_shown),
        TEST(a_missing_file_and_one_that_all_can_read_are_told_and_the_others_are_had),
        TEST(wiping_leaves_no_key_and_all_else),
        TEST(opened_keys_are_those_of_the_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
