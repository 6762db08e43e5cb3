#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Puts `text` where standard input reads from. */
static void give(const char *text)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(ends[0]), 0);
}

static void input_is_read_to_its_end(void **state)
{
    uint8_t memory[16];
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    (void)state;
    give("one\ntwo");
    assert_int_equal(sfe_process_read_input(&content, &err), SFE_OK);
    assert_true(sfe_slice_equal(sfe_builder_slice(&content), SFE_TEXT("one\ntwo")));
}

static void input_that_does_not_fit_is_too_large(void **state)
{
    uint8_t memory[4];
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    (void)state;
    give("12345");
    assert_int_equal(sfe_process_read_input(&content, &err), SFE_E_TOO_LARGE);
    content = sfe_builder_make(memory, sizeof(memory));
    give("1234");
    assert_int_equal(sfe_process_read_input(&content, &err), SFE_OK);
}

static void lines_come_one_by_one_without_their_ends(void **state)
{
    uint8_t memory[16];
    struct sfe_builder line = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    give("one\r\n\nlast");
    assert_true(sfe_process_read_line(&line));
    assert_true(sfe_slice_equal(sfe_builder_slice(&line), SFE_TEXT("one")));
    sfe_builder_rewind(&line, 0);
    assert_true(sfe_process_read_line(&line));
    assert_int_equal(line.size, 0);
    assert_true(sfe_process_read_line(&line));
    assert_true(sfe_slice_equal(sfe_builder_slice(&line), SFE_TEXT("last")));
    sfe_builder_rewind(&line, 0);
    assert_false(sfe_process_read_line(&line));
}

static void a_line_that_does_not_fit_is_none(void **state)
{
    uint8_t memory[4];
    struct sfe_builder line = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    give("12345\n");
    assert_false(sfe_process_read_line(&line));
}

static void a_file_is_created_once_and_never_replaced(void **state)
{
    char folder[] = "/tmp/sfedge-input-XXXXXX";
    char path[64];
    uint8_t memory[16];
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(snprintf(path, sizeof(path), "%s/new.json", folder) > 0);
    assert_int_equal(sfe_process_create_file(path, SFE_TEXT("first"), &err), SFE_OK);
    assert_int_equal(sfe_process_create_file(path, SFE_TEXT("second"), &err), SFE_E_REFUSED);
    assert_int_equal(sfe_process_read_file(path, &content, &err), SFE_OK);
    assert_true(sfe_slice_equal(sfe_builder_slice(&content), SFE_TEXT("first")));
    assert_int_equal(sfe_process_remove_file(path, &err), SFE_OK);
    assert_int_equal(sfe_process_remove_file(path, &err), SFE_E_NOT_FOUND);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(sfe_process_create_file(path, SFE_TEXT("x"), &err), SFE_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_is_read_to_its_end),
        cmocka_unit_test(input_that_does_not_fit_is_too_large),
        cmocka_unit_test(lines_come_one_by_one_without_their_ends),
        cmocka_unit_test(a_line_that_does_not_fit_is_none),
        cmocka_unit_test(a_file_is_created_once_and_never_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
