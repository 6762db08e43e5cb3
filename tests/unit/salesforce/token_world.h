/* Real cryptography, and flash in memory. */
#ifndef SFE_TESTS_TOKEN_WORLD_H
#define SFE_TESTS_TOKEN_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"
#include "unit/stream/memory_storage.h"

#include <string.h>

#define GIVEN "5Aep861TSESvWeug_first.of.all=="

struct token_world {
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    struct memory_storage *memory;
    struct sfe_error err;
};

static inline int token_world_open(void **state)
{
    struct token_world *world = test_calloc(1, sizeof(*world));

    sfe_posix_entropy(&world->entropy);
    assert_int_equal(sfe_mbedtls_crypto_open(&world->entropy, &world->crypto, &world->err), SFE_OK);
    world->memory = memory_storage_open(1);
    *state = world;
    return 0;
}

static inline int token_world_close(void **state)
{
    struct token_world *world = *state;

    sfe_mbedtls_crypto_close(&world->crypto);
    memory_storage_close(world->memory);
    test_free(world);
    return 0;
}

/* True where flash holds `text` anywhere. */
static inline bool token_world_shows(const struct token_world *world, const char *text)
{
    for (int i = 0; i < world->memory->inode_count; i++) {
        const struct memory_inode *inode = &world->memory->inodes[i];
        if (inode->seen_size >= strlen(text) &&
            memmem(inode->seen, inode->seen_size, text, strlen(text)) != NULL) {
            return true;
        }
    }
    return false;
}

#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, token_world_open, token_world_close)

#endif
