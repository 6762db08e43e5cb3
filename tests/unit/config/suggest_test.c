#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/edit_distance.h"
#include "config/suggest.h"

static uint32_t distance(const char *a, const char *b)
{
    return sfe_edit_distance(sfe_slice_text(a), sfe_slice_text(b));
}

static void assert_suggested(const char *word, const char *wanted)
{
    static const char *const names[] = {"quota",   "when_full", "linger",
                                        "segment", "priority",  "id"};
    struct suggest suggest = suggest_make(sfe_slice_text(word));

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        suggest_offer(&suggest, sfe_slice_text(names[i]));
    }
    assert_int_equal(suggest.best.size, strlen(wanted));
    assert_memory_equal(suggest.best.bytes, wanted, suggest.best.size);
}

static void each_edit_counts_one(void **state)
{
    (void)state;
    assert_int_equal(distance("quota", "quota"), 0);
    assert_int_equal(distance("quota", "qouta"), 1);
    assert_int_equal(distance("quota", "quot"), 1);
    assert_int_equal(distance("quota", "quotas"), 1);
    assert_int_equal(distance("quota", "quora"), 1);
    assert_int_equal(distance("QUOTA", "quota"), 0);
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("", ""), 0);
}

static void words_beyond_the_bound_have_no_distance(void **state)
{
    char word[SFE_EDIT_DISTANCE_BYTES_MAX + 2];

    (void)state;
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_true(distance(word, "a") == UINT32_MAX);
    assert_true(distance("a", word) == UINT32_MAX);
    word[SFE_EDIT_DISTANCE_BYTES_MAX] = '\0';
    assert_int_equal(distance(word, "a"), SFE_EDIT_DISTANCE_BYTES_MAX - 1);
}

static void the_nearest_name_is_suggested(void **state)
{
    (void)state;
    assert_suggested("qouta", "quota");
    assert_suggested("whenfull", "when_full");
    assert_suggested("When-Full", "when_full");
    assert_suggested("segmnet", "segment");
    assert_suggested("di", "id");
}

static void nothing_is_suggested_for_a_word_that_is_like_none(void **state)
{
    (void)state;
    assert_suggested("colour", "");
    assert_suggested("x", "");
    assert_suggested("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_edit_counts_one),
        cmocka_unit_test(words_beyond_the_bound_have_no_distance),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(nothing_is_suggested_for_a_word_that_is_like_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
