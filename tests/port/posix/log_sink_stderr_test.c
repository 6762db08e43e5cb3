#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/log_sink.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the sink writes for "changed state=up" on a pipe; `as_journal` names that pipe in the
 * environment. */
static void written_line(char *text, size_t capacity, int priority, bool as_journal)
{
    int ends[2];
    struct stat status;
    char name[64];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fstat(ends[1], &status), 0);
    (void)snprintf(name, sizeof(name), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino + (as_journal ? 0 : 1));
    assert_int_equal(setenv("JOURNAL_STREAM", name, 1), 0);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    sfe_log_sink_write(priority, "changed state=up", 16);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    ssize_t size = read(ends[0], text, capacity - 1);
    assert_true(size > 0);
    text[size] = '\0';
    (void)close(kept);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void line_for_the_journal_begins_with_its_priority(void **state)
{
    char text[128];
    (void)state;
    written_line(text, sizeof(text), 4, true);
    assert_string_equal(text, "<4>changed state=up\n");
}

static void line_for_people_begins_with_the_time(void **state)
{
    char text[128];
    (void)state;
    written_line(text, sizeof(text), 4, false);
    assert_int_equal(strlen(text), 24 + 1 + 16 + 1);
    assert_int_equal(text[10], 'T');
    assert_string_equal(text + 23, "Z changed state=up\n");
}

static void full_pipe_costs_the_line_and_not_the_thread(void **state)
{
    int ends[2];
    char byte = 'x';
    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], &byte, 1) == 1) {
    }
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    sfe_log_sink_write(6, "lost", 4);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_for_the_journal_begins_with_its_priority),
        cmocka_unit_test(line_for_people_begins_with_the_time),
        cmocka_unit_test(full_pipe_costs_the_line_and_not_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
