#include "fixture.h"

#include "flow/where_compile.h"

static struct sfe_where *where;
static uint32_t bad_node;

static enum sfe_code compile(const struct sfe_where_node *nodes, uint32_t count)
{
    return sfe_where_compile(nodes, count, fixture.arena, &where, &bad_node, &fixture.err);
}

static void a_mistake_names_its_node(void **state)
{
    static const struct sfe_where_node nodes[] = {{SFE_WHERE_ALL, 3, NULL, NULL},
                                                  {SFE_WHERE_EQ, 2, "/a", "1"},
                                                  {SFE_WHERE_MATCHES, 3, "/a", "\"(\""}};

    (void)state;
    assert_int_equal(compile(nodes, 3), SFE_E_CONFIG);
    assert_int_equal(bad_node, 2);
    assert_null(where);
}

static void an_operand_of_a_wrong_type_is_refused(void **state)
{
    static const struct sfe_where_node wrong[] = {
        {SFE_WHERE_GT, 1, "/a", "true"},  {SFE_WHERE_LT, 1, "/a", "null"},
        {SFE_WHERE_EQ, 1, "/a", "[]"},    {SFE_WHERE_MATCHES, 1, "/a", "5"},
        {SFE_WHERE_EXISTS, 1, "/a", "1"}, {SFE_WHERE_EQ, 1, "/a", "nothing"},
        {SFE_WHERE_EQ, 1, "a", "1"},      {SFE_WHERE_EQ, 1, "/a~2", "1"}};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(compile(&wrong[i], 1), SFE_E_CONFIG);
        assert_true(fixture.err.message[0] != '\0');
    }
}

static void neighbours_at_one_place_share_its_pointer(void **state)
{
    static const struct sfe_where_node nodes[] = {{SFE_WHERE_ANY, 4, NULL, NULL},
                                                  {SFE_WHERE_EQ, 2, "/a", "1"},
                                                  {SFE_WHERE_EQ, 3, "/a", "2"},
                                                  {SFE_WHERE_EQ, 4, "/b", "2"}};

    (void)state;
    assert_int_equal(compile(nodes, 4), SFE_OK);
    assert_ptr_equal(where->nodes[1].pointer, where->nodes[2].pointer);
    assert_ptr_not_equal(where->nodes[2].pointer, where->nodes[3].pointer);
    assert_int_equal(where->nodes[3].depth, 1);
}

static void without_memory_it_says_so(void **state)
{
    static const struct sfe_where_node node = {SFE_WHERE_MATCHES, 1, "/a", "\"a\""};
    struct sfe_arena *arena = NULL;

    (void)state;
    for (size_t bytes = 16; bytes < 8192; bytes += 256) {
        assert_int_equal(sfe_arena_open(bytes, &arena, &fixture.err), SFE_OK);
        assert_int_equal(sfe_where_compile(&node, 1, arena, &where, &bad_node, &fixture.err),
                         SFE_E_NO_MEMORY);
        assert_null(where);
        sfe_arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mistake_names_its_node),
        TEST(an_operand_of_a_wrong_type_is_refused),
        TEST(neighbours_at_one_place_share_its_pointer),
        TEST(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
