#include "token_world.h"

#include "base/arena.h"
#include "salesforce/org.h"
#include "salesforce/refresh.h"

#define SECOND UINT64_C(1000000000)

struct kept {
    struct token_world *world;
    struct sfe_arena *arena;
    struct refresh *refresh;
    struct sfe_org_options options;
};

static enum sfe_code open_lines(struct kept *kept, struct token_world *world, const char *lines)
{
    *kept = (struct kept){.world = world};
    kept->options = (struct sfe_org_options){.name = "crm",
                                             .storage = &world->memory->storage,
                                             .entropy = &world->entropy,
                                             .crypto = &world->crypto};
    assert_int_equal(sfe_arena_open(refresh_memory_bytes(), &kept->arena, &world->err), SFE_OK);
    return refresh_open(sfe_slice_text(lines), &world->crypto, kept->arena, &kept->refresh,
                        &world->err);
}

static void close_lines(struct kept *kept)
{
    refresh_close(kept->refresh, &kept->world->crypto);
    sfe_arena_close(kept->arena);
}

static void assert_taken(struct kept *kept, const char *text)
{
    struct sfe_slice token;

    assert_int_equal(refresh_take(kept->refresh, &kept->options, &token, &kept->world->err),
                     SFE_OK);
    assert_true(sfe_slice_equal(token, sfe_slice_text(text)));
}

static void renew(struct kept *kept, const char *text)
{
    uint8_t memory[64];
    struct sfe_secret token = {memory, 0, sizeof(memory)};

    assert_int_equal(sfe_secret_set(&token, sfe_slice_text(text), &kept->world->err), SFE_OK);
    refresh_renew(kept->refresh, &token);
}

static uint64_t keep(struct kept *kept, uint64_t now_ns, bool *has_tried)
{
    return refresh_keep(kept->refresh, &kept->options, now_ns, has_tried, &kept->world->err);
}

static void lines_are_tokens_and_blanks_around_them_are_none(void **state)
{
    struct kept kept;

    assert_int_equal(open_lines(&kept, *state, "\n  5Aep.a \r\n\n\t5Aep.b"), SFE_OK);
    assert_int_equal(kept.refresh->count, 2);
    assert_taken(&kept, "5Aep.a");
    close_lines(&kept);
}

static void lines_that_are_no_tokens_are_refused_and_not_shown(void **state)
{
    static char longest[REFRESH_TOKEN_BYTES_MAX + 2];
    static const char *const wrong[] = {"", " \n\n", "5Aep a", "1\n2\n3\n4\n5\n6", "a\na", longest};
    struct token_world *world = *state;

    memset(longest, 'x', sizeof(longest) - 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct kept kept;
        assert_int_equal(open_lines(&kept, world, wrong[i]), SFE_E_CONFIG);
        assert_non_null(strstr(world->err.message, "auth.refresh_token"));
        assert_null(strstr(world->err.message, "5Aep"));
        close_lines(&kept);
    }
}

static void a_new_token_is_used_after_a_restart_once_it_was_kept(void **state)
{
    struct kept kept;
    struct kept again;
    bool has_tried = false;

    assert_int_equal(open_lines(&kept, *state, "5Aep.a"), SFE_OK);
    assert_taken(&kept, "5Aep.a");
    renew(&kept, "5Aep.a2");
    assert_true(atomic_load(&kept.refresh->is_keeping));
    assert_int_equal(keep(&kept, SECOND, &has_tried), UINT64_MAX);
    assert_true(has_tried);
    assert_false(atomic_load(&kept.refresh->is_keeping));
    assert_taken(&kept, "5Aep.a2");
    assert_int_equal(open_lines(&again, *state, "5Aep.a"), SFE_OK);
    assert_taken(&again, "5Aep.a2");
    close_lines(&kept);
    close_lines(&again);
}

static void an_org_that_does_not_rotate_costs_no_write(void **state)
{
    struct token_world *world = *state;
    struct kept kept;
    bool has_tried = true;

    assert_int_equal(open_lines(&kept, world, "5Aep.a"), SFE_OK);
    assert_taken(&kept, "5Aep.a");
    renew(&kept, "5Aep.a");
    assert_int_equal(keep(&kept, SECOND, &has_tried), UINT64_MAX);
    assert_false(has_tried);
    assert_int_equal(world->memory->calls, 0);
    close_lines(&kept);
}

static void a_write_that_fails_is_tried_again_in_10_seconds(void **state)
{
    struct token_world *world = *state;
    struct kept kept;
    bool has_tried = false;

    assert_int_equal(open_lines(&kept, world, "5Aep.a"), SFE_OK);
    assert_taken(&kept, "5Aep.a");
    renew(&kept, "5Aep.a2");
    world->memory->is_read_only = true;
    assert_int_equal(keep(&kept, SECOND, &has_tried), 11 * SECOND);
    assert_true(has_tried);
    assert_true(atomic_load(&kept.refresh->is_keeping) && atomic_load(&kept.refresh->has_failed));
    assert_int_equal(keep(&kept, 5 * SECOND, &has_tried), 11 * SECOND);
    assert_false(has_tried);
    world->memory->is_read_only = false;
    assert_int_equal(keep(&kept, 11 * SECOND, &has_tried), UINT64_MAX);
    assert_false(atomic_load(&kept.refresh->is_keeping));
    close_lines(&kept);
}

static void a_family_that_ended_gives_way_to_the_next(void **state)
{
    struct kept kept;

    assert_int_equal(open_lines(&kept, *state, "5Aep.a\n5Aep.b\n5Aep.c"), SFE_OK);
    assert_int_equal(refresh_left(kept.refresh), 3);
    assert_true(refresh_next(kept.refresh));
    assert_taken(&kept, "5Aep.b");
    refresh_worked(kept.refresh);
    assert_true(refresh_next(kept.refresh));
    assert_taken(&kept, "5Aep.c");
    assert_int_equal(refresh_left(kept.refresh), 1);
    close_lines(&kept);
}

static void when_all_have_ended_each_is_tried_in_turn(void **state)
{
    struct kept kept;

    assert_int_equal(open_lines(&kept, *state, "5Aep.a\n5Aep.b"), SFE_OK);
    assert_true(refresh_next(kept.refresh));
    assert_false(refresh_next(kept.refresh));
    assert_int_equal(refresh_left(kept.refresh), 0);
    assert_taken(&kept, "5Aep.a");
    assert_false(refresh_next(kept.refresh));
    assert_taken(&kept, "5Aep.b");
    refresh_worked(kept.refresh);
    assert_int_equal(refresh_left(kept.refresh), 1);
    close_lines(&kept);
}

static void without_flash_nobody_uses_a_token(void **state)
{
    struct kept kept;
    struct sfe_slice token;

    assert_int_equal(open_lines(&kept, *state, "5Aep.a"), SFE_OK);
    kept.options.storage = NULL;
    assert_int_equal(refresh_take(kept.refresh, &kept.options, &token, &kept.world->err),
                     SFE_E_NOT_READY);
    close_lines(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(lines_are_tokens_and_blanks_around_them_are_none),
        TOKEN_TEST(lines_that_are_no_tokens_are_refused_and_not_shown),
        TOKEN_TEST(a_new_token_is_used_after_a_restart_once_it_was_kept),
        TOKEN_TEST(an_org_that_does_not_rotate_costs_no_write),
        TOKEN_TEST(a_write_that_fails_is_tried_again_in_10_seconds),
        TOKEN_TEST(a_family_that_ended_gives_way_to_the_next),
        TOKEN_TEST(when_all_have_ended_each_is_tried_in_turn),
        TOKEN_TEST(without_flash_nobody_uses_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
