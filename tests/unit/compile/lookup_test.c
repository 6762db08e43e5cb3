#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "flow/lookup.h"
#include "compile/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sfe_arena *arena;
static char path[] = "/tmp/sfedge-lookup-XXXXXX";

static int open_site(void **state)
{
    struct sfe_error err;

    (void)state;
    memcpy(path, "/tmp/sfedge-lookup-XXXXXX", sizeof(path));
    const int file = mkstemp(path);
    return file >= 0 && close(file) == 0 && sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0
                                                                                             : -1;
}

static int close_site(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return unlink(path);
}

static enum sfe_code compiled(const char *text, const struct sfe_lookup_table **lookup,
                              struct sfe_error *err)
{
    struct compiler compiler = {.arena = arena};
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return compile_lookup(&compiler, path, lookup, err);
}

static void a_table_takes_what_is_in_it_and_no_more(void **state)
{
    const struct sfe_lookup_table *lookup = NULL;
    struct sfe_error err;
    const size_t before = sfe_arena_taken(arena);

    (void)state;
    assert_int_equal(compiled("{\"C\":\"Celsius\"}", &lookup, &err), SFE_OK);
    const struct sfe_lookup_entry *entry = sfe_lookup_find(lookup, SFE_TEXT("C"));
    assert_non_null(entry);
    assert_true(sfe_slice_equal(entry->json, SFE_TEXT("\"Celsius\"")));
    assert_true(sfe_arena_taken(arena) - before < 1024);
}

static void another_content_has_another_digest(void **state)
{
    const struct sfe_lookup_table *first = NULL;
    const struct sfe_lookup_table *second = NULL;
    struct sfe_error err;

    (void)state;
    assert_int_equal(compiled("k,v\na,1\n", &first, &err), SFE_OK);
    assert_int_equal(compiled("k,v\na,2\n", &second, &err), SFE_OK);
    assert_true(first->digest != second->digest);
}

static void what_is_wrong_names_the_file(void **state)
{
    struct compiler compiler = {.arena = arena};
    const struct sfe_lookup_table *lookup = NULL;
    struct sfe_error err;

    (void)state;
    assert_int_equal(compiled("k,v\na\n", &lookup, &err), SFE_E_CONFIG);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "line 2"));
    assert_int_equal(compile_lookup(&compiler, "/nothing/there.csv", &lookup, &err), SFE_E_CONFIG);
    assert_null(lookup);
    assert_int_equal(compile_lookup(&compiler, NULL, &lookup, &err), SFE_OK);
    assert_null(lookup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_takes_what_is_in_it_and_no_more, open_site,
                                        close_site),
        cmocka_unit_test_setup_teardown(another_content_has_another_digest, open_site, close_site),
        cmocka_unit_test_setup_teardown(what_is_wrong_names_the_file, open_site, close_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
