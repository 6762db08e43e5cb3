#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "output/answer_texts.h"

#include <string.h>

#define BYTES 4096u

struct world {
    struct sfe_arena *arena;
    struct answer_texts *texts;
    char text[2u * BYTES];
};

static int setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(answer_texts_memory_bytes(BYTES), &world->arena, &err), SFE_OK);
    world->texts = answer_texts_open(BYTES, world->arena, &err);
    assert_non_null(world->texts);
    for (size_t i = 0; i < sizeof(world->text); i++) {
        world->text[i] = (char)('a' + i % 23);
    }
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sfe_arena_close(world->arena);
    test_free(world);
    return 0;
}

static void assert_kept(struct world *world, uint32_t place, size_t begin, size_t size)
{
    uint8_t memory[2u * BYTES];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    answer_texts_add(world->texts, place, &out);
    assert_int_equal(out.size, size);
    assert_memory_equal(memory, world->text + begin, size);
}

static void a_text_of_any_length_comes_back_as_it_was(void **state)
{
    struct world *world = *state;

    for (size_t size = 1; size <= 300; size++) {
        uint32_t place = 0;
        assert_true(
            answer_texts_keep(world->texts, sfe_slice_make(world->text + size, size), &place));
        assert_kept(world, place, size, size);
        answer_texts_drop(world->texts, place);
    }
}

static void what_was_given_back_is_room_for_others(void **state)
{
    struct world *world = *state;
    uint32_t places[3];

    for (uint32_t round = 0; round < 100; round++) {
        const size_t size = BYTES / 3u - 200u + round;
        for (uint32_t i = 0; i < 3; i++) {
            assert_true(
                answer_texts_keep(world->texts, sfe_slice_make(world->text + i, size), &places[i]));
        }
        answer_texts_drop(world->texts, places[round % 3u]);
        assert_true(answer_texts_keep(world->texts, sfe_slice_make(world->text + 7, size),
                                      &places[round % 3u]));
        for (uint32_t i = 0; i < 3; i++) {
            assert_kept(world, places[i], i == round % 3u ? 7 : i, size);
        }
        for (uint32_t i = 0; i < 3; i++) {
            answer_texts_drop(world->texts, places[i]);
        }
    }
}

static void without_room_nothing_is_taken(void **state)
{
    struct world *world = *state;
    uint32_t first = 0;
    uint32_t other = 0;

    assert_false(answer_texts_keep(world->texts, sfe_slice_make(world->text, BYTES + 100), &first));
    assert_true(answer_texts_keep(world->texts, sfe_slice_make(world->text, BYTES - 10), &first));
    assert_false(answer_texts_keep(world->texts, sfe_slice_make(world->text, 200), &other));
    assert_kept(world, first, 0, BYTES - 10);
    answer_texts_drop(world->texts, first);
    assert_true(answer_texts_keep(world->texts, sfe_slice_make(world->text, 200), &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_of_any_length_comes_back_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_given_back_is_room_for_others, setup, teardown),
        cmocka_unit_test_setup_teardown(without_room_nothing_is_taken, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
