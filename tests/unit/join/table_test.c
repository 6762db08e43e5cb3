#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "join/table.h"

#define ITEMS 20u

static struct sfe_arena *arena;
static struct join_table table;
static struct sfe_error err;

static int setup(void **state)
{
    (void)state;
    assert_int_equal(sfe_arena_open(join_table_memory_bytes(ITEMS), &arena, &err), SFE_OK);
    assert_int_equal(join_table_open(&table, ITEMS, arena, &err), SFE_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

/* The first 4 bytes are alike for every 4th: they share a place. */
static struct sfe_hash128 key_of(uint32_t number)
{
    struct sfe_hash128 key = {{0}};

    key.bytes[0] = (uint8_t)(number % 4u);
    key.bytes[15] = (uint8_t)number;
    return key;
}

static void items_are_found_by_their_keys_and_walked_as_they_came(void **state)
{
    uint64_t sequence = 0;

    (void)state;
    for (uint32_t i = 0; i < ITEMS; i++) {
        const struct sfe_hash128 key = key_of(i);
        (void)join_table_add(&table, &key, 100u + i);
    }
    assert_true(join_table_is_full(&table));
    for (uint32_t i = 0; i < ITEMS; i += 3) {
        const struct sfe_hash128 key = key_of(i);
        struct join_item *item = join_table_find(&table, &key);
        assert_int_equal(item->sequence, 100u + i);
        assert_null(join_table_find_next(&table, item));
        join_table_remove(&table, item);
        assert_null(join_table_find(&table, &key));
    }
    for (const struct join_item *item = join_table_front(&table); item != NULL;
         item = join_table_next(&table, item)) {
        assert_true(item->sequence > sequence && (item->sequence - 100u) % 3u != 0);
        sequence = item->sequence;
    }
    assert_int_equal(sequence, 119);
}

static void several_of_one_key_are_all_found(void **state)
{
    const struct sfe_hash128 key = key_of(1);
    const struct sfe_hash128 neighbour = key_of(5);
    uint64_t sum = 0;

    (void)state;
    (void)join_table_add(&table, &key, 1);
    (void)join_table_add(&table, &neighbour, 10);
    (void)join_table_add(&table, &key, 100);
    for (const struct join_item *item = join_table_find(&table, &key); item != NULL;
         item = join_table_find_next(&table, item)) {
        sum += item->sequence;
    }
    assert_int_equal(sum, 101);
}

static void room_is_given_again_for_ever(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        const struct sfe_hash128 key = key_of(i % 200u);
        const struct join_item *item = join_table_add(&table, &key, i);
        assert_false(item->is_decided || item->is_due || item->is_settled);
        if (join_table_is_full(&table)) {
            join_table_front(&table)->is_decided = true;
            join_table_remove(&table, join_table_front(&table));
        }
    }
    assert_int_equal(table.count, ITEMS - 1u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_are_found_by_their_keys_and_walked_as_they_came,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(several_of_one_key_are_all_found, setup, teardown),
        cmocka_unit_test_setup_teardown(room_is_given_again_for_ever, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
