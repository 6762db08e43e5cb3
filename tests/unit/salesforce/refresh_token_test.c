#include "token_world.h"

#include "salesforce/refresh_token.h"

#define NEXT "5Aep861TSESvWeug_another=="

/* Opens in place, and loads. */
static enum sfe_code load(struct token_world *world, struct refresh_token *token, const char *given)
{
    assert_int_equal(refresh_token_open(token, sfe_slice_text(given), &world->crypto, &world->err),
                     SFE_OK);
    return refresh_token_load(token, &world->crypto, &world->memory->storage, &world->err);
}

static enum sfe_code save(struct token_world *world, struct refresh_token *token, const char *value)
{
    assert_int_equal(sfe_secret_set(&token->value, sfe_slice_text(value), &world->err), SFE_OK);
    return refresh_token_save(token, &world->crypto, &world->entropy, &world->memory->storage,
                              &world->err);
}

static void assert_value(const struct refresh_token *token, const char *text)
{
    assert_true(sfe_slice_equal(sfe_secret_reveal(&token->value), sfe_slice_text(text)));
}

static void without_a_file_the_operators_token_is_used(void **state)
{
    struct token_world *world = *state;
    struct refresh_token token;

    assert_int_equal(load(world, &token, GIVEN), SFE_OK);
    assert_value(&token, GIVEN);
    refresh_token_close(&token, &world->crypto);
}

static void what_was_saved_is_loaded_and_not_readable_on_flash(void **state)
{
    struct token_world *world = *state;
    struct refresh_token token;
    struct refresh_token again;

    assert_int_equal(load(world, &token, GIVEN), SFE_OK);
    assert_int_equal(save(world, &token, NEXT), SFE_OK);
    assert_int_equal(load(world, &again, GIVEN), SFE_OK);
    assert_value(&again, NEXT);
    assert_false(token_world_shows(world, NEXT));
    assert_false(token_world_shows(world, GIVEN));
    refresh_token_close(&token, &world->crypto);
    refresh_token_close(&again, &world->crypto);
}

static void each_token_of_the_operators_has_a_file_of_its_own(void **state)
{
    struct token_world *world = *state;
    struct refresh_token one;
    struct refresh_token other;

    assert_int_equal(load(world, &one, GIVEN), SFE_OK);
    assert_int_equal(load(world, &other, GIVEN "2"), SFE_OK);
    assert_string_not_equal(one.name, other.name);
    assert_null(strstr(one.name, "5Aep"));
    refresh_token_close(&one, &world->crypto);
    refresh_token_close(&other, &world->crypto);
}

static void every_flipped_bit_is_found(void **state)
{
    struct token_world *world = *state;
    struct refresh_token token;
    struct refresh_token again;

    assert_int_equal(load(world, &token, GIVEN), SFE_OK);
    assert_int_equal(save(world, &token, NEXT), SFE_OK);
    struct memory_inode *inode = memory_file(world->memory, token.name);
    for (size_t i = 0; i < inode->seen_size; i++) {
        inode->seen[i] ^= 0x10;
        assert_int_equal(load(world, &again, GIVEN), SFE_E_CORRUPT);
        assert_value(&again, GIVEN);
        inode->seen[i] ^= 0x10;
        refresh_token_close(&again, &world->crypto);
    }
    for (size_t size = 0; size < inode->seen_size; size++) {
        size_t whole = inode->seen_size;
        inode->seen_size = size;
        assert_int_equal(load(world, &again, GIVEN), SFE_E_CORRUPT);
        inode->seen_size = whole;
        refresh_token_close(&again, &world->crypto);
    }
    refresh_token_close(&token, &world->crypto);
}

/* A file of another family in this one's place does not open. */
static void a_file_belongs_to_its_token_alone(void **state)
{
    struct token_world *world = *state;
    struct refresh_token token;
    struct refresh_token other;

    assert_int_equal(load(world, &token, GIVEN), SFE_OK);
    assert_int_equal(save(world, &token, NEXT), SFE_OK);
    assert_int_equal(load(world, &other, GIVEN "2"), SFE_OK);
    assert_int_equal(
        world->memory->storage.rename(world->memory, token.name, other.name, &world->err), SFE_OK);
    refresh_token_close(&other, &world->crypto);
    assert_int_equal(load(world, &other, GIVEN "2"), SFE_E_CORRUPT);
    refresh_token_close(&token, &world->crypto);
    refresh_token_close(&other, &world->crypto);
}

/* Then the operator's token must not be used: the one on flash may be good. */
static void a_file_that_cannot_be_read_now_is_no_damage(void **state)
{
    struct token_world *world = *state;
    struct refresh_token token;
    struct refresh_token again;

    assert_int_equal(load(world, &token, GIVEN), SFE_OK);
    assert_int_equal(save(world, &token, NEXT), SFE_OK);
    memory_file(world->memory, token.name)->is_unreadable[0] = true;
    assert_int_equal(load(world, &again, GIVEN), SFE_E_STORAGE);
    refresh_token_close(&token, &world->crypto);
    refresh_token_close(&again, &world->crypto);
}

/* The power goes in every call of a save; over an older file, that is for the simulation. */
static void a_cut_leaves_the_old_one_or_the_new_one(void **state)
{
    struct token_world *world = *state;
    bool was_old = false;
    bool was_new = false;
    bool is_over = false;

    for (uint64_t cut = 1; !is_over; cut++) {
        struct refresh_token token;
        memory_storage_close(world->memory);
        world->memory = memory_storage_open(cut);
        assert_int_equal(load(world, &token, GIVEN), SFE_OK);
        world->memory->cut_at = world->memory->calls + cut;
        const bool is_saved = save(world, &token, NEXT) == SFE_OK;
        is_over = world->memory->calls < world->memory->cut_at;
        refresh_token_close(&token, &world->crypto);
        memory_restart(world->memory);
        assert_int_equal(load(world, &token, GIVEN), SFE_OK);
        if (sfe_slice_equal(sfe_secret_reveal(&token.value), SFE_TEXT(NEXT))) {
            was_new = true;
        } else {
            assert_false(is_saved);
            assert_value(&token, GIVEN);
            was_old = true;
        }
        refresh_token_close(&token, &world->crypto);
    }
    assert_true(was_old && was_new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(without_a_file_the_operators_token_is_used),
        TOKEN_TEST(what_was_saved_is_loaded_and_not_readable_on_flash),
        TOKEN_TEST(each_token_of_the_operators_has_a_file_of_its_own),
        TOKEN_TEST(every_flipped_bit_is_found),
        TOKEN_TEST(a_file_belongs_to_its_token_alone),
        TOKEN_TEST(a_file_that_cannot_be_read_now_is_no_damage),
        TOKEN_TEST(a_cut_leaves_the_old_one_or_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
